"""Faults that affect a whole workspace or depend on time; network faults are in test_network_lost.py."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly import InstantlyAPIError
from tap_instantly.client import rate_limit
from tap_instantly.workspaces import ABANDON_AFTER, ABANDON_ANSWERING_AFTER, Workspaces
from tests.conftest import UNTIL
from tests.reliability.conftest import BROKEN, SOUND, Agency
from tests.reliability.table import GIVES_UP, LIST, OBJECT, RUNS, SCAN, SORTED, TAKES
from tests.reliability.test_access_lost import IN_MID_RUN
from tests.reliability.test_network_lost import GONE_MIDWAY, NETWORK
from tests.support import run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAILS_INTERVAL, EMAILS_PAUSE, RECOVERY = (
    rate_limit.EMAILS_INTERVAL,
    rate_limit.EMAILS_PAUSE_AFTER_429,
    rate_limit.RECOVERY_SECONDS,
)
"""The real values, not the short ones of other tests."""

IN_A_ROW = "three endpoints of a workspace that fail in a row, with the workspace as such"
WHO = "/api/v2/workspaces/current"
FOR_HOURS = "e-mails at 20 requests a minute, for hours"


def test_every_documented_run_has_a_test() -> None:
    assert RUNS.keys() == NETWORK.keys() | {GONE_MIDWAY, IN_A_ROW, IN_MID_RUN, FOR_HOURS}


# A whole workspace


def fail(agency: Agency, *paths: str, workspace: str = BROKEN) -> None:
    for path in paths:
        agency.server.control.within(workspace).fault(f"/api/v2{path}", "status", status=400, count=None)


def fall_silent(agency: Agency) -> None:
    """Let the broken workspace identify itself only once, at the start of a run."""
    agency.server.control.within(BROKEN).fault(WHO, "status", status=500, after=1, count=None)


def test_workspace_is_abandoned_after_three_failing_endpoints_in_a_row(
    agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    fail(agency, LIST.path, SORTED.path, SCAN.path)
    fall_silent(agency)
    streams = ("campaigns", "emails", "leads", "workspaces")
    run = agency.run(*streams, state=agency.state_of(LIST))
    assert run.exit_code == RUNS[IN_A_ROW].exit_code == GIVES_UP.exit_code
    broken, sound = agency.id_of(BROKEN), agency.id_of(SOUND)
    assert not any(run.keys(kind, broken) for kind in (LIST, SCAN, SORTED, OBJECT))
    assert all(run.keys(kind, sound) == agency.truth(kind, SOUND) for kind in (LIST, SCAN, SORTED, OBJECT))
    assert run.bookmark(LIST, broken) == "2020-01-01T00:00:00.000Z"
    assert f"Workspace {BROKEN} abandoned for this run" in caplog.text
    assert f"campaigns ({BROKEN}: bad request)" in str(run.error)
    assert f"workspace {BROKEN}" in str(run.error)
    agency.server.control.clear_faults()
    again = agency.run(*streams, state=run.state)
    assert again.exit_code == 0
    assert all(again.keys(kind, broken) == agency.truth(kind, BROKEN) for kind in (LIST, SCAN, SORTED, OBJECT))


@pytest.mark.parametrize(
    ("streams", "paths"),
    [
        (("campaigns", "custom_tags", "emails", "leads"), (LIST.path, SORTED.path, SCAN.path)),
        (("campaigns", "emails", "leads"), (LIST.path, SORTED.path, SCAN.path)),
        (
            ("lead_list_verification_stats", "lead_lists", "supersearch_enrichment_history", "supersearch_enrichments"),
            ("/lead-lists",),
        ),
    ],
    ids=[
        "a stream between that was read",
        "three endpoints while it answers otherwise",
        "one list of parents that many streams need",
    ],
)
def test_workspace_is_not_abandoned_for(agency: Agency, streams: tuple[str, ...], paths: tuple[str, ...]) -> None:
    fail(agency, *paths)
    run = agency.run(*streams, "workspaces", state={})
    assert run.exit_code == 3
    assert run.keys(OBJECT, agency.id_of(BROKEN)) == agency.truth(OBJECT, BROKEN)


def test_where_the_only_workspace_is_abandoned_the_run_stops(agency: Agency) -> None:
    fail(agency, LIST.path, SORTED.path, SCAN.path)
    fall_silent(agency)
    only = [{"name": BROKEN, "api_key": f"sandbox-key-{BROKEN}"}]
    run = agency.run("campaigns", "emails", "leads", "workspaces", state={}, workspaces=only)
    assert run.exit_code == 1
    assert isinstance(run.error, InstantlyAPIError)
    assert not run.keys(OBJECT, agency.id_of(BROKEN))


def errors(*paths: str) -> Iterator[InstantlyAPIError]:
    return (InstantlyAPIError(500, "GET", path) for path in paths)


@pytest.fixture
def workspaces(agency: Agency) -> Workspaces:
    tap = run_tap(agency.settings(), streams=("workspaces",)).tap
    found = Workspaces(tap.config)
    assert len(list(found)) == 2
    agency.server.control.fault(WHO, "status", status=500, count=None)
    return found


def test_failures_of_different_endpoints_count_until_a_stream_is_read(agency: Agency, workspaces: Workspaces) -> None:
    broken = agency.id_of(BROKEN)
    failures = list(errors(*(f"/path/{number}" for number in range(ABANDON_AFTER))))
    for error in failures[:-1]:
        workspaces.note_failure(broken, error)
    workspaces.note_success(broken)
    for error in (*failures[:-1], *failures[:-1]):
        workspaces.note_failure(broken, error)
        assert not workspaces.failed
    workspaces.note_failure(broken, failures[-1])
    assert workspaces.failed == {workspaces[broken].label: failures[-1]}
    assert [workspace.id for workspace in workspaces] == [agency.id_of(SOUND)]
    assert workspaces[broken].id == broken


def test_workspace_with_other_successes_is_abandoned_after_nine_failures(
    agency: Agency, workspaces: Workspaces
) -> None:
    agency.server.control.clear_faults()
    *failures, last = errors(*(f"/path/{number}" for number in range(ABANDON_ANSWERING_AFTER)))
    for error in failures:
        workspaces.note_failure(agency.id_of(BROKEN), error)
    assert not workspaces.failed
    workspaces.note_failure(agency.id_of(BROKEN), last)
    assert len(workspaces.failed) == 1


def test_failures_are_counted_for_each_workspace_separately(agency: Agency, workspaces: Workspaces) -> None:
    ids = [workspace.id for workspace in workspaces]
    for error in errors("/one", "/two"):
        for id_ in ids:
            workspaces.note_failure(id_, error)
    workspaces.note_success(agency.id_of(SOUND))
    (last,) = errors("/three")
    for id_ in ids:
        workspaces.note_failure(id_, last)
    assert list(workspaces.failed) == [workspaces[agency.id_of(BROKEN)].label]
    assert [workspace.id for workspace in workspaces] == [agency.id_of(SOUND)]


def test_the_failure_that_leaves_no_workspace_is_raised(workspaces: Workspaces) -> None:
    first, second = [workspace.id for workspace in workspaces]
    for error in errors("/one", "/two", "/three"):
        workspaces.note_failure(first, error)
    (*most, last) = errors("/one", "/two", "/three")
    for error in most:
        workspaces.note_failure(second, error)
    with pytest.raises(InstantlyAPIError) as caught:
        workspaces.note_failure(second, last)
    assert caught.value is last


# Time


class Clock:
    """A clock that advances only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of everything that paces requests."""
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=clock.sleep))
    monkeypatch.setattr("pyrate_limiter.clocks.monotonic_ns", lambda: int(clock.now * 1e9))
    monkeypatch.setattr("pyrate_limiter.limiter.sleep", clock.sleep)
    monkeypatch.setattr(rate_limit, "EMAILS_INTERVAL", EMAILS_INTERVAL)
    monkeypatch.setattr(rate_limit, "EMAILS_PAUSE_AFTER_429", EMAILS_PAUSE)
    monkeypatch.setattr(rate_limit, "RECOVERY_SECONDS", RECOVERY)
    return clock


@pytest.mark.parametrize("emails", [150, pytest.param(2200, marks=pytest.mark.long)])
def test_email_requests_stay_within_twenty_a_minute_for_hours(
    emails: int, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    sent: list[float] = []
    refused = emails // 3
    acquire = rate_limit.Budget.acquire

    def noting(budget: rate_limit.Budget, path: str) -> None:
        acquire(budget, path)
        if path.endswith("/emails"):
            sent.append(clock.now)

    monkeypatch.setattr(rate_limit.Budget, "acquire", noting)
    monkeypatch.setattr(rate_limit.Budget, "delay", lambda *_: 0.0)  # this clock advances only while a thread sleeps
    with sandbox.serve(SandboxConfig(campaigns=3, accounts=3, leads=200, emails=emails, until=UNTIL, seed=2)) as server:
        server.control.fault("/api/v2/emails", "status", status=429, after=refused)
        settings = {"api_key": server.api_key, "api_url": f"{server.url}/api/v2", "page_size": 1}
        run = run_tap(settings, streams=("emails",))
        truth = [row["id"] for row in server.control.truth("emails")]
    assert RUNS[FOR_HOURS] is TAKES
    assert sorted(record["id"] for record in run.records("emails")) == sorted(truth)
    assert sent[-1] - sent[0] > 3 * emails
    in_a_minute = [sum(begin <= time < begin + 60 for time in sent[at : at + 60]) for at, begin in enumerate(sent)]
    assert 10 < max(in_a_minute) <= 20
    assert sent[refused + 1] - sent[refused] >= 65

"""Several workspaces in one run."""

from __future__ import annotations

import copy
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

import sandbox
from sandbox import SandboxConfig
from tap_instantly import ErrorKind, InstantlyAPIError, timestamps
from tap_instantly.settings import SETTINGS
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.tap import TapInstantly
from tests.conftest import UNTIL
from tests.support import CollectingWriter, TapRun, api_keys, catalog_of, opening, run_tap, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.encoding.simple import Message

NUMBER = 4

EARLIER = "2026-10-01T00:00:00.000Z"
LATER = "2026-11-01T12:00:00.000Z"
LOOKBACK = timedelta(hours=SETTINGS["properties"]["lookback_hours"]["default"])


@pytest.fixture(scope="module")
def agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=NUMBER, campaigns=3, accounts=5, leads=120, days=20, until=UNTIL, seed=9)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: sandbox.Server) -> None:
    agency.control.reset()


def names() -> list[str]:
    return ["main", *(f"workspace-{number:03}" for number in range(2, NUMBER + 1))]


def settings(agency: sandbox.Server, **more: Any) -> dict[str, Any]:
    return opening(agency, api_keys(agency, *names()), start_date="2026-10-01") | more


def truth(agency: sandbox.Server, resource: str) -> set[str]:
    return {row["id"] for name in names() for row in agency.control.within(name).truth(resource)}


def within(agency: sandbox.Server, name: str) -> dict[str, Any]:
    """Return settings that open only one workspace."""
    return settings(agency) | opening(agency, api_keys(agency, name))


def ids(agency: sandbox.Server) -> dict[str, str]:
    """Return the id of each workspace by name."""
    return {name: next(agency.control.within(name).truth("workspace"))["id"] for name in names()}


def written_for(run: TapRun, stream: str) -> dict[str, list[str]]:
    """Return the record ids of each workspace in the order of writing."""
    found: dict[str, list[str]] = {}
    for record in run.records(stream):
        found.setdefault(record["workspace_id"], []).append(record["id"])
    return found


def partitions(state: dict[str, Any], stream: str) -> dict[str, dict[str, Any]]:
    """Return the state's partitions by workspace, without starting points: those depend on the pages of a run."""
    found = state["bookmarks"].get(stream, {}).get("partitions", [])
    assert all(part["context"].keys() == {"workspace_id"} for part in found)
    return {
        part["context"]["workspace_id"]: {name: value for name, value in part.items() if name != "starting_points"}
        for part in found
    }


AT_ONCE = 4


@pytest.mark.parametrize(("stream", "path"), [("campaigns", "/api/v2/campaigns"), ("leads", "/api/v2/leads/list")])
def test_workspaces_are_read_in_parallel_within_the_concurrency_limit(
    agency: sandbox.Server, stream: str, path: str
) -> None:
    agency.control.fault(path, "latency", seconds=60, count=None)

    def under_way() -> list[str]:
        """Return the workspaces of the pending requests once the limit is reached; no answer arrives earlier."""
        with sandbox.Control(agency.url) as control:
            for _ in range(1_000):
                waiting = [request["workspace"] for request in control.requests(path) if request["status"] is None]
                if len(waiting) >= AT_ONCE:
                    break
                time.sleep(0.01)
            control.clear_faults()
            return waiting

    with ThreadPoolExecutor() as beside:
        looking = beside.submit(under_way)
        run = run_tap(settings(agency, concurrency=AT_ONCE, page_size=7, start_date=None), streams=(stream,))
        waiting = looking.result()
    assert len(waiting) == agency.control.counts()["most_in_flight"] == AT_ONCE
    assert len(set(waiting)) > 1
    assert {record["id"] for record in run.records(stream)} == truth(agency, stream)


def test_each_workspace_has_its_own_bookmark_for_the_next_run(agency: sandbox.Server) -> None:
    def bookmarks(run: TapRun) -> dict[str, str]:
        partitions = run.state["bookmarks"]["campaigns"]["partitions"]
        return {part["context"]["workspace_id"]: part["replication_key_value"] for part in partitions}

    first = run_tap(settings(agency, start_date=None, lookback_hours=0), streams=("campaigns",))
    second = run_tap(settings(agency, start_date=None, lookback_hours=0), streams=("campaigns",), state=first.state)
    assert bookmarks(second) == bookmarks(first)
    assert len(second.records("campaigns")) < len(first.records("campaigns"))
    for record in second.records("campaigns"):
        bookmark = timestamps.parse(bookmarks(first)[record["workspace_id"]])
        assert timestamps.parse(record["timestamp_updated"]) >= bookmark - LOOKBACK
    # The start that the reading ahead assumes equals the start that the SDK reports in the workspace's turn.
    partitions = second.tap.streams["campaigns"].counts.partitions
    assert {workspace: partition.start for workspace, partition in partitions.items()} == bookmarks(first)


def test_unopenable_workspace_is_skipped_and_keeps_its_state(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    first = run_tap(settings(agency), streams=("campaigns",))
    agency.control.within("workspace-002").config(paid=False)
    broken = settings(agency) | opening(agency, api_keys(agency, *names()) | {"workspace-003": "no-such-key"})
    second = run_tap(broken, streams=("workspaces", "campaigns"), state=first.state)
    assert len(second.records("workspaces")) == NUMBER - 2
    for name, reason in (("workspace-002", "plan"), ("workspace-003", "valid v2 key")):
        (line,) = [message for message in caplog.messages if message.startswith(f"Workspace {name} cannot be opened")]
        assert reason in line
    before, after = (partitions(run.state, "campaigns") for run in (first, second))
    assert after.keys() == before.keys()
    for name in ("workspace-002", "workspace-003"):
        assert after[ids(agency)[name]] == before[ids(agency)[name]] is not None


@pytest.mark.parametrize(
    ("fault", "fails"),
    [({"status": 503}, True), ({"status": 429}, True), ({"status": 402}, False), ({"status": 404}, False)],
    ids=str,
)
def test_transient_failure_to_open_a_workspace_makes_the_run_incomplete(
    agency: sandbox.Server, fault: dict[str, Any], *, fails: bool
) -> None:
    control = agency.control.within("workspace-002")
    control.fault("/api/v2/workspaces/current", "status", count=None, body={"message": "not now"}, **fault)
    run = run_tap(settings(agency, max_retries=0), streams=("workspaces",), incomplete=fails)
    assert len(run.records("workspaces")) == NUMBER - 1


def test_two_keys_of_one_workspace_read_it_once(api: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    keys = {"one": api.api_key, "two": secret("campaigns-only")}
    with caplog.at_level(logging.WARNING):
        run = run_tap(opening(api, keys), streams=("campaigns",))
    assert {record["workspace_name"] for record in run.records("campaigns")} == {"one"}
    assert len(run.records("campaigns")) == len(list(api.control.truth("campaigns")))
    assert "Workspace two is read once, as one, whose key opens it too: remove one." in caplog.text


# Turns


def test_pages_of_workspaces_interleave_while_each_keeps_its_own_order(
    agency: sandbox.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_instantly.sync.range_splitting.SMALLEST_SPLIT", 1_000)  # one walk per list
    alone = [
        written_for(run_tap({**within(agency, name), "page_size": 25, "concurrency": 1}, streams=("leads",)), "leads")
        for name in names()
    ]
    agency.control.config(latency_ms=5)
    run = run_tap(settings(agency, page_size=25), streams=("leads",))  # five pages each
    assert written_for(run, "leads") == {workspace: order for each in alone for workspace, order in each.items()}
    order = [record["workspace_id"] for record in run.records("leads")]
    changes = sum(one != other for one, other in pairwise(order))
    assert changes > 2 * NUMBER  # sequential reading would have one less than workspaces


@pytest.mark.parametrize("stream", ["campaigns", "leads", "campaign_analytics_daily"])
def test_slow_workspace_holds_up_no_other(agency: sandbox.Server, stream: str) -> None:
    config, slow = settings(agency, page_size=1 if stream == "campaigns" else 20), ids(agency)["main"]
    whole = [record["workspace_id"] for record in run_tap(config, streams=(stream,)).records(stream)]
    assert set(whole) == set(ids(agency).values())
    # All answers except the identity check wait until the other workspaces' records are written.
    agency.control.within("main").fault("/api/v2/*", "latency", after=1, count=None, seconds=60)
    written: list[str] = []

    class Writer(CollectingWriter):
        @override
        def write_message(self, message: Message) -> None:
            super().write_message(message)
            if self.messages[-1]["type"] == "RECORD":
                written.append(self.messages[-1]["record"]["workspace_id"])
                if len(written) == len(whole) - whole.count(slow):
                    agency.control.clear_faults()

    TapInstantly(config=config, catalog=catalog_of(config, stream), message_writer=Writer()).sync_all()
    assert written == sorted(written, key=slow.__eq__)
    assert Counter(written) == Counter(whole)


def test_all_workspaces_are_read_with_lower_concurrency_than_workspaces(agency: sandbox.Server) -> None:
    for concurrency in (1, 2):
        run = run_tap(settings(agency, concurrency=concurrency, page_size=2), streams=("campaigns",))
        assert {record["id"] for record in run.records("campaigns")} == truth(agency, "campaigns")


# State


@pytest.fixture
def state_after_each_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InstantlyStream, "STATE_MSG_FREQUENCY", 1)


INTERRUPTED = {
    "campaigns": {"path": "/api/v2/campaigns", "page_size": 1},
    "leads": {"path": "/api/v2/leads/list", "page_size": 7},
    "campaign_analytics_daily": {"path": "/api/v2/campaigns/analytics/daily", "page_size": 100},
}


@pytest.mark.usefixtures("state_after_each_record")
@pytest.mark.parametrize("stream", INTERRUPTED)
def test_run_after_a_fatal_error_loses_nothing(agency: sandbox.Server, stream: str) -> None:
    path, page_size = INTERRUPTED[stream].values()
    agency.control.config(latency_ms=3)
    broken = agency.control.within("workspace-003")
    broken.fault(path, "status", status=302, count=None, after=2)
    config = settings(agency, page_size=page_size, max_retries=0, start_date=None)
    first, error = interrupted(config, stream)
    assert error.kind is ErrorKind.REDIRECTED
    agency.control.clear_faults()
    # Messages after the last STATE may be lost.
    last = max((at for at, message in enumerate(first) if message["type"] == "STATE"), default=-1)
    for name in names():
        (campaign, *_) = agency.control.within(name).truth("campaigns")
        agency.control.within(name).update_campaign(campaign["id"], name="Changed meanwhile")
    state = copy.deepcopy(first[last]["value"]) if last >= 0 else {}
    if stream != "campaign_analytics_daily":  # any slice of it may be the failing one
        assert "progress_markers" in partitions(state, stream)[ids(agency)["workspace-003"]]
    second = run_tap(config, streams=(stream,), state=state)
    rows = [message["record"] for message in first[: last + 1] if message["type"] == "RECORD"]
    rows += second.records(stream)
    key, newest = KEYS_AND_NEWEST[stream]
    found = {tuple(row[name] for name in key): row.get(newest) for row in rows}
    expected = {
        tuple(row[name] for name in key): row.get(newest)
        for name in names()
        for row in agency.control.within(name).truth(stream)
    }
    assert found == expected
    assert len(partitions(second.state, stream)) == NUMBER
    assert "progress_markers" not in str(second.state)


KEYS_AND_NEWEST = {
    "campaigns": (("id",), "name"),
    "leads": (("id",), "email"),
    "campaign_analytics_daily": (("campaign_id", "date"), "sent"),
}


def interrupted(config: dict[str, Any], stream: str) -> tuple[list[dict[str, Any]], InstantlyAPIError]:
    """Return the messages of a run that ends with an error, and the error."""
    writer = CollectingWriter()
    tap = TapInstantly(config=config, catalog=catalog_of(config, stream), message_writer=writer)
    with pytest.raises(InstantlyAPIError) as caught:
        tap.sync_all()
    return writer.messages, caught.value


@pytest.mark.parametrize("stream", ["leads", "account_analytics_daily"])
def test_state_equals_that_of_separate_runs(agency: sandbox.Server, stream: str) -> None:
    first = run_tap(settings(agency, page_size=7), streams=(stream,))
    alone = [run_tap({**within(agency, name), "page_size": 7}, streams=(stream,)) for name in names()]
    each = {workspace: part for run in alone for workspace, part in partitions(run.state, stream).items()}
    assert partitions(first.state, stream) == each
    assert len(each) == NUMBER
    assert all(part.keys() == {"context", "replication_key", "replication_key_value"} for part in each.values())
    for name in names()[::2]:
        agency.control.within(name).add_leads(3, at=LATER)
        agency.control.within(name).add_campaign(at=LATER)
    second = run_tap(settings(agency, page_size=7), streams=(stream,), state=first.state)
    alone = [
        run_tap({**within(agency, name), "page_size": 7}, streams=(stream,), state=one.state)
        for name, one in zip(names(), alone, strict=True)
    ]
    each = {workspace: part for run in alone for workspace, part in partitions(run.state, stream).items()}
    assert partitions(second.state, stream) == each
    moved_on = [workspace for workspace, part in partitions(first.state, stream).items() if part != each[workspace]]
    assert len(moved_on) == (0 if stream == "account_analytics_daily" else NUMBER / 2)


@pytest.mark.usefixtures("state_after_each_record")
@pytest.mark.parametrize("stream", ["campaigns", "leads"])
def test_workspace_bookmark_moves_only_after_its_last_record(agency: sandbox.Server, stream: str) -> None:
    page_size = INTERRUPTED[stream]["page_size"]
    before = partitions(run_tap(settings(agency), streams=(stream,)).state, stream)
    earlier = {
        "bookmarks": {stream: {"partitions": [{**part, "replication_key_value": EARLIER} for part in before.values()]}}
    }
    agency.control.config(latency_ms=3)
    run = run_tap(settings(agency, page_size=page_size, start_date=None), streams=(stream,), state=earlier)
    to_come = dict.fromkeys(before, 0) | Counter(record["workspace_id"] for record in run.records(stream))
    assert all(to_come.values())
    under_way = 0
    for message in run.messages:
        if message["type"] == "RECORD":
            to_come[message["record"]["workspace_id"]] -= 1
        elif message["type"] == "STATE":
            for workspace, part in partitions(message["value"], stream).items():
                if "progress_markers" in part:
                    under_way += 1
                    assert part["replication_key_value"] == part["starting_replication_value"] == EARLIER
                elif part["replication_key_value"] != EARLIER:
                    assert to_come[workspace] == 0
                    assert part == before[workspace]
    assert under_way
    assert partitions(run.state, stream) == before


def test_the_start_of_each_workspace_is_logged_once(agency: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run_tap(settings(agency, page_size=1), streams=("campaigns",))
    lines = [line for line in caplog.messages if line.startswith("Starting incremental sync of 'campaigns'")]
    assert len(lines) == NUMBER


# Behaviour of the SDK


def test_sdk_requests_records_of_all_workspaces_once(agency: sandbox.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Context | None] = []
    ours = InstantlyStream.get_records

    def get_records(self: InstantlyStream, context: Context | None) -> Iterator[dict[str, Any]]:
        asked.append(context)
        return ours(self, context)

    monkeypatch.setattr(InstantlyStream, "get_records", get_records)
    run = run_tap(settings(agency), streams=("campaigns",))
    assert asked == [None]
    assert {record["id"] for record in run.records("campaigns")} == truth(agency, "campaigns")
    assert run.tap.streams["campaigns"].partitions is None

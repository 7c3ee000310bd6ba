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
from singer_sdk import Stream
from typing_extensions import override

import sandbox
from sandbox import SandboxConfig
from tap_instantly import ErrorKind, InstantlyAPIError, timestamps
from tap_instantly.settings import SETTINGS
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.turns import InTurns, Turns
from tap_instantly.tap import TapInstantly
from tests.conftest import UNTIL
from tests.support import CollectingWriter, TapRun, api_keys, catalog_of, opening, run_tap, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.encoding.simple import Message

STREAMS = ("workspaces", "campaigns", "leads", "campaign_analytics_daily", "account_analytics_daily")
NUMBER = 10

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
    """Settings that open one workspace alone."""
    return settings(agency) | opening(agency, api_keys(agency, name))


def ids(agency: sandbox.Server) -> dict[str, str]:
    """The id of each workspace by name."""
    return {name: next(agency.control.within(name).truth("workspace"))["id"] for name in names()}


def written_for(run: TapRun, stream: str) -> dict[str, list[str]]:
    """The ids of the records of each workspace, in the order in which they were written."""
    found: dict[str, list[str]] = {}
    for record in run.records(stream):
        found.setdefault(record["workspace_id"], []).append(record["id"])
    return found


def partitions(state: dict[str, Any], stream: str) -> dict[str, dict[str, Any]]:
    """What the state has of each workspace."""
    found = state["bookmarks"].get(stream, {}).get("partitions", [])
    assert all(part["context"].keys() == {"workspace_id"} for part in found)
    return {part["context"]["workspace_id"]: part for part in found}


def test_all_are_read_into_the_same_streams(agency: sandbox.Server) -> None:
    run = run_tap({**settings(agency), "start_date": None}, streams=STREAMS)
    assert len(run.records("workspaces")) == NUMBER
    for stream in ("campaigns", "leads"):
        found = [record["id"] for record in run.records(stream)]
        assert len(found) == len(set(found))
        assert set(found) == truth(agency, stream)
    assert len(written_for(run, "campaigns")) == NUMBER
    days = {(row["campaign_id"], row["date"]) for row in run.records("campaign_analytics_daily")}
    expected = {
        (row["campaign_id"], row["date"])
        for name in names()
        for row in agency.control.within(name).truth("campaign_analytics_daily")
    }
    assert days == expected


AT_ONCE = 4


@pytest.mark.parametrize(("stream", "path"), [("campaigns", "/api/v2/campaigns"), ("leads", "/api/v2/leads/list")])
def test_several_are_read_side_by_side_and_never_more_requests_are_under_way_than_may_be(
    agency: sandbox.Server, stream: str, path: str
) -> None:
    agency.control.fault(path, "latency", seconds=60, count=None)

    def under_way() -> list[str]:
        """The workspaces of the requests that wait, once there are as many as may be; no answer comes before."""
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


def test_each_has_a_bookmark_of_its_own_and_the_next_run_goes_on_from_it(agency: sandbox.Server) -> None:
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
    # What the tap takes for the start when it reads ahead is what the SDK says when the workspace's turn comes.
    stream = second.tap.streams["campaigns"]
    for context in stream.partitions:
        assert stream.starting_value(context) == bookmarks(first)[context["workspace_id"]]


def test_one_that_cannot_be_opened_is_left_out_with_a_line_and_keeps_its_state(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    first = run_tap(settings(agency), streams=("campaigns",))
    agency.control.within("workspace-002").config(paid=False)
    broken = settings(agency) | opening(agency, api_keys(agency, *names()) | {"workspace-003": "no-such-key"})
    second = run_tap(broken, streams=("workspaces", "campaigns"), state=first.state)
    assert len(second.records("workspaces")) == NUMBER - 2
    for name, reason in (("workspace-002", "plan"), ("workspace-003", "valid v2 key")):
        (line,) = [message for message in caplog.messages if message.startswith(f"Workspace {name} is left out")]
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
def test_one_that_cannot_be_opened_for_a_passing_reason_makes_the_run_incomplete(
    agency: sandbox.Server, fault: dict[str, Any], *, fails: bool
) -> None:
    control = agency.control.within("workspace-002")
    control.fault("/api/v2/workspaces/current", "status", count=None, body={"message": "not now"}, **fault)
    run = run_tap(settings(agency, max_retries=0), streams=("workspaces",), incomplete=fails)
    assert len(run.records("workspaces")) == NUMBER - 1


def test_where_none_can_be_opened_the_run_ends_with_the_reason(agency: sandbox.Server) -> None:
    workspaces = [{"name": name, "api_key": f"no-such-{name}"} for name in ("one", "two")]
    with pytest.raises(InstantlyAPIError, match="valid v2 key"):
        run_tap(settings(agency, workspaces=workspaces), streams=("campaigns",))


def test_two_keys_of_one_workspace_read_it_once(api: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    keys = {"one": api.api_key, "two": secret("campaigns-only")}
    with caplog.at_level(logging.WARNING):
        run = run_tap(opening(api, keys), streams=("campaigns",))
    assert {record["workspace_name"] for record in run.records("campaigns")} == {"one"}
    assert len(run.records("campaigns")) == len(list(api.control.truth("campaigns")))
    assert "Workspace two is read once, as one, whose key opens it too: take one out." in caplog.text


# Turns


def test_pages_of_workspaces_interleave_while_each_keeps_its_own_order(
    agency: sandbox.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_instantly.api.splits.SMALLEST_SPLIT", 1_000)  # each list is read from one place
    alone = [
        written_for(run_tap({**within(agency, name), "page_size": 25, "concurrency": 1}, streams=("leads",)), "leads")
        for name in names()
    ]
    agency.control.config(latency_ms=5)
    run = run_tap(settings(agency, page_size=25), streams=("leads",))  # five pages each
    assert written_for(run, "leads") == {workspace: order for each in alone for workspace, order in each.items()}
    order = [record["workspace_id"] for record in run.records("leads")]
    changes = sum(one != other for one, other in pairwise(order))
    assert changes > 2 * NUMBER  # one after the other, there are as many as workspaces, less one


@pytest.mark.parametrize("stream", ["campaigns", "leads", "campaign_analytics_daily"])
def test_a_workspace_whose_answers_are_slow_holds_up_no_other(agency: sandbox.Server, stream: str) -> None:
    config, slow = settings(agency, page_size=1 if stream == "campaigns" else 20), ids(agency)["main"]
    whole = [record["workspace_id"] for record in run_tap(config, streams=(stream,)).records(stream)]
    assert set(whole) == set(ids(agency).values())
    # Answers wait until the records of all others have been written; the first is to the question who it is.
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


def test_where_fewer_may_be_read_at_once_than_there_are_workspaces_all_are_read(agency: sandbox.Server) -> None:
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
@pytest.mark.parametrize("passed", [0, 2])
@pytest.mark.parametrize("stream", INTERRUPTED)
def test_after_an_error_that_ends_the_run_the_next_one_with_the_state_loses_nothing(
    agency: sandbox.Server, stream: str, passed: int
) -> None:
    path, page_size = INTERRUPTED[stream].values()
    agency.control.config(latency_ms=3)
    broken = agency.control.within("workspace-003")
    broken.fault(path, "status", status=302, count=None, after=passed)
    config = settings(agency, page_size=page_size, max_retries=0, start_date=None)
    first, error = interrupted(config, stream)
    assert error.kind is ErrorKind.REDIRECTED
    agency.control.clear_faults()
    # What has been written behind the last state may have got lost on its way.
    last = max((at for at, message in enumerate(first) if message["type"] == "STATE"), default=-1)
    for name in names():
        (campaign, *_) = agency.control.within(name).truth("campaigns")
        agency.control.within(name).update_campaign(campaign["id"], name="Changed meanwhile")
    state = copy.deepcopy(first[last]["value"]) if last >= 0 else {}
    if passed and stream != "campaign_analytics_daily":  # of which any slice may be the one that fails
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
    """The messages of a run that an error ends, and the error."""
    writer = CollectingWriter()
    tap = TapInstantly(config=config, catalog=catalog_of(config, stream), message_writer=writer)
    with pytest.raises(InstantlyAPIError) as caught:
        tap.sync_all()
    return writer.messages, caught.value


@pytest.mark.parametrize("stream", ["campaigns", "leads", "account_analytics_daily"])
def test_the_state_is_that_of_runs_of_each_workspace_alone(agency: sandbox.Server, stream: str) -> None:
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


@pytest.mark.parametrize("passed", [0, 2])
@pytest.mark.parametrize("stream", INTERRUPTED)
def test_a_workspace_that_fails_keeps_its_bookmark_and_the_others_are_read_to_their_end(
    agency: sandbox.Server, stream: str, passed: int
) -> None:
    path, page_size = INTERRUPTED[stream].values()
    config = settings(agency, page_size=page_size, max_retries=0, start_date=None)
    whole = partitions(run_tap(config, streams=(stream,)).state, stream)
    agency.control.within("workspace-003").fault(path, "status", status=500, count=None, after=passed)
    run = run_tap(config, streams=(stream,), incomplete=True)
    found = partitions(run.state, stream)
    failed = found.pop(ids(agency)["workspace-003"])
    assert failed.get("replication_key_value") is None
    assert found == {workspace: part for workspace, part in whole.items() if workspace in found}
    assert len(found) == NUMBER - 1
    agency.control.clear_faults()
    rest = run_tap(config, streams=(stream,), state=run.state)
    assert partitions(rest.state, stream) == whole


@pytest.mark.usefixtures("state_after_each_record")
@pytest.mark.parametrize("stream", ["campaigns", "leads"])
def test_a_workspace_keeps_its_bookmark_until_its_last_turn_whatever_becomes_of_the_others(
    agency: sandbox.Server, stream: str
) -> None:
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


# What the SDK does


def test_the_sdk_reads_in_its_private_method_and_asks_there_once_for_the_partitions(
    agency: sandbox.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[type] = []
    within_loop = False
    its_loop, ours = Stream._sync_records, InTurns.partitions.fget

    def loop(self: Stream, context: Context | None = None, **settings: Any) -> Iterator[dict[str, Any]]:
        nonlocal within_loop
        within_loop = True
        assert context is None
        yield from its_loop(self, context, **settings)
        within_loop = False

    def partitions(self: InTurns) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ours(self)
        if within_loop:
            asked.append(type(found))
        return found

    monkeypatch.setattr(Stream, "_sync_records", loop)
    monkeypatch.setattr(InTurns, "partitions", property(partitions))
    run = run_tap(settings(agency), streams=("campaigns",))
    assert asked == [Turns]
    assert {record["id"] for record in run.records("campaigns")} == truth(agency, "campaigns")


def test_records_are_not_read_in_any_other_way(agency: sandbox.Server) -> None:
    stream = run_tap(settings(agency), streams=("campaigns",)).tap.streams["campaigns"]
    with pytest.raises(RuntimeError, match="turns"):
        next(iter(stream.get_records(stream.partitions[0])))

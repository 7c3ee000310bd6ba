"""Runs that emit ACTIVATE_VERSION, and runs that must not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly.streams import STREAMS
from tap_instantly.tap import TapInstantly
from tests.conftest import UNTIL
from tests.support import CollectingWriter, TapRun, api_keys, catalog_of, opening, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server

ONE, OTHER = "main", "workspace-002"
LISTS, LEADS = "/api/v2/lead-lists", "/api/v2/leads/list"


@pytest.fixture(scope="module")
def running_agency() -> Iterator[Server]:
    with sandbox.serve(SandboxConfig(2, 4, 5, leads=90, emails=30, days=20, until=UNTIL, seed=8)) as server:
        yield server


@pytest.fixture
def agency(running_agency: Server) -> Server:
    running_agency.control.reset()
    return running_agency


@pytest.fixture
def settings(agency: Server) -> dict[str, Any]:
    return opening(agency, api_keys(agency, ONE, OTHER), emit_activate_version_messages=True, max_retries=1)


def kinds(run: TapRun, stream: str) -> list[str]:
    return [message["type"] for message in run.messages if message.get("stream") == stream]


def versions(run: TapRun, stream: str) -> set[int | None]:
    """Return the versions of the stream's records."""
    return {m.get("version") for m in run.messages if m["type"] == "RECORD" and m["stream"] == stream}


def activated(run: TapRun, stream: str) -> list[int]:
    return [m["version"] for m in run.messages if m["type"] == "ACTIVATE_VERSION" and m["stream"] == stream]


# With ACTIVATE_VERSION


def test_activate_version_comes_once_after_all_records_of_all_workspaces(
    settings: dict[str, Any],
) -> None:
    run = run_tap(settings, streams=("campaign_steps", "lead_lists"))
    for stream in ("campaign_steps", "lead_lists"):
        first, *records, last = kinds(run, stream)
        assert (first, set(records), last) == ("SCHEMA", {"RECORD"}, "ACTIVATE_VERSION")
        assert len({record["workspace_id"] for record in run.records(stream)}) == 2
        assert versions(run, stream) == set(activated(run, stream)) == {run.tap.initialized_at // 1000}


def test_activate_version_comes_for_an_empty_stream(agency: Server, settings: dict[str, Any]) -> None:
    agency.control.fault(LISTS, "status", status=200, body={"items": []}, count=None)
    assert kinds(run_tap(settings, streams=("lead_lists",)), "lead_lists") == ["SCHEMA", "ACTIVATE_VERSION"]


@pytest.mark.parametrize("deselected", [(), ("status_summary", "lastStep")], ids=["the short way", "the SDK's way"])
def test_records_have_the_version_on_either_code_path(settings: dict[str, Any], deselected: tuple[str, ...]) -> None:
    catalog = catalog_of(settings, "leads")
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        for item in entry["metadata"]:
            if item["breadcrumb"] == [step for name in deselected for step in ("properties", name)] and deselected:
                item["metadata"]["selected"] = False
    writer = CollectingWriter()
    tap = TapInstantly(config=settings, catalog=catalog, message_writer=writer)
    tap.sync_all()
    assert tap.streams["leads"].takes_fast_path == (not deselected)
    run = TapRun(writer.messages, tap)
    assert versions(run, "leads") == set(activated(run, "leads")) == {tap.initialized_at // 1000}


def test_activate_version_comes_for_each_mapped_table(settings: dict[str, Any]) -> None:
    maps = {"lead_lists": {"__alias__": "lists"}, "again": {"__source__": "lead_lists"}}
    run = run_tap({**settings, "stream_maps": maps}, streams=("lead_lists",))
    assert activated(run, "lists") == activated(run, "again") == [run.tap.initialized_at // 1000]


# Without ACTIVATE_VERSION


def test_no_versions_without_the_setting(settings: dict[str, Any]) -> None:
    run = run_tap({**settings, "emit_activate_version_messages": False}, streams=("lead_lists",))
    assert set(kinds(run, "lead_lists")) == {"SCHEMA", "RECORD"}
    assert versions(run, "lead_lists") == {None}


@pytest.fixture
def of_one(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that read one of the workspaces."""
    return {**settings, "workspaces": settings["workspaces"][:1]}


KINDS = {(isinstance(stream.replication_key, str), stream.expires): stream.name for stream in STREAMS}
EACH_KIND = tuple(KINDS.values())
"""A stream with and without a bookmark, expiring or not."""


@pytest.mark.parametrize("full_table", [False, True])
def test_expiring_streams_and_those_with_a_bookmark_have_no_versions(
    of_one: dict[str, Any], *, full_table: bool
) -> None:
    run = run_tap(of_one, streams=EACH_KIND, full_table=full_table)
    streams = [run.tap.streams[name] for name in EACH_KIND]
    expected = {stream.name for stream in streams if not stream.expires and (full_table or not stream.replication_key)}
    assert len(expected) == 1 + full_table
    assert all(run.records(stream) for stream in EACH_KIND)
    assert {m["stream"] for m in run.messages if m["type"] == "ACTIVATE_VERSION"} == expected
    assert {m["stream"] for m in run.messages if "version" in m} == expected


def test_streams_with_time_limited_data_are_marked_as_expiring() -> None:
    assert {stream.name for stream in STREAMS if stream.expires} == {
        "account_analytics_daily",
        "account_warmup_daily",
        "ai_deliverability_feed",
        "ai_inbox_manager_activity",
        "ai_inbox_manager_analytics_daily",
        "ai_lead_finder_activities",
        "ai_sales_agent_activities",
        "audit_logs",
        "background_jobs",
        "campaign_analytics_daily",
        "inbox_placement_stats_daily",
        "webhook_events",
        "webhook_events_daily",
    }


def test_connection_test_writes_no_activate_version(agency: Server, settings: dict[str, Any]) -> None:
    agency.control.fault(LISTS, "status", status=200, body={"items": []}, count=None)
    writer = CollectingWriter()
    tap = TapInstantly(config=settings, catalog=catalog_of(settings, "lead_lists"), message_writer=writer)
    tap.run_sync_dry_run(dry_run_record_limit=1, streams=[tap.streams["lead_lists"]])
    assert not [m for m in writer.messages if m["type"] == "ACTIVATE_VERSION"]


IN_DOUBT: dict[str, tuple[str, dict[str, Any], str]] = {
    "a list that fails midway": (LISTS, {"status": 400, "after": 2}, "incomplete in "),
    "a missing scope": (LISTS, {"status": 403, "body": {"message": "no scope"}, "count": None}, "skipped in "),
    "an endpoint that is not there": (LISTS, {"status": 404, "count": None}, "skipped in "),
    "pages of one time each, by which the list goes": (
        LISTS,
        {"status": 500, "limit_over": 1, "count": None},
        "possibly incomplete in ",
    ),
    "a workspace that cannot be opened": (
        "/api/v2/*",
        {"status": 401, "count": None},
        f"workspace {OTHER} failed",
    ),
    "a record without a key": (
        LISTS,
        {"status": 200, "body": {"items": [{"id": None, "name": "nameless"}]}},
        "1 records could not be loaded",
    ),
    "steps that are no list": (
        "/api/v2/campaigns",
        {"status": 200, "body": {"items": [{"id": "a", "sequences": "none"}]}},
        "1 records could not be loaded",
    ),
    "an item that is no record": (
        LISTS,
        {"status": 200, "body": {"items": [{"id": "a", "name": "a list"}, "no list"]}},
        "1 records could not be loaded",
    ),
}
"""Path and fault that prevent a complete run in one workspace, and a part of the reason in the log."""


@pytest.mark.parametrize("trouble", IN_DOUBT)
def test_faulty_workspace_prevents_deletions(
    agency: Server, settings: dict[str, Any], trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, fault, said = IN_DOUBT[trouble]
    stream = "lead_lists" if path != "/api/v2/campaigns" else "campaign_steps"
    agency.control.within(OTHER).fault(path, **{"kind": "status", **fault})
    settings.update(page_size=2 if trouble != "an item that is no record" else 100)
    run = run_tap(settings, streams=(stream, "lead_labels"), incomplete=said.startswith("incomplete in"))
    assert "ACTIVATE_VERSION" not in kinds(run, stream)
    assert versions(run, stream) == {run.tap.initialized_at // 1000}
    (line,) = [r.getMessage() for r in caplog.records if r.name.endswith(stream) and "Deleted" in r.getMessage()]
    assert line.startswith("Deleted records stay in the warehouse, because records may be missing from this run: ")
    assert line.endswith(".")
    assert said in line
    assert bool(activated(run, "lead_labels")) == (trouble != "a workspace that cannot be opened")


@pytest.mark.parametrize(
    "lists", [[{"id": None}], [{"id": "a"}, "no list"]], ids=["a parent without an id", "a parent that is none"]
)
def test_unusable_parents_prevent_deletions(agency: Server, settings: dict[str, Any], lists: list[Any]) -> None:
    agency.control.within(OTHER).fault(LISTS, "status", status=200, body={"items": lists})
    run = run_tap(settings, streams=("lead_list_verification_stats",))
    assert run.records("lead_list_verification_stats")
    assert "ACTIVATE_VERSION" not in kinds(run, "lead_list_verification_stats")


@pytest.mark.parametrize("stream", ["account_analytics_daily", "campaign_analytics_daily"])
def test_parent_without_an_id_keeps_the_bookmark(agency: Server, settings: dict[str, Any], stream: str) -> None:
    path = {"account_analytics_daily": "accounts", "campaign_analytics_daily": "campaigns/analytics"}[stream]
    name = {"account_analytics_daily": "email", "campaign_analytics_daily": "campaign_id"}[stream]
    control = agency.control.within(OTHER)
    truth = "accounts" if stream.startswith("account") else "campaign_analytics"
    first, *others = control.truth(truth)
    rows = [{**first, name: None}, *others]
    body = {"items": rows} if path == "accounts" else rows
    control.fault(f"/api/v2/{path}", "status", status=200, body=body)
    run = run_tap(settings, streams=(stream,), incomplete=True)
    moved = ["replication_key_value" in part for part in run.state["bookmarks"][stream]["partitions"]]
    assert moved == [True, False]
    again = run_tap(settings, streams=(stream,), state=run.state)
    assert all("replication_key_value" in part for part in again.state["bookmarks"][stream]["partitions"])


def test_workspace_of_the_state_not_read_prevents_deletions(
    settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    both = run_tap(settings, streams=("lead_lists",))
    alone = {**settings, "workspaces": settings["workspaces"][:1]}
    assert not activated(run_tap(alone, streams=("lead_lists",), state=both.state), "lead_lists")
    assert "was not read" in caplog.text
    assert activated(run_tap(alone, streams=("lead_lists",)), "lead_lists")


# Interrupted and resumed scans


@pytest.fixture
def paged(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings with which a short list is split too, and has many pages."""
    monkeypatch.setattr("tap_instantly.sync.range_splitting.OVERHEAD", 1.0)
    return {**settings, "page_size": 5, "concurrency": 4}


def failing(agency: Server, settings: dict[str, Any], after: int = 8, state: dict[str, Any] | None = None) -> TapRun:
    """Run over all leads until one workspace fails after so many requests."""
    agency.control.within(OTHER).fault(LEADS, "status", status=500, after=after, count=None)
    run = run_tap(settings, streams=("leads",), full_table=True, state=state, incomplete=True)
    agency.control.clear_faults()
    assert not activated(run, "leads")
    assert scans(run.state)
    return run


@pytest.fixture
def cut_off(agency: Server, paged: dict[str, Any]) -> TapRun:
    """A full-table run over leads in 2001 that failed in one workspace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TapInstantly, "initialized_at", 10**12)
        run = failing(agency, paged)
    assert versions(run, "leads") == {10**9}
    return run


def scans(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [p["scan"] for p in state["bookmarks"]["leads"]["partitions"] if "scan" in p]


def ids(run: TapRun) -> set[str]:
    return {record["id"] for record in run.records("leads")}


def test_resumed_pass_keeps_its_version(paged: dict[str, Any], cut_off: TapRun) -> None:
    (scan,) = scans(cut_off.state)
    assert scan["table_version"] == 10**9
    rest = run_tap(paged, streams=("leads",), full_table=True, state=cut_off.state)
    assert ids(cut_off) - ids(rest)
    assert versions(rest, "leads") == set(activated(rest, "leads")) == {10**9}
    assert not scans(rest.state)


def test_unversioned_pass_is_not_resumed(
    agency: Server, paged: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    first = failing(agency, {**paged, "emit_activate_version_messages": False})
    again = run_tap(paged, streams=("leads",), full_table=True, state=first.state)
    assert "have no version" in caplog.text
    assert ids(first) <= ids(again)
    assert versions(again, "leads") == set(activated(again, "leads")) == {again.tap.initialized_at // 1000}


def test_unversioned_resumption_of_a_pass_drops_its_version(
    agency: Server, paged: dict[str, Any], cut_off: TapRun
) -> None:
    without = {**paged, "emit_activate_version_messages": False}
    (scan,) = scans(failing(agency, without, after=3, state=cut_off.state).state)
    assert "table_version" not in scan


def test_pass_is_not_resumed_after_an_unversioned_incremental_run(agency: Server, paged: dict[str, Any]) -> None:
    state = run_tap(paged, streams=("leads",)).state
    full = failing(agency, paged, state=state)
    between = run_tap(paged, streams=("leads",), state=full.state)
    assert versions(between, "leads") <= {None}
    assert not scans(between.state)
    again = run_tap(paged, streams=("leads",), full_table=True, state=between.state)
    assert ids(full) <= ids(again)

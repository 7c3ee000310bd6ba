"""A scan of a long list that is interrupted and resumed by the next run."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

import pytest

from tap_instantly import timestamps
from tap_instantly.sync.scan_partition import ScannedPartition
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from sandbox import Server

LEADS = "/api/v2/leads/list"
PAGE = 5


@pytest.fixture(autouse=True)
def _split_short_lists_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_instantly.sync.range_splitting.OVERHEAD", 1.0)


@pytest.fixture
def settings(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "page_size": PAGE, "concurrency": 4, "max_requests_per_second": 1000}


def cut_off(api: Server, settings: dict[str, Any], *, after: int, state: dict[str, Any] | None = None) -> TapRun:
    """Run until an error after so many requests for leads."""
    api.control.fault(LEADS, "status", status=500, body={"message": "stop here"}, after=after, count=None)
    run = run_tap(settings, streams=("leads",), state=state, incomplete=True)
    api.control.clear_faults()
    return run


def ids(run: TapRun) -> list[str]:
    return [record["id"] for record in run.records("leads")]


def partition_of(state: dict[str, Any]) -> dict[str, Any]:
    (found,) = state["bookmarks"]["leads"]["partitions"]
    return cast("dict[str, Any]", found)


def partition(run: TapRun) -> dict[str, Any]:
    return partition_of(run.state)


def test_repeatedly_interrupted_pass_loses_nothing_and_repeats_little(
    api: Server, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    whole = run_tap(settings, streams=("leads",))
    seen: list[str] = []
    state = None
    for _ in range(3):
        part = cut_off(api, settings, after=25, state=state)
        seen += ids(part)
        state = part.state
        assert len(partition(part)["scan"]["remaining"]) >= 1
    places = len(partition(part)["scan"]["remaining"])
    last = run_tap(settings, streams=("leads",), state=state)
    seen += ids(last)
    assert f"Resuming an interrupted pass at {places} places." in caplog.messages
    assert set(seen) == {row["id"] for row in api.control.truth("leads")}
    # Each of three interruptions may catch each of four walks with one page in flight and one written but not recorded.
    assert len(seen) - len(set(seen)) <= 3 * 2 * 4 * PAGE
    assert len(ids(last)) < len(set(seen)) / 2
    assert last.bookmark("leads") == whole.bookmark("leads")
    assert "scan" not in partition(last)


def test_changes_behind_an_interrupted_pass_come_with_the_run_after_it(api: Server, settings: dict[str, Any]) -> None:
    first = cut_off(api, settings, after=25)
    unread = next(row["id"] for row in api.control.truth("leads") if row["id"] not in ids(first))
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    api.control.open(ids(first)[0], at=timestamps.text(soon))
    api.control.open(unread, at=timestamps.text(soon + timedelta(hours=1)))
    second = run_tap(settings, streams=("leads",), state=first.state)
    assert unread in ids(second)
    assert ids(first)[0] in ids(run_tap(settings, streams=("leads",), state=second.state))


def test_changes_between_runs_come_after_the_pass_is_resumed(api: Server, settings: dict[str, Any]) -> None:
    first = cut_off(api, settings, after=25)
    state = first.state
    unread = next(row["id"] for row in api.control.truth("leads") if row["id"] not in ids(first))
    now = datetime.now(timezone.utc)
    scan = partition_of(state)["scan"]
    assert now - timedelta(minutes=5) < timestamps.parse(scan["signpost"]) < now
    scan["signpost"] = timestamps.text(now - timedelta(hours=1))  # as if the first run had started an hour ago
    (leads,) = first.tap.streams["leads"].counts.partitions.values()  # type: ignore[attr-defined]
    assert isinstance(leads, ScannedPartition)
    scan["check"] = leads._checksum(scan)
    api.control.open(ids(first)[0], at=timestamps.text(now - timedelta(minutes=31)))
    api.control.open(unread, at=timestamps.text(now - timedelta(minutes=30)))
    second = run_tap(settings, streams=("leads",), state=state)
    assert ids(first)[0] not in ids(second)
    assert unread in ids(second)  # although it would be the latest
    assert ids(first)[0] in ids(run_tap(settings, streams=("leads",), state=second.state))


def test_bookmark_of_a_pass_is_the_latest_change_of_all_ranges(api: Server, settings: dict[str, Any]) -> None:
    read_first = min(row["id"] for row in api.control.truth("leads"))
    latest = max(row["timestamp_updated"] for row in api.control.truth("leads"))
    moment = timestamps.text(timestamps.parse(latest) + timedelta(seconds=1))
    api.control.open(read_first, at=moment)
    first = cut_off(api, settings, after=25)
    assert read_first in ids(first)
    second = run_tap(settings, streams=("leads",), state=first.state)
    assert read_first not in ids(second)
    assert second.bookmark("leads") == moment


def test_stalled_pass_is_abandoned_and_restarted(
    api: Server, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    first = cut_off(api, settings, after=25)
    second = cut_off(api, settings, after=0, state=first.state)
    assert partition(second)["scan"]["remaining"] == partition(first)["scan"]["remaining"]
    third = cut_off(api, settings, after=5, state=second.state)  # progress resets the count
    assert ids(third)
    fourth = cut_off(api, settings, after=0, state=third.state)
    assert "abandon" not in caplog.text
    fifth = cut_off(api, settings, after=0, state=fourth.state)
    assert "Abandoning a stalled pass" in caplog.text
    assert "scan" not in partition(fifth)
    assert set(ids(first)) <= set(ids(run_tap(settings, streams=("leads",), state=fifth.state)))


def test_pass_without_access_is_kept_for_later(api: Server, settings: dict[str, Any]) -> None:
    state = before = cut_off(api, settings, after=25).state
    for _ in range(3):
        api.control.fault(LEADS, "status", status=403, body={"message": "no"}, count=None)
        state = run_tap(settings, streams=("leads",), state=state).state
        api.control.clear_faults()
    assert partition_of(state)["scan"] == partition_of(before)["scan"]


def test_invalid_pass_is_dropped_even_if_nothing_is_read(api: Server, settings: dict[str, Any]) -> None:
    state = cut_off(api, settings, after=25).state
    partition_of(state)["scan"]["version"] = 99
    assert "scan" not in partition(cut_off(api, settings, after=0, state=state))


def test_pass_is_dropped_once_the_list_is_read_sequentially(api: Server, settings: dict[str, Any]) -> None:
    state = cut_off(api, settings, after=25).state
    api.control.fault(LEADS, "status", status=400, body={"message": "no such cursor"}, after=1, count=1)
    run = cut_off(api, settings, after=8, state=state)
    assert ids(run)
    assert "scan" not in partition(run)


def test_pass_without_new_records_still_saves_its_progress(
    api: Server, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_instantly.sync.scan_partition.UNWRITTEN_RECORDS", 2 * PAGE)
    first = run_tap(settings, streams=("leads",))
    total = len(ids(first))
    api.control.clear_requests()
    second = run_tap(settings, streams=("leads",), state=first.state)
    whole_pass = len(api.control.requests(LEADS))
    assert len(ids(second)) < total / 10
    states = [message["value"] for message in second.messages if message["type"] == "STATE"]
    midway = [state for state in states if "scan" in state["bookmarks"]["leads"]["partitions"][0]]
    assert total / (4 * PAGE) <= len(midway) <= total / (2 * PAGE)
    api.control.clear_requests()
    third = run_tap(settings, streams=("leads",), state=midway[-1])
    assert len(api.control.requests(LEADS)) < whole_pass / 2
    assert third.bookmark("leads") == second.bookmark("leads")

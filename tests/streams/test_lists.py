from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tap_instantly import timestamps
from tap_instantly.client.page_size import PAGE_SIZES
from tap_instantly.tap import TapInstantly
from tests.support import Record, TapRun, examples, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server

LISTS = {"accounts": "email", "campaigns": "id", "lead_lists": "id", "leads": "id"}


def truth(api: Server, stream: str) -> dict[str, Record]:
    resource = "accounts_with_tags" if stream == "accounts" else stream
    return {row[LISTS[stream]]: row for row in api.control.truth(resource)}


def test_list_is_incomplete_if_one_timestamp_fills_a_page(api: Server, sync: Callable[..., TapRun]) -> None:
    moment = list(api.control.truth("lead_lists"))[1]["timestamp_created"]
    for _ in range(3):
        api.control.add_lead_list(at=moment)
    run = sync("lead_lists", page_size=3, incomplete=True)
    assert run.tap.streams["lead_lists"].counts.remarks("incomplete")[0].endswith(": one timestamp fills a page")  # type: ignore[attr-defined]


@pytest.mark.parametrize("stream", ["accounts", "campaigns", "leads"])
def test_next_run_emits_only_changes_since_the_bookmark_minus_lookback(
    api: Server, sync: Callable[..., TapRun], stream: str
) -> None:
    first = sync(stream)
    latest = max(row["timestamp_updated"] for row in truth(api, stream).values())
    assert first.bookmark(stream) == latest
    since = timestamps.text(timestamps.parse(latest) - timedelta(hours=6))
    within = {key for key, row in truth(api, stream).items() if row["timestamp_updated"] >= since}

    later = "2026-11-01T10:00:00.000Z"
    key = next(k for k in truth(api, stream) if k not in within)
    change: dict[str, Callable[[], object]] = {
        "accounts": lambda: api.control.pause_account(key, at=later),
        "campaigns": lambda: api.control.update_campaign(key, name="Renamed", at=later),
        "leads": lambda: api.control.reply(key, at=later),
    }
    change[stream]()

    second = sync(stream, state=first.state)
    assert {r[LISTS[stream]] for r in second.records(stream)} == {key} | within
    assert second.bookmark(stream) == later


def test_records_changed_during_the_read_are_read_again(api: Server, sync: Callable[..., TapRun]) -> None:
    # A change after the run's start stands for one during the run.
    lead = next(iter(truth(api, "leads")))
    api.control.open(lead, at="2099-01-01T00:00:00.000Z")
    first = sync("leads")
    assert first.bookmark("leads") < "2099"
    assert lead in {r["id"] for r in sync("leads", state=first.state).records("leads")}


def test_a_clock_that_runs_ahead_of_the_servers_does_not_hide_changes(
    api: Server, sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = int((time.time() + 3600) * 1000)
    monkeypatch.setattr(TapInstantly, "initialized_at", property(lambda _tap: ahead))
    soon = datetime.fromtimestamp(time.time() + 60, tz=timezone.utc)
    lead = next(iter(truth(api, "leads")))
    api.control.open(lead, at=timestamps.text(soon))
    assert timestamps.parse(sync("leads").bookmark("leads")) < soon


def test_page_size_of_a_list_applies_wherever_it_is_read(
    api: Server, sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ("/accounts", "/campaigns", "/lead-lists", "/leads/list")
    sync("accounts", "leads", page_size=50)
    assert {limit_of(entry) for entry in api.control.requests() if entry["path"].endswith(paths)} == {50}
    for path in paths:
        monkeypatch.setitem(PAGE_SIZES, path, 7)
    children = ("account_campaign_mappings", "supersearch_enrichments", "leads")
    for names in (("accounts", "campaigns", "lead_lists", "leads"), children):
        api.control.clear_requests()
        sync(*names, page_size=50)
        asked = [entry for entry in api.control.requests() if entry["path"].removeprefix("/api/v2") in paths]
        assert {entry["path"].removeprefix("/api/v2") for entry in asked} == set(paths)
        assert {limit_of(entry) for entry in asked} == {7}


def limit_of(entry: dict[str, Any]) -> int:
    """Return the number of records that a request asked for."""
    return int(entry["body" if entry["method"] == "POST" else "query"]["limit"])


@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page_size=st.integers(5, 100), short_pages=st.sampled_from([0.0, 0.5]), data=st.data())
def test_no_record_is_lost_or_doubled_with_any_pages_and_faults(
    api: Server, config: dict[str, Any], page_size: int, short_pages: float, data: st.DataObject
) -> None:
    api.control.clear_faults()
    api.control.config(short_pages=short_pages)
    for kind in data.draw(st.lists(st.sampled_from(["reset", "truncated", "garbage", "status"]), max_size=4)):
        after = data.draw(st.integers(0, 10))
        api.control.fault("/api/v2/leads/list", kind, after=after, **({"status": 502} if kind == "status" else {}))
    run = run_tap({**config, "page_size": page_size}, streams=("leads",))
    assert sorted(r["id"] for r in run.records("leads")) == sorted(truth(api, "leads"))


def test_a_list_cut_short_by_its_cursor_keeps_its_bookmark(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    api.control.fault("/api/v2/leads/list", "repeat_cursor", after=1, count=None)
    broken = sync("leads", incomplete=True)
    assert broken.records("leads")
    assert broken.bookmark("leads") is None
    assert "may be missing" in caplog.text
    api.control.clear_faults()
    assert {r["id"] for r in sync("leads", state=broken.state).records("leads")} == truth(api, "leads").keys()

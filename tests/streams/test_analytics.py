from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tap_instantly.streams.windows import WINDOW_DAYS, windows
from tests.conftest import UNTIL
from tests.support import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.support import Record, TapRun

DAILY = "campaign_analytics_daily"
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


def stripped(rows: list[Record], *keys: str) -> dict[tuple[Any, ...], Record]:
    return {
        tuple(row[key] for key in keys): {k: v for k, v in row.items() if k not in {"workspace_id", "workspace_name"}}
        for row in rows
    }


@given(start=DAYS, length=st.integers(-10, 400))
def test_windows_cover_every_day_once_and_stay_within_the_limit(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    found = list(windows(start, end))
    days = [first + timedelta(days=n) for first, last in found for n in range((last - first).days)]
    assert days == [start + timedelta(days=n) for n in range(max(0, length))]
    assert all((last - first).days <= WINDOW_DAYS for first, last in found)


def test_daily_figures_are_requested_in_windows_of_active_campaigns(api: Server, sync: Callable[..., TapRun]) -> None:
    sync(DAILY, start_date="2026-09-01")
    requests = [r for r in api.control.requests() if r["path"].startswith("/api/v2/campaigns/analytics")]
    daily = [r["query"] for r in requests if r["path"].endswith("/daily")]
    active: dict[tuple[str, str], set[str]] = {}
    for query in daily:
        active.setdefault((query["start_date"], query["end_date"]), set()).add(query["campaign_id"])
    for (start, end), campaigns in active.items():
        assert (date.fromisoformat(end) - date.fromisoformat(start)).days <= 31
        assert campaigns == {row["campaign_id"] for row in api.control.truth(DAILY) if start <= row["date"] < end}
    # The only other request is one list of campaigns per window.
    listed = [r["query"] for r in requests if r["path"].endswith("/analytics")]
    assert all(query["exclude_total_leads_count"] == "true" for query in listed)
    assert len(requests) == len(listed) + len(daily)


def test_next_run_reads_the_lookback_again(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync(DAILY)
    assert first.bookmark(DAILY) == max(row["date"] for row in api.control.truth(DAILY))
    bookmark = date.fromisoformat(first.bookmark(DAILY))

    second = sync(DAILY, state=first.state, analytics_lookback_days=3)
    expected = {
        (row["campaign_id"], row["date"])
        for row in api.control.truth(DAILY)
        if date.fromisoformat(row["date"]) >= bookmark - timedelta(days=3)
    }
    assert second.by_key(DAILY).keys() == expected
    assert second.bookmark(DAILY) == first.bookmark(DAILY)


def test_rows_outside_the_window_are_left_to_their_own_window(api: Server, sync: Callable[..., TapRun]) -> None:
    # If the real API included the end of a window, its first day would arrive twice.
    until = date.fromisoformat(UNTIL)
    start = until - timedelta(days=WINDOW_DAYS)
    rows = [{"date": (start + timedelta(days=n)).isoformat(), "sent": 1} for n in range(-1, 33)]
    api.control.fault("/api/v2/campaigns/analytics/daily", "status", status=200, body=rows, count=None)
    got = sync(DAILY, start_date=start.isoformat()).records(DAILY)
    assert len(got) == len({(row["campaign_id"], row["date"]) for row in got})
    assert {row["date"] for row in got} >= {(start + timedelta(days=n)).isoformat() for n in range(WINDOW_DAYS)}


def test_without_start_date_reading_starts_at_workspace_creation_or_in_2020(
    api: Server, config: dict[str, Any]
) -> None:
    def first_window(key: str) -> str:
        api.control.clear_requests()
        run_tap({**config, "api_key": key}, streams=(DAILY,))
        windows_ = [r["query"] for r in api.control.requests() if "start_date" in r["query"]]
        return str(min(query["start_date"] for query in windows_))

    made = next(api.control.truth("workspace"))["timestamp_created"]
    assert first_window(api.api_key) == made[:10]
    assert first_window("sandbox-key-analytics-only") == "2020-01-01"


def test_error_in_place_of_totals_is_not_loaded(api: Server, sync: Callable[..., TapRun]) -> None:
    name = "campaign_analytics_overview"
    body = {"note": "Internal error", "ok": False}
    api.control.fault("/api/v2/campaigns/analytics/overview", "status", status=200, body=body)
    got = sync(name).records(name)
    assert stripped(got, "campaign_id") == stripped(list(api.control.truth(name)), "campaign_id")

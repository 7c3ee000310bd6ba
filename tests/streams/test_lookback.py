"""Changes that the API shows late, with a time before the bookmark."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tap_instantly import timestamps
from tap_instantly.settings import SETTINGS
from tap_instantly.streams import STREAMS
from tap_instantly.streams.slicers import Product
from tap_instantly.streams.windows import Windows
from tap_instantly.validation.config import latest_start, problems
from tests.support import TapRun, examples, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tap_instantly.streams.slicers import Slicer
    from tests.support import Record

DEFAULT_HOURS = SETTINGS["properties"]["lookback_hours"]["default"]
MINUTES_A_DAY = 24 * 60


def accounts(api: Server) -> dict[str, Record]:
    return {row["email"]: row for row in api.control.truth("accounts_with_tags")}


def held(*runs: TapRun) -> dict[str, Any]:
    """Return the update time of each account in a warehouse after these runs."""
    return {row["email"]: row["timestamp_updated"] for run in runs for row in run.records("accounts")}


def before(moment: str, **ago: float) -> str:
    return timestamps.text(timestamps.parse(moment) - timedelta(**ago))


@examples(16, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=st.integers(0, 48), late=st.lists(st.integers(0, 3 * MINUTES_A_DAY), min_size=1, max_size=8))
def test_late_changes_are_loaded_exactly_within_the_lookback(
    api: Server, config: dict[str, Any], hours: int, late: list[int]
) -> None:
    api.control.reset()
    first = run_tap(config, streams=("accounts",))
    bookmark = first.bookmark("accounts")
    for email, minutes in zip(accounts(api), late, strict=False):
        api.control.pause_account(email, at=before(bookmark, minutes=minutes))
    second = run_tap({**config, "lookback_hours": hours}, streams=("accounts",), state=first.state)

    changed = {email: row["timestamp_updated"] for email, row in accounts(api).items()}
    due = {email: when for email, when in changed.items() if when >= before(bookmark, hours=hours)}
    assert held(second) == due
    assert held(first, second) == held(first) | due
    missed = {email for email, when in held(first, second).items() if when != changed[email]}
    assert missed == {email for email, minutes in zip(accounts(api), late, strict=False) if minutes > 60 * hours} - {
        email for email, when in held(first).items() if when == changed[email]
    }
    # True also if the account that set the bookmark now has an earlier time.
    assert second.bookmark("accounts") == bookmark


def test_lookback_defaults_to_hours_and_costs_no_extra_request(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("accounts")
    late, too_late = list(accounts(api))[:2]
    api.control.pause_account(late, at=before(first.bookmark("accounts"), hours=DEFAULT_HOURS))
    api.control.pause_account(too_late, at=before(first.bookmark("accounts"), hours=DEFAULT_HOURS, seconds=1))
    api.control.clear_requests()
    without = sync("accounts", state=first.state, lookback_hours=0)
    asked = len(api.control.requests())
    again = sync("accounts", state=first.state)
    assert len(api.control.requests()) == 2 * asked
    assert late not in held(without)
    assert late in held(again)
    assert too_late not in held(again)


@pytest.mark.parametrize(
    ("stream", "hours"),
    [
        ("accounts", DEFAULT_HOURS),
        *((stream, 720) for stream in ("leads", "emails", "audit_logs", "webhook_events", "campaign_analytics_daily")),
    ],
)
def test_nothing_from_before_the_start_date_is_emitted_again(
    api: Server, sync: Callable[..., TapRun], stream: str, hours: int
) -> None:
    key = next(each.replication_key for each in STREAMS if each.name == stream)
    days = {"lookback_hours": hours, "emails_lookback_days": hours // 24, "analytics_lookback_days": hours // 24}
    moments = sorted(record[key] for record in sync(stream).records(stream))
    start = moments[len(moments) // 2]
    first = sync(stream, start_date=start, **days)
    second = sync(stream, start_date=start, state=first.state, **days)
    for run in (first, second):
        assert min(record[key] for record in run.records(stream)) >= start
    assert len(first.records(stream)) == sum(moment >= start for moment in moments)


def test_interrupted_list_resumes_from_the_same_bookmark_with_its_lookback(api: Server, config: dict[str, Any]) -> None:
    settings = {**config, "page_size": 10, "max_retries": 0, "concurrency": 1}
    first = run_tap(settings, streams=("accounts",))
    late = list(accounts(api))[-1]
    api.control.pause_account(late, at=before(first.bookmark("accounts"), hours=2))
    api.control.fault("/api/v2/accounts", "status", status=400, body={"message": "stop here"}, after=3)
    cut = run_tap(settings, streams=("accounts",), state=first.state, incomplete=True)
    assert late not in held(cut)
    assert cut.bookmark("accounts") == first.bookmark("accounts")
    assert late in held(run_tap(settings, streams=("accounts",), state=cut.state))


def test_interrupted_leads_scan_resumes_with_its_lookback(api: Server, config: dict[str, Any]) -> None:
    # One request at a time, so that the run reads the same pages each time until it is cut off.
    settings = {**config, "page_size": 5, "max_retries": 0, "concurrency": 1, "lookback_hours": 48}
    first = run_tap(settings, streams=("leads",))
    cut_at = before(first.bookmark("leads"), hours=48)
    due = {row["id"] for row in api.control.truth("leads") if row["timestamp_updated"] >= cut_at}
    api.control.fault("/api/v2/leads/list", "status", status=400, body={"message": "stop here"}, after=60, count=None)
    cut = run_tap(settings, streams=("leads",), state=first.state, incomplete=True)
    api.control.clear_faults()
    rest = run_tap(settings, streams=("leads",), state=cut.state)
    emitted = [{row["id"] for row in run.records("leads")} for run in (cut, rest)]
    assert emitted[0] | emitted[1] == due
    assert set() < emitted[1] < due
    assert rest.bookmark("leads") == first.bookmark("leads")


def test_late_audit_log_events_are_loaded(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("audit_logs")
    campaign = next(api.control.truth("campaigns"))["id"]
    api.control.update_campaign(campaign, name="Renamed", at=before(first.bookmark("audit_logs"), hours=DEFAULT_HOURS))
    known = first.by_key("audit_logs").keys()
    assert not sync("audit_logs", state=first.state, lookback_hours=0).by_key("audit_logs").keys() - known
    assert len(sync("audit_logs", state=first.state).by_key("audit_logs").keys() - known) == 1


def test_late_background_jobs_are_loaded(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("background_jobs", page_size=2)
    oldest = min(api.control.truth("background_jobs"), key=lambda job: job["updated_at"])["id"]
    late = before(first.bookmark("background_jobs"), hours=DEFAULT_HOURS)
    api.control.mutate("progress_background_job", id=oldest, at=late)
    second = sync("background_jobs", state=first.state, page_size=2)
    assert second.by_key("background_jobs")[oldest,]["updated_at"] == late


@pytest.mark.parametrize(("hours", "days"), [(0, 1), (DEFAULT_HOURS, 1), (72, 3)])
def test_streams_with_delayed_data_look_back_at_least_a_day(
    api: Server, sync: Callable[..., TapRun], hours: int, days: int
) -> None:
    first = sync("webhook_events", "inbox_placement_analytics")
    api.control.clear_requests()
    sync("webhook_events", "inbox_placement_analytics", state=first.state, lookback_hours=hours)
    asked = {request["path"]: request["query"] for request in api.control.requests()}
    since = before(first.bookmark("webhook_events"), days=days)
    assert asked["/api/v2/webhook-events"]["from"] == since[:10]
    since = before(first.bookmark("inbox_placement_analytics"), days=days)
    assert asked["/api/v2/inbox-placement-analytics"]["date_from"] == since


def is_daily(slicer: Slicer) -> bool:
    return isinstance(slicer, Product) and any(isinstance(part, Windows) for part in slicer.factors)


def test_every_stream_with_a_bookmark_looks_back() -> None:
    with_bookmark = [stream for stream in STREAMS if isinstance(stream.replication_key, str)]
    daily = {stream.name for stream in with_bookmark if isinstance(stream.slicer, Windows) or is_daily(stream.slicer)}
    assert [stream.name for stream in with_bookmark if not stream.records.is_list and stream.name not in daily] == []


NOW = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("start", "possible"),
    [
        ("2026-11-29", True),
        ("2026-11-30", True),  # began two hours ago on Kiritimati
        ("2026-12-01", False),
        ("2026-11-29T12:00:00Z", True),
        ("2026-11-29T12:05:00Z", True),  # clocks differ
        ("2026-11-29T13:00:00Z", False),
        ("2026-11-29T13:00:00+05:30", True),
        ("2026-11-29T13:00:00", False),  # UTC without a zone
    ],
)
def test_a_start_date_may_be_today_anywhere_and_no_later(start: str, possible: bool) -> None:  # noqa: FBT001
    assert (timestamps.parse(start) <= latest_start(start, NOW)) == possible


@pytest.mark.parametrize("start", ["2999-01-01", "2999-01-01T00:00:00Z"])
def test_the_latest_start_that_a_refusal_names_is_accepted(start: str) -> None:
    (refusal,) = problems({"api_key": "k", "start_date": start}, SETTINGS)
    (latest,) = re.findall(r"it can be (\S+) at the latest", refusal)
    assert problems({"api_key": "k", "start_date": latest}, SETTINGS) == []

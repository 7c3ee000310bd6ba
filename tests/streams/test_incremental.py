"""Streams that the API filters or sorts by time, and streams requested in batches."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import ApiKey, SandboxConfig, serve
from tap_instantly import timestamps
from tests.conftest import UNTIL
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server

LATER = "2026-11-01T10:00:00.000Z"


def asked(api: Server, path: str) -> list[dict[str, Any]]:
    return [request["query"] for request in api.control.requests() if request["path"] == f"/api/v2{path}"]


def test_emails_come_in_order_from_the_bookmark_on(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("emails")
    stamps = [record["timestamp_created"] for record in first.records("emails")]
    assert stamps == sorted(stamps)
    assert first.bookmark("emails") == stamps[-1]
    api.control.clear_requests()
    new = api.control.mutate("receive_email", at=LATER)
    second = sync("emails", state=first.state)
    fresh = {record["id"] for record in second.records("emails")} - {r["id"] for r in first.records("emails")}
    assert len(fresh) == 1
    assert fresh & set(_texts(new))
    assert len(asked(api, "/emails")) <= 2
    assert all(query["sort_order"] == "asc" for query in asked(api, "/emails"))


def test_email_with_a_future_time_does_not_hide_earlier_ones(api: Server, sync: Callable[..., TapRun]) -> None:
    api.control.mutate("receive_email", at="2199-01-01T00:00:00.000Z")
    first = sync("emails")
    assert first.records("emails")[-1]["timestamp_created"] > "2199"
    assert first.bookmark("emails") <= timestamps.text(datetime.now(timezone.utc))
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    new = set(_texts(api.control.mutate("receive_email", at=timestamps.text(soon))))
    second = sync("emails", state=first.state)
    read = [record["id"] for record in second.records("emails")]
    assert new & set(read)
    assert read[0] == first.records("emails")[-2]["id"]  # the last one before the run, exactly at the bookmark
    assert len(read) == 3


def _texts(value: Any) -> list[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("pages", [0, 1, 4])
@pytest.mark.parametrize("lookback", [0, 30])
def test_failed_emails_leave_the_bookmark_at_the_latest_written_one(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture, pages: int, lookback: int
) -> None:
    stamps = sorted(row["timestamp_created"] for row in api.control.truth("emails"))
    before = stamps[len(stamps) // 4]
    api.control.fault("/api/v2/emails", "status", status=400, body={"message": "stop here"}, after=pages)
    state = emails_read_up_to(before, next(api.control.truth("workspace"))["id"])
    cut = sync("emails", state=state, incomplete=True, page_size=50, emails_lookback_days=lookback)
    written = [record["timestamp_created"] for record in cut.records("emails")]
    assert len(written) == 50 * pages
    assert (min(written, default=before) < before) == bool(lookback and pages)
    assert cut.bookmark("emails") == max([before, *written])
    moved = "moved to" if cut.bookmark("emails") > before else "stays at"
    assert f" (the bookmark {moved} {cut.bookmark('emails')}): " in caplog.text
    assert max([before, *written]) < stamps[-1]


def emails_read_up_to(timestamp: str, workspace: str) -> dict[str, Any]:
    bookmark = {"replication_key": "timestamp_created", "replication_key_value": timestamp}
    return {"bookmarks": {"emails": {"partitions": [{"context": {"workspace_id": workspace}, **bookmark}]}}}


@pytest.mark.parametrize(("wanted", "types"), [("received", {2}), ("sent", {1}), ("manual", {3}), ("all", {1, 2, 3})])
def test_emails_type_reads_only_that_type(
    api: Server, sync: Callable[..., TapRun], wanted: str, types: set[int]
) -> None:
    expected = [row["id"] for row in api.control.truth("emails") if wanted == "all" or row["ue_type"] in types]
    assert {record["id"] for record in sync("emails", emails_type=wanted).records("emails")} == set(expected)
    assert expected


def test_emails_with_interest_status_are_read_again(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("emails")
    emails = sorted(api.control.truth("emails"), key=lambda row: str(row["timestamp_created"]))
    unmarked = [row for row in emails if "i_status" not in row and row["timestamp_created"] > "2026-10-27"]
    own = int(next(row["interest_status"] for row in api.control.truth("lead_labels")))
    for row, status in zip(unmarked, (2, own), strict=False):
        api.control.mutate("mark_email", id=row["id"], i_status=status)
    second = sync("emails", state=first.state, emails_interest_days=5)
    again = {record["id"]: record.get("i_status") for record in second.records("emails")}
    since = timestamps.text(timestamps.parse(first.bookmark("emails")) - timedelta(days=5))
    assert again == {
        row["id"]: row.get("i_status")
        for row in api.control.truth("emails")
        if (row["timestamp_created"] >= since and "i_status" in row) or row["id"] == emails[-1]["id"]
    }
    assert {unmarked[0]["id"]: 2, unmarked[1]["id"]: own}.items() <= again.items()
    assert second.bookmark("emails") == first.bookmark("emails")


def test_previews_omit_the_bodies(api: Server, sync: Callable[..., TapRun]) -> None:
    assert not any(record.get("body") for record in sync("emails", emails_preview_only=True).records("emails"))
    assert any(record.get("body") for record in sync("emails").records("emails"))


def test_background_jobs_are_read_back_to_the_bookmark_only(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("background_jobs", page_size=5)
    oldest = min(api.control.truth("background_jobs"), key=lambda job: job["updated_at"])
    api.control.mutate("progress_background_job", id=oldest["id"], at=LATER)
    api.control.clear_requests()
    second = sync("background_jobs", state=first.state, page_size=5)
    assert oldest["id"] in {record["id"] for record in second.records("background_jobs")}
    assert len(second.records("background_jobs")) <= 2
    assert len(asked(api, "/background-jobs")) == 1


def test_unordered_background_jobs_are_all_read(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    first = sync("background_jobs", page_size=5)
    jobs = sorted(api.control.truth("background_jobs"), key=lambda job: job["updated_at"])
    api.control.mutate("progress_background_job", id=jobs[0]["id"], at=LATER)
    changed = next(job for job in api.control.truth("background_jobs") if job["id"] == jobs[0]["id"])
    pages = [jobs[5:1:-1], [jobs[1], changed]]
    for page, cursor in zip(pages, ["next", None], strict=True):
        body = {"items": page, "next_starting_after": cursor}
        api.control.fault("/api/v2/background-jobs", "status", status=200, body=body)
    second = sync("background_jobs", state=first.state, page_size=5)
    assert changed["id"] not in {record["id"] for record in second.records("background_jobs")}
    assert "not in the requested order" not in caplog.text  # the first page is sorted, and old

    pages = [[*jobs[1:5]], [changed]]
    for page, cursor in zip(pages, ["next", None], strict=True):
        body = {"items": page, "next_starting_after": cursor}
        api.control.fault("/api/v2/background-jobs", "status", status=200, body=body)
    third = sync("background_jobs", state=first.state, page_size=5)
    assert changed["id"] in {record["id"] for record in third.records("background_jobs")}
    assert "not in the requested order" in caplog.text


def test_audit_logs_are_requested_from_the_bookmark_in_large_pages(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("audit_logs")
    lead = next(api.control.truth("leads"))["id"]
    api.control.mutate("delete_leads", ids=[lead], at=LATER)
    api.control.clear_requests()
    second = sync("audit_logs", state=first.state, lookback_hours=0)
    assert 2 in {record["activity_type"] for record in second.records("audit_logs")}
    assert len(second.records("audit_logs")) <= 2
    query = asked(api, "/audit-logs")[0]
    just_before = timestamps.parse(first.bookmark("audit_logs")) - timedelta(milliseconds=1)
    assert (query["limit"], query["start_date"]) == ("1000", timestamps.text(just_before))


def test_too_large_account_analytics_requests_are_halved(config: dict[str, Any]) -> None:
    key = ApiKey("everything")
    with serve(SandboxConfig(campaigns=4, accounts=230, leads=200, days=20, until=UNTIL, keys=(key,))) as server:
        server.control.config(analytics_accounts=60)
        settings = {"api_key": key.secret, "api_url": f"{server.url}/api/v2"}
        run = run_tap(settings, streams=("account_analytics_daily",))
        sizes = [
            len(request["query"]["emails"]) if isinstance(request["query"]["emails"], list) else 1
            for request in server.control.requests()
            if request["path"].endswith("/accounts/analytics/daily")
        ]
        got = run.by_key("account_analytics_daily")
        expected = {
            (row["email_account"] or "unknown", row["date"]) for row in server.control.truth("account_analytics_daily")
        }
    assert {(email, day) for _, email, day in got} == expected
    assert len(got) == len(run.records("account_analytics_daily"))
    assert max(sizes) <= 200


def test_warmup_is_requested_for_a_hundred_accounts_at_a_time(api: Server, sync: Callable[..., TapRun]) -> None:
    sync("account_warmup")
    bodies = [r["body"]["emails"] for r in api.control.requests() if r["path"].endswith("/warmup-analytics")]
    assert sorted(len(emails) for emails in bodies) == [20, 100]  # requests run side by side


@pytest.mark.parametrize("name", ["account_warmup", "account_warmup_daily"])
def test_too_large_warmup_requests_are_halved(name: str, api: Server, sync: Callable[..., TapRun]) -> None:
    whole = sync(name).by_key(name)
    api.control.clear_requests()
    api.control.fault("/api/v2/accounts/warmup-analytics", "status", status=413, body={"message": "m"}, count=1)
    run = sync(name)
    bodies = [r["body"]["emails"] for r in api.control.requests() if r["path"].endswith("/warmup-analytics")]
    assert len(bodies) == 4
    assert run.by_key(name) == whole
    assert len(run.records(name)) == len(whole)


def test_rows_of_other_inbox_placement_tests_are_discarded(api: Server, sync: Callable[..., TapRun]) -> None:
    api.control.config(stray_placement_rows=0.5)
    records = sync("inbox_placement_analytics").records("inbox_placement_analytics")
    assert len({record["id"] for record in records}) == len(records)
    assert {r["id"] for r in records} == {row["id"] for row in api.control.truth("inbox_placement_analytics")}

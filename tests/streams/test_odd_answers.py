"""Successful responses with unexpected contents."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.answers import reply
from sandbox.areas import enrichment
from tests.support import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.support import TapRun

STATS = "lead_list_verification_stats"
VERSIONS = {"emit_activate_version_messages": True}


# Parents with invalid types


def test_agents_with_invalid_type_are_skipped_logged_and_counted(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (known, *_) = (agent for agent in api.control.truth("ai_agents") if agent["type"] == 2)
    odd = [{"id": f"odd {kind}", "type": kind} for kind in ("sales", None, True, 2.5, [2], {"id": 2})]
    agents = [*odd, known, {"id": "new", "type": 1000}, {**known, "type": 2.0}]
    api.control.fault("/api/v2/ai-agents", "status", status=200, body={"items": agents}, count=None)
    run = sync("ai_sales_agents", **VERSIONS)
    assert {record["id"] for record in run.records("ai_sales_agents")} == {known["id"]}
    for agent in odd:
        line = f"Skipped an agent whose type is not an integer: {agent['id']!r}"
        assert caplog.messages.count(line) == 1
    (summary,) = [line for line in caplog.messages if line.startswith("Synced ai_sales_agents")]
    assert f" unusable={len(odd)}" in summary
    assert not [message for message in run.messages if message["type"] == "ACTIVATE_VERSION"]


def test_agent_with_invalid_type_leaves_its_child_stream_incomplete(api: Server, sync: Callable[..., TapRun]) -> None:
    agents = [{"id": "odd", "type": "sales"}, *api.control.truth("ai_agents")]
    api.control.fault("/api/v2/ai-agents", "status", status=200, body={"items": agents}, count=None)
    run = sync("ai_sales_agent_activities", incomplete=True)
    assert run.records("ai_sales_agent_activities")
    assert run.bookmark("ai_sales_agent_activities") is None


def test_empty_object_is_not_a_record(api: Server, sync: Callable[..., TapRun]) -> None:
    name = "campaign_analytics_overview"
    (first, *others) = sync(name).by_key(name)
    api.control.fault("/api/v2/campaigns/analytics/overview", "status", status=200, body={}, count=1)
    assert set(sync(name).by_key(name)) == set(others)
    assert first not in others


# Parents that return 404


@pytest.mark.parametrize("name", ["inbox_placement_analytics", "campaign_analytics_daily"])
def test_listed_but_missing_parent_loses_nothing(name: str, api: Server, sync: Callable[..., TapRun]) -> None:
    path = {"inbox_placement_analytics": "/inbox-placement-analytics"}.get(name, "/campaigns/analytics/daily")
    whole = set(sync(name, page_size=50).by_key(name))
    for after in (0, 1):  # a parent's first page, and a possible second one
        api.control.fault(f"/api/v2{path}", "status", status=404, after=after)
        first = sync(name, page_size=50, incomplete=True)
        assert first.bookmark(name) is None
        second = sync(name, page_size=50, state=first.state)
        assert set(first.by_key(name)) | set(second.by_key(name)) == whole
        assert set(first.by_key(name)) < whole


def requests_for_lists(api: Server, sync: Callable[..., TapRun]) -> int:
    """Return the number of requests for the lists of parents."""
    sync(STATS)
    return len(api.control.requests("/api/v2/lead-lists"))


def test_deleted_parent_takes_its_records_with_it(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    asked = requests_for_lists(api, sync)
    gone = next(api.control.truth("lead_lists"))["id"]
    api.control.fault(f"/api/v2/lead-lists/{gone}/verification-stats", "status", status=404, count=None)
    left = [row for row in api.control.truth("lead_lists") if row["id"] != gone]
    api.control.fault("/api/v2/lead-lists", "status", status=200, body={"items": left}, after=asked, count=None)
    run = sync(STATS, **VERSIONS)
    assert {record["list_id"] for record in run.records(STATS)} == {row["id"] for row in left}
    assert caplog.text.count("Skipped list_id ") == caplog.text.count(f"Skipped list_id {gone}") == 1
    assert "ACTIVATE_VERSION" in {message["type"] for message in run.messages}


def test_listed_but_missing_parents_do_not_count_as_deleted(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/lead-lists/*/verification-stats", "status", status=404, count=None)
    run = sync(STATS, **VERSIONS)
    assert not run.records(STATS)
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}
    assert "Deleted records stay in the warehouse" in caplog.text
    assert "possibly_incomplete=[" in caplog.text
    assert "5 list_id not found" in str(sync(STATS, strict=True, incomplete=True).error)


def test_incomplete_parent_list_does_not_count_as_deletions(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/lead-lists", "status", status=500, limit_over=1, count=None)  # one record a page
    run = sync(STATS, **VERSIONS)
    assert "Records of the list /lead-lists may be missing: several pages with one timestamp each." in caplog.messages
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_unverifiable_parents_do_not_count_as_deleted(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    asked = requests_for_lists(api, sync)
    api.control.fault("/api/v2/lead-lists/*/verification-stats", "status", status=404, count=1)
    api.control.fault("/api/v2/lead-lists", "status", status=403, body={"message": "no"}, after=asked, count=None)
    run = sync(STATS, **VERSIONS)
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}
    assert "Cannot check whether" in caplog.text


def test_row_with_another_spelling_of_its_parent_is_kept(api: Server, sync: Callable[..., TapRun]) -> None:
    account, *others = api.control.truth("accounts")
    email = account["email"]
    shouted = {**account, "email": email.upper()}
    api.control.fault(f"/api/v2/accounts/{email}", "status", status=200, body=shouted, count=1)
    emails = [record["email"] for record in sync("account_details").records("account_details")]
    assert sorted(emails) == sorted([email.upper(), *(other["email"] for other in others)])


# Unsorted e-mails


def in_this_order(api: Server, *places: int, **changes: Any) -> list[dict[str, Any]]:
    """Answer the next request for e-mails with the oldest ones in this order."""
    mails = sorted(api.control.truth("emails"), key=lambda mail: mail["timestamp_created"])
    order = [{**mails[place], **changes} for place in places]
    api.control.fault("/api/v2/emails", "status", status=200, body={"items": order}, count=1)
    return order


def test_unordered_emails_are_all_read_and_logged_once(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    order = in_this_order(api, 0, 1, 5, 2, 3, 4, 6, 7)
    run = run_tap(config, streams=("emails", "leads"))
    assert [record["id"] for record in run.records("emails")] == [mail["id"] for mail in order]
    assert run.records("leads")
    assert run.bookmark("emails") == order[-1]["timestamp_created"]
    assert caplog.text.count("are not in order") == 1


def test_order_of_emails_is_not_checked_without_a_bookmark(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    order = in_this_order(api, 0, 1, 5, 2, 3)
    run = run_tap(config, streams=("emails",), full_table=True)
    assert len(run.records("emails")) == len(order)
    assert "bookmark" not in caplog.text


def test_email_without_a_timestamp_is_kept_and_moves_no_bookmark(api: Server, config: dict[str, Any]) -> None:
    (undated,) = in_this_order(api, 3, timestamp_created=None)
    run = run_tap(config, streams=("emails",))
    assert [record["id"] for record in run.records("emails")] == [undated["id"]]
    assert run.bookmark("emails") is None


def test_record_with_an_unusable_change_time_counts_as_changed(api: Server, sync: Callable[..., TapRun]) -> None:
    first = sync("campaigns")
    known = next(api.control.truth("campaigns"))
    for changed in ("soon", 5, None):
        page = {"items": [{**known, "timestamp_updated": changed}, {**known, "timestamp_updated": "2020-01-01"}]}
        api.control.fault("/api/v2/campaigns", "status", status=200, body=page)
        assert [record["id"] for record in sync("campaigns", state=first.state).records("campaigns")] == [known["id"]]


@pytest.mark.parametrize("page_size", [3, 100])
def test_failed_run_on_newest_first_emails_is_completed_by_the_next(
    api: Server, config: dict[str, Any], page_size: int
) -> None:
    newest_first = sorted(api.control.truth("emails"), key=lambda mail: mail["timestamp_created"], reverse=True)
    body = {"items": newest_first[:page_size], "next_starting_after": newest_first[page_size - 1]["id"]}
    api.control.fault("/api/v2/emails", "status", status=200, body=body)
    api.control.fault("/api/v2/emails", "status", status=400, count=None)
    settings = {**config, "page_size": page_size, "max_retries": 0}
    first = run_tap(settings, streams=("emails",), incomplete=True)
    assert len(first.records("emails")) == page_size
    api.control.clear_faults()
    second = run_tap(config, streams=("emails",), state=first.state)
    found = {record["id"] for run in (first, second) for record in run.records("emails")}
    assert found == {mail["id"] for mail in newest_first}


def test_unordered_emails_set_the_bookmark_back_to_its_start(api: Server, config: dict[str, Any]) -> None:
    before = run_tap(config, streams=("emails",)).state
    began = before["bookmarks"]["emails"]["partitions"][0]["replication_key_value"]
    later = [f"2026-11-0{day}T00:00:00.000Z" for day in (1, 2, 3, 1, 4)]
    mails = [{**m, "timestamp_created": at} for m, at in zip(api.control.truth("emails"), later, strict=False)]
    for page, cursor in ((mails[:3], "next"), (mails[3:4], "further"), (mails[4:], None)):
        body = {"items": page, "next_starting_after": cursor}
        api.control.fault("/api/v2/emails", "status", status=200, body=body)
    run = run_tap(config, streams=("emails",), state=before)
    states = [m["value"]["bookmarks"]["emails"]["partitions"][0] for m in run.messages if m["type"] == "STATE"]
    bookmarks = [part["replication_key_value"] for part in states if "replication_key_value" in part]
    at = bookmarks.index(later[2])
    assert began in bookmarks[at:]
    assert bookmarks[-1] == later[-1]


def test_emails_of_mixed_precision_are_in_order(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    moments = ("2026-10-01T00:00:00.500Z", "2026-10-01T00:00:00.500123Z", "2026-10-01T00:00:00.600Z")
    mails = [{**mail, "timestamp_created": at} for mail, at in zip(api.control.truth("emails"), moments, strict=False)]
    api.control.fault("/api/v2/emails", "status", status=200, body={"items": mails}, count=1)
    run = run_tap(config, streams=("emails",))
    assert run.bookmark("emails") == moments[-1]
    assert "are not in order" not in caplog.text


# Short pages


def test_offset_pagination_copes_with_short_pages(sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch) -> None:
    name = "supersearch_enrichment_history"
    whole = sync(name).by_key(name)
    assert max(position for _, position in whole) > 2
    monkeypatch.setattr(enrichment, "reply", lambda rows: reply(rows[:2]))
    short = sync(name)
    assert short.by_key(name) == whole
    assert len(short.records(name)) == len(whole)

"""Lead changes of every kind, and the queries that find some of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from sandbox.clock import now_ms, stamp

CAN_BE_FOUND = {
    "contact": "last-contacted",
    "open": "email-open",
    "click": "link-click",
    "reply": "reply",
    "label": "lead-status-change",
}
CANNOT = ("edit_lead", "move_lead", "bounce", "unsubscribe")


def queried(api, *actions, days=1.0, **more):
    """Return the ids of leads that the API finds by actions within some days."""
    queries = [{"actionType": action, "values": {"occurrence-days": days}} for action in actions]
    answer = api.post("/leads/list", {"limit": 100, "queries": queries, **more})
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


def a_few(control, count):
    return [row for row in control.truth("leads") if "campaign" in row][:count]


def changed(control, kind, lead, at=None):
    """Change a lead in the given way."""
    details = {"label": {"interest": 2}, "edit_lead": {"first_name": "Ada"}, "move_lead": {"list_id": a_list(control)}}
    if kind in {"open", "click", "reply"}:
        return control.mutate(kind, lead_id=lead["id"], at=at)["lead"]
    return control.change_lead(kind, lead["id"], at, **details.get(kind, {}))


def a_list(control):
    return next(iter(control.truth("lead_lists")))["id"]


@pytest.mark.parametrize("kind", CAN_BE_FOUND)
def test_query_finds_exactly_the_leads_with_that_event(api, control, kind):
    lead, another = a_few(control, 2)
    changed(control, kind, lead)
    changed(control, "edit_lead", another)
    assert {action: queried(api, action) for action in CAN_BE_FOUND.values()} == {
        action: [lead["id"]] if action == CAN_BE_FOUND[kind] else [] for action in CAN_BE_FOUND.values()
    }


@pytest.mark.parametrize("kind", CANNOT)
def test_no_query_finds_leads_changed_by_other_events(api, control, kind):
    (lead,) = a_few(control, 1)
    after = changed(control, kind, lead)
    assert after != lead
    assert after["timestamp_updated"] > lead["timestamp_updated"]
    assert queried(api, *CAN_BE_FOUND.values()) == []


def test_seeded_leads_are_found_by_event_time(api, control):
    days = (datetime.now(timezone.utc) - datetime(2026, 6, 25, tzinfo=timezone.utc)) / timedelta(days=1)
    expected = [row["id"] for row in control.truth("leads") if row.get("timestamp_last_reply", "") >= "2026-06-25"]
    found = queried(api, "reply", days=days)
    assert found == expected
    assert found


def test_queries_page_like_the_list(api, control):
    leads = a_few(control, 7)
    for lead in leads:
        changed(control, "open", lead)
    query = {"actionType": "email-open", "values": {"occurrence-days": 1}}
    pages = [[row["id"] for row in page["items"]] for page in api.pages("/leads/list", 3, queries=[query])]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [lead for page in pages for lead in page] == [lead["id"] for lead in leads]


def test_queries_are_joined_by_or_unless_switched_to_and(api, control):
    opened, both = a_few(control, 2)
    changed(control, "open", opened)
    changed(control, "open", both)
    changed(control, "reply", both)
    assert queried(api, "email-open", "reply") == [opened["id"], both["id"]]
    control.config(lead_queries="all")
    assert queried(api, "email-open", "reply") == [both["id"]]


def test_ignored_queries_return_the_full_list(api, control):
    control.config(lead_queries="ignored")
    assert queried(api, "reply") == [row["id"] for row in list(control.truth("leads"))[:100]]


def test_unsupported_queries_and_unknown_actions_are_refused(api, control):
    unknown = {"queries": [{"actionType": "bounce", "values": {"occurrence-days": 1}}]}
    assert api.post("/leads/list", unknown).status_code == 400
    control.config(lead_queries="unsupported")
    known = {"queries": [{"actionType": "reply", "values": {"occurrence-days": 1}}]}
    assert api.post("/leads/list", known).status_code == 400


def test_days_may_be_counted_from_midnight(api, control):
    (lead,) = a_few(control, 1)
    before_midnight = stamp(now_ms() // 86_400_000 * 86_400_000 - 1)
    changed(control, "reply", lead, before_midnight)
    assert queried(api, "reply", days=1.0) == [lead["id"]]
    control.config(query_days_from_midnight=True)
    assert queried(api, "reply", days=1.0) == []
    assert queried(api, "reply", days=2.0) == [lead["id"]]


def test_a_change_may_be_found_later_than_it_was_made(api, control):
    now, earlier = a_few(control, 2)
    changed(control, "reply", now)
    changed(control, "reply", earlier, stamp(now_ms() - 3_600_000))
    control.config(query_lag_seconds=1800)
    assert queried(api, "reply") == [earlier["id"]]


def test_the_number_of_occurrences_counts(api, control):
    once, twice = a_few(control, 2)
    for lead in (once, twice, twice):
        changed(control, "reply", lead)
    counts = {row["id"]: row["email_reply_count"] for row in control.truth("leads")}
    query = {"occurrence-days": 1, "occurrence-count": {"condition": "equal", "count": counts[twice["id"]]}}
    found = api.post("/leads/list", {"queries": [{"actionType": "reply", "values": query}]}).json()["items"]
    assert twice["id"] in [row["id"] for row in found]
    assert all(row["email_reply_count"] == counts[twice["id"]] for row in found)


def test_journal_distinguishes_every_kind_of_change(control):
    leads = a_few(control, len(CAN_BE_FOUND) + len(CANNOT))
    kinds = (*CAN_BE_FOUND, *CANNOT)
    for kind, lead in zip(kinds, leads, strict=True):
        changed(control, kind, lead)
    created = control.add_leads(1)[0]
    control.delete_leads(leads[0]["id"])
    names = {"edit_lead": "edit", "move_lead": "move"}
    expected = [(lead["id"], names.get(kind, kind)) for kind, lead in zip(kinds, leads, strict=True)]
    journal = [(row["id"], row["kind"]) for row in control.truth("lead_changes")]
    assert journal == [*expected, (created["id"], "create"), (leads[0]["id"], "delete")]


def test_moved_lead_is_only_in_its_new_place(api, control):
    (lead,) = a_few(control, 1)
    moved = changed(control, "move_lead", lead)
    assert "campaign" not in moved
    place = api.post("/leads/list", {"list_id": moved["list_id"], "ids": [lead["id"]]}).json()["items"]
    before = api.post("/leads/list", {"campaign": lead["campaign"], "ids": [lead["id"]]}).json()["items"]
    assert (place, before) == ([moved], [])
    control.delete_campaign(lead["campaign"])
    assert api.get(f"/leads/{lead['id']}").json() == moved

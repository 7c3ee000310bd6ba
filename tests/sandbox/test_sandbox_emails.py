"""The list of e-mails with its rate limit and its peculiarities."""

from __future__ import annotations

import pytest

AT = "2026-07-02T10:00:00.500Z"


@pytest.fixture
def emails(control):
    return list(control.truth("emails"))


def test_emails_have_the_requested_number_and_every_type(emails):
    assert len(emails) == 600
    assert {row["ue_type"] for row in emails} == {1, 2, 3, 4}
    assert len({row["id"] for row in emails}) == len(emails)


def test_emails_have_observed_shapes(emails):
    for row in emails:
        assert row["id"][14] == "7"
        assert row["timestamp_created"].endswith(".000Z")
        assert row["timestamp_email"] <= row["timestamp_created"]
        assert len(row["thread_id"]) == 26
        assert row["body"].keys() <= {"text", "html"}
        if row["ue_type"] == 3:
            assert not {"step", "is_unread"} & row.keys()
    assert {tuple(row["body"]) for row in emails} == {("text",), ("html",), ("text", "html")}


def test_emails_agree_with_campaigns_leads_and_accounts(emails, control):
    leads = {row["id"]: row for row in control.truth("leads")}
    campaigns = {row["id"]: row for row in control.truth("campaigns")}
    for row in emails:
        lead = leads[row["lead_id"]]
        assert row["lead"] == lead["email"]
        assert (row.get("campaign_id"), row.get("list_id")) == (lead.get("campaign"), lead.get("list_id"))
        if "campaign_id" in row:
            assert row["eaccount"] in campaigns[row["campaign_id"]]["email_list"]
        if row["ue_type"] == 2 and not row["is_auto_reply"]:
            assert lead["email_reply_count"] > 0
            assert row["i_status"] == lead["lt_interest_status"]


def test_emails_can_be_paged_in_ascending_order(api, emails):
    *_, last = api.pages("/emails", sort_order="asc")
    assert last == {"items": []}
    assert api.walk("/emails", sort_order="asc") == emails[::-1]


def test_time_filters_are_exclusive(api, emails):
    times = [row["timestamp_created"] for row in emails]
    low, high = times[60], times[20]
    some = api.get("/emails", min_timestamp_created=low, max_timestamp_created=high, limit=100).json()["items"]
    assert some == [row for row in emails if low < row["timestamp_created"] < high]
    assert api.get("/emails", min_timestamp_created="yesterday").status_code == 400


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ({"email_type": "received"}, lambda row: row["ue_type"] == 2),
        ({"email_type": "manual"}, lambda row: row["ue_type"] == 3),
        ({"scheduled_only": "true"}, lambda row: row["ue_type"] == 4),
        ({"i_status": 1}, lambda row: row.get("i_status") == 1),
        ({"is_unread": "true"}, lambda row: row.get("is_unread") == 1),
        ({"has_reminder": "true"}, lambda row: "reminder_ts" in row),
        ({"mode": "emode_others"}, lambda row: row.get("is_focused") == 0),
        ({"ue_type": 2}, lambda _row: True),
    ],
)
def test_filters(api, emails, query, test):
    assert api.get("/emails", limit=50, **query).json()["items"] == [row for row in emails if test(row)][:50]


def test_filters_by_campaign_lead_account_and_thread(api, emails):
    row = next(row for row in emails if row["ue_type"] == 2 and not row["is_auto_reply"])
    for name, value in (
        ("campaign_id", row["campaign_id"]),
        ("lead", row["lead"]),
        ("eaccount", f"{row['eaccount']},nobody@harbor-loom.example"),
    ):
        expected = [other for other in emails if other.get(name) == row[name]]
        assert api.get("/emails", limit=100, **{name: value}).json()["items"] == expected[:100]
    thread = [other for other in emails if other["thread_id"] == row["thread_id"]]
    assert api.get("/emails", limit=100, search=f"thread:{row['thread_id']}").json()["items"] == thread
    latest = api.get("/emails", limit=100, search=f"thread:{row['thread_id']}", latest_of_thread="true").json()
    assert latest["items"] == thread[:1]


def test_an_unknown_lead_has_no_emails_and_that_is_no_error(api):
    answer = api.get("/emails", lead="nobody@nowhere.example")
    assert (answer.status_code, answer.json()) == (200, {"items": []})


def test_previews_have_no_body(api):
    items = api.get("/emails", preview_only="true").json()["items"]
    assert items
    assert not any("body" in row for row in items)


def test_a_reply_brings_an_email(api, control):
    lead = next(row for row in control.truth("leads") if "campaign" in row)
    before = api.get("/emails/unread/count").json()["count"]
    email = control.reply(lead["id"], AT)["email"]
    assert (email["lead"], email["timestamp_created"]) == (lead["email"], "2026-07-02T10:00:00.000Z")
    assert api.get("/emails", limit=1).json()["items"] == [email]
    assert api.get("/emails", lead=lead["email"], limit=1).json()["items"] == [email]
    assert api.get("/emails/unread/count").json()["count"] == before + 1


def test_emails_are_read_marked_and_deleted_without_a_trace_of_when(api, control):
    new = control.mutate("receive_email", at=AT)["email"]
    assert "campaign_id" not in new
    control.mutate("read_email", id=new["id"])
    marked = control.mutate("mark_email", id=new["id"], i_status=2)["email"]
    assert marked == new | {"is_unread": 0, "i_status": 2}
    assert api.get(f"/emails/{new['id']}").json() == marked
    old = list(control.truth("emails"))[-1]
    control.mutate("mark_email", id=old["id"], i_status=-1)
    assert api.get("/emails", i_status=-1, sort_order="asc", limit=1).json()["items"] == [old | {"i_status": -1}]
    control.mutate("delete_email", id=old["id"])
    assert old["id"] not in {row["id"] for row in control.truth("emails")}
    assert len(list(control.truth("emails"))) == 600

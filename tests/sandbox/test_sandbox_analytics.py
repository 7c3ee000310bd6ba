"""Analytics: totals that add up, unique counts that do not, and dates."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

DAILY_TO_TOTAL = {
    "sent": "emails_sent_count",
    "opened": "open_count",
    "replies": "reply_count",
    "replies_automatic": "reply_count_automatic",
    "clicks": "link_click_count",
    "new_leads_contacted": "new_leads_contacted_count",
}
UNIQUE_TO_TOTAL = {
    "unique_opened": "open_count_unique",
    "unique_replies": "reply_count_unique",
    "unique_replies_automatic": "reply_count_automatic_unique",
    "unique_clicks": "link_click_count_unique",
}


def sums(rows):
    total: dict[str, Counter] = {}
    for row in rows:
        own = total.setdefault(row["campaign_id"], Counter())
        own.update({name: value for name, value in row.items() if isinstance(value, int)})
    return total


def totals(control):
    return {row["campaign_id"]: row for row in control.truth("campaign_analytics")}


def test_daily_and_step_counts_add_up_to_the_totals(control):
    daily, steps = sums(control.truth("campaign_analytics_daily")), sums(control.truth("campaign_analytics_steps"))
    for campaign, total in totals(control).items():
        for name, in_total in DAILY_TO_TOTAL.items():
            assert daily[campaign][name] == total[in_total], name
            if name != "new_leads_contacted":
                assert steps[campaign][name] == total[in_total], name


def test_uniques_do_not_add_up(control):
    daily = sums(control.truth("campaign_analytics_daily"))
    for campaign, total in totals(control).items():
        for name, in_total in UNIQUE_TO_TOTAL.items():
            if daily[campaign][name] > 1:
                assert 0 < total[in_total] < daily[campaign][name], name
            assert total[in_total] <= total[f"{in_total}_by_step"] <= daily[campaign][name]


def test_figures_are_realistic_for_cold_email(control):
    total = Counter()
    for row in control.truth("campaign_analytics"):
        assert row["contacted_count"] <= row["leads_count"]
        total.update({name: value for name, value in row.items() if isinstance(value, int)})
    sent = total["emails_sent_count"]
    assert 0.01 < total["reply_count_unique"] / sent < 0.05
    assert 0.005 < total["bounced_count"] / sent < 0.03
    assert 0 < total["total_opportunities"] < total["reply_count"]


def test_nothing_is_sent_at_weekends(control):
    for row in control.truth("campaign_analytics_daily"):
        assert date.fromisoformat(row["date"]).weekday() < 5 or row["sent"] == 0


def test_campaigns_that_never_sent_do_not_appear(api, control):
    rows = api.get("/campaigns/analytics").json()
    assert rows == list(control.truth("campaign_analytics"))
    lean = api.get("/campaigns/analytics", exclude_total_leads_count="true").json()
    assert lean == [{name: value for name, value in row.items() if name != "leads_count"} for row in rows]
    drafts = {row["id"] for row in control.truth("campaigns") if row["status"] == 0}
    assert drafts
    assert not drafts & {row["campaign_id"] for row in rows}
    assert len(rows) > 10


def test_opens_are_zero_where_they_are_not_tracked(control):
    tracked = {row["id"]: row["open_tracking"] for row in control.truth("campaigns")}
    rows = list(control.truth("campaign_analytics"))
    assert {tracked[row["campaign_id"]] for row in rows} == {True, False}
    assert all((row["open_count"] > 0) == tracked[row["campaign_id"]] for row in rows)


def test_campaigns_can_be_selected_by_id(api, control):
    ids = [row["campaign_id"] for row in control.truth("campaign_analytics")]
    assert [row["campaign_id"] for row in api.get("/campaigns/analytics", id=ids[3]).json()] == [ids[3]]
    assert [row["campaign_id"] for row in api.get("/campaigns/analytics", ids=ids[1:3]).json()] == ids[1:3]
    assert api.get("/campaigns/analytics", id="f9cc070d-8dba-4341-b847-f083c358e460").json() == []


def test_window_counts_only_its_own_days(api, control):
    window = {"start_date": "2026-03-09", "end_date": "2026-03-14"}
    days = [row for row in control.truth("campaign_analytics_daily") if "2026-03-09" <= row["date"] < "2026-03-14"]
    rows = api.get("/campaigns/analytics", **window).json()
    active = sums(days)
    assert {row["campaign_id"] for row in rows} == set(active)
    assert all(row["emails_sent_count"] == active[row["campaign_id"]]["sent"] for row in rows)
    assert len(rows) < len(totals(control))
    assert api.get("/campaigns/analytics", start_date="2019-01-01", end_date="2019-02-01").json() == []


def test_daily_rows_have_no_campaign_and_no_bounces(api):
    rows = api.get("/campaigns/analytics/daily").json()
    assert not {"campaign_id", "bounced"} & set(rows[0])
    assert [row["date"] for row in rows] == sorted({row["date"] for row in rows})
    assert all(any(value for name, value in row.items() if name != "date") for row in rows)


def test_daily_rows_of_the_workspace_are_the_sum_over_campaigns(api, control):
    campaigns = [row["id"] for row in control.truth("campaigns")]
    expected: dict[str, Counter] = {}
    for campaign in campaigns:
        for row in api.get("/campaigns/analytics/daily", campaign_id=campaign).json():
            expected.setdefault(row.pop("date"), Counter()).update(row)
    actual = {row.pop("date"): Counter(row) for row in api.get("/campaigns/analytics/daily").json()}
    assert actual == expected


def test_daily_covers_thirty_days_by_default_and_31_at_most(api):
    dates = [row["date"] for row in api.get("/campaigns/analytics/daily").json()]
    assert dates[0] >= "2026-06-01"
    assert dates[-1] == "2026-06-30"
    start, limit = date(2026, 5, 1), timedelta(days=31)
    assert api.get("/campaigns/analytics/daily", start_date=start, end_date=start + limit).status_code == 200
    answer = api.get("/campaigns/analytics/daily", start_date=start, end_date=start + limit + timedelta(days=1))
    assert (answer.status_code, answer.json()) == (400, {"message": "Analytics date range cannot exceed 31 days"})


@pytest.mark.parametrize("part", ["", "/overview", "/daily", "/steps"])
def test_start_date_after_end_date_is_refused(api, part):
    answer = api.get(f"/campaigns/analytics{part}", start_date="2026-06-10", end_date="2026-06-09")
    assert (answer.status_code, answer.json()) == (400, {"message": "Start Date must be earlier than End Date"})


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-06-08", "2026-06-10", ["2026-06-08", "2026-06-09"]),
        ("2026-06-08", "2026-06-08", ["2026-06-08"]),
        ("2026-06-08T00:00:00.000Z", "2026-06-10T00:00:00.000Z", ["2026-06-08", "2026-06-09"]),
        ("2026-06-08", "2026-06-10T12:00:00.000Z", ["2026-06-08", "2026-06-09", "2026-06-10"]),
        ("2026-06-29", "2027-01-01T00:00:00Z", None),
    ],
)
def test_an_end_date_is_its_midnight(api, start, end, expected):
    answer = api.get("/campaigns/analytics/daily", start_date=start, end_date=end)
    if expected is None:
        assert answer.status_code == 400
    else:
        assert [row["date"] for row in answer.json()] == expected


def test_steps_are_strings_or_unknown_with_opportunities_on_request(api, control):
    rows = api.get("/campaigns/analytics/steps").json()
    assert (rows[0]["step"], rows[0]["variant"]) == ("1", "0")
    assert (rows[-1]["step"], rows[-1]["variant"]) == (None, None)
    assert sum(row["sent"] for row in rows) == sum(row["sent"] for row in control.truth("campaign_analytics_steps"))
    assert "opportunities" not in rows[0]
    names = {"opportunities", "unique_opportunities", "meetings_booked", "won"}
    rows = api.get("/campaigns/analytics/steps", include_opportunities_count="true").json()
    assert all(names <= set(row) for row in rows)
    assert sum(row["opportunities"] for row in rows) > 0


def test_the_overview_is_one_object_with_outcomes(api, control):
    whole = api.get("/campaigns/analytics/overview").json()
    rows = list(control.truth("campaign_analytics"))
    assert whole["emails_sent_count"] == sum(row["emails_sent_count"] for row in rows)
    assert whole["total_interested"] == sum(row["total_opportunities"] for row in rows)
    assert whole["total_meeting_booked"] >= whole["total_meeting_completed"] >= whole["total_closed"]
    one = api.get("/campaigns/analytics/overview", id=rows[0]["campaign_id"]).json()
    assert one["emails_sent_count"] == rows[0]["emails_sent_count"]
    paused = api.get("/campaigns/analytics/overview", campaign_status=2).json()
    assert paused["emails_sent_count"] == sum(r["emails_sent_count"] for r in rows if r["campaign_status"] == 2)
    expanded = api.get("/campaigns/analytics/overview", expand_crm_events="true").json()
    assert expanded["total_opportunities"] > whole["total_opportunities"]

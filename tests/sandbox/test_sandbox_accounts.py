"""Account analytics, warm-up, campaigns of accounts, subsequences and verification."""

from __future__ import annotations

from collections import Counter

import pytest

JUNE = {"start_date": "2026-06-01", "end_date": "2026-07-01"}
COUNTS = ("sent", "new_leads_contacted", "opened", "replies", "replies_automatic", "clicks")


@pytest.fixture
def emails(control):
    return [row["email"] for row in control.truth("accounts")]


def totals(rows):
    found = Counter()
    for row in rows:
        found.update({(row["date"], name): row[name] for name in COUNTS})
    return +found


def test_accounts_add_up_to_the_workspace(control, emails):
    rows = list(control.truth("account_analytics_daily"))
    assert totals(rows) == totals(control.truth("workspace_analytics_daily"))
    assert {row["email_account"] for row in rows} <= {*emails, ""}
    assert any(row["email_account"] == "" and row["replies"] for row in rows)
    assert sum(row["bounced"] for row in rows) == sum(
        row["bounced_count"] for row in control.truth("campaign_analytics")
    )
    campaign, account = next(control.truth("campaigns")), emails[0]
    control.send(campaign["id"], 40, "2026-06-15T10:00:00.000Z")
    control.mutate("delete_campaign", id=next(iter(control.truth("campaign_analytics")))["campaign_id"])
    control.mutate("delete_account", email=account)
    assert totals(control.truth("account_analytics_daily")) == totals(control.truth("workspace_analytics_daily"))


def test_emails_may_be_repeated_or_joined(api, control, emails):
    some = emails[:5]
    rows = [row for row in control.truth("account_analytics_daily") if "2026-06-01" <= row["date"] < "2026-07-01"]
    expected = [row for row in rows if row["email_account"] in {*some, ""}]
    assert api.get("/accounts/analytics/daily", emails=some, **JUNE).json() == expected
    assert api.get("/accounts/analytics/daily", emails=",".join(some), **JUNE).json() == expected
    assert expected


def test_too_many_daily_rows_are_refused(api, server, emails):
    path = "/accounts/analytics/daily"
    assert api.get(path, **JUNE).status_code == 400
    assert api.get(path, emails=[f"a{number}@x.example" for number in range(201)]).status_code == 400
    answer = api.get(path, emails=emails, start_date="2026-05-01", end_date="2026-06-30")
    assert (answer.status_code, answer.json()) == (400, {"message": "Analytics date range cannot exceed 31 days"})
    server.control.config(analytics_accounts=4)
    assert api.get(path, emails=emails[:5], **JUNE).status_code == 413
    assert api.get(path, emails=emails[:4], **JUNE).status_code == 200


def test_warm_up_is_a_week_without_zeros(api, control, emails):
    answer = api.post("/accounts/warmup-analytics", {"emails": emails}).json()
    week = [
        {"email": email, "date": date, **counts}
        for email, dates in answer["email_date_data"].items()
        for date, counts in dates.items()
    ]
    assert week == list(control.truth("warmup_analytics_daily"))
    sums = [{"email": email, **row} for email, row in answer["aggregate_data"].items()]
    assert sums == list(control.truth("warmup_analytics"))
    assert {len(dates) for dates in answer["email_date_data"].values()} == {7}
    assert all(row[name] for row in week for name in row)
    assert any("landed_spam" not in row for row in week)
    for row in sums:
        assert row["sent"] == sum(day["sent"] for day in week if day["email"] == row["email"])
    for wrong in ([], [f"a{number}@x.example" for number in range(101)]):
        assert api.post("/accounts/warmup-analytics", {"emails": wrong}).status_code == 400


def test_accounts_know_their_campaigns(api, control, emails):
    campaigns = list(control.truth("campaigns"))
    found = []
    for email in emails:
        rows = api.get(f"/account-campaign-mappings/{email}", limit=100).json()["items"]
        assert {row["campaign_id"] for row in rows} == {c["id"] for c in campaigns if email in c["email_list"]}
        found += [{"email": email, **row} for row in rows]
    assert found == list(control.truth("account_campaign_mappings"))
    busy = max(emails, key=lambda email: sum(row["email"] == email for row in found))
    first = api.get(f"/account-campaign-mappings/{busy}", limit=1).json()
    assert first["next_starting_after"] == first["items"][0]["timestamp_created"]
    assert api.get("/account-campaign-mappings/nobody@x.example").status_code == 404


def test_lists_sum_up_verification_results(api, control):
    stats = {row["list_id"]: row for row in control.truth("verification_stats")}
    leads = Counter((row.get("list_id"), row.get("verification_status")) for row in control.truth("leads"))
    for key, row in stats.items():
        assert {"list_id": key, **api.get(f"/lead-lists/{key}/verification-stats").json()} == row
        assert row["stats"]["verified"] == leads[key, 1]
        assert row["total_leads"] == sum(count for (place, _), count in leads.items() if place == key)


def test_subsequences_have_numbers_of_their_own(api, control):
    rows = list(control.truth("subsequences"))
    steps = list(control.truth("subsequence_analytics_steps"))
    assert {row["parent_campaign"] for row in rows} == {row["id"] for row in control.truth("campaigns")}
    assert {row["subsequence_id"] for row in control.truth("leads") if "subsequence_id" in row} <= {
        row["id"] for row in rows
    }
    assert "0" in {row["step"] for row in steps}
    for total in control.truth("subsequence_analytics"):
        own = [row for row in steps if row["subsequence_id"] == total["subsequence_id"]]
        assert total["emails_sent"] == sum(row["sent"] for row in own)
        shown = api.get(f"/subsequences/{total['subsequence_id']}/analytics/steps").json()
        assert [{"subsequence_id": total["subsequence_id"], **row} for row in shown] == own
        answer = api.get("/subsequences/analytics", campaign_id=total["campaign_id"]).json()
        assert {name: value for name, value in total.items() if name != "campaign_id"} in answer
    assert api.get("/subsequences/analytics").status_code == 400
    parent = rows[0]["parent_campaign"]
    some = api.get("/subsequences", parent_campaign=parent).json()["items"]
    assert some == [row for row in rows if row["parent_campaign"] == parent]
    control.mutate("delete_campaign", id=parent)
    assert not any(row["parent_campaign"] == parent for row in control.truth("subsequences"))


@pytest.mark.parametrize(("kind", "key"), [("campaign", "campaign_id"), ("subsequence", "subsequence_id")])
def test_sending_status_gives_the_reason(api, control, kind, key):
    statuses = {row[key]: row for row in control.truth(f"{kind}_sending_status")}
    for row in control.truth(f"{kind}s"):
        answer = api.get(f"/{kind}s/{row['id']}/sending-status").json()
        assert {key: row["id"], **answer} == statuses[row["id"]]
        assert (answer["summary"] is None) == (row["status"] == 0)
        assert answer["diagnostics"] is None or answer["diagnostics"][key] == row["id"]
    advised = api.get(f"/{kind}s/{row['id']}/sending-status", with_ai_summary="true").json()
    assert advised["summary"] is None or "ai_summary" in advised["summary"]

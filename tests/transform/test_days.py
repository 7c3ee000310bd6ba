"""The days of the marts match the sandbox, and each workspace has all days from its first to its last."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import UNTIL
from tests.transform.conftest import WORKSPACES
from tests.transform.test_marts import mart

if TYPE_CHECKING:
    from sandbox import Server
    from tests.transform.conftest import Built

Row = dict[str, Any]
Day = tuple[str, str, str]
"""Workspace, campaign or account, and day."""

EITHER = {
    "sent_count": "sent",
    "new_leads_contacted_count": "new_leads_contacted",
    "reply_count": "replies",
    "automatic_reply_count": "replies_automatic",
    "leads_contacted_that_day": "contacted",
    "leads_replied_that_day": "unique_replies",
}
"""Figures of campaigns and accounts by the API's names."""
CAMPAIGN = EITHER | {
    "opportunity_count": "opportunities",
    "leads_replied_automatically_that_day": "unique_replies_automatic",
    "leads_positive_that_day": "unique_opportunities",
}
OPENS = {"open_count": "opened", "leads_opened_that_day": "unique_opened"}
CLICKS = {"click_count": "clicks", "leads_clicked_that_day": "unique_clicks"}
ACCOUNT = EITHER | {"bounced_count": "bounced", "open_count": "opened", "click_count": "clicks"}
LATEST = "9999-12-31"
WARMUP = {
    "warmup_sent_count": "sent",
    "warmup_received_count": "received",
    "warmup_inbox_count": "landed_inbox",
    "warmup_spam_count": "landed_spam",
}


def truth(agency: Server, workspace: str, name: str) -> list[Row]:
    return list(agency.control.within(workspace).truth(name))


def first_seen(days: list[Row], campaign: str, *names: str) -> str:
    """Return the first day with opens or clicks: zeros before it may only mean that they were not tracked."""
    seen = [row["date"] for row in days if row["campaign_id"] == campaign and any(row[name] for name in names)]
    return min(seen, default="")


def found(built: Built, name: str, key: str, columns: dict[str, Any]) -> dict[Day, Row]:
    rows = mart(built, name)
    days = {(row["workspace_name"], row[key], row["date"]): {column: row[column] for column in columns} for row in rows}
    assert len(days) == len(rows)
    return days


def test_campaign_days_match_the_sandbox(built: Built, agency: Server) -> None:
    expected: dict[Day, Row] = {}
    for workspace in WORKSPACES:
        campaigns = {row["id"]: row for row in truth(agency, workspace, "campaigns")}
        days = truth(agency, workspace, "campaign_analytics_daily")
        for row in days:
            of = campaigns[row["campaign_id"]]
            figures = {column: row[name] for column, name in CAMPAIGN.items()}
            for columns, setting in ((OPENS, "open_tracking"), (CLICKS, "link_tracking")):
                seen = first_seen(days, row["campaign_id"], *columns.values()) if of[setting] else LATEST
                figures |= {column: row[name] if seen <= row["date"] else None for column, name in columns.items()}
            expected[workspace, row["campaign_id"], row["date"]] = figures
    assert {row["open_count"] is None for row in expected.values()} == {True, False}
    assert {row["click_count"] is None for row in expected.values()} == {True, False}
    assert found(built, "instantly__campaign_daily", "campaign_id", CAMPAIGN | OPENS | CLICKS) == expected


def test_account_days_match_the_sandbox_including_warmup(built: Built, agency: Server) -> None:
    expected: dict[Day, Row] = {}
    nothing = dict.fromkeys(ACCOUNT | WARMUP)
    for workspace in WORKSPACES:
        for row in truth(agency, workspace, "account_analytics_daily"):
            key = (workspace, row["email_account"] or "unknown", row["date"])
            expected[key] = nothing | {column: row[name] for column, name in ACCOUNT.items()}
        for row in truth(agency, workspace, "warmup_analytics_daily"):
            key = (workspace, row["email"], row["date"])
            warmup = {column: row.get(name, 0) for column, name in WARMUP.items()}
            expected[key] = expected.get(key, nothing) | warmup
    assert {row["sent_count"] is None for row in expected.values()} == {True, False}
    assert {row["warmup_sent_count"] is None for row in expected.values()} == {True, False}
    assert found(built, "instantly__account_daily", "email", ACCOUNT | WARMUP) == expected


@pytest.mark.parametrize("workspace", WORKSPACES)
def test_a_workspace_has_every_day_from_its_first_to_its_last(built: Built, agency: Server, workspace: str) -> None:
    sent: Counter[str] = Counter()
    for row in truth(agency, workspace, "campaign_analytics_daily"):
        sent[row["date"]] += row["sent"]
    every = set(sent) | {row["date"] for row in truth(agency, workspace, "account_analytics_daily")}
    first, last = date.fromisoformat(min(every)), date.fromisoformat(UNTIL)  # the last fully loaded day
    assert max(every) <= UNTIL
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    rows = [row for row in mart(built, "instantly__workspace_daily") if row["workspace_name"] == workspace]
    assert {row["date"]: row["sent_count"] for row in rows} == {day: sent[day] for day in days}
    assert len(rows) == len(days)
    periods = [row for row in mart(built, "instantly__workspace_periods") if row["workspace_name"] == workspace]
    assert {row["period_end"] for row in periods} == {days[-1]}
    (week,) = (row for row in periods if (row["period_days"], row["metric"]) == (7, "sent_count"))
    assert week["period_start"] == days[-7]
    before = sum(sent[day] for day in days[-14:-7])
    assert (week["value"], week["value_before"]) == (sum(sent[day] for day in days[-7:]), before)

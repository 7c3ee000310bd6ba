"""Expected figures of the marts, counted from the rows of a world."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.figures.senders import accounts
from tests.figures.truth import DATED, DAY, over, pair, summed, total, within
from tests.figures.verdicts import Winners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.figures.truth import Truth
    from tests.figures.world import Row

Figures = dict[tuple[str, ...], Any]
"""Values by mart, row key and column."""

CAMPAIGNS, ACCOUNTS, _ = DATED
DAILY = {
    "sent_count": "sent",
    "new_leads_contacted_count": "new_leads_contacted",
    "reply_count": "replies",
    "automatic_reply_count": "replies_automatic",
    "opportunity_count": "opportunities",
}
OF_CAMPAIGN = DAILY | {
    "leads_contacted_that_day": "contacted",
    "leads_replied_that_day": "unique_replies",
    "leads_replied_automatically_that_day": "unique_replies_automatic",
    "leads_positive_that_day": "unique_opportunities",
}
TRACKED = {
    "open_count": ("opened", "opened"),
    "leads_opened_that_day": ("opened", "unique_opened"),
    "click_count": ("clicks", "clicks"),
    "leads_clicked_that_day": ("clicks", "unique_clicks"),
}
"""Figures of a campaign's day that depend on tracking: what is tracked, and the API's name."""
MEETING, WON = {2, 3}, 4
SNAPSHOT = (
    *("leads_count", "contacted_count", "emails_sent_count", "bounced_count", "reply_count_unique", "positive_count"),
    *("open_count_unique", "meeting_booked_count", "closed_count", "opportunity_value"),
)


def marts(truth: Truth) -> Figures:
    """Return all expected figures."""
    found: Figures = {}
    for workspace in truth.workspaces:
        for day, row in workspace_days(truth, workspace):
            found |= {("instantly__workspace_daily", workspace, day.isoformat(), name): row[name] for name in row}
        for days in (7, 30, 90):
            for metric, row in periods(truth, workspace, days):
                key = ("instantly__workspace_periods", workspace, str(days), metric)
                found |= {(*key, name): value for name, value in row.items()}
    for row, figures in accounts(truth):
        key = ("instantly__accounts", row["workspace_id"], row["email"])
        found |= {(*key, name): value for name, value in figures.items()}
    return found | of_campaigns(truth) | {("instantly__odd_rows", *key, "reason"): reason for *key, reason in truth.odd}


def of_campaigns(truth: Truth) -> Figures:
    """Count campaigns with their stages, days, steps and leads."""
    found: Figures = {}
    for key in sorted(tracked_campaigns(truth)):
        figures = campaign(truth, key)
        found |= {("instantly__campaigns", key, name): value for name, value in figures.items()}
        for stage, row in funnel(figures).items():
            found |= {("instantly__lead_funnel", key, str(stage), name): value for name, value in row.items()}
    for key in {
        row["campaign_id"] for workspace in truth.workspaces for row in truth.read("campaign_analytics", workspace)
    }:
        figures = campaign(truth, key)
        found |= {("instantly__campaign_snapshots", key, name): figures[name] for name in SNAPSHOT}
    for row in truth.streams[CAMPAIGNS]:
        figures = {name: row[of] for name, of in OF_CAMPAIGN.items()} | {"bounced_count": None}
        figures |= {name: tracked_of_day(truth, row, *of) for name, of in TRACKED.items()}
        key = ("instantly__campaign_daily", row["campaign_id"], row["date"])
        found |= {(*key, name): value for name, value in figures.items()}
    winners = Winners(truth)
    for row in truth.streams["campaign_analytics_steps"]:
        figures = step(row) | winners.of(row)
        key = ("instantly__step_variants", row["campaign_id"], row["step"], row["variant"])
        found |= {(*key, name): value for name, value in figures.items()}
    for lead in truth.streams["leads"]:
        found["instantly__leads", lead["id"], "stage_number"] = stage_of(truth, lead)
    return found


def workspace_days(truth: Truth, workspace: str) -> Iterator[tuple[date, Row]]:
    first = truth.first_day(workspace)
    if first is None:
        return
    of = [truth.loaded(stream, workspace) for stream in (CAMPAIGNS, ACCOUNTS)]
    last = max(day for one in of for day in (one.last, one.until) if day)
    for day in (first + number * DAY for number in range((last - first).days + 1)):
        yield day, workspace_day(truth, workspace, day)


def workspace_day(truth: Truth, workspace: str, day: date) -> Row:
    as_of = truth.as_of(workspace)
    assert as_of
    campaigns, accounts = (truth.on(stream, workspace, day) for stream in (CAMPAIGNS, ACCOUNTS))
    row: Row = {"is_complete": day <= as_of}
    for column, name in DAILY.items():
        row[column] = summed(campaigns, name)
    row["bounced_count"], row["account_sent_count"] = summed(accounts, "bounced"), summed(accounts, "sent")
    row["positive_reply_rate_per_sent"] = over(*pair(campaigns or [], "opportunities", "sent"))
    row["replies_per_sent"] = over(*pair(campaigns or [], "replies", "sent"))
    row["bounce_rate_per_sent"] = over(*pair(accounts or [], "bounced", "sent"))
    week = within(truth.of(CAMPAIGNS, workspace), day - 6 * DAY, day)
    row["positive_reply_rate_per_sent_7d"] = over(*pair(week, "opportunities", "sent"))
    return row


def periods(truth: Truth, workspace: str, days: int) -> Iterator[tuple[str, Row]]:
    end = truth.as_of(workspace)
    if end is None:
        return
    start, before = end - (days - 1) * DAY, end - (2 * days - 1) * DAY
    windows = ((start, end), (before, start - DAY))
    of = {name: truth.loaded(stream, workspace) for name, stream in (("c", CAMPAIGNS), ("a", ACCOUNTS), ("l", "leads"))}
    of["l"] = replace(of["l"], first=truth.first_day(workspace))
    for metric, source, part, whole in METRICS:
        loaded = of[source]
        reaches_back = loaded.first is not None and loaded.first <= before
        values = [period_value(truth, workspace, window, source, part, whole) for window in windows]
        is_whole = reaches_back and loaded.until is not None and end <= loaded.until
        # Leads that have left the meeting stage since are no longer countable.
        value, value_before = values[0], values[1] if reaches_back and source != "l" else None
        change = over(None if value is None or value_before is None else value - value_before, value_before)
        yield (
            metric,
            {
                "period_start": start.isoformat(),
                "period_end": end.isoformat(),
                "is_whole": is_whole,
                "value": value,
                "value_before": value_before,
                "change_per_before": change if is_whole else None,
            },
        )


METRICS = (
    ("sent_count", "c", "sent", None),
    ("new_leads_contacted_count", "c", "new_leads_contacted", None),
    ("reply_count", "c", "replies", None),
    ("opportunity_count", "c", "opportunities", None),
    ("meeting_booked_count", "l", "", None),
    ("bounced_count", "a", "bounced", None),
    ("positive_reply_rate_per_sent", "c", "opportunities", "sent"),
    ("replies_per_sent", "c", "replies", "sent"),
    ("bounce_rate_per_sent", "a", "bounced", "sent"),
    ("emails_per_opportunity", "c", "sent", "opportunities"),
)


def period_value(
    truth: Truth, workspace: str, window: tuple[date, date], source: str, part: str, whole: str | None
) -> Any:
    if source == "l":
        found, until = meetings(truth, workspace, *window), truth.loaded("leads", workspace).until
        return found if found or (until and until >= window[0]) else None
    stream = CAMPAIGNS if source == "c" else ACCOUNTS
    days = [window[0] + number * DAY for number in range((window[1] - window[0]).days + 1)]
    found = [rows for day in days if (rows := truth.on(stream, workspace, day)) is not None]
    if whole:
        return over(*pair([row for rows in found for row in rows], part, whole))
    return total(summed(rows, part) for rows in found)


def meetings(truth: Truth, workspace: str, start: date, end: date) -> int:
    changed = [
        row["timestamp_last_interest_change"].date()
        for row in truth.of("leads", workspace)
        if row["lt_interest_status"] in {*MEETING, WON}
    ]
    return sum(start <= day <= end for day in changed)


def tracked_campaigns(truth: Truth) -> set[str]:
    raw = {key for _, stream, key, _ in truth.odd if stream == "campaign_analytics"}
    return {row["campaign_id"] for row in truth.streams["campaign_analytics"]} | set(truth.campaigns) | raw


def campaign(truth: Truth, key: str) -> Row:
    figures = next((row for row in truth.streams["campaign_analytics"] if row["campaign_id"] == key), {})
    outcomes = next((row for row in truth.streams["campaign_analytics_overview"] if row["campaign_id"] == key), {})
    names = ("leads_count", "contacted_count", "emails_sent_count", "bounced_count", "unsubscribed_count")
    names += ("reply_count", "reply_count_unique", "reply_count_automatic_unique", "completed_count")
    found: Row = {name: figures.get(name) for name in names}
    found |= {"positive_count": figures.get("total_opportunities"), "closed_count": outcomes.get("total_closed")}
    found["meeting_booked_count"] = outcomes.get("total_meeting_booked")
    found["opportunity_value"] = figures.get("total_opportunity_value")
    found["is_open_tracked_throughout"] = throughout(truth, key)
    setting = truth.campaigns.get(key, {}).get("open_tracking")
    count = figures.get("open_count_unique")
    is_told = bool(count) or ((setting or (setting is None and was_opened(truth, key))) and throughout(truth, key))
    found["open_count_unique"] = count if is_told else None
    contacted, sent = found["contacted_count"], found["emails_sent_count"]
    found["open_rate_per_contacted"] = over(count, contacted) if throughout(truth, key) and is_told else None
    found["reply_rate_per_contacted"] = over(found["reply_count_unique"], contacted)
    found["positive_reply_rate_per_sent"] = over(found["positive_count"], sent)
    found["bounce_rate_per_sent"] = over(found["bounced_count"], sent)
    return found


def was_opened(truth: Truth, key: str) -> bool:
    return any(
        row["campaign_id"] == key and row.get("open_count_unique") for row in truth.streams["campaign_analytics"]
    )


def throughout(truth: Truth, key: str) -> bool:
    """Return true if opens were tracked throughout.

    That means: nothing was sent more than a week before the first open and, if tracking is off now, nothing more than a
    week after the last.
    """
    days = [row for row in truth.streams[CAMPAIGNS] if row["campaign_id"] == key]
    setting = truth.campaigns.get(key, {}).get("open_tracking")
    opened = [row["day"] for row in days if row.get("opened") or row.get("unique_opened")]
    if not opened:
        return bool(was_opened(truth, key) if setting is None else setting)
    sent = [row["day"] for row in days if row.get("sent")]
    week = timedelta(days=7)
    if sent and min(sent) < min(opened) - week:
        return False
    return setting is not False or not sent or max(sent) <= max(opened) + week


def tracked_of_day(truth: Truth, row: Row, what: str, name: str) -> int | None:
    count = row.get(name)
    if not count and row["campaign_id"] not in tracked_campaigns(truth):
        return None  # settings unknown
    if not count:
        settings = truth.campaigns.get(row["campaign_id"], {})
        setting = settings.get("open_tracking" if what == "opened" else "link_tracking")
        if setting is None:
            total_of = "open_count_unique" if what == "opened" else "link_click_count_unique"
            of = [one for one in truth.streams["campaign_analytics"] if one["campaign_id"] == row["campaign_id"]]
            setting = any(one.get(total_of) for one in of)
        days = [one for one in truth.streams[CAMPAIGNS] if one["campaign_id"] == row["campaign_id"]]
        seen = [one["day"] for one in days if one.get(what) or one.get(f"unique_{what}")]
        if not (setting if not seen else min(seen) <= row["day"] and (setting or row["day"] <= max(seen))):
            return None
    return count


def funnel(figures: Row) -> dict[int, Row]:
    names = ("leads_count", "contacted_count", "open_count_unique", "reply_count_unique", "positive_count")
    found = {}
    for number, name in enumerate((*names, "meeting_booked_count", "closed_count"), start=1):
        reached, contacted = figures[name], figures["contacted_count"]
        if number == 3 and not figures["is_open_tracked_throughout"]:
            contacted = None
        rate = over(reached, contacted) if number > 1 else None
        known = contacted if reached is not None else None
        found[number] = {"reached_count": reached, "contacted_count": known, "reached_per_contacted": rate}
    return found


def step(row: Row) -> Row:
    is_step, is_variant = row["step"].isdigit(), row["variant"].isdigit()
    return {
        "step_number": int(row["step"]) if is_step else None,
        "is_attributed": is_step and is_variant,
        "sent_count": row["sent"],
        "reply_rate_per_sent": over(row["unique_replies"], row["sent"]),
    }


def is_positive(truth: Truth, lead: Row) -> bool:
    labels: dict[int, list[Row]] = defaultdict(list)
    for row in truth.of("lead_labels", lead["workspace_id"]):
        labels[row["interest_status"]].append(row)
    code = lead["lt_interest_status"]
    own = (
        max(labels[code], key=lambda row: row["timestamp_created"])["interest_status_label"] if code in labels else None
    )
    return own == "positive" if own else code is not None and 0 < code < 5


def stage_of(truth: Truth, lead: Row) -> int:
    code = lead["lt_interest_status"]
    for number, holds in (
        (7, code == WON),
        (6, code in MEETING),
        (5, is_positive(truth, lead)),
        (4, (lead["email_reply_count"] or 0) > 0),
        (3, (lead["email_open_count"] or 0) > 0),
        (2, lead["timestamp_last_contact"] is not None),
    ):
        if holds:
            return number
    return 1

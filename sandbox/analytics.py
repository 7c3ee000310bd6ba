"""Ledgers as the analytics endpoints show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.clock import day_text
from sandbox.ledger import DISTINCT, EVER, Window, step_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox.ledger import Counts, Ledger
    from sandbox.paging import Row
    from sandbox.world import World

# Endpoint's name of a count -> the ledger's.
EVENTS = {
    "open_count": "opened",
    "reply_count": "replies",
    "reply_count_automatic": "automatic",
    "link_click_count": "clicks",
}
DAILY = {
    "sent": "sent",
    "contacted": "sent",
    "new_leads_contacted": "new",
    "opened": "opened",
    "unique_opened": "unique_opened",
    "replies": "replies",
    "unique_replies": "unique_replies",
    "replies_automatic": "automatic",
    "unique_replies_automatic": "unique_automatic",
    "clicks": "clicks",
    "unique_clicks": "unique_clicks",
    "opportunities": "opportunities",
    "unique_opportunities": "unique_opportunities",
}
STEPS = {name: source for name, source in DAILY.items() if name not in {"contacted", "new_leads_contacted"}}
STEP_OPPORTUNITIES = ("opportunities", "unique_opportunities")


def _rename(counts: Mapping[str, int], names: Mapping[str, str]) -> Row:
    return {name: counts.get(source, 0) for name, source in names.items()}


def _sum(rows: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for row in rows:
        for name, count in row.items():
            total[name] = total.get(name, 0) + count
    return total


def _event_counts(counts: Counts) -> Row:
    row: Row = {}
    for name, source in EVENTS.items():
        row[name] = counts.get(source, 0)
        row[f"{name}_unique"] = counts.get(f"unique_{source}", 0)
        row[f"{name}_unique_by_step"] = counts.get(f"by_step_{source}", 0)
    return row


def _value(campaign: Row, counts: Counts, *, expand: bool = False) -> float:
    """Value the opportunities of one campaign."""
    each: float = campaign.get("pl_value") or 0
    return each * counts.get("opportunities" if expand else "unique_opportunities", 0)


def _outcome_counts(counts: Counts) -> Row:
    return {
        "bounced_count": counts.get("bounced", 0),
        "unsubscribed_count": counts.get("unsubscribed", 0),
        "completed_count": counts.get("completed", 0),
        "emails_sent_count": counts.get("sent", 0),
        "contacted_count": counts.get("contacted", 0),
        "new_leads_contacted_count": counts.get("new", 0),
    }


def campaign_rows(
    world: World, window: Window = EVER, only: frozenset[str] | None = None, *, with_leads: bool = True
) -> Iterator[Row]:
    """Show the totals of each campaign that ever sent, or of those that did anything in the window."""
    for campaign in sorted(world.campaigns.values(), key=lambda row: str(row["timestamp_created"])):
        if only is not None and campaign["id"] not in only:
            continue
        ledger = world.ledger(campaign["id"])
        if not ledger.ever_sent or not any((counts := ledger.total(window)).values()):
            continue
        row = {
            "campaign_name": campaign["name"],
            "campaign_id": campaign["id"],
            "campaign_status": campaign["status"],
            "campaign_is_evergreen": bool(campaign.get("is_evergreen")),
            **({"leads_count": world.leads.count(campaign["id"])} if with_leads else {}),
            **_outcome_counts(counts),
            **_event_counts(counts),
            "total_opportunities": counts["unique_opportunities"],
            "total_opportunity_value": _value(campaign, counts),
        }
        yield row | world.extra["campaign_analytics"]


def overview(world: World, campaigns: Iterable[Row], window: Window, *, expand: bool) -> Row:
    """Show one object for several campaigns, with what became of the opportunities."""
    chosen = list(campaigns)
    totals = {row["id"]: world.ledger(row["id"]).total(window) for row in chosen}
    counts = _sum(totals.values())
    interested = counts.get("opportunities" if expand else "unique_opportunities", 0)
    return {
        **_event_counts(counts),
        **_outcome_counts(counts),
        "total_opportunities": interested,
        "total_opportunity_value": sum(_value(row, totals[row["id"]], expand=expand) for row in chosen),
        "total_interested": interested,
        "total_meeting_booked": counts.get("meetings", 0),
        "total_meeting_completed": counts.get("meetings_held", 0),
        "total_closed": counts.get("won", 0),
        **world.extra["campaign_analytics_overview"],
    }


def daily_rows(world: World, ledgers: Iterable[Ledger], window: Window = EVER) -> Iterator[Row]:
    """Show each day with activity; campaigns are added up and not named."""
    days: dict[int, list[Counts]] = {}
    for ledger in ledgers:
        for day, counts in ledger.by_day(window).items():
            days.setdefault(day, []).append(counts)
    for day in sorted(days):
        row: dict[str, Any] = {"date": day_text(day), **_rename(_sum(days[day]), DAILY)}
        if any(row[name] for name in DAILY):
            yield row | world.extra["campaign_analytics_daily"]


def step_rows(
    world: World, ledgers: Iterable[Ledger], window: Window = EVER, *, opportunities: bool = False
) -> Iterator[Row]:
    """Show each step and variant; events of unknown origin come last, with nulls."""
    steps: dict[tuple[str | None, str | None], list[Counts]] = {}
    for ledger in ledgers:
        for step, counts in ledger.by_step(window).items():
            steps.setdefault(step, []).append(counts)
    for step in sorted(steps, key=step_order):
        counts = _sum(steps[step])
        row: Row = {"step": step[0], "variant": step[1], **_rename(counts, STEPS)}
        if opportunities:
            row |= {"meetings_booked": counts["meetings"], "won": counts["won"]}
        else:
            row = {name: value for name, value in row.items() if name not in STEP_OPPORTUNITIES}
        yield row | world.extra["campaign_analytics_steps"]


__all__ = ["DISTINCT", "campaign_rows", "daily_rows", "overview", "step_rows"]

"""Figures of the campaigns of AI sales agents.

They come from the ledgers of the campaigns. They count events and not distinct leads, so days add up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from sandbox.clock import DAY_MS, parse_stamp, stamp
from sandbox.ledger import EVER, Window
from sandbox.records import Data, Row, compact
from sandbox.world import World

DATA = Data(__file__)
ID = "campaign_id"
COMPLETED, BOUNCED = 3, -1
FIGURES = ("total_sent", "replies", "opportunities", "opportunities_amount", "total_email_activity", "leads_found")
CURVES = ("total_email_activity", "replies", "leads_found", "opportunities")


def campaigns_of(world: World, agent_id: str | None) -> list[Row]:
    """Return the campaigns of an agent."""
    return [row for row in world.campaigns.values() if agent_id and row.get("ai_sdr_id") == agent_id]


def _written_to(world: World, agent_id: str) -> Iterator[tuple[Row, Row]]:
    """Yield the contacted leads with an address in an agent's campaigns, with the campaign of each."""
    for campaign in campaigns_of(world, agent_id):
        for lead in world.leads.within(campaign["id"]):
            if "email" in lead and "timestamp_last_contact" in lead:
                yield lead, campaign


def some_addresses(world: World, agent_id: str, most: int = 50) -> list[str]:
    """Return the addresses of the first contacted leads in an agent's campaigns."""
    return [lead["email"] for lead, _ in islice(_written_to(world, agent_id), most)]


def _contacts(world: World, agent_id: str) -> list[tuple[int, int, Row]]:
    """Return the contacted leads in an agent's campaigns by address, with the days of creation and last contact."""

    def collect(world: World) -> list[tuple[int, int, Row]]:
        found = []
        for lead, campaign in _written_to(world, agent_id):
            came: str = lead["timestamp_created"]
            touched: str = lead.get("timestamp_last_touch") or lead["timestamp_last_contact"]
            found.append((parse_stamp(came) // DAY_MS, parse_stamp(touched) // DAY_MS, _activity(lead, campaign)))
        return sorted(found, key=lambda contact: str(contact[2]["email"]))

    return world.cached(f"contacts of {agent_id}", collect)


def leads_of(world: World, agent_id: str, window: Window = EVER) -> list[Row]:
    """Return the contacted leads in an agent's campaigns by address; the window applies to the last contact."""
    extra = world.extra["ai_sales_agent_leads"]
    found: dict[str, Row] = {}
    for _, touched, row in _contacts(world, agent_id):
        if touched in window:
            found.setdefault(row["email"], row | extra)
    return list(found.values())


def _activity(lead: Row, campaign: Row) -> Row:
    steps = sum(len(sequence["steps"]) for sequence in campaign.get("sequences", ()))
    reached = max(lead.get("email_opened_step", 1), lead.get("email_replied_step", 1))
    values = {"sent": max(1, steps) if lead["status"] == COMPLETED else reached, "lead": lead}
    values |= {"replied": lead["email_reply_count"] > 0, "hopeful": lead.get("lt_interest_status", 0) > 0}
    return compact(DATA.make("lead", bounced=lead["status"] == BOUNCED, **values))


def activity_summary(world: World, agent_id: str, window: Window = EVER) -> Row:
    """Count the contacted leads in an agent's campaigns."""
    rows = leads_of(world, agent_id, window)
    total = len(rows)
    replied, hopeful = (sum(row[name] for row in rows) for name in ("replied", "has_opportunity"))
    rates = {"reply_rate": replied, "opportunity_rate": hopeful}
    sums = {"total": total, "replied": replied, "has_opportunity": hopeful}
    return sums | {name: round(count / total, 4) if total else 0 for name, count in rates.items()}


def analytics(world: World, agent_id: str, window: Window = EVER) -> Row:
    """Return the figures of an agent's campaigns, by day and in total."""
    days: dict[int, Row] = defaultdict(lambda: dict.fromkeys(FIGURES, 0))
    for campaign in campaigns_of(world, agent_id):
        for day, counts in world.ledger(campaign["id"]).by_day(window).items():
            row, won = days[day], counts["opportunities"]
            row["total_sent"] += counts["sent"]
            row["replies"] += counts["replies"]
            row["opportunities"] += won
            row["opportunities_amount"] += won * (campaign.get("pl_value") or 0)
            row["total_email_activity"] += sum(counts[name] for name in ("sent", "opened", "clicks", "replies"))
    for day, _, _ in _contacts(world, agent_id):
        if day in window:
            days[day]["leads_found"] += 1
    found: Row = {
        f"{name}_per_day": [{"x": stamp(day * DAY_MS), "y": days[day][name]} for day in sorted(days)] for name in CURVES
    }
    found["totals"] = {name: sum(row[name] for row in days.values()) for name in FIGURES}
    return found


def opportunities(world: World, agent_id: str, window: Window = EVER) -> Row:
    """Return the stages of the opportunities in an agent's campaigns; each opportunity has exactly one."""
    states, campaigns = dict.fromkeys(("interested", "meeting_booked", "meeting_completed", "closed"), 0), []
    for campaign in campaigns_of(world, agent_id):
        counts = world.ledger(campaign["id"]).total(window)
        total = counts["opportunities"]
        won, held, booked = (min(total, counts[name]) for name in ("won", "meetings_held", "meetings"))
        for state, count in zip(states, (total - booked, booked - held, held - won, won), strict=True):
            states[state] += count
        value = total * (campaign.get("pl_value") or 0)
        campaigns.append({ID: campaign["id"], "total_opportunities": total, "total_opportunity_value": value})
    sums = {name: sum(row[name] for row in campaigns) for name in ("total_opportunities", "total_opportunity_value")}
    summary = {"total_opportunities": sums["total_opportunities"], "total_value": sums["total_opportunity_value"]}
    return {"summary": summary | {"breakdown": states}, "campaigns": campaigns}

"""What sales agents and lead finders do, generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.clock import HOUR_MS, MINUTE_MS, stamp, uuid7
from sandbox.entities import compact

if TYPE_CHECKING:
    from random import Random

    from sandbox.paging import Row

ACTIONS = (
    *("initial_setup_scrape", "initial_setup_campaigns", "initial_setup_enrich", "create_campaign", "enrich_leads"),
    *("push_lead", "email_sent", "email_opened", "reply_received", "recommend_lead", "opportunity_received"),
    *("lead_meeting_booked", "edit_campaign", "warning", "imported_leads", "lead_closed", "pause_campaign"),
    *("stop_campaign", "campaign_completed"),
)
# What people are asked about before it is done.
PROPOSALS = ("create_campaign", "edit_campaign", "pause_campaign", "recommend_lead", "stop_campaign")
ABOUT_LEADS = frozenset(
    {"push_lead", "email_sent", "email_opened", "reply_received", "recommend_lead", "opportunity_received"}
    | {"lead_meeting_booked", "lead_closed"}
)
PROPOSAL_STATUSES = ("completed", "approved", "rejected", "pending")
FAILURES = (
    ("enrichment_failed", "The enrichment gave no addresses"),
    ("insufficient_credits", "Out of credits"),
    ("campaign_operation_failed", "Failed to create campaign: Invalid email list"),
)
FINDER_EVENTS = (
    *("top_up_started", "top_up_completed", "top_up_started", "top_up_failed", "top_up_started", "top_up_completed"),
    *("search_exhausted", "fallback_activated", "top_up_started", "top_up_completed", "agent_paused", "agent_resumed"),
    *("paused_insufficient_credits", "fallback_exhausted", "paused_exhausted", "campaign_not_found"),
)


def make_activity(rng: Random, number: int, agent: Row, at: int, *, campaign: Row | None, email: str | None) -> Row:
    """Make one entry in the diary of a sales agent."""
    action, lap = ACTIONS[number % len(ACTIONS)], number // len(ACTIONS)
    failed = number % 11 == 4  # noqa: PLR2004 - a turn
    status = "failed" if failed else "completed"
    if action in PROPOSALS and not failed:
        status = PROPOSAL_STATUSES[(PROPOSALS.index(action) + lap) % len(PROPOSAL_STATUSES)]
    elif action == "enrich_leads" and not failed:
        status = ("completed", "in_progress")[lap % 2]
    done = status in {"completed", "failed"}
    code, message = FAILURES[number % len(FAILURES)]
    output = {
        "lead_email": email if action in ABOUT_LEADS else None,
        "campaign_name": campaign["name"] if campaign else None,
        "campaign_id": campaign["id"] if campaign else None,
    }
    user = agent.get("created_by") or agent["workspace_id"]
    return compact(
        {
            "id": uuid7(rng, at),
            "ai_sdr_id": agent["id"],
            "workspace_id": agent["workspace_id"],
            "action_type": action,
            "action_status": status,
            "action_payload": compact({"campaign_id": output["campaign_id"], "attempt": 1 + lap % 2}),
            "action_output": compact(output),
            "email_id": uuid7(rng, at) if action in {"email_sent", "email_opened", "reply_received"} else None,
            "approved_by": user if action in PROPOSALS and status in {"approved", "completed"} else None,
            "approved_at": stamp(at + HOUR_MS) if action in PROPOSALS and status in {"approved", "completed"} else None,
            "rejected_by": user if status == "rejected" else None,
            "rejected_at": stamp(at + HOUR_MS) if status == "rejected" else None,
            "rejection_reason": "Not this quarter" if status == "rejected" else None,
            "ai_reasoning": "The lead matches the customers described" if action in PROPOSALS else None,
            "ai_confidence": round(rng.uniform(0.5, 0.99), 2) if action in PROPOSALS else None,
            "result": {"leads": rng.randrange(1, 30)} if status == "completed" and "leads" in action else None,
            "error_message": message if failed else None,
            "error_code": code if failed else None,
            "timestamp_created": stamp(at),
            "timestamp_updated": stamp(at + 2 * HOUR_MS if done or action in PROPOSALS else at),
            "timestamp_executed": stamp(at + HOUR_MS) if done else None,
            "timestamp_completed": stamp(at + 2 * HOUR_MS) if status == "completed" else None,
        }
    )


def is_hidden(row: Row) -> bool:
    """Whether an agent's live feed leaves an activity out."""
    delivered = row["action_type"] == "recommend_lead" and row["action_status"] == "completed"
    return bool(delivered or row["action_type"] == "warning")


def make_event(rng: Random, event: str, agent: Row, at: int) -> Row:
    """Make one event of a lead finder."""
    payload: Row = {}
    if event == "top_up_completed":
        added = rng.randrange(5, 40)
        payload = {"leads_added": added, "campaign_active_leads_after": agent["payload"]["min_active_leads"] + added}
    elif event == "top_up_failed":
        payload = {"reason": "Enrichment failed"}
    return {
        "id": uuid7(rng, at),
        "agent_id": agent["id"],
        "organization_id": agent["organization_id"],
        "timestamp_created": stamp(at),
        "event_type": event,
        "payload": payload,
    }


def make_events(rng: Random, agent: Row, created: int, until: int, count: int) -> list[Row]:
    """Make the events of a lead finder; some share their instant, as a start and its outcome may."""
    span = max(MINUTE_MS, (until - created) // max(1, count))
    rows = []
    for number in range(count):
        # A cursor that is a time alone would trip over these pairs.
        at = created + span * (number - (number % 10 == 3))  # noqa: PLR2004 - a turn
        rows.append(make_event(rng, FINDER_EVENTS[number % len(FINDER_EVENTS)], agent, min(at, until)))
    return rows


def stats_of(events: list[Row]) -> Row:
    """Add up the life of a lead finder."""
    kinds = [row["event_type"] for row in events]
    return {
        "leads_added_total": sum(row["payload"].get("leads_added", 0) for row in events),
        "top_ups_completed": kinds.count("top_up_completed"),
        "top_ups_failed": kinds.count("top_up_failed"),
    }


def spread(rng: Random, created: int, until: int, count: int) -> list[int]:
    """Choose instants between two others, in order; nothing happens in the last three hours."""
    last = max(created + 1, until - 3 * HOUR_MS)
    return sorted(rng.randrange(created, last) for _ in range(count))

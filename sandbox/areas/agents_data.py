"""AI agents of every type and how they are set up, generated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.clock import DAY_MS, HOUR_MS, stamp, uuid4, uuid7
from sandbox.entities import at_every, compact
from sandbox.words import INDUSTRIES, JOB_TITLES, TIMEZONES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from sandbox.paging import Row
    from sandbox.world import World

INBOX_MANAGER, SALES, DELIVERABILITY, LEAD_FINDER = 1, 2, 3, 6
# The types that are sales agents with another brief: affiliate, recruiting, investment, research, partnership.
SALES_TYPES = (SALES, 4, 7, 8, 9, 10)
INACTIVE, ACTIVE, EXPIRED = 0, 1, -1
BASICS = 0

SALES_NAMES = ("Enterprise outreach", "Affiliates", "Recruiting", "Seed investments", "User research", "Partnerships")
BRIEFS = {
    7: {"position_details": "Plant manager, Lübeck; glass furnaces, shifts, a crew of forty"},
    8: {"investment_details": "Seed-stage software for freight, recurring revenue from 20 customers"},
    9: {"research_details": "Interview procurement leads about how they compare offers"},
    10: {"partnership_details": "Resellers of energy meters to bakeries and dairies"},
}
GUIDANCE_RULES = (
    ("Tone of voice", "Write as one colleague to another and stay below 100 words."),
    ("No discounts", "Never offer a discount in the first mail."),
    ("Names", "Spell the company's name as its website does."),
)
GUIDANCES = (
    ("Basics", ""),
    ("Style", "Answer every question before asking one."),
    ("About us", "Harbor & Loom weaves sails and sells the software it plans them with."),
    ("Hand over", "Leave questions about contracts to people."),
    ("Holidays", "Say so when nobody is in the office."),
)


def _head(rng: Random, number: int, world: World, created: int) -> Row:
    """Make what all agents have in common."""
    return {
        "timestamp_created": stamp(created),
        "timestamp_updated": stamp(min(world.horizon, created + rng.randrange(20 * DAY_MS))),
        "status": (ACTIVE, ACTIVE, INACTIVE, ACTIVE, EXPIRED)[number % 5],
    }


def _plain_head(rng: Random, number: int, world: World, created: int) -> Row:
    return {
        "id": uuid7(rng, created),
        "organization_id": world.organization,
        **_head(rng, number, world, created),
        "is_auto_created": at_every(number, 2, number % 4 == 0),
        "created_by": at_every(number, 2, world.users[number % len(world.users)]),
    }


def make_sales_agent(rng: Random, number: int, world: World, agent_id: str | None, created: int) -> Row:
    """Make a sales agent; those without an id of their own belong to no campaign yet."""
    kind = SALES_TYPES[number % len(SALES_TYPES)]
    lists = list(world.lead_lists)
    senders = sorted(world.accounts)
    at_work = agent_id is not None
    config: Row = {
        "memory": {
            "company": "Harbor & Loom",
            "business_description": "Sails, and software to plan them",
            "active_icps_indexes": [0],
            "icps": [_ideal_customer(number)],
            "custom_fields": ["industry"],
            "business_offers": ["A sail to try for a month"],
            "active_business_offers_indexes": [0],
        },
        **BRIEFS.get(kind, {}),
        "enrichment_settings": {
            "enrichment_limit_per_run": 30,
            **({"signal_targeting_enabled": True, "signal_targeting_categories": ["job_change"]} if number % 2 else {}),
        },
        "outreach_settings": _outreach(number, world, senders),
        "autonomy_settings": {
            "autopilot_mode": number % 2 == 0,
            "auto_reply_to_responses": number % 3 == 0,
            "manual_leads_mode": number % 4 == 3,  # noqa: PLR2004 - a turn
        },
    }
    head = _head(rng, number, world, created)
    last = min(world.horizon, created + 40 * DAY_MS)
    return compact(
        {
            "id": agent_id or uuid4(rng),
            "workspace_id": world.organization,
            "name": SALES_NAMES[number % len(SALES_NAMES)] + (f" {number + 1}" if number >= len(SALES_NAMES) else ""),
            "description": at_every(number, 2, f"Looks for {INDUSTRIES[number % len(INDUSTRIES)].lower()}"),
            "type": ("website", "pitch_deck")[number % 2],
            "input": ("https://harbor-loom.example", "We weave sails.")[number % 2],
            "config": config,
            "created_by": at_every(number, 3, world.users[0]),
            "master_lead_list_id": lists[number % len(lists)] if lists and at_work else None,
            "initial_scrape_ready": at_work,
            "agent_type": kind,
            "self_improvement": at_every(number, 2, number % 4 == 0),
            "timestamp_last_action": stamp(last) if at_work else None,
            "timestamp_last_decision": stamp(last - HOUR_MS) if at_work else None,
            "next_decision_time": stamp(last + DAY_MS) if at_work and head["status"] == ACTIVE else None,
            **head,
        }
    )


def _ideal_customer(number: int) -> Row:
    return {
        "name": f"{INDUSTRIES[number % len(INDUSTRIES)]}, mid-size",
        "problems_solved": ["Late deliveries"],
        "benefits": ["A week saved each month"],
        "usp": "Planned and woven under one roof",
        "customer_goals": ["Fewer calls"],
        "success_stories": "A ferry line halved its repairs",
        "keywords": {"include": "planning, delivery", "exclude": "agency"},
        "company_size": ["51 - 200"],
        "industry": [INDUSTRIES[number % len(INDUSTRIES)]],
        "job_title": {"include": [JOB_TITLES[number % len(JOB_TITLES)]], "exclude": ["Intern"]},
    }


def _outreach(number: int, world: World, senders: Sequence[str]) -> Row:
    days = {str(day): 0 < day < 6 for day in range(7)}  # noqa: PLR2004 - Monday to Friday
    schedule: Row = {
        "name": "Default",
        "timing": {"from": "09:00", "to": "17:00"},
        "days": days,
        "timezone": TIMEZONES[number % len(TIMEZONES)],
    }
    return {
        "campaign_schedule": {"schedules": [schedule]},
        "email_list": list(senders[:3]),
        "email_tag_list": [tag["id"] for tag in world.tags[: number % 2]],
        "daily_limit": 60,
        "stop_on_reply": True,
        "open_tracking": number % 2 == 0,
        "first_email_text_only": False,
        "prioritize_new_leads": False,
        "match_lead_esp": False,
        "opt_out_settings": {"text_opt_out_enabled": True},
    }


def make_rules(number: int) -> list[Row]:
    """Make the guidance rules of a sales agent; their ids are their positions."""
    chosen = GUIDANCE_RULES[: number % (len(GUIDANCE_RULES) + 1)] or GUIDANCE_RULES[:1]
    return [{"id": f"rule-{at}", "title": title, "content": content} for at, (title, content) in enumerate(chosen)]


def make_inbox_manager(rng: Random, number: int, world: World, created: int) -> Row:
    """Make an inbox manager; the first brings back leads that did not show up."""
    senders = sorted(world.accounts)
    fallback = {
        "fallback_sending_accounts": {"accounts": senders[:2], "tag_ids": [row["id"] for row in world.tags[:1]]}
    }
    payload = compact(
        {
            "configuration_type": 1 + number % 2,
            "tags": ["default"] if number % 3 == 0 else [tag["id"] for tag in world.tags[:2]],
            "handle_followup": True,
            "respond_to_automatic_emails": number % 2 == 1,
            "handle_objections": at_every(number, 2, value=True),
            "integrations": {"slack": {"connectionId": uuid4(rng), "connectionName": "Loom"}} if number == 0 else {},
            "no_show": None if number == 1 else {"enabled": number == 0, "max_followups": 3, **fallback},
            "trigger_on_labels_enabled": number % 2 == 0,
            "trigger_on_labels": at_every(number, 2, [1, -1]),
            "trigger_on_labels_mode": at_every(number, 2, ("include", "exclude")[number // 2 % 2]),
            "monthly_credit_budget": at_every(number, 2, 1000, 1),
            "followup_business_days_only": True,
        }
    )
    rest: Row = {
        "name": ("Front desk", "Night shift", "Objections")[number % 3],
        "payload": payload,
        "type": INBOX_MANAGER,
        "description": at_every(number, 2, "Answers what comes in"),
    }
    return compact(_plain_head(rng, number, world, created) | rest)


def metadata_of(manager: Row, world: World) -> Row:
    """Name the tags and integrations of an inbox manager, which it has when they are asked for."""
    labels = {tag["id"]: tag["label"] for tag in world.tags}
    slack: Row = manager["payload"]["integrations"].get("slack", {})
    integrations: Row = {}
    if slack:
        found = {"id": slack["connectionId"], "label": slack["connectionName"], "is_valid": True, "error": ""}
        integrations[slack["connectionId"]] = found
    tags = {tag: {"id": tag, "label": labels[tag]} for tag in manager["payload"]["tags"] if tag in labels}
    return {"tags": tags, "integrations": integrations}


def make_guidances(rng: Random, manager: Row, created: int) -> list[Row]:
    """Make what an inbox manager was told."""
    rows = []
    for number, (label, instruction) in enumerate(GUIDANCES):
        made = created + number * HOUR_MS
        row: Row = {
            "id": uuid7(rng, made),
            "organization_id": manager["organization_id"],
            "agent_id": manager["id"],
            "label": label,
            "instruction": instruction,
            "status": int(number != 3),  # noqa: PLR2004 - a turn
            "category": number,
            "basic_guidance_options": {"tone": "professional", "length": "concise"} if number == BASICS else None,
            "timestamp_created": stamp(made),
            "timestamp_updated": stamp(made + HOUR_MS),
        }
        rows.append(compact(row))
    return rows


def make_lead_finder(rng: Random, number: int, world: World, campaign: Row, created: int) -> Row:
    """Make an agent that keeps a campaign supplied with leads."""
    filters = {"industry": {"include": [INDUSTRIES[number % len(INDUSTRIES)]]}, "locations": ["Lübeck", "Łódź"]}
    payload = {
        "campaign_id": campaign["id"],
        "campaign_name": campaign["name"],
        "search_filters": filters,
        "min_active_leads": 50 + 25 * number,
        "on_exhaustion": ("fallback", "pause", "broaden")[number % 3],
        "fallback_search_filters": at_every(number, 3, filters | {"locations": ["Hamburg"]}),
        "ai_enrichment": at_every(number, 2, {"icebreaker": {"model": "weaver-2", "prompt": "Say one true thing."}}),
        "ai_enrichment_workflow": at_every(number, 2, f"custom:{uuid4(rng)}"),
    }
    rest: Row = {
        "name": f"Finder for {campaign['name']}",
        "payload": compact(payload),
        "type": LEAD_FINDER,
        "description": at_every(number, 2, "Tops up below the threshold"),
    }
    return compact(_plain_head(rng, number, world, created) | rest)


def make_deliverability_agent(rng: Random, number: int, world: World, created: int) -> Row:
    """Make an agent that watches over deliverability."""
    slack: Row = {
        "connection_id": uuid4(rng),
        "enabled": True,
        "connection_name": "Loom",
        "channel_id": "C0HARBOR",
        "channel_name": "deliverability",
    }
    integrations: dict[str, Any] = {"slack": slack if number == 0 else None}
    rest: Row = {
        "name": ("Deliverability", "Deliverability, new domains")[number % 2],
        "payload": {"integrations": compact(integrations)},
        "type": DELIVERABILITY,
        "description": at_every(number, 2, "Looks after the accounts"),
    }
    return compact(_plain_head(rng, number, world, created) | rest)

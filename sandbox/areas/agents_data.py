"""Generates AI agents of every type and their settings; `agents.json` has the constant ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from sandbox.areas.campaigns import weekdays
from sandbox.clock import DAY_MS, HOUR_MS, stamp, uuid4, uuid7
from sandbox.records import Row, at_every, compact
from sandbox.words import INDUSTRIES, JOB_TITLES, TIMEZONES
from sandbox.world import World

SETTINGS: dict[str, Any] = json.loads(Path(__file__).with_name("agents.json").read_text(encoding="utf-8"))
INBOX_MANAGER, SALES, DELIVERABILITY, LEAD_FINDER = 1, 2, 3, 6
# Types that are sales agents with other goals: affiliate, recruiting, investment, research, partnership.
SALES_TYPES = (SALES, 4, 7, 8, 9, 10)
INACTIVE, ACTIVE, EXPIRED = 0, 1, -1


def _head(rng: Random, number: int, world: World, created: int) -> Row:
    """Create the fields that all agents have."""
    return {
        "timestamp_created": stamp(created),
        "timestamp_updated": stamp(min(world.horizon, created + rng.randrange(20 * DAY_MS))),
        "status": (ACTIVE, ACTIVE, INACTIVE, ACTIVE, EXPIRED)[number % 5],
    }


def _agent(rng: Random, number: int, world: World, created: int, **rest: Any) -> Row:
    """Create an agent that is no sales agent."""
    return {
        "id": uuid7(rng, created),
        "organization_id": world.organization,
        **_head(rng, number, world, created),
        "is_auto_created": at_every(number, 2, number % 4 == 0),
        "created_by": at_every(number, 2, world.users[number % len(world.users)]),
        **rest,
    }


def make_sales_agent(rng: Random, number: int, world: World, agent_id: str | None, created: int) -> Row:
    """Create a sales agent; those without an id have no campaign yet."""
    kind, names = SALES_TYPES[number % len(SALES_TYPES)], SETTINGS["sales_names"]
    lists = list(world.lead_lists)
    at_work = agent_id is not None
    head = _head(rng, number, world, created)
    last = min(world.horizon, created + 40 * DAY_MS)
    return {
        "id": agent_id or uuid4(rng),
        "workspace_id": world.organization,
        "name": names[number % len(names)] + (f" {number + 1}" if number >= len(names) else ""),
        "description": at_every(number, 2, f"Looks for {INDUSTRIES[number % len(INDUSTRIES)].lower()}"),
        "type": ("website", "pitch_deck")[number % 2],
        "input": ("https://harbor-loom.example", "We weave sails.")[number % 2],
        "config": _sales_config(number, kind, world),
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


def _sales_config(number: int, kind: int, world: World) -> Row:
    industry, title = INDUSTRIES[number % len(INDUSTRIES)], JOB_TITLES[number % len(JOB_TITLES)]
    customer = SETTINGS["ideal_customer"] | {"name": f"{industry}, mid-size", "industry": [industry]}
    customer["job_title"] = {"include": [title], "exclude": ["Intern"]}
    targeting: Row = {"signal_targeting_enabled": True, "signal_targeting_categories": ["job_change"]}
    timing = {"from": "09:00", "to": "17:00"}
    zone = TIMEZONES[number % len(TIMEZONES)]
    schedule = {"name": "Default", "timing": timing, "days": weekdays(), "timezone": zone}
    return {
        "memory": SETTINGS["memory"] | {"icps": [customer]},
        **SETTINGS["briefs"].get(str(kind), {}),
        "enrichment_settings": {"enrichment_limit_per_run": 30} | (targeting if number % 2 else {}),
        "outreach_settings": SETTINGS["outreach"]
        | {
            "campaign_schedule": {"schedules": [schedule]},
            "email_list": sorted(world.accounts)[:3],
            "email_tag_list": [tag["id"] for tag in world.tags[: number % 2]],
            "open_tracking": number % 2 == 0,
        },
        "autonomy_settings": {
            "autopilot_mode": number % 2 == 0,
            "auto_reply_to_responses": number % 3 == 0,
            "manual_leads_mode": number % 4 == 3,  # noqa: PLR2004 - every n-th
        },
    }


def make_rules(number: int) -> list[Row]:
    """Create the guidance rules of a sales agent; their ids are their positions."""
    rules: list[Row] = SETTINGS["guidance_rules"]
    return [{"id": f"rule-{at}", **rule} for at, rule in enumerate(rules[: number % (len(rules) + 1)] or rules[:1])]


def make_inbox_manager(rng: Random, number: int, world: World, created: int) -> Row:
    """Create an inbox manager; the first one recovers no-shows."""
    fallback = {"accounts": sorted(world.accounts)[:2], "tag_ids": [row["id"] for row in world.tags[:1]]}
    no_show = {"enabled": number == 0, "max_followups": 3, "fallback_sending_accounts": fallback}
    payload = {
        "configuration_type": 1 + number % 2,
        "tags": ["default"] if number % 3 == 0 else [tag["id"] for tag in world.tags[:2]],
        "handle_followup": True,
        "respond_to_automatic_emails": number % 2 == 1,
        "handle_objections": at_every(number, 2, value=True),
        "integrations": {"slack": {"connectionId": uuid4(rng), "connectionName": "Loom"}} if number == 0 else {},
        "no_show": None if number == 1 else no_show,
        "trigger_on_labels_enabled": number % 2 == 0,
        "trigger_on_labels": at_every(number, 2, [1, -1]),
        "trigger_on_labels_mode": at_every(number, 2, ("include", "exclude")[number // 2 % 2]),
        "monthly_credit_budget": at_every(number, 2, 1000, 1),
        "followup_business_days_only": True,
    }
    return _agent(
        rng,
        number,
        world,
        created,
        name=("Front desk", "Night shift", "Objections")[number % 3],
        payload=compact(payload),
        type=INBOX_MANAGER,
        description=at_every(number, 2, "Answers what comes in"),
    )


def metadata_of(manager: Row, world: World) -> Row:
    """Return the tags and integrations of an inbox manager, which it has only on request."""
    labels = {tag["id"]: tag["label"] for tag in world.tags}
    tags = {tag: {"id": tag, "label": labels[tag]} for tag in manager["payload"]["tags"] if tag in labels}
    integrations = {
        slack["connectionId"]: {
            "id": slack["connectionId"],
            "label": slack["connectionName"],
            "is_valid": True,
            "error": "",
        }
        for slack in manager["payload"]["integrations"].values()
    }
    return {"tags": tags, "integrations": integrations}


def make_guidances(rng: Random, manager: Row, created: int) -> Iterator[Row]:
    """Create the guidances of an inbox manager, the basic one first."""
    for number, guidance in enumerate(SETTINGS["guidances"]):
        made = created + number * HOUR_MS
        yield {
            "id": uuid7(rng, made),
            "organization_id": manager["organization_id"],
            "agent_id": manager["id"],
            **guidance,
            "status": int(number != 3),  # noqa: PLR2004 - every n-th
            "category": number,
            "basic_guidance_options": None if number else {"tone": "professional", "length": "concise"},
            "timestamp_created": stamp(made),
            "timestamp_updated": stamp(made + HOUR_MS),
        }


def make_lead_finder(rng: Random, number: int, world: World, campaign: Row, created: int) -> Row:
    """Create an agent that supplies a campaign with leads."""
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
    return _agent(
        rng,
        number,
        world,
        created,
        name=f"Finder for {campaign['name']}",
        payload=compact(payload),
        type=LEAD_FINDER,
        description=at_every(number, 2, "Tops up below the threshold"),
    )


def make_deliverability_agent(rng: Random, number: int, world: World, created: int) -> Row:
    """Create an agent that monitors deliverability."""
    slack = SETTINGS["slack"] | {"connection_id": uuid4(rng)}
    return _agent(
        rng,
        number,
        world,
        created,
        name=("Deliverability", "Deliverability, new domains")[number % 2],
        payload={"integrations": {"slack": slack} if number == 0 else {}},
        type=DELIVERABILITY,
        description=at_every(number, 2, "Looks after the accounts"),
    )

"""AI sales agents: figures of their campaigns and leads, and their activities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from starlette.responses import Response

from sandbox.answers import reply
from sandbox.api import Area, Endpoint, Handler, answer_ordered, answer_page, each, get, get_one, known, listed, page_of
from sandbox.areas.agents_data import make_rules, make_sales_agent
from sandbox.areas.analytics import read_window
from sandbox.areas.sales_figures import (
    activity_summary,
    analytics,
    campaigns_of,
    leads_of,
    opportunities,
    some_addresses,
)
from sandbox.clock import DAY_MS, HOUR_MS, parse_stamp, spread, stamp, uuid7
from sandbox.ledger import Window
from sandbox.lists import (
    MAX_LIMIT,
    Listing,
    Order,
    Ordered,
    Predicate,
    among,
    options,
    parse_bool,
    parse_limit,
    parse_number,
)
from sandbox.records import Row, compact
from sandbox.workspaces import ApiRequest
from sandbox.world import World

Figure = Callable[[World, str, Window], Row]


AGENTS = "ai_sales_agents"
SCOPE = "ai_sdr:read"
LEAST_AGENTS = 6
ACTIONS = (
    *("initial_setup_scrape", "initial_setup_campaigns", "initial_setup_enrich", "create_campaign", "enrich_leads"),
    *("push_lead", "email_sent", "email_opened", "reply_received", "recommend_lead", "opportunity_received"),
    *("lead_meeting_booked", "edit_campaign", "warning", "imported_leads", "lead_closed", "pause_campaign"),
    *("stop_campaign", "campaign_completed"),
)
# Actions that need a person's approval.
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


def _make_activity(rng: Random, number: int, agent: Row, at: int, *, campaign: Row | None, email: str | None) -> Row:
    action, lap = ACTIONS[number % len(ACTIONS)], number // len(ACTIONS)
    failed = number % 11 == 4  # noqa: PLR2004 - every n-th
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
    return {
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


def _is_hidden(row: Row) -> bool:
    """Return whether an agent's live feed omits an activity."""
    delivered = row["action_type"] == "recommend_lead" and row["action_status"] == "completed"
    return bool(delivered or row["action_type"] == "warning")


def _make_agents(world: World) -> Iterator[Row]:
    """Create the agents that campaigns name, and further ones so that each type occurs."""
    rng = world.rng("sales agents")
    named = dict.fromkeys(row["ai_sdr_id"] for row in world.campaigns.values() if "ai_sdr_id" in row)
    for number, agent_id in enumerate([*named, *[None] * max(0, LEAST_AGENTS - len(named))]):
        starts = [parse_stamp(row["timestamp_created"]) for row in campaigns_of(world, agent_id)]
        created = min([*starts, world.first_day * DAY_MS + number * DAY_MS]) - DAY_MS
        yield make_sales_agent(rng, number, world, agent_id, created)


def _make_activities(world: World) -> Iterator[Row]:
    rng = world.rng("sales agent activities")
    for place, agent in enumerate(world.collection(AGENTS).values()):
        campaigns = campaigns_of(world, agent["id"])
        emails = some_addresses(world, agent["id"])
        count = 20 + world.config.days // 6 if campaigns else 3 + place % 3
        created = parse_stamp(agent["timestamp_created"])
        for number, at in enumerate(spread(rng, created, world.horizon, count)):
            campaign = campaigns[number % len(campaigns)] if campaigns else None
            email = emails[number % len(emails)] if emails else None
            yield _make_activity(rng, number, agent, at, campaign=campaign, email=email)


def _rules(world: World, agent_id: str) -> list[Row]:
    extra = world.extra["ai_sales_agent_guidance_rules"]
    return [row | extra for row in make_rules(list(world.collection(AGENTS)).index(agent_id))]


def _agent(request: ApiRequest) -> str:
    return str(request.row(AGENTS)["id"])


def _get_figure(figure: Figure) -> Handler:
    return lambda request: reply(figure(request.world, _agent(request), read_window(request.query)))


def _unhidden(text: str) -> Predicate:
    wanted = parse_bool(text)
    return lambda row: not (wanted and _is_hidden(row))


LEADS = Listing(
    "ai_sales_agent_leads",
    Order(lambda row: (row["email"],), lambda text: (text,), lambda row: str(row["email"])),
    newest_first=False,
    filters={
        "filter": options(
            "filter",
            {"replied": lambda row: bool(row["replied"]), "has_opportunity": lambda row: bool(row["has_opportunity"])},
        )
    },
    usual=MAX_LIMIT,
    at_end="absent",
)
# Newest first is a guess.
ACTIVITIES = Listing(
    "ai_sales_agent_activities",
    filters={
        "action_status": among("action_status"),
        "action_type": among("action_type"),
        "exclude_live_feed_hidden": _unhidden,
    },
)


def _leads(request: ApiRequest) -> list[Row]:
    return LEADS.select(leads_of(request.world, _agent(request), read_window(request.query)), request.arguments)


def _get_leads(request: ApiRequest) -> Response:
    """Answer with a page of leads and their total number; a hundred by default."""
    chosen = _leads(request)
    page = page_of(answer_page(request, LEADS, chosen))
    return reply({"items": page.pop("items"), "total": len(chosen), **page})


def _get_leads_by_offset(request: ApiRequest) -> Response:
    limit = parse_limit(request.query.get("limit", MAX_LIMIT))
    skip = int(parse_number(request.query.get("skip", "0")))
    chosen = _leads(request)
    return reply({"leads": chosen[skip : skip + limit], "total": len(chosen), "limit": limit, "skip": skip})


def _get_activities(request: ApiRequest) -> Response:
    rows = request.world.children(ACTIVITIES.resource, "ai_sdr_id", _agent(request))
    # A list of values is a repeated or a comma-separated parameter.
    query = {name: ",".join(request.query.getlist(name)) for name in request.query}
    return answer_ordered(request, ACTIVITIES, Ordered(ACTIVITIES, ACTIVITIES.select(rows, query)))


def _add_activity(world: World, id: str, action: str = "email_sent", at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    if action not in ACTIONS:
        message = f"unknown action; there are {', '.join(ACTIONS)}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    number = len(ACTIONS) * world.mutations + ACTIONS.index(action)
    campaigns, emails = campaigns_of(world, id), some_addresses(world, id)
    row = _make_activity(
        rng, number, agent, moment, campaign=next(iter(campaigns), None), email=next(iter(emails), None)
    )
    return {"activity": world.insert(ACTIVITIES.resource, row)}


def _endpoints() -> Iterator[Endpoint]:
    for prefix in ("/ai-agents/sales/{key}", "/ai-agents/{key}"):
        yield get(f"{prefix}/analytics", _get_figure(analytics), SCOPE)
        yield get(f"{prefix}/opportunities/summary", _get_figure(opportunities), SCOPE)
        yield get(f"{prefix}/leads/activity/summary", _get_figure(activity_summary), SCOPE)


def _get_rules(request: ApiRequest) -> Response:
    return reply({"items": _rules(request.world, _agent(request))})


AREA = Area(
    endpoints=(
        get("/ai-agents/sales/{key}", get_one(AGENTS), SCOPE),
        get("/ai-agents/sales/{key}/activities", _get_activities, SCOPE),
        # The older twin has no documented scope.
        get("/ai-agents/{key}/activities", _get_activities),
        get("/ai-agents/sales/{key}/leads/activity", _get_leads, SCOPE),
        get("/ai-agents/{key}/leads/activity", _get_leads_by_offset, SCOPE),
        get("/ai-agents/sales/{key}/guidance-rules", _get_rules, SCOPE),
        *_endpoints(),
    ),
    tables={AGENTS: _make_agents, ACTIVITIES.resource: _make_activities},
    truth={
        AGENTS: lambda world: world.rows(AGENTS),
        ACTIVITIES.resource: listed(ACTIVITIES),
        "ai_sales_agent_analytics": each(AGENTS, "agent_id", lambda world, key: [analytics(world, key)]),
        "ai_sales_agent_opportunities": each(AGENTS, "agent_id", lambda world, key: [opportunities(world, key)]),
        "ai_sales_agent_leads_summary": each(AGENTS, "agent_id", lambda world, key: [activity_summary(world, key)]),
        LEADS.resource: each(AGENTS, "agent_id", leads_of),
        "ai_sales_agent_guidance_rules": each(AGENTS, "agent_id", _rules),
    },
    mutations={"add_agent_activity": _add_activity},
)

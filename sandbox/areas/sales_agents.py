"""AI sales agents: figures of their campaigns and leads, and their activities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from sandbox.api import ApiRequest, Area, answer_page, changes, figures, get, get_one, page_of, table, truth
from sandbox.areas.analytics import read_window
from sandbox.clock import DAY_MS, HOUR_MS, parse_stamp, spread, uuid7
from sandbox.ledger import Window
from sandbox.lists import MAX_LIMIT, Listing, Order, fields, has, only, options, parse_limit, parse_number
from sandbox.makers.agents import make_sales_agent
from sandbox.makers.sales import activity_summary, analytics, campaigns_of, leads_of, opportunities, some_addresses
from sandbox.records import Data, Row
from sandbox.world import World

AGENTS = "ai_sales_agents"
PATH = "/ai-agents/sales/{key}"
SCOPE = "ai_sdr:read"
LEAST_AGENTS = 6
DATA = Data(__file__)
ACTIONS: list[str] = DATA["actions"]
# Actions that need a person's approval.
PROPOSALS: list[str] = DATA["proposals"]
PROPOSAL_STATUSES = DATA["proposal_statuses"]


def _make_activity(rng: Random, number: int, agent: Row, at: int, *, campaign: Row | None, email: str | None) -> Row:
    action, lap = ACTIONS[number % len(ACTIONS)], number // len(ACTIONS)
    failed, proposal = number % 11 == 4, action in PROPOSALS
    status = "failed" if failed else "completed"
    if proposal and not failed:
        status = PROPOSAL_STATUSES[(PROPOSALS.index(action) + lap) % len(PROPOSAL_STATUSES)]
    elif action == "enrich_leads" and not failed:
        status = ("completed", "in_progress")[lap % 2]
    done, approved = status in {"completed", "failed"}, proposal and status in {"approved", "completed"}
    values: Row = {"action": action, "status": status, "proposal": proposal, "approved": approved, "at": at}
    values |= {"attempt": 1 + lap % 2, "user": agent.get("created_by") or agent["workspace_id"], "key": uuid7(rng, at)}
    values["to"] = email if action in DATA["about_leads"] else None
    values["mail"] = uuid7(rng, at) if action in DATA["with_email"] else None
    values["confidence"] = round(rng.uniform(0.5, 0.99), 2) if proposal else None
    values["result"] = {"leads": rng.randrange(1, 30)} if status == "completed" and "leads" in action else None
    values["updated"] = at + 2 * HOUR_MS if done or proposal else at
    return DATA.make("activity", number, agent=agent, campaign=campaign, **values)


def _is_shown(row: Row) -> bool:
    """Return whether an agent's live feed shows an activity."""
    delivered = row["action_type"] == "recommend_lead" and row["action_status"] == "completed"
    return not delivered and row["action_type"] != "warning"


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
        campaigns, emails = campaigns_of(world, agent["id"]), some_addresses(world, agent["id"])
        count = 20 + world.config.days // 6 if campaigns else 3 + place % 3
        created = parse_stamp(agent["timestamp_created"])
        for number, at in enumerate(spread(rng, created, world.horizon, count)):
            campaign = campaigns[number % len(campaigns)] if campaigns else None
            email = emails[number % len(emails)] if emails else None
            yield _make_activity(rng, number, agent, at, campaign=campaign, email=email)


def _rules(world: World, agent_id: str) -> list[Row]:
    """Return the guidance rules of an agent; their ids are their positions."""
    number, rules = list(world.collection(AGENTS)).index(agent_id), DATA["guidance_rules"]
    own, extra = rules[: number % (len(rules) + 1)] or rules[:1], world.extra["ai_sales_agent_guidance_rules"]
    return [{"id": f"rule-{at}", **rule} | extra for at, rule in enumerate(own)]


BY_EMAIL = Order(lambda row: (row["email"],), lambda text: (text,), lambda row: str(row["email"]))
FILTERS = {"filter": options("filter", {name: has(name) for name in ("replied", "has_opportunity")})}
LEADS = Listing("ai_sales_agent_leads", BY_EMAIL, newest_first=False, filters=FILTERS, usual=MAX_LIMIT, at_end="absent")
FEED_FILTERS = fields(lists="action_status action_type") | {"exclude_live_feed_hidden": only(_is_shown)}
# Newest first is a guess.
ACTIVITIES = Listing("ai_sales_agent_activities", filters=FEED_FILTERS)


def _leads(request: ApiRequest) -> list[Row]:
    return LEADS.select(leads_of(request.world, request.row(AGENTS)["id"], read_window(request)), request.query)


def _get_leads(request: ApiRequest) -> object:
    """Answer with a page of leads and their total number; a hundred by default."""
    chosen = _leads(request)
    page = page_of(answer_page(request, LEADS, chosen))
    return {"items": page.pop("items"), "total": len(chosen), **page}


def _get_leads_by_offset(request: ApiRequest) -> object:
    limit = parse_limit(request.query.get("limit", MAX_LIMIT))
    skip = int(parse_number(request.query.get("skip", "0")))
    chosen = _leads(request)
    return {"leads": chosen[skip : skip + limit], "total": len(chosen), "limit": limit, "skip": skip}


def _get_activities(request: ApiRequest) -> object:
    rows = request.world.children(ACTIVITIES.resource, "ai_sdr_id", request.row(AGENTS)["id"])
    # A list of values is a repeated or a comma-separated parameter.
    query = {name: ",".join(request.query.getlist(name)) for name in request.query}
    return answer_page(request, ACTIVITIES, rows, query)


def _add_agent_activity(world: World, id: str, action: str = "email_sent", at: int | None = None) -> Row:
    agent = world.known(AGENTS, id)
    if action not in ACTIONS:
        message = f"unknown action; there are {', '.join(ACTIONS)}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    number = len(ACTIONS) * world.mutations + ACTIONS.index(action)
    campaigns, emails = campaigns_of(world, id), some_addresses(world, id)
    about: Any = {"campaign": next(iter(campaigns), None), "email": next(iter(emails), None)}
    return {"activity": world.insert(ACTIVITIES.resource, _make_activity(rng, number, agent, moment, **about))}


def _figures(path: str, name: str, figure: Callable[[World, str, Window], Row]) -> Area:
    paths = (f"{PATH}/{path}", f"/ai-agents/{{key}}/{path}")
    return figures(paths, name, figure, (AGENTS, "agent_id"), SCOPE, read_window)


AREA = (
    _figures("analytics", "ai_sales_agent_analytics", analytics)
    + _figures("opportunities/summary", "ai_sales_agent_opportunities", opportunities)
    + _figures("leads/activity/summary", "ai_sales_agent_leads_summary", activity_summary)
    + table(ACTIVITIES, _make_activities)
    + get(PATH, get_one(AGENTS), SCOPE)
    + get(f"{PATH}/activities", _get_activities, SCOPE)
    # The older twin has no documented scope.
    + get("/ai-agents/{key}/activities", _get_activities)
    + get(f"{PATH}/leads/activity", _get_leads, SCOPE)
    + get("/ai-agents/{key}/leads/activity", _get_leads_by_offset, SCOPE)
    + get(f"{PATH}/guidance-rules", lambda request: {"items": _rules(request.world, request.row(AGENTS)["id"])}, SCOPE)
    + table(AGENTS, _make_agents)
    + truth(AGENTS, lambda world: world.rows(AGENTS))
    + truth(LEADS.resource, leads_of, AGENTS, "agent_id")
    + truth("ai_sales_agent_guidance_rules", _rules, AGENTS, "agent_id")
    + changes(_add_agent_activity)
)

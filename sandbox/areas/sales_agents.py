"""AI sales agents: what their campaigns, their leads and they themselves did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.answers import invalid, not_found, reply
from sandbox.api_analytics import read_window
from sandbox.api_lists import answer_page, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.areas import sales_data
from sandbox.areas.agents_data import make_rules, make_sales_agent
from sandbox.areas.sales_figures import (
    activity_summary,
    analytics,
    campaigns_of,
    leads_of,
    opportunities,
    some_addresses,
)
from sandbox.clock import DAY_MS, parse_stamp
from sandbox.mutations import instant
from sandbox.paging import MAX_LIMIT, Listing, Ordered, id_cursor, parse_bool, parse_limit, parse_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.responses import Response

    from sandbox.ledger import Window
    from sandbox.manners import Call
    from sandbox.paging import Predicate, Row
    from sandbox.world import World

    Figure = Callable[[World, str, Window], Row]

AGENTS = "ai_sales_agents"
SCOPE = "ai_sdr:read"
LEAST_AGENTS = 6


def _make_agents(world: World) -> dict[str, Row]:
    """Make the agents that campaigns name, and as many more as it takes to have one of each type."""
    rng = world.rng("sales agents")
    ids: list[str | None] = list(
        dict.fromkeys(row["ai_sdr_id"] for row in world.campaigns.values() if "ai_sdr_id" in row)
    )
    ids += [None] * max(0, LEAST_AGENTS - len(ids))
    rows = {}
    for number, agent_id in enumerate(ids):
        starts = [parse_stamp(row["timestamp_created"]) for row in campaigns_of(world, agent_id)]
        created = min([*starts, world.first_day * DAY_MS + number * DAY_MS]) - DAY_MS
        row = make_sales_agent(rng, number, world, agent_id, created)
        rows[row["id"]] = row
    return rows


def _make_activities(world: World) -> dict[str, Row]:
    rng, rows = world.rng("sales agent activities"), {}
    for place, agent in enumerate(world.collection(AGENTS).values()):
        campaigns = campaigns_of(world, agent["id"])
        emails = some_addresses(world, agent["id"])
        count = 20 + world.config.days // 6 if campaigns else 3 + place % 3
        created = parse_stamp(agent["timestamp_created"])
        for number, at in enumerate(sales_data.spread(rng, created, world.horizon, count)):
            campaign = campaigns[number % len(campaigns)] if campaigns else None
            email = emails[number % len(emails)] if emails else None
            row = sales_data.make_activity(rng, number, agent, at, campaign=campaign, email=email)
            rows[row["id"]] = row
    return rows


def _rules(world: World, agent_id: str) -> list[Row]:
    extra = world.extra["ai_sales_agent_guidance_rules"]
    return [row | extra for row in make_rules(list(world.collection(AGENTS)).index(agent_id))]


def _agent(call: Call) -> str:
    if call.path["key"] not in call.world.collection(AGENTS):
        raise not_found()
    return call.path["key"]


def _get_figure(figure: Figure) -> Callable[[Call], Response]:
    return lambda call: reply(figure(call.world, _agent(call), read_window(call.query)))


def _narrow(text: str) -> Predicate:
    if text not in {"replied", "has_opportunity"}:
        message = "querystring/filter must be equal to one of the allowed values"
        raise invalid(message)
    return lambda row: bool(row[text])


def _some_of(name: str) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        wanted = set(text.split(","))
        return lambda row: row[name] in wanted

    return make


def _unhidden(text: str) -> Predicate:
    wanted = parse_bool(text)
    return lambda row: not (wanted and sales_data.is_hidden(row))


LEADS = Listing(
    resource="ai_sales_agent_leads",
    scope="ai_sdr",
    sort_key=lambda row: (row["email"],),
    read_cursor=lambda text: (text,),
    write_cursor=lambda row: str(row["email"]),
    filters={"filter": _narrow},
    usual=MAX_LIMIT,
    at_end="absent",
)
# Newest first is a guess.
ACTIVITIES = Listing(
    resource="ai_sales_agent_activities",
    scope="ai_sdr",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "action_status": _some_of("action_status"),
        "action_type": _some_of("action_type"),
        "exclude_live_feed_hidden": _unhidden,
    },
)


def _get_leads(call: Call) -> Response:
    """Answer with a page of leads and their total number; a hundred unless told otherwise."""
    chosen = LEADS.select(leads_of(call.world, _agent(call), read_window(call.query)), dict(call.query))
    page = json.loads(bytes(answer_page(call, LEADS, Ordered(LEADS, chosen)).body))
    return reply({"items": page.pop("items"), "total": len(chosen), **page})


def _get_leads_by_offset(call: Call) -> Response:
    limit = parse_limit(call.query.get("limit", MAX_LIMIT))
    skip = int(parse_number(call.query.get("skip", "0")))
    chosen = LEADS.select(leads_of(call.world, _agent(call), read_window(call.query)), dict(call.query))
    return reply({"leads": chosen[skip : skip + limit], "total": len(chosen), "limit": limit, "skip": skip})


def _get_activities(call: Call) -> Response:
    agent = _agent(call)
    rows = (row for row in call.world.rows(ACTIVITIES.resource) if row["ai_sdr_id"] == agent)
    # Lists of values come as a parameter over and over, or with commas.
    query = {name: ",".join(call.query.getlist(name)) for name in call.query}
    return answer_page(call, ACTIVITIES, Ordered(ACTIVITIES, ACTIVITIES.select(rows, query)))


def _each(figure: Callable[[World, str], Iterable[Row]]) -> Callable[[World], Iterator[Row]]:
    """Give the truth of what belongs to an agent, with the agent it does not name itself."""
    return lambda world: ({"agent_id": key, **row} for key in world.collection(AGENTS) for row in figure(world, key))


def _add_activity(world: World, id: str, action: str = "email_sent", at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    if action not in sales_data.ACTIONS:
        message = f"unknown action; there are {', '.join(sales_data.ACTIONS)}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    number = len(sales_data.ACTIONS) * world.mutations + sales_data.ACTIONS.index(action)
    campaigns, emails = campaigns_of(world, id), some_addresses(world, id)
    row = sales_data.make_activity(
        rng, number, agent, moment, campaign=next(iter(campaigns), None), email=next(iter(emails), None)
    )
    world.collection(ACTIVITIES.resource)[row["id"]] = row
    return {"activity": row}


def _operations() -> Iterator[Operation]:
    yield Operation("GET", "/ai-agents/sales/{key}", get_one(AGENTS), SCOPE)
    yield Operation("GET", "/ai-agents/sales/{key}/activities", _get_activities, SCOPE)
    # The older twin has no scope in the documentation.
    yield Operation("GET", "/ai-agents/{key}/activities", _get_activities)
    yield Operation("GET", "/ai-agents/sales/{key}/leads/activity", _get_leads, SCOPE)
    yield Operation("GET", "/ai-agents/{key}/leads/activity", _get_leads_by_offset, SCOPE)
    yield Operation(
        "GET",
        "/ai-agents/sales/{key}/guidance-rules",
        lambda call: reply({"items": _rules(call.world, _agent(call))}),
        SCOPE,
    )
    for prefix in ("/ai-agents/sales/{key}", "/ai-agents/{key}"):
        yield Operation("GET", f"{prefix}/analytics", _get_figure(analytics), SCOPE)
        yield Operation("GET", f"{prefix}/opportunities/summary", _get_figure(opportunities), SCOPE)
        yield Operation("GET", f"{prefix}/leads/activity/summary", _get_figure(activity_summary), SCOPE)


AREA = Area(
    operations=tuple(_operations()),
    tables={AGENTS: _make_agents, ACTIVITIES.resource: _make_activities},
    truth={
        AGENTS: lambda world: world.rows(AGENTS),
        ACTIVITIES.resource: listed(ACTIVITIES),
        "ai_sales_agent_analytics": _each(lambda world, key: [analytics(world, key)]),
        "ai_sales_agent_opportunities": _each(lambda world, key: [opportunities(world, key)]),
        "ai_sales_agent_leads_summary": _each(lambda world, key: [activity_summary(world, key)]),
        LEADS.resource: _each(leads_of),
        "ai_sales_agent_guidance_rules": _each(_rules),
    },
    changes={"add_agent_activity": _add_activity},
)

"""AI agents that keep campaigns supplied with leads."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from sandbox.answers import dumps, invalid, not_found, reply
from sandbox.api_lists import get_children, get_list, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.areas.agents_data import make_lead_finder
from sandbox.areas.sales_data import FINDER_EVENTS, make_event, make_events, stats_of
from sandbox.clock import DAY_MS, HOUR_MS, parse_stamp, uuid_bytes
from sandbox.entities import DRAFT
from sandbox.mutations import instant
from sandbox.paging import Listing, id_cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row, SortKey
    from sandbox.world import World

AGENTS = "ai_lead_finders"
SCOPE = "ai_agents:read"
FINDERS = 3


def _make_agents(world: World) -> dict[str, Row]:
    """Make a finder for each of the first campaigns that are more than a draft."""
    rng = world.rng("lead finders")
    campaigns = [row for row in world.campaigns.values() if row["status"] != DRAFT][:FINDERS]
    rows = {}
    for number, campaign in enumerate(campaigns):
        created = parse_stamp(campaign["timestamp_created"]) + HOUR_MS
        row = make_lead_finder(rng, number, world, campaign, created)
        rows[row["id"]] = row
    return rows


def _make_events(world: World) -> dict[str, Row]:
    rng = world.rng("lead finder activities")
    rows: dict[str, Row] = {}
    for number, agent in enumerate(world.collection(AGENTS).values()):
        created, count = parse_stamp(agent["timestamp_created"]), (16 + world.config.days // 4) // (1 + number)
        rows.update((row["id"], row) for row in make_events(rng, agent, created, world.horizon - DAY_MS, count))
    return rows


def write_cursor(row: Row) -> str:
    """Hide a time and an id in a cursor nobody is to read."""
    return base64.urlsafe_b64encode(dumps([row["timestamp_created"], row["id"]]).encode()).decode().rstrip("=")


def read_cursor(text: str) -> SortKey:
    """Read a cursor back; anything else is refused."""
    try:
        moment, key = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        parse_stamp(moment)
        uuid_bytes(key)
    except (ValueError, TypeError, AttributeError):
        message = "Invalid starting_after cursor"
        raise invalid(message) from None
    return moment, key


FINDER_LIST = Listing(
    resource=AGENTS,
    scope="ai_agents",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    at_end="absent",
)
EVENTS = Listing(
    resource="ai_lead_finder_activities",
    scope="ai_agents",
    sort_key=lambda row: (row["timestamp_created"], row["id"]),
    read_cursor=read_cursor,
    write_cursor=write_cursor,
    descending=True,
    at_end="absent",
)


def _of(world: World, agent_id: str) -> list[Row] | None:
    if agent_id not in world.collection(AGENTS):
        return None
    return [row for row in world.rows(EVENTS.resource) if row["agent_id"] == agent_id]


def _stats(world: World, agent_id: str) -> Row | None:
    events = _of(world, agent_id)
    return None if events is None else stats_of(events) | world.extra["ai_lead_finder_stats"]


def _get_stats(call: Call) -> Response:
    found = _stats(call.world, call.path["key"])
    if found is None:
        raise not_found()
    return reply(found)


def _all_stats(world: World) -> Iterator[Row]:
    return ({"agent_id": key, **(_stats(world, key) or {})} for key in world.collection(AGENTS))


def _add_event(world: World, id: str, event: str = "top_up_completed", at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    if event not in FINDER_EVENTS:
        message = f"unknown event; there are {', '.join(sorted(set(FINDER_EVENTS)))}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    row = make_event(rng, event, agent, moment)
    world.collection(EVENTS.resource)[row["id"]] = row
    return {"activity": row}


AREA = Area(
    operations=(
        Operation("GET", "/ai-agents/lead-finder", get_list(FINDER_LIST), SCOPE),
        Operation("GET", "/ai-agents/lead-finder/{key}", get_one(AGENTS), SCOPE),
        Operation("GET", "/ai-agents/lead-finder/{key}/stats", _get_stats, SCOPE),
        Operation("GET", "/ai-agents/lead-finder/{key}/activities", get_children(EVENTS, _of), SCOPE),
    ),
    tables={AGENTS: _make_agents, EVENTS.resource: _make_events},
    truth={AGENTS: listed(FINDER_LIST), EVENTS.resource: listed(EVENTS), "ai_lead_finder_stats": _all_stats},
    changes={"add_lead_finder_activity": _add_event},
)

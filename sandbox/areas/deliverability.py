"""AI deliverability agents: the workspace's own, another one, and what they are at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.answers import invalid, not_found, reply
from sandbox.api_lists import answer_page, get_children, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.areas.agents_data import make_deliverability_agent
from sandbox.areas.deliverability_data import RETENTION_DAYS, Cycle, active_check, make_check, make_item
from sandbox.clock import DAY_MS, HOUR_MS, parse_stamp, stamp
from sandbox.mutations import instant
from sandbox.paging import Listing, Ordered, id_cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Predicate, Row
    from sandbox.world import World

AGENTS = "ai_deliverability_agents"
STATES = "ai_deliverability_states"
SCOPE = "ai_agents:read"
WEEK_MS = 7 * DAY_MS
TREND = 6


def _make_agents(world: World) -> dict[str, Row]:
    """Make the workspace's default agent, and another; without accounts there is nothing to watch."""
    rng = world.rng("deliverability agents")
    count = 2 if world.accounts else 0
    made = [make_deliverability_agent(rng, number, world, world.first_day * DAY_MS) for number in range(count)]
    return {row["id"]: row for row in made}


def _cycles(world: World) -> Iterator[tuple[Row, list[Cycle]]]:
    rng = world.rng("deliverability cycles")
    for place, agent in enumerate(world.collection(AGENTS).values()):
        first, last = parse_stamp(agent["timestamp_created"]) + (5 + place) * HOUR_MS, world.horizon - DAY_MS
        yield agent, [Cycle(rng, agent, number, at) for number, at in enumerate(range(first, last + 1, WEEK_MS))]


def _make_items(world: World) -> dict[str, Row]:
    cycles = (cycle for _, some in _cycles(world) for cycle in some)
    return {row["id"]: row for cycle in cycles for row in cycle.items}


def _make_states(world: World) -> dict[str, Row]:
    """Make all of an agent's state but the feed, which is paged; the default agent is at work."""
    rng = world.rng("deliverability states")
    rows: dict[str, Row] = {}
    for agent, cycles in _cycles(world):
        now = world.horizon - HOUR_MS
        at_work = not rows
        kept = [cycle for cycle in cycles if cycle.completed >= stamp(world.horizon - RETENTION_DAYS * DAY_MS)]
        next_run = parse_stamp(cycles[-1].started) + WEEK_MS if cycles else None
        active = active_check(rng, agent, now) if at_work else None
        upcoming = active["cycle_id"] if active else ""
        queued = [make_check(rng, agent, 1 + at, upcoming, now, "queued") for at in range(2)]
        rows[agent["id"]] = {
            "current_activity": {
                "active": active,
                "queued": queued if at_work else [],
                "completed_summary": {
                    "count": sum(len(cycle.checks) for cycle in kept),
                    "retention_days": RETENTION_DAYS,
                    "last_completed_at": cycles[-1].completed if cycles else None,
                },
            },
            "schedule": {"next_run_at": None if next_run is None else stamp(next_run)},
            "run_summary": {
                "latest": cycles[-1].as_latest() if cycles else dict(EMPTY_RUN),
                "trend": [cycle.as_point() for cycle in cycles[-TREND:]],
            },
        }
    return rows


EMPTY_RUN: Row = {
    **dict.fromkeys(("cycle_id", "started_at", "completed_at")),
    "status": "empty",
    **dict.fromkeys(("total_checks", "completed_checks", "healthy_count", "needs_attention_count"), 0),
    **dict.fromkeys(("info_count", "failed_count"), 0),
    "checks": [],
    "feed_items": [],
}
NOTHING: Row = {
    "agent": None,
    "current_activity": {
        "active": None,
        "queued": [],
        "completed_summary": {"count": 0, "retention_days": RETENTION_DAYS, "last_completed_at": None},
    },
    "schedule": {"next_run_at": None},
    "run_summary": {"latest": EMPTY_RUN, "trend": []},
    "activity_feed": {"items": [], "next_starting_after": None},
}


def _filtered(text: str) -> Predicate:
    if text not in {"all", "todo", "done"}:
        message = "querystring/feed_filter must be equal to one of the allowed values"
        raise invalid(message)
    return lambda row: text in {"all", row["status"]}


ITEMS = Listing(
    resource="ai_deliverability_feed_items",
    scope="ai_agents",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={"feed_filter": _filtered},
    at_end="absent",
)


def _of(world: World, agent_id: str) -> list[Row] | None:
    if agent_id not in world.collection(AGENTS):
        return None
    return [row for row in world.rows(ITEMS.resource) if row["agent_id"] == agent_id]


def _default(world: World) -> Row | None:
    return next(iter(world.rows(AGENTS)), None)


def _state(world: World, agent_id: str) -> Row:
    """Show an agent's state without its feed, with the newest run's items as they are now."""
    row: Row = world.collection(STATES)[agent_id] | world.extra[STATES]
    summary = row["run_summary"]
    checks = {check["activity_id"] for check in summary["latest"]["checks"]}
    items = [item for item in _of(world, agent_id) or [] if item.get("source_activity_id") in checks]
    return row | {"run_summary": {**summary, "latest": {**summary["latest"], "feed_items": items}}}


def _feed(call: Call, agent_id: str) -> Row:
    rows = ITEMS.select(_of(call.world, agent_id) or [], dict(call.query))
    page: Row = json.loads(bytes(answer_page(call, ITEMS, Ordered(ITEMS, rows)).body))
    return {"items": page["items"], "next_starting_after": page.get("next_starting_after")}


def _get_default_state(call: Call) -> Response:
    agent = _default(call.world)
    if agent is None:
        return reply(NOTHING)
    return reply({"agent": agent, **_state(call.world, agent["id"]), "activity_feed": _feed(call, agent["id"])})


def _get_state(call: Call) -> Response:
    agent_id = call.path["key"]
    if agent_id not in call.world.collection(AGENTS):
        raise not_found()
    return reply(_state(call.world, agent_id) | {"activity_feed": _feed(call, agent_id)})


def _all_states(world: World) -> Iterator[Row]:
    """Give each agent's state without the feed, which is a resource of its own, with the agent."""
    return ({"agent_id": key, **_state(world, key)} for key in world.collection(AGENTS))


def _add_item(world: World, id: str, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    check = make_check(rng, agent, world.mutations, "on demand", moment)
    row = make_item(rng, 1 + 5 * world.mutations, check, "needs_attention", moment)
    world.collection(ITEMS.resource)[row["id"]] = row
    return {"feed_item": row}


AREA = Area(
    operations=(
        Operation("GET", "/ai-agents/deliverability", lambda call: reply({"agent": _default(call.world)}), SCOPE),
        Operation("GET", "/ai-agents/deliverability/state", _get_default_state, SCOPE),
        Operation("GET", "/ai-agents/deliverability/{key}", get_one(AGENTS), SCOPE),
        Operation("GET", "/ai-agents/deliverability/{key}/state", _get_state, SCOPE),
        Operation("GET", "/ai-agents/deliverability/{key}/feed-items", get_children(ITEMS, _of), SCOPE),
    ),
    tables={AGENTS: _make_agents, ITEMS.resource: _make_items, STATES: _make_states},
    truth={AGENTS: lambda world: world.rows(AGENTS), STATES: _all_states, ITEMS.resource: listed(ITEMS)},
    changes={"add_feed_item": _add_item},
)

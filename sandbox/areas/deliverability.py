"""AI deliverability agents: the workspace's default agent, another one, and their current state."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from sandbox.answers import reply
from sandbox.api import Area, answer_page, each, get, get_children, get_one, known, listed, page_of
from sandbox.areas.agents_data import make_deliverability_agent
from sandbox.areas.deliverability_data import RETENTION_DAYS, Cycle, active_check, make_check, make_item
from sandbox.clock import DAY_MS, HOUR_MS, parse_stamp, stamp
from sandbox.lists import Listing, options
from sandbox.records import Row
from sandbox.workspaces import ApiRequest
from sandbox.world import World

AGENTS = "ai_deliverability_agents"
STATES = "ai_deliverability_states"
SCOPE = "ai_agents:read"
WEEK_MS = 7 * DAY_MS
TREND = 6


def _make_agents(world: World) -> Iterator[Row]:
    """Create the workspace's default agent and another one; none without accounts to monitor."""
    rng = world.rng("deliverability agents")
    for number in range(2 if world.accounts else 0):
        yield make_deliverability_agent(rng, number, world, world.first_day * DAY_MS)


def _cycles(world: World) -> Iterator[tuple[Row, list[Cycle]]]:
    rng = world.rng("deliverability cycles")
    for place, agent in enumerate(world.collection(AGENTS).values()):
        first, last = parse_stamp(agent["timestamp_created"]) + (5 + place) * HOUR_MS, world.horizon - DAY_MS
        yield agent, [Cycle(rng, agent, number, at) for number, at in enumerate(range(first, last + 1, WEEK_MS))]


def _make_items(world: World) -> Iterator[Row]:
    return (row for _, cycles in _cycles(world) for cycle in cycles for row in cycle.items)


def _make_states(world: World) -> dict[str, Row]:
    """Create each agent's state without the feed, which is paged; the default agent is running."""
    rng, now = world.rng("deliverability states"), world.horizon - HOUR_MS
    oldest = stamp(world.horizon - RETENTION_DAYS * DAY_MS)
    rows: dict[str, Row] = {}
    for agent, cycles in _cycles(world):
        active = None if rows else active_check(rng, agent, now)
        upcoming = active["cycle_id"] if active else ""
        queued = [make_check(rng, agent, 1 + at, upcoming, now, "queued") for at in range(2)]
        kept = sum(len(cycle.checks) for cycle in cycles if cycle.completed >= oldest)
        rows[agent["id"]] = _describe(cycles, kept, active, queued if active else [])
    return rows


def _describe(cycles: list[Cycle], kept: int, active: Row | None, queued: list[Row]) -> Row:
    last = cycles[-1] if cycles else None
    completed = {
        "count": kept,
        "retention_days": RETENTION_DAYS,
        "last_completed_at": last.completed if last else None,
    }
    return {
        "current_activity": {"active": active, "queued": queued, "completed_summary": completed},
        "schedule": {"next_run_at": stamp(parse_stamp(last.started) + WEEK_MS) if last else None},
        "run_summary": {
            "latest": last.as_latest() if last else EMPTY_RUN,
            "trend": [cycle.as_point() for cycle in cycles[-TREND:]],
        },
    }


EMPTY_RUN: Row = {
    **dict.fromkeys(("cycle_id", "started_at", "completed_at")),
    "status": "empty",
    **dict.fromkeys(("total_checks", "completed_checks", "healthy_count", "needs_attention_count"), 0),
    **dict.fromkeys(("info_count", "failed_count"), 0),
    "checks": [],
    "feed_items": [],
}
NO_STATE = _describe([], 0, None, []) | {"activity_feed": {"items": [], "next_starting_after": None}}


ITEMS = Listing(
    "ai_deliverability_feed_items",
    filters={
        "feed_filter": options(
            "feed_filter",
            {
                "all": lambda _row: True,
                "todo": lambda row: bool(row["status"] == "todo"),
                "done": lambda row: bool(row["status"] == "done"),
            },
        )
    },
    at_end="absent",
)


def _of(world: World, agent_id: str) -> list[Row]:
    return world.children(ITEMS.resource, "agent_id", agent_id)


def _default(world: World) -> Row | None:
    return next(iter(world.rows(AGENTS)), None)


def _state(world: World, agent_id: str) -> Row:
    """Return an agent's state without its feed, with the newest run's items in their current state."""
    row: Row = world.collection(STATES)[agent_id] | world.extra[STATES]
    summary = row["run_summary"]
    checks = {check["activity_id"] for check in summary["latest"]["checks"]}
    items = [item for item in _of(world, agent_id) if item.get("source_activity_id") in checks]
    return row | {"run_summary": {**summary, "latest": {**summary["latest"], "feed_items": items}}}


def _whole_state(request: ApiRequest, agent_id: str) -> Row:
    page = page_of(answer_page(request, ITEMS, _of(request.world, agent_id)))
    feed = {"items": page["items"], "next_starting_after": page.get("next_starting_after")}
    return _state(request.world, agent_id) | {"activity_feed": feed}


def _get_default_state(request: ApiRequest) -> Response:
    agent = _default(request.world)
    return reply({"agent": agent} | (_whole_state(request, agent["id"]) if agent else NO_STATE))


def _get_state(request: ApiRequest) -> Response:
    return reply(_whole_state(request, request.row(AGENTS)["id"]))


def _add_item(world: World, id: str, at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    rng, moment = world.mutation_rng(), world.moment(at)
    check = make_check(rng, agent, world.mutations, "on demand", moment)
    row = make_item(rng, 1 + 5 * world.mutations, check, "needs_attention", moment)
    return {"feed_item": world.insert(ITEMS.resource, row)}


AREA = Area(
    endpoints=(
        get("/ai-agents/deliverability", lambda request: reply({"agent": _default(request.world)}), SCOPE),
        get("/ai-agents/deliverability/state", _get_default_state, SCOPE),
        get("/ai-agents/deliverability/{key}", get_one(AGENTS), SCOPE),
        get("/ai-agents/deliverability/{key}/state", _get_state, SCOPE),
        get("/ai-agents/deliverability/{key}/feed-items", get_children(ITEMS, _of, AGENTS), SCOPE),
    ),
    tables={AGENTS: _make_agents, ITEMS.resource: _make_items, STATES: _make_states},
    truth={
        AGENTS: lambda world: world.rows(AGENTS),
        # The feed is a separate resource.
        STATES: each(STATES, "agent_id", lambda world, key: [_state(world, key)]),
        ITEMS.resource: listed(ITEMS),
    },
    mutations={"add_feed_item": _add_item},
)

"""AI agents of all types, as the list of all agents returns them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sandbox.answers import not_found, require
from sandbox.api import ApiRequest, Area, answer_page, get, post
from sandbox.areas import deliverability, inbox_managers, lead_finders, sales_agents
from sandbox.lists import BY_ID, MAX_LIMIT, Listing, by_column, fields
from sandbox.makers.agents import INACTIVE
from sandbox.makers.sales import analytics
from sandbox.records import Row
from sandbox.world import World

SCOPE = "ai_agents:read"
TABLES = (sales_agents.AGENTS, inbox_managers.AGENTS, lead_finders.AGENTS, deliverability.AGENTS)
SORTABLE = frozenset({"id", "name", "status", "type", "timestamp_created", "timestamp_updated"})
SHARED = ("name", "status", "timestamp_created", "timestamp_updated")

AGENTS = Listing("ai_agents", filters=fields(numbers="status type", search="name"))


def _autonomy(table: str, row: Row) -> str | None:
    """Return the autonomy of an agent; two types have no such setting."""
    if table == sales_agents.AGENTS:
        return "fully_automatic" if row["config"]["autonomy_settings"]["autopilot_mode"] else "copilot"
    if table == inbox_managers.AGENTS and row["status"] != INACTIVE:
        return "copilot" if row["payload"]["configuration_type"] == 1 else "fully_automatic"
    return None


def _summaries(world: World) -> Iterator[Row]:
    for table in TABLES:
        for row in world.collection(table).values():
            yield {
                "id": row["id"],
                "type": row["agent_type"] if table == sales_agents.AGENTS else row["type"],
                **{name: row[name] for name in SHARED},
                "configuration_mode": _autonomy(table, row),
                **world.extra[AGENTS.resource],
            }


def _turned(query: Mapping[str, str], rows: list[Row]) -> Listing:
    """Order agents as the query requests. A cursor is an id, so its row must exist to have a position."""
    column, order = query.get("sort_column", "id"), query.get("sort_order", "desc").lower()
    valid = column in SORTABLE and order in {"asc", "desc"}
    require(valid, "querystring/sort_column or sort_order must be equal to one of the allowed values")
    known = {row["id"]: row for row in rows}
    by = BY_ID if column == "id" else by_column(AGENTS, column, lambda key: known.get(key, {}))
    return replace(AGENTS, order=by, newest_first=order == "desc")


def _get_list(request: ApiRequest) -> object:
    rows = list(_summaries(request.world))
    return answer_page(request, _turned(request.query, rows), rows)


def _get_one(request: ApiRequest) -> object:
    for row in _summaries(request.world):
        if row["id"] == request.path["key"]:
            return row
    raise not_found()


def _reach(world: World, agent_id: str) -> Row | None:
    """Return reach and outcome of an agent, zero for types that write nothing; None if it does not exist."""
    reach, outcome = 0, 0
    if agent_id in world.collection(inbox_managers.AGENTS):
        summary = inbox_managers.summary_of(world, agent_id)
        reach, outcome = summary["total_actions"], summary["unique_conversations"]
    elif agent_id in world.collection(sales_agents.AGENTS):
        totals = analytics(world, agent_id)["totals"]
        reach, outcome = totals["total_sent"], totals["replies"]
    elif not any(agent_id in world.collection(table) for table in TABLES):
        return None
    return {"agent_id": agent_id, "reach": reach, "outcome": outcome, **world.extra["ai_agent_analytics"]}


def _post_analytics(request: ApiRequest) -> object:
    ids: Any = request.json().get("agent_ids")
    valid = isinstance(ids, list) and 1 <= len(ids) <= MAX_LIMIT
    require(valid, f"body/agent_ids must have between 1 and {MAX_LIMIT} items")
    rows = (_reach(request.world, str(agent_id)) for agent_id in ids)
    return {"analytics": [row for row in rows if row is not None]}


def _listed(world: World) -> list[Row]:
    return AGENTS.select(_summaries(world))


AREA = Area(
    endpoints=(
        get("/ai-agents", _get_list, SCOPE),
        post("/ai-agents/analytics", _post_analytics, SCOPE),
        get("/ai-agents/{key}", _get_one, SCOPE),
    ),
    truth={
        AGENTS.resource: _listed,
        "ai_agent_analytics": lambda world: (
            row for agent in _listed(world) if (row := _reach(world, agent["id"])) is not None
        ),
    },
)

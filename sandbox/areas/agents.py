"""AI agents of all types, as the list that has them all shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.answers import invalid, not_found, reply
from sandbox.api_lists import answer_page, read_body
from sandbox.area import Area, Operation
from sandbox.areas import deliverability, inbox_managers, lead_finders, sales_agents
from sandbox.areas.agents_data import INACTIVE
from sandbox.areas.sales_figures import analytics
from sandbox.listings import contains, equals
from sandbox.paging import MAX_LIMIT, Listing, Ordered, id_cursor, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row, SortKey
    from sandbox.world import World

SCOPE = "ai_agents:read"
TABLES = (sales_agents.AGENTS, inbox_managers.AGENTS, lead_finders.AGENTS, deliverability.AGENTS)
SORTABLE = frozenset({"id", "name", "status", "type", "timestamp_created", "timestamp_updated"})
SHARED = ("name", "status", "timestamp_created", "timestamp_updated")

AGENTS = Listing(
    resource="ai_agents",
    scope="ai_agents",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "search": contains("name"),
        "status": equals("status", parse_number),
        "type": equals("type", parse_number),
    },
)


def _autonomy(table: str, row: Row) -> str | None:
    """Tell how much an agent decides by itself; two types have no such setting."""
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


def _get_list(call: Call) -> Response:
    query = dict(call.query)
    column, order = query.get("sort_column", "id"), query.get("sort_order", "desc")
    if column not in SORTABLE or order.lower() not in {"asc", "desc"}:
        message = "querystring/sort_column or sort_order must be equal to one of the allowed values"
        raise invalid(message)
    rows = list(_summaries(call.world))

    def key(row: Row) -> SortKey:
        return (row[column], row["id"]) if column != "id" else (row["id"],)

    def read(text: str) -> SortKey:
        (wanted,) = id_cursor(text)
        # An id alone says where it stands in its own order only; in another one its row must exist.
        found = next((row for row in rows if row["id"] == wanted), {"id": wanted, column: ""})
        return key(found) if column != "id" else (wanted,)

    listing = replace(AGENTS, sort_key=key, read_cursor=read, descending=order.lower() == "desc")
    return answer_page(call, listing, Ordered(listing, listing.select(rows, query)))


def _get_one(call: Call) -> Response:
    for row in _summaries(call.world):
        if row["id"] == call.path["key"]:
            return reply(row)
    raise not_found()


def _reach(world: World, agent_id: str) -> Row | None:
    """Tell how many an agent reached and what came of it; the agents that write nothing reach nobody."""
    reach, outcome = 0, 0
    if agent_id in world.collection(inbox_managers.AGENTS):
        agent = world.collection(inbox_managers.AGENTS)[agent_id]
        summary = inbox_managers.summary_of(world, agent)
        reach, outcome = summary["total_actions"], summary["unique_conversations"]
    elif agent_id in world.collection(sales_agents.AGENTS):
        totals = analytics(world, agent_id)["totals"]
        reach, outcome = totals["total_sent"], totals["replies"]
    elif not any(agent_id in world.collection(table) for table in TABLES):
        return None
    return {"agent_id": agent_id, "reach": reach, "outcome": outcome, **world.extra["ai_agent_analytics"]}


def _post_analytics(call: Call) -> Response:
    ids = read_body(call).get("agent_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_LIMIT:
        message = f"body/agent_ids must have between 1 and {MAX_LIMIT} items"
        raise invalid(message)
    rows = (_reach(call.world, str(agent_id)) for agent_id in ids)
    return reply({"analytics": [row for row in rows if row is not None]})


def _listed(world: World) -> list[Row]:
    return AGENTS.select(_summaries(world), {})


AREA = Area(
    operations=(
        Operation("GET", "/ai-agents", _get_list, SCOPE),
        Operation("POST", "/ai-agents/analytics", _post_analytics, SCOPE),
        Operation("GET", "/ai-agents/{key}", _get_one, SCOPE),
    ),
    truth={
        AGENTS.resource: _listed,
        "ai_agent_analytics": lambda world: (
            row for agent in _listed(world) if (row := _reach(world, agent["id"])) is not None
        ),
    },
)

"""AI agents that supply campaigns with leads, and the agents of all types."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

from sandbox.answers import ApiError, dumps, existing, require
from sandbox.api import ApiRequest, answer_page, changes, children, figures, get, post, resource, truth
from sandbox.areas import deliverability, inbox_managers, sales_agents
from sandbox.areas.campaigns import DRAFT
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, parse_stamp, uuid4, uuid_bytes
from sandbox.lists import BY_ID, MAX_LIMIT, Listing, Order, SortKey, by_column, fields
from sandbox.makers.agents import INACTIVE, make_agent
from sandbox.makers.sales import analytics
from sandbox.records import Data, Row
from sandbox.world import World

AGENTS = "ai_lead_finders"
PATH = "/ai-agents/lead-finder"
SCOPE = "ai_agents:read"
FINDERS = 3
DATA = Data(__file__)
EVENTS = DATA["events"]


def _make_agents(world: World) -> Iterator[Row]:
    """Create a finder for each of the first campaigns that are not drafts."""
    rng = world.rng("lead finders")
    campaigns = [row for row in world.campaigns.values() if row["status"] != DRAFT][:FINDERS]
    for number, campaign in enumerate(campaigns):
        created = parse_stamp(campaign["timestamp_created"]) + HOUR_MS
        values = {"least": 50 + 25 * number, "workflow": uuid4(rng), "campaign": campaign}
        yield make_agent("lead_finder", rng, number, world, created, **values)


def _make_event(rng: Random, event: str, agent: Row, at: int) -> Row:
    payload: Row = {"reason": "Enrichment failed"} if event == "top_up_failed" else {}
    if event == "top_up_completed":
        added = rng.randrange(5, 40)
        payload = {"leads_added": added, "campaign_active_leads_after": agent["payload"]["min_active_leads"] + added}
    return DATA.make("event", 0, rng, event=event, agent=agent, at=at, payload=payload)


def _make_events(world: World) -> Iterator[Row]:
    """Create the events of the finders; some have equal times, such as a start and its outcome."""
    rng, until = world.rng("lead finder activities"), world.horizon - DAY_MS
    for place, agent in enumerate(world.collection(AGENTS).values()):
        created, count = parse_stamp(agent["timestamp_created"]), (16 + world.config.days // 4) // (1 + place)
        span = max(MINUTE_MS, (until - created) // max(1, count))
        for number in range(count):
            # Equal times would break a cursor that is only a time.
            at = created + span * (number - (number % 10 == 3))
            yield _make_event(rng, EVENTS[number % len(EVENTS)], agent, min(at, until))


def _read_cursor(text: str) -> SortKey:
    """Decode a cursor; any other text is refused."""
    try:
        moment, key = json.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        parse_stamp(moment)
        uuid_bytes(key)
    except (ValueError, TypeError, AttributeError):
        raise ApiError(400, "Invalid starting_after cursor", code="FST_ERR_VALIDATION") from None
    return moment, key


FINDER_LIST = Listing(AGENTS, at_end="absent", scope="ai_agents")
# A cursor is a time and an id, opaque for clients.
BY_OPAQUE = Order(
    lambda row: (row["timestamp_created"], row["id"]),
    _read_cursor,
    lambda row: urlsafe_b64encode(dumps([row["timestamp_created"], row["id"]]).encode()).decode().rstrip("="),
)
ACTIVITIES = Listing("ai_lead_finder_activities", BY_OPAQUE, at_end="absent")


def _stats(world: World, agent_id: str) -> Row:
    events = world.children(ACTIVITIES.resource, "agent_id", agent_id)
    kinds = [row["event_type"] for row in events]
    return {
        "leads_added_total": sum(row["payload"].get("leads_added", 0) for row in events),
        "top_ups_completed": kinds.count("top_up_completed"),
        "top_ups_failed": kinds.count("top_up_failed"),
    }


def _add_lead_finder_activity(world: World, id: str, event: str = "top_up_completed", at: int | None = None) -> Row:
    agent = world.known(AGENTS, id)
    if event not in EVENTS:
        message = f"unknown event; there are {', '.join(sorted(set(EVENTS)))}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    return {"activity": world.insert(ACTIVITIES.resource, _make_event(rng, event, agent, moment))}


TABLES = (sales_agents.AGENTS, inbox_managers.AGENTS, AGENTS, deliverability.AGENTS)
SORTABLE = frozenset({"id", "name", "status", "type", "timestamp_created", "timestamp_updated"})
SHARED = ("name", "status", "timestamp_created", "timestamp_updated")

ALL_AGENTS = Listing("ai_agents", filters=fields(numbers="status type", search="name"))


def _summaries(world: World) -> Iterator[Row]:
    """Yield all agents; two types have no autonomy."""
    for table in TABLES:
        for row in world.collection(table).values():
            kind, automatic = row.get("agent_type", row.get("type")), None
            if table == sales_agents.AGENTS:
                automatic = row["config"]["autonomy_settings"]["autopilot_mode"]
            elif table == inbox_managers.AGENTS and row["status"] != INACTIVE:
                automatic = row["payload"]["configuration_type"] != 1
            mode = None if automatic is None else "fully_automatic" if automatic else "copilot"
            shared = {name: row[name] for name in SHARED}
            yield {"id": row["id"], "type": kind, **shared, "configuration_mode": mode, **world.extra["ai_agents"]}


def _turned(query: Mapping[str, str], rows: list[Row]) -> Listing:
    """Order agents as the query requests. A cursor is an id, so its row must exist to have a position."""
    column, order = query.get("sort_column", "id"), query.get("sort_order", "desc").lower()
    valid = column in SORTABLE and order in {"asc", "desc"}
    require(valid, "querystring/sort_column or sort_order must be equal to one of the allowed values")
    by = BY_ID if column == "id" else by_column(ALL_AGENTS, column, rows, {})
    return replace(ALL_AGENTS, order=by, newest_first=order == "desc")


def _get_list(request: ApiRequest) -> object:
    return answer_page(request, _turned(request.query, rows := list(_summaries(request.world))), rows)


def _get_one(request: ApiRequest) -> object:
    found = {row["id"]: row for row in _summaries(request.world)}
    return existing(found.get(request.path["key"]))


def _reach(world: World, agent_id: str) -> list[Row]:
    """Return reach and outcome of an agent, zero for types that write nothing; nothing if it does not exist."""
    reach, outcome = 0, 0
    if agent_id in world.collection(inbox_managers.AGENTS):
        summary = inbox_managers.summary_of(world, agent_id)
        reach, outcome = summary["total_actions"], summary["unique_conversations"]
    elif agent_id in world.collection(sales_agents.AGENTS):
        totals = analytics(world, agent_id)["totals"]
        reach, outcome = totals["total_sent"], totals["replies"]
    elif not any(agent_id in world.collection(table) for table in TABLES):
        return []
    return [{"agent_id": agent_id, "reach": reach, "outcome": outcome, **world.extra["ai_agent_analytics"]}]


def _post_analytics(request: ApiRequest) -> object:
    ids = request.items("agent_ids", MAX_LIMIT)
    return {"analytics": [row for agent_id in ids for row in _reach(request.world, str(agent_id))]}


AREA = (
    resource(PATH, FINDER_LIST, _make_agents)
    + children(f"{PATH}/{{key}}/activities", ACTIVITIES, _make_events, AGENTS, SCOPE)
    + figures(f"{PATH}/{{key}}/stats", "ai_lead_finder_stats", _stats, (AGENTS, "agent_id"), SCOPE)
    + get("/ai-agents", _get_list, SCOPE)
    + post("/ai-agents/analytics", _post_analytics, SCOPE)
    + get("/ai-agents/{key}", _get_one, SCOPE)
    + truth(ALL_AGENTS.resource, lambda world: ALL_AGENTS.select(_summaries(world)))
    + truth(
        "ai_agent_analytics",
        lambda world: (row for one in ALL_AGENTS.select(_summaries(world)) for row in _reach(world, one["id"])),
    )
    + changes(_add_lead_finder_activity)
)

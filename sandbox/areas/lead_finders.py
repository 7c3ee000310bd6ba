"""AI agents that supply campaigns with leads."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from random import Random

from sandbox.answers import ApiError, dumps, reply
from sandbox.api import Area, each, get, get_children, known, listed, resource
from sandbox.areas.agents_data import make_lead_finder
from sandbox.areas.campaigns import DRAFT
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, parse_stamp, stamp, uuid7, uuid_bytes
from sandbox.lists import Listing, Order, SortKey
from sandbox.records import Row
from sandbox.world import World

AGENTS = "ai_lead_finders"
SCOPE = "ai_agents:read"
FINDERS = 3
EVENTS = (
    *("top_up_started", "top_up_completed", "top_up_started", "top_up_failed", "top_up_started", "top_up_completed"),
    *("search_exhausted", "fallback_activated", "top_up_started", "top_up_completed", "agent_paused", "agent_resumed"),
    *("paused_insufficient_credits", "fallback_exhausted", "paused_exhausted", "campaign_not_found"),
)


def _make_agents(world: World) -> Iterator[Row]:
    """Create a finder for each of the first campaigns that are not drafts."""
    rng = world.rng("lead finders")
    campaigns = [row for row in world.campaigns.values() if row["status"] != DRAFT][:FINDERS]
    for number, campaign in enumerate(campaigns):
        created = parse_stamp(campaign["timestamp_created"]) + HOUR_MS
        yield make_lead_finder(rng, number, world, campaign, created)


def _make_event(rng: Random, event: str, agent: Row, at: int) -> Row:
    payload: Row = {}
    if event == "top_up_completed":
        added = rng.randrange(5, 40)
        payload = {"leads_added": added, "campaign_active_leads_after": agent["payload"]["min_active_leads"] + added}
    elif event == "top_up_failed":
        payload = {"reason": "Enrichment failed"}
    return {
        "id": uuid7(rng, at),
        "agent_id": agent["id"],
        "organization_id": agent["organization_id"],
        "timestamp_created": stamp(at),
        "event_type": event,
        "payload": payload,
    }


def _make_events(world: World) -> Iterator[Row]:
    """Create the events of the finders; some have equal times, such as a start and its outcome."""
    rng, until = world.rng("lead finder activities"), world.horizon - DAY_MS
    for place, agent in enumerate(world.collection(AGENTS).values()):
        created, count = parse_stamp(agent["timestamp_created"]), (16 + world.config.days // 4) // (1 + place)
        span = max(MINUTE_MS, (until - created) // max(1, count))
        for number in range(count):
            # Equal times would break a cursor that is only a time.
            at = created + span * (number - (number % 10 == 3))  # noqa: PLR2004 - every n-th
            yield _make_event(rng, EVENTS[number % len(EVENTS)], agent, min(at, until))


def _write_cursor(row: Row) -> str:
    """Encode a time and an id as an opaque cursor."""
    return base64.urlsafe_b64encode(dumps([row["timestamp_created"], row["id"]]).encode()).decode().rstrip("=")


def _read_cursor(text: str) -> SortKey:
    """Decode a cursor; any other text is refused."""
    try:
        moment, key = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        parse_stamp(moment)
        uuid_bytes(key)
    except (ValueError, TypeError, AttributeError):
        raise ApiError(400, "Invalid starting_after cursor", code="FST_ERR_VALIDATION") from None
    return moment, key


FINDER_LIST = Listing(AGENTS, at_end="absent", scope="ai_agents")
ACTIVITIES = Listing(
    "ai_lead_finder_activities",
    Order(lambda row: (row["timestamp_created"], row["id"]), _read_cursor, _write_cursor),
    at_end="absent",
)


def _of(world: World, agent_id: str) -> list[Row]:
    return world.children(ACTIVITIES.resource, "agent_id", agent_id)


def _stats(world: World, agent_id: str) -> Row:
    """Sum the events of a finder."""
    events = _of(world, agent_id)
    kinds = [row["event_type"] for row in events]
    return {
        "leads_added_total": sum(row["payload"].get("leads_added", 0) for row in events),
        "top_ups_completed": kinds.count("top_up_completed"),
        "top_ups_failed": kinds.count("top_up_failed"),
    } | world.extra["ai_lead_finder_stats"]


def _add_event(world: World, id: str, event: str = "top_up_completed", at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    if event not in EVENTS:
        message = f"unknown event; there are {', '.join(sorted(set(EVENTS)))}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    return {"activity": world.insert(ACTIVITIES.resource, _make_event(rng, event, agent, moment))}


AREA = resource("/ai-agents/lead-finder", FINDER_LIST, _make_agents) + Area(
    endpoints=(
        get(
            "/ai-agents/lead-finder/{key}/stats",
            lambda request: reply(_stats(request.world, request.row(AGENTS)["id"])),
            SCOPE,
        ),
        get("/ai-agents/lead-finder/{key}/activities", get_children(ACTIVITIES, _of, AGENTS), SCOPE),
    ),
    tables={ACTIVITIES.resource: _make_events},
    truth={
        ACTIVITIES.resource: listed(ACTIVITIES),
        "ai_lead_finder_stats": each(AGENTS, "agent_id", lambda world, key: [_stats(world, key)]),
    },
    mutations={"add_lead_finder_activity": _add_event},
)

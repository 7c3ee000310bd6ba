"""AI agents that supply campaigns with leads."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from random import Random

from sandbox.answers import ApiError, dumps
from sandbox.api import Area, children, figures, known, resource
from sandbox.areas.campaigns import DRAFT
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, parse_stamp, uuid_bytes
from sandbox.lists import Listing, Order, SortKey
from sandbox.makers.agents import make_lead_finder
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
        yield make_lead_finder(rng, number, world, campaign, created)


def _make_event(rng: Random, event: str, agent: Row, at: int) -> Row:
    payload: Row = {}
    if event == "top_up_completed":
        added = rng.randrange(5, 40)
        payload = {"leads_added": added, "campaign_active_leads_after": agent["payload"]["min_active_leads"] + added}
    elif event == "top_up_failed":
        payload = {"reason": "Enrichment failed"}
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


def _stats(world: World, agent_id: str) -> Row:
    """Sum the events of a finder."""
    events = world.children(ACTIVITIES.resource, "agent_id", agent_id)
    kinds = [row["event_type"] for row in events]
    return {
        "leads_added_total": sum(row["payload"].get("leads_added", 0) for row in events),
        "top_ups_completed": kinds.count("top_up_completed"),
        "top_ups_failed": kinds.count("top_up_failed"),
    }


def _add_event(world: World, id: str, event: str = "top_up_completed", at: int | None = None) -> Row:
    agent = known(world.collection(AGENTS), id)
    if event not in EVENTS:
        message = f"unknown event; there are {', '.join(sorted(set(EVENTS)))}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    return {"activity": world.insert(ACTIVITIES.resource, _make_event(rng, event, agent, moment))}


AREA = (
    resource(PATH, FINDER_LIST, _make_agents)
    + children(f"{PATH}/{{key}}/activities", ACTIVITIES, _make_events, AGENTS, SCOPE)
    + figures(f"{PATH}/{{key}}/stats", "ai_lead_finder_stats", _stats, (AGENTS, "agent_id"), SCOPE)
    + Area(mutations={"add_lead_finder_activity": _add_event})
)

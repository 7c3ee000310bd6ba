"""Generates AI agents of every type and their settings."""

from __future__ import annotations

from random import Random
from typing import Any

from sandbox.clock import DAY_MS, uuid4, uuid7
from sandbox.records import Data, Row
from sandbox.words import INDUSTRIES
from sandbox.world import World

DATA = Data(__file__)
INACTIVE, ACTIVE, EXPIRED = 0, 1, -1


def make_agent(shape: str, rng: Random, number: int, world: World, created: int, **values: Any) -> Row:
    """Create an agent that is no sales agent."""
    values |= {"key": uuid7(rng, created), "updated": min(world.horizon, created + rng.randrange(20 * DAY_MS))}
    return DATA.make(shape, number, rng, world=world, created=created, first=number == 0, second=number == 1, **values)


def make_sales_agent(rng: Random, number: int, world: World, agent_id: str | None, created: int) -> Row:
    """Create a sales agent; those without an id have no campaign yet."""
    names, industry, at_work = DATA["sales_names"], INDUSTRIES[number % len(INDUSTRIES)], agent_id is not None
    name = names[number % len(names)] + (f" {number + 1}" if number >= len(names) else "")
    lists, last = list(world.lead_lists), min(world.horizon, created + 40 * DAY_MS)
    values: Row = {
        "updated": min(world.horizon, created + rng.randrange(20 * DAY_MS)),
        "key": agent_id or uuid4(rng),
        "name": name,
        "last": last,
    }
    values |= {"industry": industry, "trade": industry.lower(), "senders": sorted(world.accounts)[:3]}
    values |= {"tags": [tag["id"] for tag in world.tags[: number % 2]], "at_work": at_work}
    values |= {"list": lists[number % len(lists)] if lists and at_work else None}
    values |= {"deciding": at_work and DATA["times"]["status"][1 + number % 5] == ACTIVE}
    return DATA.make("sales_agent", number, world=world, created=created, **values)


def make_inbox_manager(rng: Random, number: int, world: World, created: int) -> Row:
    """Create an inbox manager; the first one recovers no-shows."""
    tags = [tag["id"] for tag in world.tags[:2]]
    values: Row = {"tags": tags if number % 3 else ["default"], "fallback_tags": tags[:1]}
    values |= {"senders": sorted(world.accounts)[:2], "connection": None if number else uuid4(rng)}
    return make_agent("inbox_manager", rng, number, world, created, **values)


def metadata_of(manager: Row, world: World) -> Row:
    """Return the tags and integrations of an inbox manager, which it has only on request."""
    labels = {tag["id"]: tag["label"] for tag in world.tags}
    tags = {tag: {"id": tag, "label": labels[tag]} for tag in manager["payload"]["tags"] if tag in labels}
    slacks = {slack["connectionId"]: slack["connectionName"] for slack in manager["payload"]["integrations"].values()}
    integrations = {key: {"id": key, "label": name, "is_valid": True, "error": ""} for key, name in slacks.items()}
    return {"tags": tags, "integrations": integrations}

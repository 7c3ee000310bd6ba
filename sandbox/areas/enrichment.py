"""Enrichment of the leads in lists and campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.answers import not_found, reply
from sandbox.area import Area, Operation
from sandbox.clock import DAY_MS, parse_stamp, stamp, uuid4
from sandbox.entities import compact
from sandbox.paging import parse_number
from sandbox.words import INDUSTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row
    from sandbox.world import World

SCOPE = "supersearch_enrichments:read"
CAMPAIGN, LIST = 1, 2
COLUMNS = ("icebreaker", "pain_point", "ai_generated_content")
KINDS = (
    *("work_email_enrichment", "fully_enriched_profile", "email_verification", "joblisting", "technologies"),
    *("news", "funding", "engagement_score"),
)


def _make_enrichments(world: World) -> dict[str, Row]:
    """Make the enrichment of each list and campaign; most campaigns have none, which is an answer too."""
    rng = world.rng("enrichments")
    rows = {}
    tasks = {row["id"]: row.get("has_enrichment_task") for row in world.lead_lists.values()}
    for number, key in enumerate(world.lead_lists):
        rows[key] = _make_enrichment(number, key) if tasks[key] is not None else _nothing(key)
        if tasks[key] is not None:
            # A list says that it has a task as long as that is under way.
            rows[key]["in_progress"] = tasks[key]
    for number, key in enumerate(world.campaigns):
        rows[key] = _make_enrichment(rng.randrange(100), key) if number % 5 == 1 else _nothing(key)
    return rows


def _nothing(key: str) -> Row:
    return {"resource_id": key, "exists": False, "enrichment_payload": {KINDS[0]: False}}


def _make_enrichment(number: int, key: str) -> Row:
    wanted: dict[str, Any] = {name: True for at, name in enumerate(KINDS) if (number + at) % 3 or at == 0}
    wanted |= {
        "ai_enrichment": {"model": "weaver-2", "output_column": COLUMNS[number % len(COLUMNS)]},
        "custom_flow": ["first_source", "second_source"],
        "limit": 100 + 10 * number,
        "autofill": number % 2 == 0,
    }
    search = number % 2 == 0
    return compact(
        {
            "resource_id": key,
            "in_progress": False,
            "has_no_leads": number % 3 == 2 if search else None,  # noqa: PLR2004 - a turn
            "exists": True,
            "enrichment_payload": wanted,
            "auto_update": number % 4 == 0,
            "is_evergreen": number % 4 == 1,
            "search_filters": {"industry": {"include": [INDUSTRIES[number % len(INDUSTRIES)]]}} if search else None,
        }
    )


def _make_history(world: World) -> dict[str, Row]:
    """Make the runs of each enrichment. The documentation says nothing of their members: all of them are a guess."""
    rng, rows = world.rng("enrichment history"), {}
    for key, enrichment in world.collection("enrichments").items():
        if not enrichment["exists"]:
            continue
        born = parse_stamp((world.lead_lists.get(key) or world.campaigns[key])["timestamp_created"])
        for number in range(rng.randrange(1, 14)):
            row = _make_run(rng, min(world.horizon, born + number * DAY_MS), enrichment)
            row["resource_type"] = LIST if key in world.lead_lists else CAMPAIGN
            rows[row["id"]] = row
    return rows


def _make_run(rng: Random, at: int, enrichment: Row) -> Row:
    return {
        "id": uuid4(rng),
        "resource_id": enrichment["resource_id"],
        "timestamp_created": stamp(at),
        "enrichment_payload": enrichment["enrichment_payload"],
        "leads_enriched": rng.randrange(5, 100),
    }


def _make_running(world: World) -> dict[str, Row]:
    """Make what the AI is working on, which is nothing where no enrichment is in progress."""
    rng, rows = world.rng("enrichments in progress"), {}
    for key, enrichment in world.collection("enrichments").items():
        for column in COLUMNS[:2] if enrichment.get("in_progress") else ():
            row: Row = {
                "id": uuid4(rng),
                "organization_id": world.organization,
                "resource_id": key,
                "resource_type": LIST if key in world.lead_lists else CAMPAIGN,
                "output_column": column,
                "status": 1 + rng.randrange(2),
            }
            rows[row["id"]] = row
    return rows


def _there(world: World, key: str) -> bool:
    return key in world.lead_lists or key in world.campaigns


def _current(world: World) -> Iterator[Row]:
    """Give the enrichment of every list and campaign there is now; new ones have none."""
    known = {row["resource_id"]: row for row in world.rows("enrichments")}
    for key in (*world.lead_lists, *world.campaigns):
        yield known.get(key) or _nothing(key) | world.extra["enrichments"]


def _of_current(resource: str) -> Callable[[World], Iterator[Row]]:
    """Give what belongs to lists and campaigns that still exist, in the order of their answers."""
    return lambda world: (row for key in (*world.lead_lists, *world.campaigns) for row in _of(world, resource, key))


def _of(world: World, resource: str, key: str) -> list[Row]:
    rows = [row for row in world.rows(resource) if row["resource_id"] == key]
    # The newest run comes first, by a guess.
    return rows[::-1] if resource == "enrichment_history" else rows


def _get_enrichment(call: Call) -> Response:
    key = call.path["key"]
    if not _there(call.world, key):
        raise not_found()
    return reply(next(row for row in _current(call.world) if row["resource_id"] == key))


def _get_history(call: Call) -> Response:
    key = call.path["key"]
    if not _there(call.world, key):
        raise not_found()
    start, limit = (int(parse_number(call.query.get(*pair))) for pair in (("offset", "0"), ("limit", "10")))
    return reply(_of(call.world, "enrichment_history", key)[start : start + limit])


def _get_running(call: Call) -> Response:
    key = call.path["key"]
    if not _there(call.world, key):
        raise not_found()
    return reply(_of(call.world, "enrichments_in_progress", key))


AREA = Area(
    operations=(
        # The one without a scope in the documentation.
        Operation("GET", "/supersearch-enrichment/{key}", _get_enrichment),
        Operation("GET", "/supersearch-enrichment/history/{key}", _get_history, SCOPE),
        Operation("GET", "/supersearch-enrichment/ai/{key}/in-progress", _get_running, SCOPE),
    ),
    tables={
        "enrichments": _make_enrichments,
        "enrichment_history": _make_history,
        "enrichments_in_progress": _make_running,
    },
    truth={
        "enrichments": _current,
        "enrichment_history": _of_current("enrichment_history"),
        "enrichments_in_progress": _of_current("enrichments_in_progress"),
    },
)

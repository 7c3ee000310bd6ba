"""Enrichment of the leads in lists and campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from starlette.responses import Response

from sandbox.answers import not_found, reply
from sandbox.api import Area, Handler, Truth, get
from sandbox.clock import DAY_MS, parse_stamp, stamp, uuid4
from sandbox.lists import parse_number
from sandbox.records import Row, compact
from sandbox.words import INDUSTRIES
from sandbox.workspaces import ApiRequest
from sandbox.world import World

SCOPE = "supersearch_enrichments:read"
CAMPAIGN, LIST = 1, 2
COLUMNS = ("icebreaker", "pain_point", "ai_generated_content")
KINDS = (
    *("work_email_enrichment", "fully_enriched_profile", "email_verification", "joblisting", "technologies"),
    *("news", "funding", "engagement_score"),
)


def _make_enrichments(world: World) -> dict[str, Row]:
    """Create the enrichment of each list and campaign; most campaigns have none, which is a valid answer."""
    rng = world.rng("enrichments")
    rows = {}
    for number, (key, row) in enumerate(world.lead_lists.items()):
        task = row.get("has_enrichment_task")
        # A list shows its task while it is in progress.
        rows[key] = _nothing(key) if task is None else _make_enrichment(number, key) | {"in_progress": task}
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
            "has_no_leads": number % 3 == 2 if search else None,  # noqa: PLR2004 - every n-th
            "exists": True,
            "enrichment_payload": wanted,
            "auto_update": number % 4 == 0,
            "is_evergreen": number % 4 == 1,
            "search_filters": {"industry": {"include": [INDUSTRIES[number % len(INDUSTRIES)]]}} if search else None,
        }
    )


def _kind(world: World, key: str) -> int:
    return LIST if key in world.lead_lists else CAMPAIGN


def _make_history(world: World) -> Iterator[Row]:
    """Create the runs of each enrichment. Their fields are undocumented, so all of them are a guess."""
    rng = world.rng("enrichment history")
    for key, enrichment in world.collection("enrichments").items():
        if not enrichment["exists"]:
            continue
        born = parse_stamp((world.lead_lists.get(key) or world.campaigns[key])["timestamp_created"])
        for number in range(rng.randrange(1, 14)):
            yield {
                "id": uuid4(rng),
                "resource_id": key,
                "timestamp_created": stamp(min(world.horizon, born + number * DAY_MS)),
                "enrichment_payload": enrichment["enrichment_payload"],
                "leads_enriched": rng.randrange(5, 100),
                "resource_type": _kind(world, key),
            }


def _make_running(world: World) -> Iterator[Row]:
    """Create the AI's current task; empty if no enrichment is in progress."""
    rng = world.rng("enrichments in progress")
    for key, enrichment in world.collection("enrichments").items():
        for column in COLUMNS[:2] if enrichment.get("in_progress") else ():
            yield {
                "id": uuid4(rng),
                "organization_id": world.organization,
                "resource_id": key,
                "resource_type": _kind(world, key),
                "output_column": column,
                "status": 1 + rng.randrange(2),
            }


def _current(world: World, key: str) -> Row:
    """Return the enrichment of a list or campaign; new ones have none."""
    row = world.collection("enrichments").get(key)
    return (_nothing(key) if row is None else row) | world.extra["enrichments"]


def _history(world: World, key: str) -> list[Row]:
    # Newest first is a guess.
    return world.children("enrichment_history", "resource_id", key)[::-1]


def _running(world: World, key: str) -> list[Row]:
    return world.children("enrichments_in_progress", "resource_id", key)


def _places(world: World) -> tuple[str, ...]:
    return (*world.lead_lists, *world.campaigns)


def _truth(rows_of: Callable[[World, str], list[Row]]) -> Truth:
    """Return the rows of lists and campaigns that still exist, in the order of their answers."""
    return lambda world: (row for key in _places(world) for row in rows_of(world, key))


def _get(answer: Callable[[ApiRequest, str], object]) -> Handler:
    def handler(request: ApiRequest) -> Response:
        key = request.path["key"]
        if key not in _places(request.world):
            raise not_found()
        return reply(answer(request, key))

    return handler


def _page(request: ApiRequest, key: str) -> list[Row]:
    start, limit = (int(parse_number(request.query.get(*pair))) for pair in (("offset", "0"), ("limit", "10")))
    return _history(request.world, key)[start : start + limit]


AREA = Area(
    endpoints=(
        # The documentation names no scope for this operation alone.
        get("/supersearch-enrichment/{key}", _get(lambda request, key: _current(request.world, key))),
        get("/supersearch-enrichment/history/{key}", _get(_page), SCOPE),
        get(
            "/supersearch-enrichment/ai/{key}/in-progress",
            _get(lambda request, key: _running(request.world, key)),
            SCOPE,
        ),
    ),
    tables={
        "enrichments": _make_enrichments,
        "enrichment_history": _make_history,
        "enrichments_in_progress": _make_running,
    },
    truth={
        "enrichments": _truth(lambda world, key: [_current(world, key)]),
        "enrichment_history": _truth(_history),
        "enrichments_in_progress": _truth(_running),
    },
)

"""Enrichment of the leads in lists and campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starlette.responses import Response

from sandbox.answers import existing, reply
from sandbox.api import ApiRequest, Handler, Truth, get, table, truth
from sandbox.clock import DAY_MS, parse_stamp
from sandbox.lists import parse_number
from sandbox.records import Data, Row
from sandbox.world import World

SCOPE = "supersearch_enrichments:read"
CAMPAIGN, LIST = 1, 2
DATA = Data(__file__)
COLUMNS = DATA["columns"]


def _make_enrichments(world: World) -> dict[str, Row]:
    """Create the enrichment of each list and campaign; most campaigns have none, which is a valid answer."""
    rng = world.rng("enrichments")
    rows = {}
    for number, (key, row) in enumerate(world.lead_lists.items()):
        task = row.get("has_enrichment_task")
        # A list shows its task while it is in progress.
        rows[key] = (
            DATA.make("nothing", key=key) if task is None else _make_enrichment(number, key) | {"in_progress": task}
        )
    for number, key in enumerate(world.campaigns):
        rows[key] = _make_enrichment(rng.randrange(100), key) if number % 5 == 1 else DATA.make("nothing", key=key)
    return rows


def _make_enrichment(number: int, key: str) -> Row:
    wanted = {name: True for at, name in enumerate(DATA["kinds"]) if (number + at) % 3 or at == 0}
    wanted |= DATA.make("wanted", number, limit=100 + 10 * number)
    return DATA.make("enrichment", number, key=key, wanted=wanted)


def _kind(world: World, key: str) -> int:
    return LIST if key in world.lead_lists else CAMPAIGN


def _make_history(world: World) -> Iterator[Row]:
    """Create the runs of each enrichment. Their fields are undocumented, so all of them are a guess."""
    rng = world.rng("enrichment history")
    for key, enrichment in world.collection("enrichments").items():
        if not enrichment["exists"]:
            continue
        born = parse_stamp((world.lead_lists.get(key) or world.campaigns[key])["timestamp_created"])
        values = {"key": key, "kind": _kind(world, key), "payload": enrichment["enrichment_payload"]}
        for number in range(rng.randrange(1, 14)):
            made = min(world.horizon, born + number * DAY_MS)
            yield DATA.make("run", number, rng, made=made, **values)


def _make_running(world: World) -> Iterator[Row]:
    """Create the AI's current task; empty if no enrichment is in progress."""
    rng = world.rng("enrichments in progress")
    for key, enrichment in world.collection("enrichments").items():
        for column in COLUMNS[:2] if enrichment.get("in_progress") else ():
            yield DATA.make("task", 0, rng, world=world, key=key, kind=_kind(world, key), column=column)


def _current(world: World, key: str) -> Row:
    """Return the enrichment of a list or campaign; new ones have none."""
    row = world.collection("enrichments").get(key)
    return (DATA.make("nothing", key=key) if row is None else row) | world.extra["enrichments"]


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
        existing(key if key in _places(request.world) else None)
        return reply(answer(request, key))

    return handler


def _page(request: ApiRequest, key: str) -> list[Row]:
    start, limit = (int(parse_number(request.query.get(*pair))) for pair in (("offset", "0"), ("limit", "10")))
    return _history(request.world, key)[start : start + limit]


PATH = "/supersearch-enrichment"
AREA = (
    # The documentation names no scope for this operation alone.
    get(f"{PATH}/{{key}}", _get(lambda request, key: _current(request.world, key)))
    + get(f"{PATH}/history/{{key}}", _get(_page), SCOPE)
    + get(f"{PATH}/ai/{{key}}/in-progress", _get(lambda request, key: _running(request.world, key)), SCOPE)
    + table("enrichments", _make_enrichments)
    + table("enrichment_history", _make_history)
    + table("enrichments_in_progress", _make_running)
    + truth("enrichments", _truth(lambda world, key: [_current(world, key)]))
    + truth("enrichment_history", _truth(_history))
    + truth("enrichments_in_progress", _truth(_running))
)

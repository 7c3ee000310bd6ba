"""Background jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from starlette.responses import Response

from sandbox.answers import reply, require
from sandbox.api import Area, answer_page, get, known, listed, update
from sandbox.clock import DAY_MS, MINUTE_MS, stamp
from sandbox.lists import Listing, Order, SortKey, among, equals, parse_choice
from sandbox.records import Row, at_every
from sandbox.workspaces import ApiRequest
from sandbox.world import World

JOBS = 45
OBJECT_ID = 24
TYPES = (
    *("move-leads", "import-leads", "export-leads", "update-warmup-accounts", "rename-variable"),
    *("broadcast-ai-generate", "broadcast-website-scrape", "import-subscribers-from-crm", "resync-subscriber-crm-tags"),
)
STATUSES = ("success", "success", "in-progress", "success", "failed", "pending", "cancelled", "paused", "draining")


def _object_id(rng: Random, moment: int) -> str:
    """Draw an id in MongoDB's format: seconds first."""
    return f"{moment // 1000:08x}{rng.getrandbits(64):016x}"


def _data(kind: str, number: int, status: str) -> Row:
    """Return the data of a job; unlike in other records, nulls are included."""
    done = status == "success"
    if kind == "move-leads":
        moved = [f"moved.{number}.{at}@harbor-loom.example" for at in range(number % 3 + 1)] if done else []
        return {"moved_leads": len(moved), "moved_lead_emails": moved, "to_list_id": None}
    if kind in {"import-leads", "export-leads"}:
        return {"success_count": 40 + number if done else 0, "failed_count": number % 4, "file_name": None}
    if kind == "rename-variable":
        return {"from": "headcount", "to": "employees", "error": "Variable exists" if status == "failed" else None}
    return {"total": 10 + number, "error": None}


def _make(world: World) -> Iterator[Row]:
    rng = world.rng("background_jobs")
    places: list[tuple[str, str | None]] = [("campaign", key) for key in list(world.campaigns)[:2]]
    places += [("list", key) for key in list(world.lead_lists)[:2]]
    places += [("workspace", world.organization), ("broadcast", None), ("subscriber-group", None)]
    places += [("subscriber-group-sync", None)]
    start = world.first_day * DAY_MS
    span = max(1, world.horizon - start - 10 * MINUTE_MS)
    for number in range(JOBS):
        created = start + span * number // JOBS + rng.randrange(1000)
        kind, status = TYPES[number % len(TYPES)], STATUSES[number * 2 % len(STATUSES)]
        place = places[number % len(places)]
        waiting = status == "pending"
        yield {
            "id": _object_id(rng, created),
            "workspace_id": world.organization,
            "user_id": at_every(number, 3, world.users[number % len(world.users)]),
            "type": kind,
            "entity_id": place[1],
            "entity_type": place[0],
            "data": at_every(number // 4, 2, _data(kind, number, status)),
            "progress": 100 if status == "success" else 0 if waiting else rng.randrange(5, 95),
            "status": status,
            "created_at": stamp(created),
            "updated_at": stamp(created if waiting else min(world.horizon, created + rng.randrange(9 * MINUTE_MS))),
        }


def _read_cursor(text: str) -> SortKey:
    require(len(text) == OBJECT_ID, "querystring/starting_after must be an ObjectId")
    return (text,)


BY_OBJECT_ID = Order(lambda row: (row["id"],), _read_cursor, lambda row: str(row["id"]))


JOB_LIST = Listing(
    "background_jobs",
    # Ids begin with the second of creation.
    BY_OBJECT_ID,
    filters={
        "ids": among("id"),
        "included_ids": among("id"),
        "excluded_ids": among("id", negate=True),
        "type": equals("type"),
        "entity_type": equals("entity_type"),
        "entity_id": among("entity_id"),
        "status": among("status"),
    },
)


def _by_update(world: World) -> Order:
    """Order jobs by their last change. The cursor stays an id; a page starts after that job's current position."""
    rows = world.collection("background_jobs")

    def place(text: str) -> SortKey:
        (job,) = _read_cursor(text)
        return (rows[known(rows, job)]["updated_at"], job)

    return Order(lambda row: (row["updated_at"], row["id"]), place, BY_OBJECT_ID.write)


def _list(request: ApiRequest) -> Response:
    column = parse_choice(request.query, "sort_column", ("created_at", "updated_at"), "created_at")
    newest = parse_choice(request.query, "sort_order", ("asc", "desc"), "desc") == "desc"
    order = BY_OBJECT_ID if column == "created_at" else _by_update(request.world)
    listing = replace(JOB_LIST, order=order, newest_first=newest)
    return answer_page(request, listing, request.world.rows("background_jobs"))


def _get(request: ApiRequest) -> Response:
    """Answer with a job, and the requested members of its data or all of them."""
    row, wanted = request.row("background_jobs"), request.query.get("data_fields")
    if wanted and "data" in row:
        row["data"] = {name: value for name, value in row["data"].items() if name in wanted.split(",")}
    return reply(row)


def _progress(world: World, id: str, progress: float = 100, at: int | None = None, **fields: Any) -> Row:  # noqa: A002 - the API's name for it
    status = "success" if progress >= 100 else "in-progress"  # noqa: PLR2004 - per cent
    changes = {"progress": progress, "status": status} | fields
    return {"background_job": update(world, "background_jobs", id, at, "updated_at", **changes)}


def _add(world: World, type: str = "import-leads", at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    rng, moment = world.mutation_rng(), world.moment(at)
    row: Row = {
        "id": _object_id(rng, moment),
        "workspace_id": world.organization,
        "user_id": world.users[0],
        "type": type,
        "entity_id": world.organization,
        "entity_type": "workspace",
        "data": _data(type, 0, "pending"),
        "progress": 0,
        "status": "pending",
        "created_at": stamp(moment),
        "updated_at": stamp(moment),
    }
    return {"background_job": world.insert("background_jobs", row)}


AREA = Area(
    endpoints=(
        get("/background-jobs", _list, "background-jobs:read"),
        get("/background-jobs/{key}", _get, "background-jobs:read"),
    ),
    tables={"background_jobs": _make},
    truth={"background_jobs": listed(JOB_LIST)},
    mutations={"add_background_job": _add, "progress_background_job": _progress},
)

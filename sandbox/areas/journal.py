"""The audit log, the only trace of deletions, and the background jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from sandbox.answers import require
from sandbox.api import ApiRequest, changes, get, resource, update
from sandbox.clock import DAY_MS, MINUTE_MS, is_date_only, stamp, uuid4, uuid7
from sandbox.lists import BY_ID, Listing, SortKey, among, bound, by_column, fields, parse_choice, parse_time, turned
from sandbox.records import Data, Row
from sandbox.world import World

LOGIN, LEAD_DELETION, CAMPAIGN_DELETION, LAUNCH, PAUSE, ACCOUNT_ADDITION, ACCOUNT_DELETION = range(1, 8)
LEAD_MOVED, LEAD_ADDED, LEAD_MERGED, CAMPAIGN_UPDATE, SUBSEQUENCE_UPDATE = range(8, 13)
WEBHOOK_CREATED, WEBHOOK_UPDATED, WEBHOOK_ERROR, WEBHOOK_RESUMED = range(18, 22)
# The last ones are further documented codes that nothing here distinguishes.
KINDS = (*range(1, 13), *range(18, 22), *range(22, 39), *range(40, 46))
ENTRIES, MOST_ENTRIES = 240, 1000

DATA = Data(__file__)


def _entry(world: World, rng: Random, moment: int, activity: int, **about: Any) -> Row:
    """Create an entry; `about` has the fields of its subject. Addresses are of a range for documentation."""
    turn = rng.randrange(len(world.users))
    from_api = bool(about.pop("from_api", False))
    values = {"activity": activity, "from_api": from_api, "agent": DATA["agents"][from_api]}
    values |= {"user": world.users[turn], "name": DATA["user_names"][turn]}
    values |= {"key": uuid7(rng, moment), "ip": rng.randrange(1, 255)}
    return DATA.make("entry", world=world, at=moment, **values) | about


def record(world: World, activity: int, at: int | None = None, **about: Any) -> Row:
    """Record an action in the workspace."""
    rng = world.rng(f"audit:{world.mutations}:{activity}")
    return world.insert("audit_logs", _entry(world, rng, world.moment(at), activity, **about))


def _about(world: World, rng: Random, number: int, activity: int) -> Row:
    campaigns, lists = list(world.campaigns), list(world.lead_lists)
    about: Row = {"from_api": number % 5 == 1}
    if about["from_api"]:
        about["api_key_id"] = rng.choice(sorted(world.collection("api_keys")))
    if activity in {LEAD_DELETION, LEAD_MOVED, LEAD_ADDED, LEAD_MERGED}:
        about["affected_count"] = rng.randint(1, 400)
        place, rows = ("list_id", lists) if number % 2 else ("campaign_id", campaigns)
        about[place] = rng.choice(rows) if rows else None
    elif activity in {LAUNCH, PAUSE, CAMPAIGN_UPDATE}:
        about["campaign_id"] = rng.choice(campaigns) if campaigns else None
    elif activity == CAMPAIGN_DELETION:
        about["campaign_id"] = uuid4(rng)
    elif activity == SUBSEQUENCE_UPDATE:
        about["subsequence_id"] = next(iter(world.collection("subsequences")), None)
    elif activity in {WEBHOOK_CREATED, WEBHOOK_UPDATED, WEBHOOK_ERROR, WEBHOOK_RESUMED}:
        about["webhook_id"] = rng.choice(sorted(world.collection("webhooks")))
    elif activity in {ACCOUNT_ADDITION, ACCOUNT_DELETION}:
        about |= {"affected_count": 1, "audit_metadata": {"emails": [f"someone.{number}@harbor-loom.example"]}}
    return about


def _make_log(world: World) -> Iterator[Row]:
    rng = world.rng("audit_logs")
    start = world.first_day * DAY_MS
    span = max(1, world.horizon - start)
    for number in range(ENTRIES):
        # Two of three entries rotate through the kinds.
        activity = KINDS[(number - number // 3) % len(KINDS)] if number % 3 else rng.choice((1, 1, 9, 11))
        moment = start + span * number // ENTRIES + rng.randrange(1000)
        yield _entry(world, rng, moment, activity, **_about(world, rng, number, activity))


def _end(text: str) -> str:
    """Read the end of a range; that a bare date includes its day is a guess."""
    return stamp(parse_time(text, "end_date") + (DAY_MS - 1 if is_date_only(text) else 0))


FILTERS = fields(numbers="activity_type", search="user_name ip_address audit_metadata")
FILTERS["start_date"] = bound("timestamp", lambda text: stamp(parse_time(text, "start_date")), lower=True)
FILTERS["end_date"] = bound("timestamp", _end, lower=False)
# Time-ordered ids, newest first, are a guess. The documentation only says that the cursor is an id.
AUDIT_LOGS = Listing("audit_logs", filters=FILTERS, most=MOST_ENTRIES)


def _add_audit_log(world: World, activity_type: int = LOGIN, at: int | None = None, **about: Any) -> Row:
    world.mutation_rng()
    return {"audit_log": record(world, activity_type, at, **about)}


JOBS, OBJECT_ID = 45, 24
TYPES, STATUSES = DATA["types"], DATA["statuses"]


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


def _make_jobs(world: World) -> Iterator[Row]:
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
        values: Row = {"created": created, "kind": kind, "status": status, "place": places[number % len(places)]}
        values["key"] = _object_id(rng, created)
        values["data"] = None if number // 4 % 2 else _data(kind, number, status)
        waiting = status == "pending"
        values["progress"] = 100 if status == "success" else 0 if waiting else rng.randrange(5, 95)
        values["updated"] = created if waiting else min(world.horizon, created + rng.randrange(9 * MINUTE_MS))
        yield DATA.make("job", number, world=world, **values)


def _read_cursor(text: str) -> SortKey:
    require(len(text) == OBJECT_ID, "querystring/starting_after must be an ObjectId")
    return (text,)


def _turned(listing: Listing, query: Mapping[str, str], rows: Iterable[Row]) -> Listing:
    """Order jobs as the query requests; by last change, a page starts after the current position of its cursor."""
    column = parse_choice(query, "sort_column", ("created_at", "updated_at"), "created_at")
    order = listing.order if column == "created_at" else by_column(listing, column, rows)
    return turned(replace(listing, order=order), query)


# Ids begin with the second of creation.
BY_OBJECT_ID = BY_ID._replace(read=_read_cursor)
JOB_FILTERS = fields(texts="type entity_type", lists="entity_id status")
JOB_FILTERS |= {"ids": among("id"), "included_ids": among("id"), "excluded_ids": among("id", negate=True)}
JOB_LIST = Listing("background_jobs", BY_OBJECT_ID, filters=JOB_FILTERS, variant=_turned, scope="background-jobs")


def _get_job(request: ApiRequest) -> object:
    """Answer with a job, and the requested members of its data or all of them."""
    row, wanted = request.row("background_jobs"), request.query.get("data_fields")
    if wanted and "data" in row:
        row["data"] = {name: value for name, value in row["data"].items() if name in wanted.split(",")}
    return row


def _progress_background_job(world: World, id: str, progress: float = 100, at: int | None = None, **fields: Any) -> Row:
    changes = {"progress": progress, "status": "success" if progress >= 100 else "in-progress"} | fields
    return {"background_job": update(world, "background_jobs", id, at, "updated_at", **changes)}


def _add_background_job(world: World, type: str = "import-leads", at: int | None = None) -> Row:
    rng, moment = world.mutation_rng(), world.moment(at)
    values: Row = {"key": _object_id(rng, moment), "kind": type, "place": ("workspace", world.organization)}
    values |= {"data": _data(type, 0, "pending"), "progress": 0, "status": "pending"}
    row = DATA.make("job", world=world, created=moment, updated=moment, **values)
    return {"background_job": world.insert("background_jobs", row)}


AREA = (
    resource("/audit-logs", AUDIT_LOGS, _make_log, detail=False)
    + resource("/background-jobs", JOB_LIST, _make_jobs, detail=False)
    + get("/background-jobs/{key}", _get_job, "background-jobs:read")
    + changes(_add_audit_log, _add_background_job, _progress_background_job)
)

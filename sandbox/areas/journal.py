"""What was done in the workspace, and what is still being done: the audit log and background jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox import audit
from sandbox.answers import invalid, not_found, reply
from sandbox.api_lists import answer_page, get_list
from sandbox.area import Area, Operation, known, listed
from sandbox.clock import DAY_MS, MINUTE_MS, is_date_only, parse_stamp, stamp, uuid4
from sandbox.entities import at_every, compact
from sandbox.listings import contains, equals
from sandbox.mutations import instant
from sandbox.paging import Listing, Ordered, Predicate, SortKey, id_cursor, parse_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row
    from sandbox.world import World

ENTRIES = 240
MOST_ENTRIES = 1000
JOBS = 45
OBJECT_ID = 24
JOB_TYPES = (
    *("move-leads", "import-leads", "export-leads", "update-warmup-accounts", "rename-variable"),
    *("broadcast-ai-generate", "broadcast-website-scrape", "import-subscribers-from-crm", "resync-subscriber-crm-tags"),
)
JOB_STATUSES = ("success", "success", "in-progress", "success", "failed", "pending", "cancelled", "paused", "draining")
SORT_COLUMNS = ("created_at", "updated_at")


def _about(world: World, rng: Random, number: int, activity: int) -> Row:
    """Name what an entry of the seeded log is about."""
    campaigns, lists = list(world.campaigns), list(world.lead_lists)
    about: Row = {"from_api": number % 5 == 1}
    if about["from_api"]:
        about["api_key_id"] = rng.choice(sorted(world.collection("api_keys")))
    if activity in {audit.LEAD_DELETION, audit.LEAD_MOVED, audit.LEAD_ADDED, audit.LEAD_MERGED}:
        about["affected_count"] = rng.randint(1, 400)
        place, rows = ("list_id", lists) if number % 2 else ("campaign_id", campaigns)
        about[place] = rng.choice(rows) if rows else None
    elif activity in {audit.LAUNCH, audit.PAUSE, audit.CAMPAIGN_UPDATE}:
        about["campaign_id"] = rng.choice(campaigns) if campaigns else None
    elif activity == audit.CAMPAIGN_DELETION:
        about["campaign_id"] = uuid4(rng)
    elif activity == audit.SUBSEQUENCE_UPDATE:
        about["subsequence_id"] = next(iter(world.collection("subsequences")), None)
    elif activity in {audit.WEBHOOK_CREATED, audit.WEBHOOK_UPDATED, audit.WEBHOOK_ERROR, audit.WEBHOOK_RESUMED}:
        about["webhook_id"] = rng.choice(sorted(world.collection("webhooks")))
    elif activity in {audit.ACCOUNT_ADDITION, audit.ACCOUNT_DELETION}:
        about |= {"affected_count": 1, "audit_metadata": {"emails": [f"someone.{number}@harbor-loom.example"]}}
    return about


def _make_log(world: World) -> dict[str, Row]:
    rng, rows = world.rng("audit_logs"), {}
    kinds = (*range(1, 13), audit.WEBHOOK_CREATED, *range(19, 22), *audit.OTHERS)
    span = max(1, world.horizon - world.first_day * DAY_MS)
    for number in range(ENTRIES):
        # Two of three are of each kind in turn.
        activity = kinds[(number - number // 3) % len(kinds)] if number % 3 else rng.choice((1, 1, 9, 11))
        moment = world.first_day * DAY_MS + span * number // ENTRIES + rng.randrange(1000)
        row = audit.entry(world, rng, moment, activity, **_about(world, rng, number, activity))
        rows[row["id"]] = row
    return rows


def _since(text: str) -> Predicate:
    start = stamp(_moment("start_date", text))
    return lambda row: bool(row["timestamp"] >= start)


def _until(text: str) -> Predicate:
    """Read the end of a range; that a bare date takes its day in is a guess."""
    end = stamp(_moment("end_date", text) + (DAY_MS - 1 if is_date_only(text) else 0))
    return lambda row: bool(row["timestamp"] <= end)


def _moment(name: str, text: str) -> int:
    try:
        return parse_stamp(text)
    except ValueError:
        message = f"querystring/{name} must be a date or a timestamp"
        raise invalid(message) from None


# Ids that carry a time, newest first, are a guess; the documentation says of the cursor that it is an id.
AUDIT_LOGS = Listing(
    resource="audit_logs",
    scope="audit_logs",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "activity_type": equals("activity_type", parse_number),
        "search": contains("user_name", "ip_address", "audit_metadata"),
        "start_date": _since,
        "end_date": _until,
    },
    most=MOST_ENTRIES,
)


def _object_id(rng: Random, moment: int) -> str:
    """Draw an id as MongoDB makes them: seconds first."""
    return f"{moment // 1000:08x}{rng.getrandbits(64):016x}"


def _job_data(kind: str, number: int, status: str) -> Row:
    """Tell what a job is about; here, unlike in records themselves, nulls are spelt out."""
    done = status == "success"
    if kind == "move-leads":
        moved = [f"moved.{number}.{at}@harbor-loom.example" for at in range(number % 3 + 1)] if done else []
        return {"moved_leads": len(moved), "moved_lead_emails": moved, "to_list_id": None}
    if kind in {"import-leads", "export-leads"}:
        return {"success_count": 40 + number if done else 0, "failed_count": number % 4, "file_name": None}
    if kind == "rename-variable":
        return {"from": "headcount", "to": "employees", "error": "Variable exists" if status == "failed" else None}
    return {"total": 10 + number, "error": None}


def _make_jobs(world: World) -> dict[str, Row]:
    rng, rows = world.rng("background_jobs"), {}
    places: list[tuple[str, str | None]] = [("campaign", key) for key in list(world.campaigns)[:2]]
    places += [("list", key) for key in list(world.lead_lists)[:2]]
    places += [("workspace", world.organization), ("broadcast", None), ("subscriber-group", None)]
    places += [("subscriber-group-sync", None)]
    span = max(1, world.horizon - world.first_day * DAY_MS - 10 * MINUTE_MS)
    for number in range(JOBS):
        created = world.first_day * DAY_MS + span * number // JOBS + rng.randrange(1000)
        kind, status = JOB_TYPES[number % len(JOB_TYPES)], JOB_STATUSES[number * 2 % len(JOB_STATUSES)]
        place = places[number % len(places)]
        waiting = status == "pending"
        row = compact(
            {
                "id": _object_id(rng, created),
                "workspace_id": world.organization,
                "user_id": at_every(number, 3, world.users[number % len(world.users)]),
                "type": kind,
                "entity_id": place[1],
                "entity_type": place[0],
                "data": at_every(number // 4, 2, _job_data(kind, number, status)),
                "progress": 100 if status == "success" else 0 if waiting else rng.randrange(5, 95),
                "status": status,
                "created_at": stamp(created),
                "updated_at": stamp(created if waiting else min(world.horizon, created + rng.randrange(9 * MINUTE_MS))),
            }
        )
        rows[row["id"]] = row
    return rows


def _one_of(name: str, *, excluded: bool = False) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        wanted = set(text.split(","))
        return lambda row: (row.get(name) in wanted) != excluded

    return make


def _object_cursor(text: str) -> SortKey:
    if len(text) != OBJECT_ID:
        message = "querystring/starting_after must be an ObjectId"
        raise invalid(message)
    return (text,)


def _sorted_jobs(world: World, listing: Listing, query: Mapping[str, str]) -> Listing:
    """Order jobs as asked; the cursor stays an id, and the page starts behind where its job is now."""
    column, order = query.get("sort_column", "created_at"), query.get("sort_order", "desc")
    for name, value, allowed in (("sort_column", column, SORT_COLUMNS), ("sort_order", order, ("asc", "desc"))):
        if value not in allowed:
            message = f"querystring/{name} must be equal to one of the allowed values"
            raise invalid(message)
    if column == "created_at":
        return replace(listing, descending=order == "desc")
    rows = world.collection("background_jobs")

    def place(text: str) -> SortKey:
        (job,) = _object_cursor(text)
        return (rows[known(rows, job)]["updated_at"], job)

    return replace(
        listing, sort_key=lambda row: (row["updated_at"], row["id"]), read_cursor=place, descending=order == "desc"
    )


BACKGROUND_JOBS = Listing(
    resource="background_jobs",
    scope="background-jobs",
    # The ids begin with the second of creation.
    sort_key=lambda row: (row["id"],),
    read_cursor=_object_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "ids": _one_of("id"),
        "included_ids": _one_of("id"),
        "excluded_ids": _one_of("id", excluded=True),
        "type": equals("type", str),
        "entity_type": equals("entity_type", str),
        "entity_id": _one_of("entity_id"),
        "status": _one_of("status"),
    },
)


def _list_jobs(call: Call) -> Response:
    """Answer GET /background-jobs."""
    listing, query = _sorted_jobs(call.world, BACKGROUND_JOBS, call.query), dict(call.query)
    return answer_page(call, listing, Ordered(listing, listing.select(call.world.rows(listing.resource), query)))


def _get_job(call: Call) -> Response:
    """Answer GET /background-jobs/{id}, with some of the members of its data if only these are wanted."""
    row = call.world.collection("background_jobs").get(call.path["key"])
    if row is None:
        raise not_found()
    wanted = call.query.get("data_fields")
    if wanted and "data" in row:
        row = row | {"data": {name: value for name, value in row["data"].items() if name in wanted.split(",")}}
    return reply(row | call.world.extra["background_jobs"])


def _progress(world: World, id: str, progress: float = 100, at: str | None = None, **fields: Any) -> Row:  # noqa: A002 - the API's name for it
    rows = world.collection("background_jobs")
    known(rows, id)
    world.mutation_rng()
    status = "success" if progress >= 100 else "in-progress"  # noqa: PLR2004 - per cent
    moment = stamp(world.moment(instant(at)))
    rows[id] = compact(rows[id] | {"progress": progress, "status": status, "updated_at": moment} | fields)
    return {"background_job": rows[id]}


def _add_job(world: World, type: str = "import-leads", at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    row: Row = {
        "id": _object_id(rng, moment),
        "workspace_id": world.organization,
        "user_id": world.users[0],
        "type": type,
        "entity_id": world.organization,
        "entity_type": "workspace",
        "data": _job_data(type, 0, "pending"),
        "progress": 0,
        "status": "pending",
        "created_at": stamp(moment),
        "updated_at": stamp(moment),
    }
    world.collection("background_jobs")[row["id"]] = row
    return {"background_job": row}


def _log(world: World, activity_type: int = audit.LOGIN, at: str | None = None, **about: Any) -> Row:
    world.mutation_rng()
    before = set(world.collection("audit_logs"))
    audit.record(world, activity_type, instant(at), **about)
    return {"audit_log": next(row for key, row in world.collection("audit_logs").items() if key not in before)}


AREA = Area(
    operations=(
        Operation("GET", "/audit-logs", get_list(AUDIT_LOGS), "audit_logs:read"),
        Operation("GET", "/background-jobs", _list_jobs, "background-jobs:read"),
        Operation("GET", "/background-jobs/{key}", _get_job, "background-jobs:read"),
    ),
    tables={"audit_logs": _make_log, "background_jobs": _make_jobs},
    truth={"audit_logs": listed(AUDIT_LOGS), "background_jobs": listed(BACKGROUND_JOBS)},
    changes={"add_audit_log": _log, "add_background_job": _add_job, "progress_background_job": _progress},
)

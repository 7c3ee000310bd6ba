"""The audit log, the only trace of deletions."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from sandbox.api import Area, resource
from sandbox.clock import DAY_MS, is_date_only, stamp, uuid4, uuid7
from sandbox.lists import Listing, Predicate, contains, equals, parse_number, parse_time
from sandbox.records import Row
from sandbox.world import World

LOGIN, LEAD_DELETION, CAMPAIGN_DELETION, LAUNCH, PAUSE, ACCOUNT_ADDITION, ACCOUNT_DELETION = range(1, 8)
LEAD_MOVED, LEAD_ADDED, LEAD_MERGED, CAMPAIGN_UPDATE, SUBSEQUENCE_UPDATE = range(8, 13)
WEBHOOK_CREATED, WEBHOOK_UPDATED, WEBHOOK_ERROR, WEBHOOK_RESUMED = range(18, 22)
# The last ones are further documented codes that nothing here distinguishes.
KINDS = (*range(1, 13), *range(18, 22), *range(22, 39), *range(40, 46))
ENTRIES = 240
MOST_ENTRIES = 1000

AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Sandbox/1.0", "sandbox-client/2.3")
USER_NAMES = ("Ada Aldermoor", "Ivo Larkspur", "Tilda Wintergreen")


def _entry(world: World, rng: Random, moment: int, activity: int, **about: Any) -> Row:
    """Create an entry; `about` has the fields of its subject."""
    turn = rng.randrange(len(world.users))
    from_api = bool(about.pop("from_api", False))
    return {
        "id": uuid7(rng, moment),
        "timestamp": stamp(moment),
        "organization_id": world.organization,
        "activity_type": activity,
        "user_agent": AGENTS[from_api],
        "user_id": None if from_api else world.users[turn],
        # This range is reserved for documentation.
        "ip_address": f"203.0.113.{rng.randrange(1, 255)}",
        "from_api": from_api,
        "user_name": None if from_api else USER_NAMES[turn],
        **about,
    }


def record(world: World, activity: int, at: int | None = None, **about: Any) -> Row:
    """Record an action in the workspace."""
    rng = world.rng(f"audit:{world.mutations}:{activity}")
    return world.insert("audit_logs", _entry(world, rng, world.moment(at), activity, **about))


def _about(world: World, rng: Random, number: int, activity: int) -> Row:
    """Return the subject of an entry in the seeded log."""
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


def _since(text: str) -> Predicate:
    start = stamp(parse_time(text, "start_date"))
    return lambda row: bool(row["timestamp"] >= start)


def _until(text: str) -> Predicate:
    """Read the end of a range; that a bare date includes its day is a guess."""
    end = stamp(parse_time(text, "end_date") + (DAY_MS - 1 if is_date_only(text) else 0))
    return lambda row: bool(row["timestamp"] <= end)


# Time-ordered ids, newest first, are a guess. The documentation only says that the cursor is an id.
AUDIT_LOGS = Listing(
    "audit_logs",
    filters={
        "activity_type": equals("activity_type", parse_number),
        "search": contains("user_name", "ip_address", "audit_metadata"),
        "start_date": _since,
        "end_date": _until,
    },
    most=MOST_ENTRIES,
)


def _add(world: World, activity_type: int = LOGIN, at: int | None = None, **about: Any) -> Row:
    world.mutation_rng()
    return {"audit_log": record(world, activity_type, at, **about)}


AREA = resource("/audit-logs", AUDIT_LOGS, _make_log, detail=False) + Area(mutations={"add_audit_log": _add})

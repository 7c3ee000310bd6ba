"""Sending accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from starlette.responses import Response

from sandbox.answers import dumps, raw_reply, require
from sandbox.api import Area, get, get_list, get_one, known, listed, update
from sandbox.areas import audit
from sandbox.areas.campaigns import PAUSED
from sandbox.clock import DAY_MS, HOUR_MS, stamp
from sandbox.lists import (
    Listing,
    Order,
    SortKey,
    contains,
    envelope,
    equals,
    parse_limit,
    parse_number,
    tagged,
    time_cursor,
)
from sandbox.records import Row, at_every
from sandbox.words import COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, plain
from sandbox.workspaces import ApiRequest
from sandbox.world import World

STATUSES = (1, 1, 2, 1, 1, -1, 1, 3, 1, 1, -2, 1, 1, 1, -3)
WARMUP_STATUSES = (1, 1, 1, 0, 1, 1, -1, 1, 1, -2, 1, 1, -3)
PROVIDERS = (2, 3, 1, 2, 2, 3, 4, 8, 2, 11)
SORTABLE = frozenset({"timestamp_created", "email", "stat_warmup_score", "status"})
TROUBLE = {
    "code": "EENVELOPE",
    "command": "DATA",
    "response": "550-5.4.5 Daily user sending limit exceeded.",
    "e_message": "error: data command failed: 550-5.4.5 daily user sending limit exceeded",
    "responseCode": 550,
}


def _make_accounts(world: World) -> Iterator[Row]:
    rng, count = world.rng("accounts"), world.config.accounts
    created = world.born + DAY_MS
    step = max(1, (world.horizon - 10 * DAY_MS - created) // max(1, count))
    for number in range(count):
        # Accounts are imported in fours, with the same creation time.
        made = created + step * (number // 4 * 4) + (number // 4) % 1000
        yield _make_account(world, rng, number, made, world.horizon)


def _make_account(world: World, rng: Random, number: int, created: int, last: int) -> Row:
    """Create a sending account, with every member of the detail call."""
    first, surname = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    local = f"{plain(first)}.{plain(surname)}"
    domain = f"{COMPANY_STEMS[number % len(COMPANY_STEMS)].lower()}-mail{number // 8}.example"
    status = STATUSES[number % len(STATUSES)]
    return {
        "email": f"{local}.{number}@{domain}",
        "timestamp_created": stamp(created),
        "timestamp_updated": stamp(min(last, created + rng.randrange(40 * DAY_MS))),
        "first_name": first,
        "last_name": surname,
        "warmup": _warmup(number),
        "added_by": at_every(number, 2, world.users[0]),
        "daily_limit": 30 + number % 20,
        "daily_limit_max": at_every(number, 10, 60),
        "warmup_limit_max": at_every(number, 10, 20),
        "modified_by": at_every(number, 3, world.users[-1]),
        "tracking_domain_name": at_every(number, 2, f"track.{domain}"),
        "tracking_domain_status": at_every(number, 2, "active"),
        "status": status,
        "enable_slow_ramp": at_every(number, 4, number % 8 == 0),
        "inbox_placement_test_limit": at_every(number, 6, 10),
        "organization": world.organization,
        "warmup_status": WARMUP_STATUSES[number % len(WARMUP_STATUSES)],
        "status_message": dict(TROUBLE) if status < 0 else None,
        "timestamp_warmup_start": at_every(number, 2, stamp(min(last, created + HOUR_MS))),
        "provider_code": PROVIDERS[number % len(PROVIDERS)],
        "setup_pending": number % 14 == 13,  # noqa: PLR2004 - every n-th
        "is_managed_account": number % 10 == 0,
        "stat_warmup_score": at_every(number, 2, 60 + number % 41),
        "sending_gap": 8 + number % 6,
        "signature": at_every(number, 3, f"Best regards,<br/>{first}"),
        "reply_to": at_every(number, 7, f"replies@{domain}"),
        "autofix_failed": number % 2 == 0 if status < 0 else None,
        "tags": [tag for at, tag in enumerate(world.tags) if (number >> at) & 1 and number % 2],
    }


def _warmup(number: int) -> Row:
    """Return the warm-up settings; only the detail call returns all of them."""
    rates: Row = {"warm_ctd": number % 2 == 0, "open_rate": 0.95, "important_rate": 0.8, "read_emulation": True}
    return {
        "limit": 5 + number % 30,
        "advanced": rates | {"spam_save_rate": 0.02, "weekday_only": number % 3 == 0},
        "warmup_custom_ftag": "warmup",
        "increment": ("disabled", "1", "2")[number % 3],
        "reply_rate": 0.1,
    }


def _abbreviated(row: Row, query: Mapping[str, str]) -> Row:
    """Render an account as lists do: only the limit of the warm-up, tags only on request."""
    short = {name: value for name, value in row.items() if name != "tags" or query.get("include_tags") == "true"}
    if "warmup" in row:
        short["warmup"] = {"limit": row["warmup"]["limit"]}
    return short


def _whole(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "tags"}


def _tags(row: Row) -> set[str]:
    return {tag["id"] for tag in row.get("tags", ())}


def _read_cursor(text: str) -> SortKey:
    """Parse `timestamp&email`, or older clients' bare timestamp, which skips the rest of a tie."""
    moment, _, email = text.partition("&")
    return (*time_cursor(moment), email) if email else time_cursor(moment)


# Newest first is a guess; the documentation describes the cursor and not the order.
ACCOUNTS = Listing(
    "accounts",
    Order(
        lambda row: (row["timestamp_created"], row["email"]),
        _read_cursor,
        lambda row: f"{row['timestamp_created']}&{row['email']}",
    ),
    filters={
        "status": equals("status", parse_number),
        "provider_code": equals("provider_code", parse_number),
        "search": contains("email", "first_name", "last_name"),
        "tag_ids": tagged(_tags),
        "tag_ids_all": tagged(_tags, every=True),
    },
    present=_abbreviated,
)


def in_order(world: World) -> list[str]:
    """Return the addresses of the accounts in the order of their list."""
    return [row["email"] for row in ACCOUNTS.select(world.accounts.values())]


def _list(request: ApiRequest) -> Response:
    """Answer with a page; by offset if a sort order is requested."""
    query = request.arguments
    if "sort_by" not in query:
        return get_list(ACCOUNTS)(request)
    rows, limit = ACCOUNTS.select(request.world.rows("accounts"), query), parse_limit(query.get("limit"))
    column, descending = query["sort_by"], query.get("sort_order", "desc") == "desc"
    require(column in SORTABLE, "querystring/sort_by must be equal to one of the allowed values")
    skip = int(parse_number(query.get("skip", "0")))
    ordered = sorted((row for row in rows if column in row), key=lambda row: row[column], reverse=descending)
    ordered += [row for row in rows if column not in row]
    return raw_reply(envelope([dumps(_abbreviated(row, query)) for row in ordered[skip : skip + limit]], None))


def _add(world: World, email: str | None = None, at: int | None = None) -> Row:
    rng, moment = world.mutation_rng(), world.moment(at)
    row = _make_account(world, rng, len(world.accounts) + world.mutations, moment, moment)
    # It has no tags yet.
    row |= {"email": email or row["email"], "status": 1, "tags": [], "status_message": None}
    audit.record(world, audit.ACCOUNT_ADDITION, at, affected_count=1)
    return {"account": world.insert("accounts", row)}


def _pause(world: World, email: str, at: int | None = None) -> Row:
    return {"account": update(world, "accounts", email, at, "timestamp_updated", status=PAUSED)}


def _delete(world: World, email: str, at: int | None = None) -> Row:
    """Delete a sending account; its tag mappings stay."""
    known(world.accounts, email)
    world.mutation_rng()
    audit.record(world, audit.ACCOUNT_DELETION, at, affected_count=1, audit_metadata={"emails": [email]})
    return {"account": {"email": world.accounts.pop(email)["email"]}}


AREA = Area(
    endpoints=(
        get("/accounts", _list, "accounts:read"),
        get("/accounts/{key}", get_one("accounts", _whole), "accounts:read"),
    ),
    tables={"accounts": _make_accounts},
    truth={
        "accounts": listed(ACCOUNTS),
        "accounts_with_tags": listed(ACCOUNTS, include_tags="true"),
        "account_details": lambda world: map(_whole, world.rows("accounts")),
    },
    mutations={"add_account": _add, "pause_account": _pause, "delete_account": _delete},
)

"""Sending accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from sandbox.answers import dumps, raw_reply, require
from sandbox.api import ApiRequest, changes, get, get_list, get_one, listed, table, truth, update
from sandbox.areas import journal
from sandbox.areas.campaigns import PAUSED
from sandbox.clock import DAY_MS, HOUR_MS
from sandbox.lists import Listing, Order, SortKey, envelope, fields, parse_limit, parse_number, tagged, time_cursor
from sandbox.records import Data, Row, without
from sandbox.words import COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, plain
from sandbox.world import World

SORTABLE = frozenset({"timestamp_created", "email", "stat_warmup_score", "status"})
DATA = Data(__file__)


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
    domain = f"{COMPANY_STEMS[number % len(COMPANY_STEMS)].lower()}-mail{number // 8}.example"
    names: Row = {"first": first, "surname": surname, "local": plain(f"{first}.{surname}"), "domain": domain}
    times = {"updated": min(last, created + rng.randrange(40 * DAY_MS)), "warm": min(last, created + HOUR_MS)}
    failing = DATA["statuses"][number % len(DATA["statuses"])] < 0
    row = DATA.make("account", number, world=world, created=created, failing=failing, **names, **times)
    return row | {"tags": [tag for at, tag in enumerate(world.tags) if (number >> at) & 1 and number % 2]}


def _abbreviated(row: Row, query: Mapping[str, str]) -> Row:
    """Render an account as lists do: only the limit of the warm-up, tags only on request."""
    short = row if query.get("include_tags") == "true" else without(row, "tags")
    return short | ({"warmup": {"limit": row["warmup"]["limit"]}} if "warmup" in row else {})


def _tags(row: Row) -> set[str]:
    return {tag["id"] for tag in row.get("tags", ())}


def _read_cursor(text: str) -> SortKey:
    """Parse `timestamp&email`, or older clients' bare timestamp, which skips the rest of a tie."""
    moment, _, email = text.partition("&")
    return (*time_cursor(moment), email) if email else time_cursor(moment)


FILTERS = fields(numbers="status provider_code", search="email first_name last_name")
FILTERS |= {"tag_ids": tagged(_tags), "tag_ids_all": tagged(_tags, every=True)}
# Newest first is a guess; the documentation describes the cursor and not the order.
ORDER = Order(
    lambda row: (row["timestamp_created"], row["email"]),
    _read_cursor,
    lambda row: f"{row['timestamp_created']}&{row['email']}",
)
ACCOUNTS = Listing("accounts", ORDER, filters=FILTERS, present=_abbreviated)


def in_order(world: World) -> list[str]:
    """Return the addresses of the accounts in the order of their list."""
    return [row["email"] for row in ACCOUNTS.select(world.accounts.values())]


def _list(request: ApiRequest) -> object:
    """Answer with a page; by offset if a sort order is requested."""
    query = request.query
    if "sort_by" not in query:
        return get_list(ACCOUNTS)(request)
    rows, limit = ACCOUNTS.select(request.world.rows("accounts"), query), parse_limit(query.get("limit"))
    column, descending = query["sort_by"], query.get("sort_order", "desc") == "desc"
    require(column in SORTABLE, "querystring/sort_by must be equal to one of the allowed values")
    skip = int(parse_number(query.get("skip", "0")))
    ordered = sorted((row for row in rows if column in row), key=lambda row: row[column], reverse=descending)
    ordered += [row for row in rows if column not in row]
    return raw_reply(envelope([dumps(_abbreviated(row, query)) for row in ordered[skip : skip + limit]], None))


def _add_account(world: World, email: str | None = None, at: int | None = None) -> Row:
    rng, moment = world.mutation_rng(), world.moment(at)
    row = _make_account(world, rng, len(world.accounts) + world.mutations, moment, moment)
    # It has no tags yet.
    row |= {"email": email or row["email"], "status": 1, "tags": [], "status_message": None}
    journal.record(world, journal.ACCOUNT_ADDITION, at, affected_count=1)
    return {"account": world.insert("accounts", row)}


def _pause_account(world: World, email: str, at: int | None = None) -> Row:
    return {"account": update(world, "accounts", email, at, "timestamp_updated", status=PAUSED)}


def _delete_account(world: World, email: str, at: int | None = None) -> Row:
    """Delete a sending account; its tag mappings stay."""
    world.known("accounts", email)
    world.mutation_rng()
    journal.record(world, journal.ACCOUNT_DELETION, at, affected_count=1, audit_metadata={"emails": [email]})
    return {"account": {"email": world.accounts.pop(email)["email"]}}


AREA = (
    get("/accounts", _list, "accounts:read")
    + get("/accounts/{key}", get_one("accounts", lambda row: without(row, "tags")), "accounts:read")
    + table("accounts", _make_accounts)
    + truth("accounts", listed(ACCOUNTS))
    + truth("accounts_with_tags", listed(ACCOUNTS, include_tags="true"))
    + truth("account_details", lambda world: (without(row, "tags") for row in world.rows("accounts")))
    + changes(_add_account, _pause_account, _delete_account)
)

"""Lists of the API: their order, filters, limits, cursors and envelopes."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from sandbox.answers import ApiError, dumps, require
from sandbox.clock import is_uuid, parse_stamp, stamp
from sandbox.records import Row

DEFAULT_LIMIT, MAX_LIMIT = 10, 100

Predicate = Callable[[Row], bool]
Filter = Callable[[str], Predicate]
SortKey = tuple[Any, ...]
T = TypeVar("T")


def parse_limit(value: object, where: str = "querystring", most: int = MAX_LIMIT) -> int:
    """Parse a page size with the API's validation; `where` names the part of the request in the message."""
    if value is None:
        return DEFAULT_LIMIT
    text = "" if isinstance(value, bool) else str(value)
    limit = parsed(int, text, f"{where}/limit must be integer")
    require(limit >= 1, f"{where}/limit must be >= 1")
    require(limit <= most, f"{where}/limit must be <= {most}")
    return limit


def parse_bool(text: str) -> bool:
    """Parse a boolean query parameter."""
    require(text in {"true", "false"}, f"querystring must be boolean: {text}")
    return text == "true"


def parse_number(text: str) -> float:
    """Parse a numeric query parameter."""
    return parsed(float, text, f"querystring must be number: {text}")


def parse_time(text: str, name: str, kind: str = "be a date or a timestamp") -> int:
    """Parse a query parameter that is a time or a day."""
    return parsed(parse_stamp, text, f"querystring/{name} must {kind}")


def parse_choice(query: Mapping[str, str], name: str, allowed: Collection[str], usual: str) -> str:
    """Return a query parameter with documented values."""
    found = query.get(name, usual)
    require(found in allowed, f"querystring/{name} must be equal to one of the allowed values")
    return found


def parsed(parse: Callable[[str], T], text: str, message: str) -> T:
    """Parse a parameter; a ValueError refuses the request."""
    try:
        return parse(text)
    except ValueError:
        raise ApiError(400, message, code="FST_ERR_VALIDATION") from None


def shorten(limit: int, probability: float, *context: object) -> int:
    """Sometimes shorten a page; the same request is always shortened alike."""
    if probability <= 0 or limit == 1:
        return limit
    noise = zlib.crc32(repr((limit, *context)).encode())
    if (noise & 0xFFFF) / 0x10000 >= probability:
        return limit
    return 1 + (noise >> 16) % (limit - 1)


def envelope(texts: Sequence[str], cursor: str | None) -> bytes:
    """Wrap rendered rows. Every page with rows has a cursor, even the last one."""
    tail = "]}" if cursor is None or not texts else f'],"next_starting_after":{dumps(cursor)}}}'
    return ('{"items":[' + ",".join(texts) + tail).encode()


def id_cursor(text: str) -> SortKey:
    """Parse a cursor that is an id."""
    require(is_uuid(lowered := text.lower()), 'querystring/starting_after must match format "uuid"')
    return (lowered,)


def time_cursor(text: str) -> SortKey:
    """Parse a cursor that is a timestamp."""
    return (stamp(parse_time(text, "starting_after", 'match format "date-time"')),)


class Order(NamedTuple):
    """Order of a list; a cursor stands for the leading part of a sort key."""

    key: Callable[[Row], SortKey]
    read: Callable[[str], SortKey]  # parses a cursor into (the beginning of) a sort key
    write: Callable[[Row], str]  # returns the cursor that continues after a row


BY_ID = Order(lambda row: (row["id"],), id_cursor, lambda row: str(row["id"]))
BY_TIME = Order(
    lambda row: (row["timestamp_created"], row["id"]), time_cursor, lambda row: str(row["timestamp_created"])
)


@dataclass(frozen=True)
class Listing:
    """A list of the API."""

    resource: str  # name of the table, of the truth and, without `scope`, in the required scope
    order: Order = BY_ID
    newest_first: bool = True  # the greatest key comes first
    filters: Mapping[str, Filter] = field(default_factory=dict)  # by query parameter
    present: Callable[[Row, Mapping[str, str]], Row] = lambda row, _query: row  # renders a row, given the query
    # The list in the order that a query requests, given its rows.
    variant: Callable[[Listing, Mapping[str, str], Iterable[Row]], Listing] | None = None
    most: int = MAX_LIMIT
    usual: int = DEFAULT_LIMIT
    at_end: Literal["cursor", "empty", "absent"] = "cursor"  # cursor of the last page with rows
    scope: str = ""

    def select(self, rows: Iterable[Row], query: Mapping[str, str] = {}) -> list[Row]:
        """Filter and sort rows by the query."""
        tests = [make(query[name]) for name, make in self.filters.items() if name in query]
        chosen = [row for row in rows if all(test(row) for test in tests)]
        return sorted(chosen, key=self.order.key, reverse=self.newest_first)


class Ordered:
    """Ordered rows of a list, with their sort keys for cursors."""

    def __init__(self, listing: Listing, rows: list[Row]) -> None:
        self.rows = rows
        self._listing = listing
        self._keys = [listing.order.key(row) for row in rows]

    def after(self, cursor: str) -> int:
        """Return the start of the page after a cursor; the row of the cursor does not have to exist."""
        wanted = self._listing.order.read(cursor)
        width = len(wanted)
        if not self._listing.newest_first:
            return bisect_right(self._keys, wanted, key=lambda key: key[:width])
        ascending = range(len(self._keys) - 1, -1, -1)
        return len(self._keys) - bisect_left(ascending, wanted, key=lambda at: self._keys[at][:width])


def matching(parse: Callable[[str], Any], test: Callable[[Row, Any], bool]) -> Filter:
    """Filter by a test, which gets the row and the parsed parameter."""

    def make(text: str) -> Predicate:
        wanted = parse(text)
        return lambda row: test(row, wanted)

    return make


def _parts(text: str, parse: Callable[[str], Any] = str) -> set[Any]:
    return {parse(part) for part in text.split(",")}


def equals(name: str, parse: Callable[[str], Any] = str, *, negate: bool = False) -> Filter:
    """Filter by equality of a member."""
    return matching(parse, lambda row, wanted: (row.get(name) == wanted) != negate)


def among(name: str, parse: Callable[[str], Any] = str, *, negate: bool = False) -> Filter:
    """Filter by a member that is one of comma-separated values."""
    values = partial(_parts, parse=parse)
    return matching(values, lambda row, wanted: (row.get(name) in wanted) != negate)


def contains(*names: str) -> Filter:
    """Filter by text within any of these members."""
    return matching(str.casefold, lambda row, text: any(text in str(row.get(one, "")).casefold() for one in names))


def fields(
    *, numbers: str = "", texts: str = "", flags: str = "", lists: str = "", search: str = ""
) -> dict[str, Filter]:
    """Filter by members named like parameters: numbers, texts, flags, lists of texts; `search` is within members."""
    kinds = ((numbers, parse_number), (texts, str), (flags, parse_bool))
    found = {name: equals(name, parse) for names, parse in kinds for name in names.split()}
    found |= {name: among(name) for name in lists.split()}
    return found | ({"search": contains(*search.split())} if search else {})


def flag(test: Predicate) -> Filter:
    """Filter by the outcome of a test."""
    return matching(parse_bool, lambda row, wanted: bool(test(row)) == wanted)


def only(test: Predicate) -> Filter:
    """Filter by a test if the parameter is true."""
    return matching(parse_bool, lambda row, wanted: not wanted or test(row))


def bound(name: str, parse: Callable[[str], str], *, lower: bool) -> Filter:
    """Filter by a member's lowest or highest value, both included."""
    return matching(parse, lambda row, limit: bool(row[name] >= limit if lower else row[name] <= limit))


def tagged(ids_of: Callable[[Row], set[str]], *, every: bool = False) -> Filter:
    """Filter by comma-separated tags."""
    return matching(_parts, lambda row, wanted: wanted <= ids_of(row) if every else bool(wanted & ids_of(row)))


def has(name: str, value: object = True) -> Predicate:  # noqa: FBT002 - a value, not a flag
    """Test a member for a value."""
    return lambda row: bool(row[name] == value)


def options(name: str, tests: Mapping[str, Predicate]) -> Filter:
    """Filter by a parameter with documented values, each with a predicate of its own."""
    return lambda text: tests[parse_choice({name: text}, name, tests, text)]


def turned(listing: Listing, query: Mapping[str, str], _rows: object = None) -> Listing:
    """Turn a list round if the query requests it."""
    return replace(listing, newest_first=parse_choice(query, "sort_order", ("asc", "desc"), "desc") == "desc")


def by_column(listing: Listing, column: str, rows: Iterable[Row], missing: Row | None = None) -> Order:
    """Order a list by a column and id. Cursors stay ids, so a row gives the position, or one for missing rows."""

    def read(text: str) -> SortKey:
        (key,) = listing.order.read(text)
        found = next((row for row in rows if row["id"] == key), missing)
        if found is None:
            raise ApiError(404, f"Not there: {key}")
        return found.get(column, ""), key

    return Order(lambda row: (row[column], row["id"]), read, listing.order.write)

"""Lists of the API: their order, filters, limits, cursors and envelopes."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sandbox.answers import dumps, require
from sandbox.clock import is_uuid, parse_stamp, stamp
from sandbox.records import Row

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

Predicate = Callable[[Row], bool]
Filter = Callable[[str], Predicate]
SortKey = tuple[Any, ...]


def parse_limit(value: object, where: str = "querystring", most: int = MAX_LIMIT) -> int:
    """Parse a page size with the API's validation; `where` names the part of the request in the message."""
    if value is None:
        return DEFAULT_LIMIT
    try:
        limit = int(str(value))
    except ValueError:
        limit = None
    require(limit is not None and not isinstance(value, bool), f"{where}/limit must be integer")
    require(limit and limit >= 1, f"{where}/limit must be >= 1")
    require(limit and limit <= most, f"{where}/limit must be <= {most}")
    return limit or 0


def parse_bool(text: str) -> bool:
    """Parse a boolean query parameter."""
    require(text in {"true", "false"}, f"querystring must be boolean: {text}")
    return text == "true"


def parse_number(text: str) -> float:
    """Parse a numeric query parameter."""
    number: float = parsed(float, text, f"querystring must be number: {text}")
    return number


def parse_time(text: str, name: str, kind: str = "be a date or a timestamp") -> int:
    """Parse a query parameter that is a time or a day."""
    moment: int = parsed(parse_stamp, text, f"querystring/{name} must {kind}")
    return moment


def parse_choice(query: Mapping[str, str], name: str, allowed: Collection[str], usual: str) -> str:
    """Return a query parameter with documented values."""
    found = query.get(name, usual)
    require(found in allowed, f"querystring/{name} must be equal to one of the allowed values")
    return found


def parsed(parse: Callable[[str], Any], text: str, message: str) -> Any:  # noqa: ANN401 - the result of `parse`
    """Parse a parameter; a ValueError refuses the request."""
    try:
        return parse(text)
    except ValueError:
        return require(valid=False, message=message)


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
    lowered = text.lower()
    require(is_uuid(lowered), 'querystring/starting_after must match format "uuid"')
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
    variant: Callable[[Listing, Mapping[str, str]], Listing] | None = None  # the list as the query orders it
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


def equals(name: str, parse: Callable[[str], Any] = str, *, negate: bool = False) -> Filter:
    """Filter by equality of a member."""

    def make(text: str) -> Predicate:
        wanted = parse(text)
        return lambda row: (row.get(name) == wanted) != negate

    return make


def among(name: str, parse: Callable[[str], Any] = str, *, negate: bool = False) -> Filter:
    """Filter by a member that is one of comma-separated values."""

    def make(text: str) -> Predicate:
        wanted = {parse(part) for part in text.split(",")}
        return lambda row: (row.get(name) in wanted) != negate

    return make


def contains(*names: str) -> Filter:
    """Filter by text within any of these members."""

    def make(text: str) -> Predicate:
        wanted = text.casefold()
        return lambda row: any(wanted in str(row.get(name, "")).casefold() for name in names)

    return make


def present(name: str) -> Filter:
    """Filter by presence of a member."""

    def make(text: str) -> Predicate:
        wanted = parse_bool(text)
        return lambda row: (name in row) == wanted

    return make


def tagged(ids_of: Callable[[Row], set[str]], *, every: bool = False) -> Filter:
    """Filter by comma-separated tags."""

    def make(text: str) -> Predicate:
        wanted = set(text.split(","))
        return lambda row: wanted <= ids_of(row) if every else bool(wanted & ids_of(row))

    return make


def options(name: str, tests: Mapping[str, Predicate]) -> Filter:
    """Filter by a parameter with documented values, each with a predicate of its own."""
    return lambda text: tests[parse_choice({name: text}, name, tests, text)]

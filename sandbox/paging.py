"""Limits, cursors and envelopes: the part of the API every list shares."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.answers import dumps, invalid
from sandbox.clock import is_uuid, parse_stamp, stamp

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

Row = dict[str, Any]
Predicate = Callable[[Row], bool]
SortKey = tuple[Any, ...]


def parse_limit(value: object, where: str = "querystring", most: int = MAX_LIMIT) -> int:
    """Read a page size as the API validates it; `where` names the part of the request in the message."""
    if value is None:
        return DEFAULT_LIMIT
    try:
        limit = int(str(value))
    except ValueError:
        limit = None
    if limit is None or isinstance(value, bool):
        message = f"{where}/limit must be integer"
        raise invalid(message)
    if limit < 1:
        message = f"{where}/limit must be >= 1"
        raise invalid(message)
    if limit > most:
        message = f"{where}/limit must be <= {most}"
        raise invalid(message)
    return limit


def shorten(limit: int, probability: float, *context: object) -> int:
    """Sometimes make a page shorter than asked; the same request is always cut alike."""
    if probability <= 0 or limit == 1:
        return limit
    noise = zlib.crc32(repr((limit, *context)).encode())
    if (noise & 0xFFFF) / 0x10000 >= probability:
        return limit
    return 1 + (noise >> 16) % (limit - 1)


def envelope(texts: Sequence[str], cursor: str | None) -> bytes:
    """Wrap rendered rows. The cursor belongs to every page that has rows, the last one included."""
    tail = "]}" if cursor is None or not texts else f'],"next_starting_after":{dumps(cursor)}}}'
    return ('{"items":[' + ",".join(texts) + tail).encode()


def id_cursor(text: str) -> SortKey:
    """Read a cursor that is an id."""
    lowered = text.lower()
    if not is_uuid(lowered):
        message = 'querystring/starting_after must match format "uuid"'
        raise invalid(message)
    return (lowered,)


def time_cursor(text: str) -> SortKey:
    """Read a cursor that is a timestamp."""
    try:
        return (stamp(parse_stamp(text)),)
    except ValueError:
        message = 'querystring/starting_after must match format "date-time"'
        raise invalid(message) from None


def time_and_email_cursor(text: str) -> SortKey:
    """Read `timestamp&email`, or the bare timestamp of older clients (which passes over the rest of a tie)."""
    moment, _, email = text.partition("&")
    return (*time_cursor(moment), email) if email else time_cursor(moment)


def no_cursor(text: str) -> SortKey:
    """Refuse every cursor."""
    message = f"querystring/starting_after is not supported here: {text}"
    raise invalid(message)


@dataclass(frozen=True)
class Listing:
    """How the API lists one kind of record.

    Attributes:
        resource: The name of the collection in the world, in scopes' singular and in `truth/`.
        scope: The resource part of the scope it needs.
        sort_key: The order of the rows; its leading part is what a cursor stands for.
        read_cursor: Turns cursor text into (the beginning of) a sort key.
        write_cursor: Makes the cursor that continues behind a row.
        descending: Whether the greatest key comes first.
        filters: Query parameters that narrow the list, each making a predicate of its value.
        present: How a row looks in a list, given the query.
        variant: Gives the list in another order where the query can ask for one.
        most: The greatest page size.
        usual: The page size when none is asked for.
        at_end: What the last page with rows has for a cursor: one like any other page, an empty one, or none.
    """

    resource: str
    scope: str
    sort_key: Callable[[Row], SortKey]
    read_cursor: Callable[[str], SortKey]
    write_cursor: Callable[[Row], str]
    descending: bool = False
    filters: Mapping[str, Callable[[str], Predicate]] = field(default_factory=dict)
    present: Callable[[Row, Mapping[str, str]], Row] = lambda row, _query: row
    variant: Callable[[Listing, Mapping[str, str]], Listing] | None = None
    most: int = MAX_LIMIT
    usual: int = DEFAULT_LIMIT
    at_end: Literal["cursor", "empty", "absent"] = "cursor"

    def select(self, rows: Iterable[Row], query: Mapping[str, str]) -> list[Row]:
        """Filter and order rows as the query asks."""
        tests = [make(query[name]) for name, make in self.filters.items() if name in query]
        chosen = [row for row in rows if all(test(row) for test in tests)]
        return sorted(chosen, key=self.sort_key, reverse=self.descending)


class Ordered:
    """The rows of a list in their order, with the keys that say where a cursor leads.

    Args:
        listing: The list they are of.
        rows: The rows, ordered.
    """

    def __init__(self, listing: Listing, rows: list[Row]) -> None:
        self.rows = rows
        self._listing = listing
        self._keys = [listing.sort_key(row) for row in rows]

    def after(self, cursor: str) -> int:
        """Find where the page behind a cursor starts; the row the cursor names need not exist."""
        wanted = self._listing.read_cursor(cursor)
        width = len(wanted)
        if not self._listing.descending:
            return bisect_right(self._keys, wanted, key=lambda key: key[:width])
        ascending = range(len(self._keys) - 1, -1, -1)
        return len(self._keys) - bisect_left(ascending, wanted, key=lambda at: self._keys[at][:width])


def parse_bool(text: str) -> bool:
    """Read a boolean query parameter."""
    if text not in {"true", "false"}:
        message = f"querystring must be boolean: {text}"
        raise invalid(message)
    return text == "true"


def parse_number(text: str) -> float:
    """Read a numeric query parameter."""
    try:
        return float(text)
    except ValueError:
        message = f"querystring must be number: {text}"
        raise invalid(message) from None

"""The space of record ids: where to split it so that about as many records lie on both sides."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from itertools import pairwise

SIZE = 1 << 128

FORM_MASK = 0xF << 76 | 0x3 << 62
FORM = 0x7 << 76 | 0x2 << 62
"""The bits of a UUID that say that it is one, of version 7."""

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

TIME_ORDERED_SINCE = datetime(2025, 10, 15, tzinfo=timezone.utc)
"""Since when the ids of new leads begin with the time (spec); those before are random."""

TIME_ORDERED_SHARE = 2
"""One in how many parts of the ruler is for ids that begin with the time."""


def is_uuid(record_id: str) -> bool:
    """Whether it is a UUID in its usual form."""
    return _CANONICAL.fullmatch(record_id) is not None


def number(record_id: str) -> int:
    """The number that a UUID is; ids compare as texts just as their numbers do.

    Raises:
        ValueError: It is no UUID in its usual form.
    """
    if not is_uuid(record_id):
        raise ValueError(record_id)
    return int(record_id.replace("-", ""), 16)


def text(value: int) -> str:
    """The UUID of a number."""
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Ruler:
    """Maps ids to positions on which records lie more evenly than on the ids themselves.

    Ids of before :data:`TIME_ORDERED_SINCE` are random and lie evenly in all of the space; those that begin with the
    time (in milliseconds, UUID version 7) share a thousandth of it. The ruler stretches that thousandth to half its
    length. It is no more than a good guess of where to split: wherever the records really are, halving finds them.

    Args:
        now: The latest time that ids may begin with.
    """

    def __init__(self, now: datetime) -> None:
        start, end = (int(moment.timestamp() * 1000) << 80 for moment in (TIME_ORDERED_SINCE, now))
        stretched = SIZE // TIME_ORDERED_SHARE
        rest = SIZE - stretched
        others = SIZE - (end - start)
        before = start * rest // others
        self._points = ((0, 0), (start, before), (max(end, start + 1), before + stretched), (SIZE, SIZE))

    def position(self, value: int) -> int:
        """Where an id lies; ascending with the id."""
        return self._map(value, 0, 1)

    def id_at(self, position: int) -> int:
        """The id at a position."""
        return self._map(position, 1, 0)

    def is_even(self, start: int, end: int) -> bool:
        """Whether there are only random ids from one position to another, which lie evenly."""
        return end <= self._points[1][1] or start >= self._points[2][1]

    def _map(self, value: int, source: int, target: int) -> int:
        for low, high in pairwise(self._points):
            if value < high[source]:
                share = (value - low[source]) * (high[target] - low[target])
                return low[target] + share // (high[source] - low[source])
        return SIZE


class Range:
    """A part of the list: what comes after one id, up to and including another.

    Attributes:
        after: Id that has been read up to; None at the beginning of the list.
        upto: Last id that belongs to the range; None for the end of the list.
        written: Id up to which records have been handed on and done with.
        at: Position of ``after`` on the ruler.
        end: Position of ``upto``.
        density: Records per position of the ruler, as far as is known.
        ended: Whether everything has been read.
    """

    def __init__(self, ruler: Ruler, after: str | None, upto: str | None, density: float = 0.0) -> None:
        self.after = self.written = after
        self.upto = upto
        self.at = 0 if after is None else ruler.position(number(after))
        self.end = SIZE if upto is None else ruler.position(number(upto))
        self.density = density
        self.ended = False
        self._ruler = ruler
        self.records = 0
        self._first = 0
        self._latest_density = 0.0
        self._even = 0  # records of where there are only random ids from there on
        self._even_first = 0
        self._inherited: float | None = None

    @property
    def ahead(self) -> float:
        """How many records it is thought to have still."""
        return 0.0 if self.ended else self.density * (self.end - self.at)

    @property
    def surely_ahead(self) -> float | None:
        """The same where it can be relied on: ids that begin with the time come in bursts, and nobody knows where."""
        if self.ended:
            return 0.0
        density = self._sure_density
        return None if density is None else density * (self.end - self.at)

    @property
    def _sure_density(self) -> float | None:
        seen = self.at - self._even_first
        return (self._even - 1) / seen if self._even and seen else self._inherited

    @property
    def perhaps_ahead(self) -> float:
        """How many it has still if all of it is like the page read last; none before it has proved to have any."""
        return 0.0 if self.ended or not self.records else max(self.density, self._latest_density) * (self.end - self.at)

    def advance(self, first: str, last: str, records: int) -> None:
        """Take note of a page: the first and last of its ids, and how many records it has."""
        start = self._ruler.position(number(first))
        if not self.records:
            self._first = start  # what lies empty before it says nothing of what follows
        self.after = last
        self.at = self._ruler.position(number(last))
        self.records += records
        if self._ruler.is_even(start, self.end):
            self._even_first = self._even_first if self._even else start
            self._even += records
        if self.at > start:
            self.density = (self.records - 1) / (self.at - self._first)
            self._latest_density = (records - 1) / (self.at - start)

    def split(self) -> Range:
        """Cut off the second half of what remains, and return it as a range of its own."""
        middle = self._ruler.id_at((self.at + self.end) // 2)
        # Servers may check that a cursor has the form of a UUID of some version.
        cursor = text(middle & ~FORM_MASK | FORM)
        if not (self.after or "") < cursor < (self.upto or "g"):
            cursor = text(middle)
        new = Range(self._ruler, cursor, self.upto, self.density)
        new._inherited = self._sure_density
        self.upto, self.end = cursor, new.at
        return new

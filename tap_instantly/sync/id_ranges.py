"""Arithmetic on the space of record ids, to split it into parts with equal numbers of records."""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZE = 1 << 128

FORM_MASK = 0xF << 76 | 0x3 << 62
FORM = 0x7 << 76 | 0x2 << 62
"""Variant and version bits of a UUID of version 7."""

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

TIME_ORDERED_SINCE = datetime(2025, 10, 15, tzinfo=timezone.utc)
"""Date from which new leads have ids that begin with the time (spec). Older ids are random."""

TIME_ORDERED_SHARE = 2
"""Divisor: the ruler gives one part in this many to ids that begin with the time."""

GAP = 30
"""Distance between two records that random arrival does not explain, as a multiple of their usual distance."""

BURST_AHEAD = 2
"""Estimated rest of a burst, as a multiple of the records read of it."""


def is_uuid(record_id: str) -> bool:
    """Return True if the id is a UUID in its usual form."""
    return _CANONICAL.fullmatch(record_id) is not None


def number(record_id: str) -> int:
    """Return the number of a UUID. Ids sort as texts like their numbers.

    Raises:
        ValueError: The id is not a UUID in its usual form.
    """
    if not is_uuid(record_id):
        raise ValueError(record_id)
    return int(record_id.replace("-", ""), 16)


def text(value: int) -> str:
    """Return the UUID of a number."""
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def id_of_time(moment: datetime) -> str:
    """Return the smallest id that begins with a time."""
    return text(int(moment.timestamp() * 1000) << 80 | FORM)


class PremiseError(Exception):
    """The list does not meet the premise of a scan: ascending by id, with any id as a cursor."""


def ascending(records: Sequence[Mapping[str, Any]], after: str | None) -> list[str]:
    """Return the ids of records, after checking that they are UUIDs and ascend from ``after``.

    Raises:
        PremiseError: They are not, or do not.
    """
    ids: list[str] = [record_id for record in records if isinstance(record_id := record.get("id"), str)]
    if len(ids) < len(records):
        reason = "a record has no id"
        raise PremiseError(reason)
    if not all(map(is_uuid, ids)):
        reason = "its ids are not UUIDs"
        raise PremiseError(reason)
    if any(low >= high for low, high in pairwise(ids if after is None else [after, *ids])):
        reason = "its ids are not in ascending order"
        raise PremiseError(reason)
    return ids


class Ruler:
    """Maps ids to positions, on which records are spread more evenly than on ids.

    Ids from before :data:`TIME_ORDERED_SINCE` are random and spread evenly over the whole space. Ids that begin with
    the time (in milliseconds, UUID version 7) share a thousandth of it. The ruler stretches that thousandth to half its
    length. The result is only a guess of a good split: halving finds the records wherever they are.

    Args:
        now: Latest time that ids may begin with.
    """

    def __init__(self, now: datetime) -> None:
        start, end = (int(moment.timestamp() * 1000) << 80 for moment in (TIME_ORDERED_SINCE, now))
        stretched = SIZE // TIME_ORDERED_SHARE
        rest = SIZE - stretched
        others = SIZE - (end - start)
        before = start * rest // others
        self._points = ((0, 0), (start, before), (max(end, start + 1), before + stretched), (SIZE, SIZE))
        self.recent = (before, before + stretched)
        """Positions between which ids begin with the time."""
        self.first_recent = text(start)

    def position(self, value: int) -> int:
        """Return the position of an id; it ascends with the id."""
        return self._map(value, 0, 1)

    def id_at(self, position: int) -> int:
        """Return the id at a position."""
        return self._map(position, 1, 0)

    def is_even(self, start: int, end: int) -> bool:
        """Return True if all ids between two positions are random, and so spread evenly."""
        return end <= self.recent[0] or start >= self.recent[1]

    def _map(self, value: int, source: int, target: int) -> int:
        for low, high in pairwise(self._points):
            if value < high[source]:
                share = (value - low[source]) * (high[target] - low[target])
                return low[target] + share // (high[source] - low[source])
        return SIZE


class Range:
    """A part of the list: from behind one id up to and including another.

    Attributes:
        after: Last id read; None at the beginning of the list.
        upto: Last id of the range; None for the end of the list.
        written: Last id whose record has been written.
        at: Position of ``after`` on the ruler.
        end: Position of ``upto``.
        density: Estimated records per position of the ruler.
        first: Position of the first record read.
        is_behind_gap: True if the first record is far behind the beginning of the range.
        ended: True once the range has been read completely.
    """

    def __init__(
        self, ruler: Ruler, after: str | None, upto: str | None, density: float = 0.0, sure: float | None = None
    ) -> None:
        self.after = self.written = after
        self.upto = upto
        self.at = 0 if after is None else ruler.position(number(after))
        self.end = SIZE if upto is None else ruler.position(number(upto))
        self.density = density
        self.ended = False
        self._ruler = ruler
        self.records = 0
        self.first = 0
        self.is_behind_gap = False
        self._burst = 0  # records read since the last gap
        self._latest_density = 0.0
        self._even = 0  # records read where only random ids follow
        self._even_first = 0
        self._random = 0  # records with random ids, if the range extends beyond the ids that begin with the time
        self._inherited = sure

    @property
    def ahead(self) -> float:
        """Estimated number of records left."""
        return 0.0 if self.ended else self._ahead_at(self.density)

    def _ahead_at(self, density: float) -> float:
        """Estimate the records left at a density. Beyond the present time, the density of random ids applies."""
        present = self._ruler.recent[1]
        if not self._is_behind_random_ids:
            return density * (self.end - self.at)
        return density * (present - self.at) + self._random_density * (self.end - present)

    @property
    def _is_behind_random_ids(self) -> bool:
        """True among ids that begin with the time, if random ids may follow them."""
        return self._ruler.recent[0] <= self.at < self._ruler.recent[1] < self.end

    @property
    def _random_density(self) -> float:
        """Random ids per position, as found before the ids that begin with the time."""
        return self._random / min(self.at, self._ruler.recent[0]) if self._random else 0.0

    @property
    def surely_ahead(self) -> float | None:
        """Reliable estimate of the records left, or None: ids that begin with the time come in unpredictable bursts."""
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
        """Records left if the rest is as dense as the latest page; 0 before the first record."""
        if self.ended:
            return 0.0
        if not self.records:
            return (self._inherited or 0.0) * (self.end - self.at)
        return self._ahead_at(max(self.density, self._latest_density))

    def advance(self, ids: Sequence[str]) -> None:
        """Update the estimates with the ids of a page."""
        records = len(ids)
        start, middle = (self._ruler.position(number(record_id)) for record_id in (ids[0], ids[records // 2]))
        if (start - self.at) * (records // 2) > GAP * (middle - start):
            self.is_behind_gap = not self.records
            self._burst = 0
        self._burst += records
        if not self.records:
            self.first = start  # a gap before the first record says nothing about the rest
        self.after = ids[-1]
        self.at = self._ruler.position(number(ids[-1]))
        self.records += records
        self._random += bisect_right(ids, self._ruler.first_recent)
        if self._ruler.is_even(start, self.end):
            self._even_first = self._even_first if self._even else start
            self._even += records
        if self.at > start:
            self.density = (self.records - 1) / (self.at - self.first)
        if self.at > middle:
            # From the page's second half: a few records may be far before the others.
            within = not any(middle < limit < self.at for limit in self._ruler.recent)
            self._latest_density = (records - 1 - records // 2) / (self.at - middle) if within else 0.0

    @property
    def _rest_of_burst(self) -> float:
        """Records left in the current burst; 0 if the estimate for the whole range is better."""
        recent, present = self._ruler.recent
        rest = BURST_AHEAD * self._burst
        is_better = self._sure_density is None and rest < self._latest_density * (min(self.end, present) - self.at)
        return rest if is_better and recent <= self.at < present else 0.0

    @property
    def is_unknown(self) -> bool:
        """True if the density of the next records is unknown."""
        return not self.ended and self._inherited is None and not self._latest_density

    def split(self, worth: float = 0.0, kept: float = 0.5, *, in_bursts: bool = False) -> Range:
        """Cut off a part of the rest, and return it as a new range.

        The part is the second half by default. But ids before, within and beyond those that begin with the time become
        separate parts, because their densities are independent.

        Args:
            worth: Minimum number of records for which a part with random ids is cut off.
            kept: Share to keep, if the cut is not between such parts.
            in_bursts: True if ids that begin with the time come in bursts. The cut is within the current burst then.
        """
        if in_bursts and (burst := self._rest_of_burst):
            new = self._cut(self.at + int(kept * burst / self._latest_density), self.density, None)
            new._burst = self._burst + int(kept * burst)  # noqa: SLF001 (another range)
            return new
        recent, present = self._ruler.recent
        share = int(kept * 1024)
        middle, density = self.at + (self.end - self.at) * share // 1024, self.density
        if self.at < present < self.end:
            if self._random_density * (self.end - present) >= worth and self._random:
                middle, density = present, self._random_density
            elif self.at < recent:
                middle = recent
            else:
                middle = self.at + (present - self.at) * share // 1024
        elif self.at < recent < self.end:
            middle = recent
        return self._cut(middle, density, density if middle == present else self._sure_density)

    def _cut(self, position: int, density: float, sure: float | None) -> Range:
        middle = self._ruler.id_at(position)
        # Servers may check that a cursor is a UUID of a known version.
        cursor = text(middle & ~FORM_MASK | FORM)
        if not (self.after or "") < cursor < (self.upto or "g"):
            cursor = text(middle)
        new = Range(self._ruler, cursor, self.upto, density, sure)
        self.upto, self.end = cursor, new.at
        return new

"""Ranges of record ids, and estimates of the number of records in them."""

from __future__ import annotations

import re
from bisect import bisect_left
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

SAMPLES = 8
"""Number of parts of a page whose densities are compared."""

GAP = 30
"""Distance between two records that random arrival does not explain, as a multiple of their usual distance."""

BURST_AHEAD = 2
"""Estimated rest of a burst, as a multiple of the records read of it."""

REPORTS = 3
"""Number of ranges whose first pages must show how dense ids that begin with the time are."""


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
        self.bounds = (text(start), text(end))
        """Ids between which ids begin with the time."""

    def position(self, value: int) -> int:
        """Return the position of an id; it ascends with the id."""
        return self._map(value, 0, 1)

    def id_at(self, position: int) -> int:
        """Return the id at a position."""
        return self._map(position, 1, 0)

    def in_recent(self, start: int, end: int) -> int:
        """Return the length of the part of an interval in which ids begin with the time."""
        return max(0, min(end, self.recent[1]) - max(start, self.recent[0]))

    def _map(self, value: int, source: int, target: int) -> int:
        for low, high in pairwise(self._points):
            if value < high[source]:
                share = (value - low[source]) * (high[target] - low[target])
                return low[target] + share // (high[source] - low[source])
        return SIZE


class Densities:
    """Records per position, over all that was read of a list.

    Random ids are spread evenly. Ids that begin with the time come in bursts, so that only their mean over a long time
    says something. While only one of both densities is known, it stands for the other.
    """

    def __init__(self, ruler: Ruler) -> None:
        self.ruler = ruler
        self._random = self._recent = 0
        self._random_seen = self._recent_seen = 0
        self._earliest = SIZE
        self._reports = 0

    def add(self, after: int, ids: Sequence[str], end: int, *, is_first: bool) -> None:
        """Note the ids of a page.

        Args:
            after: Position behind which the page begins.
            ids: Ids in ascending order.
            end: Position up to which they are all ids.
            is_first: True for the first page of a range.
        """
        low, high = (bisect_left(ids, bound) for bound in self.ruler.bounds)
        recent = self.ruler.in_recent(after, end)
        self._random += len(ids) - (high - low)
        self._random_seen += end - after - recent
        if high > low and (first := self.ruler.position(number(ids[low]))) < self._earliest:
            self._earliest = first  # the time before the first record of all says nothing about the rest
            recent = self.ruler.in_recent(first, end)
        self._recent += high - low
        self._recent_seen += recent
        self._reports += is_first and recent > 0

    @property
    def is_guess(self) -> bool:
        """True while too few places show how dense ids that begin with the time are."""
        return self._reports < REPORTS

    @property
    def random(self) -> float:
        """Random ids per position."""
        return self._random / self._random_seen if self._random_seen else 0.0

    @property
    def _per_position(self) -> tuple[float, float]:
        recent = self._recent / self._recent_seen if self._recent_seen else 0.0
        return (self.random if self._random_seen else recent), (recent if self._recent_seen else self.random)

    def between(self, start: int, end: int) -> float:
        """Estimate the number of records between two positions."""
        random, recent = self._per_position
        of_time = self.ruler.in_recent(start, end)
        return random * (end - start - of_time) + recent * of_time

    def position_of(self, records: float, start: int, end: int) -> int:
        """Return the position between two others before which there are so many records by estimate."""
        random, recent = self._per_position
        for low, high, density in zip(
            (0, *self.ruler.recent), (*self.ruler.recent, SIZE), (random, recent, random), strict=True
        ):
            low, high = max(low, start), min(high, end)
            if low < high and records <= density * (high - low):
                return low + int(records / density) if density else low
            records -= density * max(0, high - low)
        return end


class Range:
    """A part of the list: from behind one id up to and including another.

    Attributes:
        after: Last id read; None at the beginning of the list.
        upto: Last id of the range; None for the end of the list.
        written: Last id whose record has been written.
        at: Position of ``after`` on the ruler.
        end: Position of ``upto``.
        records: Number of records read.
        ended: True once the range has been read completely.
    """

    def __init__(self, densities: Densities, after: str | None, upto: str | None) -> None:
        self._densities = densities
        self._ruler = densities.ruler
        self.after = self.written = after
        self.upto = upto
        self.at = 0 if after is None else self._ruler.position(number(after))
        self.end = SIZE if upto is None else self._ruler.position(number(upto))
        self.records = 0
        self.ended = False
        self._burst = 0.0  # records read since the last gap
        self._pace = 0.0  # records per position in the burst

    @property
    def ahead(self) -> float:
        """Estimated number of records left."""
        return 0.0 if self.ended else max(self._densities.between(self.at, self.end), self._burst_ahead)

    @property
    def _burst_ahead(self) -> float:
        """Estimated number of records left in a burst: the longer it has been, the longer it will be."""
        return min(BURST_AHEAD * self._burst, self._pace * self._ruler.in_recent(self.at, self.end))

    @property
    def surely_ahead(self) -> float | None:
        """Reliable estimate of the records left, or None: ids that begin with the time come in unpredictable bursts."""
        if self.ended:
            return 0.0
        if self._ruler.in_recent(self.at, self.end) or not self._densities.random:
            return None
        return self._densities.random * (self.end - self.at)

    def advance(self, ids: Sequence[str], *, ended: bool) -> None:
        """Update the estimates with the ids of a page, which may be the last one of the range."""
        before, is_first = self.at, not self.records
        self.ended = ended
        if ids:
            self.after = ids[-1]
            self.records += len(ids)
            self._follow_burst(ids)
        if ended:
            self.at = self.end
        self._densities.add(before, ids, self.at, is_first=is_first)

    def _follow_burst(self, ids: Sequence[str]) -> None:
        step = max(1, len(ids) // SAMPLES)
        places = [self._ruler.position(number(record_id)) for record_id in ids[::step]]
        if (len(ids) - 1) % step:
            places.append(self._ruler.position(number(ids[-1])))
        distances = [high - low for low, high in pairwise([self.at, *places])]
        usual = sorted(distances)[len(distances) // 2]
        gaps = [at for at, distance in enumerate(distances) if distance > GAP * usual]
        self.at = places[-1]
        if gaps:
            self._burst = 0.0
        begin = gaps[-1] if gaps else 0
        self._burst += len(ids) - min(len(ids) - 1, begin * step)
        if places[-1] > places[begin]:
            self._pace = (len(ids) - 1 - begin * step) / (places[-1] - places[begin])

    def split(self, kept: float = 0.5) -> Range:
        """Cut off a part of the rest, and return it as a new range.

        Args:
            kept: Share of the records to keep.
        """
        burst, rest = self._burst_ahead, self._densities.between(self.at, self.end)
        if burst <= rest:
            return self._cut(self._densities.position_of(kept * rest, self.at, self.end))
        new = self._cut(self.at + int(kept * burst / self._pace))
        new._burst, new._pace = self._burst + kept * burst, self._pace  # noqa: SLF001 (another range)
        return new

    def _cut(self, position: int) -> Range:
        middle = self._ruler.id_at(position)
        # Servers may check that a cursor is a UUID of a known version.
        cursor = text(middle & ~FORM_MASK | FORM)
        if not (self.after or "") < cursor < (self.upto or "g"):
            cursor = text(middle)
        new = Range(self._densities, cursor, self.upto)
        self.upto, self.end = cursor, new.at
        return new

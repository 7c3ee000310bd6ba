"""Density of a list's records in the space of their ids."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from tap_instantly.sync.ids import SIZE, TIME_ORDERED_SINCE, VERSION_AT, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

REPORTS = 3
"""Number of ranges whose first page must have reached ids that begin with the time before their density is believed."""

EXPECTED = 30
"""Minimum number of expected records for a stretch without records to be a gap."""


class Ruler:
    """Maps ids to positions, on which records are spread more evenly than on ids.

    Ids from before :data:`TIME_ORDERED_SINCE` are random and spread evenly over the whole space. Ids that begin with
    the time (in milliseconds, UUID version 7) share about a ten-thousandth of it per year. The ruler stretches that
    part to half its length.

    Args:
        now: Latest time that ids may begin with.
    """

    def __init__(self, now: datetime) -> None:
        start, end = (int(moment.timestamp() * 1000) << 80 for moment in (TIME_ORDERED_SINCE, now))
        end = max(end, start + 1)  # a clock may be wrong
        stretched = SIZE // 2
        rest = SIZE - stretched
        others = SIZE - (end - start)
        before = start * rest // others
        self._points = ((0, 0), (start, before), (end, before + stretched), (SIZE, SIZE))
        self.recent = (before, before + stretched)
        """Positions between which ids begin with the time."""
        self.recent_ids = (text(start), text(end))
        """The ids at these positions."""

    def position(self, value: int) -> int:
        """Return the position of an id; it ascends with the id."""
        return self._map(value, 0, 1)

    def id_at(self, position: int) -> int:
        """Return the id at a position."""
        return self._map(position, 1, 0)

    def recent_part(self, start: int, end: int) -> int:
        """Return the length of the part of an interval in which ids begin with the time."""
        return max(0, min(end, self.recent[1]) - max(start, self.recent[0]))

    def _map(self, value: int, source: int, target: int) -> int:
        for low, high in pairwise(self._points):
            if value < high[source]:
                share = (value - low[source]) * (high[target] - low[target])
                return low[target] + share // (high[source] - low[source])
        return SIZE


class Density:
    """Records per position of a ruler, measured over all that was read of a list.

    Random ids are spread evenly. Ids that begin with the time often come in bursts, because leads are imported: only
    their average over a long time has a meaning. Without gaps between bursts, each range knows its density better, and
    passes it as ``own``.

    Attributes:
        has_gaps: True once a stretch without records was found among ids that begin with the time.
    """

    def __init__(self, ruler: Ruler) -> None:
        self.ruler = ruler
        self.has_gaps = False
        self._random = self._recent = 0
        self._random_seen = self._recent_seen = 0
        self._earliest = SIZE
        self._reports = 0

    def add(self, ids: Sequence[str], start: int, end: int, *, is_first: bool) -> None:
        """Note that ``ids`` are all ids between two positions, in ascending order.

        Args:
            ids: The ids of a page.
            start: Position behind which the page begins.
            end: Position at which it ends.
            is_first: True for the first page of a range.
        """
        low, high = (bisect_left(ids, limit) for limit in self.ruler.recent_ids)
        timed = [record_id for record_id in ids[low:high] if record_id[VERSION_AT] == "7"]  # a few are random
        length = self.ruler.recent_part(start, end)
        self._reports += is_first and length > 0
        self._random += len(ids) - len(timed)
        self._random_seen += end - start - length
        if not ids and self.between(start, end) >= EXPECTED:
            self.note_gap(start)
        if timed:
            self._earliest = min(self._earliest, self.ruler.position(number(timed[0])))
        self._recent += len(timed)
        # The time before the first record says nothing about the rest.
        self._recent_seen += self.ruler.recent_part(max(start, self._earliest), end)

    @property
    def is_guess(self) -> bool:
        """True while too few ranges have shown how dense ids that begin with the time are."""
        return self._reports < REPORTS

    def note_gap(self, position: int) -> None:
        """Note a stretch without records before or behind a position. Before all records it says nothing."""
        self.has_gaps |= self._earliest < position

    @property
    def of_random_ids(self) -> float:
        """Random ids per position; 0 if unknown."""
        return self._random / self._random_seen if self._random_seen else 0.0

    def between(self, start: int, end: int, own: float | None = None) -> float:
        """Estimate the number of records between two positions.

        Args:
            start: The first position.
            end: The last position.
            own: Density of ids that begin with the time, if the range knows it better.
        """
        random, recent = self._of_kinds(own)
        length = self.ruler.recent_part(start, end)
        return random * (end - start - length) + recent * length

    def position_after(self, records: float, start: int, end: int, own: float | None = None) -> int:
        """Estimate the position by which that many records have passed; other arguments as in :meth:`between`."""
        random, recent = self._of_kinds(own)
        limits = pairwise((0, *self.ruler.recent, SIZE))
        for (lower, upper), density in zip(limits, (random, recent, random), strict=True):
            low, high = max(lower, start), min(upper, end)
            if low < high and density:
                if records <= density * (high - low):
                    return low + int(records / density)
                records -= density * (high - low)
        return end

    def _of_kinds(self, own: float | None) -> tuple[float, float]:
        """Return the density of random ids, and of ids that begin with the time.

        A density that is unknown is taken to be like the other, so that a split finds out.
        """
        recent = self._recent / self._recent_seen if self._recent_seen else 0.0
        random = self.of_random_ids if self._random_seen else recent
        recent = recent if own is None else own
        return random, max(recent, random) if self.is_guess else recent

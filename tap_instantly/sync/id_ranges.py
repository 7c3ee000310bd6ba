"""Range of record ids that one walk of a scan reads."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tap_instantly.sync.ids import FORM, FORM_MASK, SIZE, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_instantly.sync.id_density import Density

SAMPLES = 8
"""Number of parts of a full page whose lengths are compared."""

GAP = 30
"""Distance between two records that random arrival does not explain, as a multiple of their usual distance."""

BURST_AHEAD = 2
"""Estimated rest of a burst, as a multiple of the records read of it."""


class Range:
    """A part of the list: from behind one id up to and including another.

    Attributes:
        after: Last id read; None at the beginning of the list.
        upto: Last id of the range; None for the end of the list.
        written: Last id whose record has been written.
        at: Position of ``after`` on the ruler; ``end`` once the range has ended.
        end: Position of ``upto``.
        records: Number of records read.
        ended: True once the range has been read completely.
    """

    def __init__(self, density: Density, after: str | None, upto: str | None, burst: float = 0.0) -> None:
        self.after = self.written = after
        self.upto = upto
        self._density = density
        self._ruler = density.ruler
        self.at = 0 if after is None else self._ruler.position(number(after))
        self.end = SIZE if upto is None else self._ruler.position(number(upto))
        self.records = 0
        self.ended = False
        self._burst = burst  # records since the last gap, those of the ranges before it included
        self._own: float | None = None  # density since the last gap, among ids that begin with the time

    @property
    def ahead(self) -> float:
        """Estimated number of records left."""
        return 0.0 if self.ended else max(self._usually_ahead, self._ahead_in_burst)

    @property
    def ahead_on_average(self) -> float:
        """Number of records left at the average density of the list."""
        return self._density.between(self.at, self.end)

    @property
    def may_be_recent(self) -> bool:
        """True if ids that begin with the time may be left."""
        return not self.ended and self._ruler.recent_part(self.at, self.end) > 0

    @property
    def surely_ahead(self) -> float | None:
        """Reliable estimate of the records left; None while ids that begin with the time are left."""
        if self.ended:
            return 0.0
        if self.may_be_recent or not self._density.of_random_ids:
            return None
        return self.ahead_on_average

    @property
    def _usually_ahead(self) -> float:
        return self._density.between(self.at, self.end, self._own_if_even)

    @property
    def _own_if_even(self) -> float | None:
        return None if self._density.has_gaps else self._own

    @property
    def _ahead_in_burst(self) -> float:
        """Estimated number of records left in the current burst: the longer it was, the longer it will be."""
        if not (self._density.has_gaps and self._own):
            return 0.0
        return min(BURST_AHEAD * self._burst, self._own * self._ruler.recent_part(self.at, self.end))

    def advance(self, ids: Sequence[str], *, ended: bool) -> None:
        """Note the ids of a page; ``ended`` if it is the last one of the range."""
        start, is_first = self.at, not self.records
        if ids:
            self._follow_burst(ids)
            self.after = ids[-1]
            self.records += len(ids)
        self.ended = ended
        if ended:
            self.at = self.end
        self._density.add(ids, start, self.at, is_first=is_first)

    def _follow_burst(self, ids: Sequence[str]) -> None:
        """Find the last gap before or within a page, and measure the density behind it."""
        step = max(1, len(ids) // SAMPLES)
        sampled = range(0, len(ids), step)
        places = [self._ruler.position(number(ids[at])) for at in sampled]
        distances = [high - low for low, high in pairwise([self.at, *places])]
        usual = sorted(distances)[len(distances) // 2]
        behind_gap = max((at for at, distance in enumerate(distances) if distance > GAP * usual), default=None)
        begin = behind_gap or 0
        first, last = places[begin], self._ruler.position(number(ids[-1]))
        if self._ruler.recent_part(first, last) == last - first > 0:
            self._own = (len(ids) - 1 - sampled[begin]) / (last - first)
            if behind_gap is not None:
                self._density.note_gap(first)
        if behind_gap is not None:
            self._burst = 0.0
        self._burst += len(ids) - sampled[begin]
        self.at = last

    def split(self, kept: float) -> Range:
        """Cut off a part of the rest, and return it as a new range.

        Args:
            kept: Share of the records to keep, by estimate.
        """
        rest, burst = self._usually_ahead, self._ahead_in_burst
        if not self._own or burst <= rest:
            return self._cut(self._density.position_after(kept * rest, self.at, self.end, self._own_if_even))
        return self._cut(self.at + int(kept * burst / self._own), self._burst + kept * burst)

    def _cut(self, position: int, burst: float = 0.0) -> Range:
        low, high = -1 if self.after is None else number(self.after), SIZE if self.upto is None else number(self.upto)
        middle = min(max(self._ruler.id_at(position), low + 1), high - 1)
        # Servers may check that a cursor is a UUID of a known version.
        formed = middle & ~FORM_MASK | FORM
        new = Range(self._density, text(formed if low < formed < high else middle), self.upto, burst)
        self.upto, self.end = new.after, new.at
        return new

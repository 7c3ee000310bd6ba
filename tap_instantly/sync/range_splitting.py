"""Strategy of a scan: the range to split next, and the cost that limits splits."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_instantly.sync.id_ranges import Range

OVERHEAD = 0.016
"""Extra requests of concurrent walks, as a share of the pages. The estimate errs, so the promise is 2 %."""

A_FEW = 7.5
"""Extra requests that are always allowed, so that a short list is read in a fraction of the time. The estimate errs, so
the promise is ten."""

TRUST = 40
"""Limit on the estimated list length, as a multiple of the records read: the records left are a guess."""

AT_ONCE = 18.0
"""Requests that may be spent before the pages that pay for them have been read."""

COST_OF_A_SPLIT = 0.5
"""Average cost in requests: if a walk ends where another began, half of its last page is wasted."""

SMALLEST_SPLIT = 4
"""Minimum number of pages left for a split."""

HELD = 0.5
"""Share of the walks that may begin while the density of one range is unknown: that range may need the others."""


class Split(NamedTuple):
    """The range to split, and the share of it to keep, so that all walks have about the same amount left."""

    range_: Range
    kept: float


def best_split(unfinished: Sequence[Range], records: int, wasted: float, page_size: int, *, is_guess: bool) -> Split | None:
    """Return the split of the range with the most records left, if it is worth it and affordable.

    The number of walks is limited so that they cost at most :data:`OVERHEAD`, or :data:`A_FEW` requests.

    Args:
        unfinished: Ranges that are not completely read and written.
        records: Records read in all ranges.
        wasted: Requests without new records, including fractions.
        page_size: Records of a full page.
    """
    range_ = max(unfinished, key=attrgetter("ahead"), default=None)
    if range_ is None or range_.ahead < SMALLEST_SPLIT * page_size:
        return None
    ahead = sum(range_.ahead for range_ in unfinished)
    read, expected = records / page_size, (records + ahead) / page_size
    budget = max(A_FEW, min(OVERHEAD * expected, OVERHEAD * read * TRUST, OVERHEAD * read + AT_ONCE))
    walks = (budget - wasted) / COST_OF_A_SPLIT
    if is_guess:
        walks *= HELD
    if sum(not range_.ended for range_ in unfinished) + 1 > walks:
        return None
    pieces = max(2, round(walks * range_.ahead / ahead))
    return Split(range_, math.ceil(pieces / 2) / pieces)

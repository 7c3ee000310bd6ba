"""Strategy of a scan: the range to split next, and the cost that limits splits."""

from __future__ import annotations

import math
from heapq import heapify, heapreplace
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from tap_instantly.sync.starting_points import MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_instantly.sync.id_density import Density
    from tap_instantly.sync.id_ranges import Range

OVERHEAD = 0.018
"""Extra requests of concurrent walks, as a share of the pages. The estimate errs, so the promise is 2 %."""

A_FEW = 8.0
"""Extra requests that are allowed on any list without bursts, so that a short one is read in a fraction of the time.
The estimate errs, so the promise is ten."""

IN_BURSTS = 3.0
"""Extra requests that are allowed at first if ids come in bursts; each time that the pages double, one more is allowed.
Splits of large bursts gain most, and those are found late."""

TRUST = 40
"""Limit on the estimated list length, as a multiple of the records read: the records left are a guess."""

AT_ONCE = 18.0
"""Requests that may be spent before the pages that pay for them have been read."""

MARGIN = 1.5
"""Standard deviations by which the cost of the current walks may exceed its average and still be within the limit."""

HELD = 0.5
"""Share of the walks that may begin while the density is a guess: the others go where records are found."""

SMALLEST_SPLIT = 4
"""Minimum number of pages left for a split."""

WORTH = 1.4
"""Minimum ratio of a range to its fair share for a split: to split one of many equal ranges gains no time."""


class Split(NamedTuple):
    """The range to split, and the share of it to keep, so that all walks have about the same amount left."""

    range_: Range
    kept: float


def best_split(
    unfinished: Sequence[Range], density: Density, records: int, wasted: float, page_size: int
) -> Split | None:
    """Return the split that shortens the longest walk, if it is worth it and affordable.

    Args:
        unfinished: Ranges that are not completely written; those read to their ends are ignored.
        density: Density of the list's records.
        records: Records read in all ranges.
        wasted: Requests without new records, including fractions.
        page_size: Records of a full page.
    """
    current = [(range_.ahead / page_size, range_) for range_ in unfinished if not range_.ended]
    ahead = sum(pages for pages, _ in current)
    # Ranges expect too many records if records become fewer.
    paid = min(ahead, sum(range_.ahead_on_average for _, range_ in current) / page_size)
    walks = _affordable_walks(records / page_size, paid, wasted, in_bursts=density.has_gaps)
    is_guess = density.is_guess and any(range_.may_be_recent for _, range_ in current)
    spare = int(walks * HELD if is_guess else walks) - len(current)
    pages, range_ = max(current, key=itemgetter(0), default=(0.0, None))
    if spare <= 0 or range_ is None or pages < max(SMALLEST_SPLIT, WORTH * ahead / (len(current) + spare)):
        return None
    pieces = _pieces_of_largest([pages for pages, _ in current], spare)
    return Split(range_, math.ceil(pieces / 2) / pieces)


def _affordable_walks(read: float, ahead: float, wasted: float, *, in_bursts: bool) -> float:
    """Return the number of current walks whose last pages cost no more than allowed.

    Args:
        read: Pages read.
        ahead: Estimated pages left.
        wasted: Requests without new records so far.
        in_bursts: True if records come in bursts.
    """
    limit = max(A_FEW, min(OVERHEAD * (read + ahead), OVERHEAD * read * TRUST, OVERHEAD * read + AT_ONCE))
    if in_bursts:
        limit = min(limit, max(IN_BURSTS + math.log2(1 + read), OVERHEAD * read))
    # The last page of a walk wastes a share of it, evenly distributed: n pages cost n / 2, with a variance of n / 12.
    deviation = MARGIN / math.sqrt(12)
    return min(MOST, (math.sqrt(deviation**2 + 2 * max(0.0, limit - wasted)) - deviation) ** 2)


def _pieces_of_largest(sizes: Sequence[float], cuts: int) -> int:
    """Return the number of pieces of the largest part, if cuts keep the largest piece of all as small as possible."""
    pieces = [(-size, 1, size) for size in sizes]
    heapify(pieces)
    for _ in range(cuts):
        _, count, size = pieces[0]
        heapreplace(pieces, (-size / (count + 1), count + 1, size))
    return max((size, count) for _, count, size in pieces)[1]

"""Starting points of concurrent walks: ids that divide a list into ranges of equal length.

A pass notes which ids it reads, so that the next pass can begin all its walks at once and in the right places. A first
pass has to guess: leads come in bursts, and nobody knows where.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from tap_instantly.sync.ids import is_uuid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_instantly.sync.id_ranges import Range

MOST = 32
"""Maximum number of ranges; more requests at once would exceed the rate limit of a workspace."""

FEW = 20
"""Maximum number of ranges of a short list. They cost no additional request while each holds whole pages. After many
deletions each costs half a request on average, and ten in all are allowed."""

SHORT = 64_000
"""Records up to which a list is short. All its ids are kept for the pass (6 MB), and of a longer list fewer."""

SHARE = 0.032
"""Maximum number of ranges of a long list, as a share of its pages: each costs half a request, and 2 % are allowed."""

SMALLEST = 3
"""Minimum number of pages in a range."""

OUTGROWN = 2
"""Ratio of a range to the longest one that has ended, from which on it has outgrown the others."""


class StartingPoints:
    """Ids that a pass has read, page by page. Up to :data:`SHORT` records all of them, then the last one of each page.

    Args:
        page_size: Records of a full page.
    """

    def __init__(self, page_size: int) -> None:
        self._page_size = page_size
        self._pages: list[tuple[Sequence[str], int]] = []
        self._records = 0

    def add(self, ids: Sequence[str]) -> None:
        """Note the ids of a page, in their order."""
        if not ids:
            return
        was_short = self._records <= SHORT
        self._records += len(ids)
        if self._records <= SHORT:
            self._pages.append((ids, len(ids)))
            return
        if was_short:
            self._pages = [(page[-1:], count) for page, count in self._pages]
        self._pages.append((ids[-1:], len(ids)))

    def chosen(self) -> list[str]:
        """Return the last id of each range but the last, in ascending order; empty for a list of few pages."""
        length = -(-self._records // self._page_size)
        ranges = min(MOST, max(FEW, int(SHARE * length)), length // SMALLEST)
        if ranges < 2:  # noqa: PLR2004 - one range has no starting point
            return []
        pages = sorted(self._pages, key=lambda page: page[0][0])
        ends = list(accumulate(count for _, count in pages))
        points = []
        for number in range(1, ranges):
            wanted = number * length // ranges * self._page_size
            at = bisect_left(ends, wanted)
            ids, count = pages[at]
            points.append(ids[wanted - ends[at] - 1] if len(ids) == count else ids[-1])
        return points


def ranges_between(points: object) -> list[tuple[str | None, str | None]] | None:
    """Return the ranges of ids between starting points; None if they are no ascending ids.

    Any such ranges cover the whole list, so points of another time or list cost time alone, and lose no record.
    """
    if (
        not isinstance(points, list)
        or not 0 < len(points) < MOST
        or not all(isinstance(one, str) and is_uuid(one) for one in points)
    ):
        return None
    if any(low >= high for low, high in pairwise(points)):
        return None
    return list(pairwise([None, *points, None]))


def is_outgrown(planned: Sequence[Range]) -> bool:
    """Return True if a range has outgrown the others, as after an import of leads."""
    longest = max((range_.records for range_ in planned if range_.ended), default=None)
    return longest is not None and max(range_.records for range_ in planned) > OUTGROWN * longest

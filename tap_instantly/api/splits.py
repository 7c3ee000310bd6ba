"""Which walk of a scan to split, and whether one more can be afforded."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_instantly.api.id_space import Range

OVERHEAD = 0.018
"""What walking side by side may cost, in requests as a share of the pages; it errs, so that 2 % can be promised."""

A_FEW = 7.0
"""Requests that it may cost in any case, for which a short list is read in a fraction of the time; it errs too, so that
ten can be promised."""

RESERVE = 0.004
"""The part of it that is kept for what would hold up the end: few walks with much to read."""

LAST_WALKS = 5
"""How few walks would have to read all the rest for it to be called so."""

TRUST = 40
"""How many times what has been read a list is believed to have: how many records lie ahead is a guess."""

AT_ONCE = 18.0
"""Requests that may be spent before the pages have been read that they are a share of."""

ONCE = 1.0
"""Requests that any pass costs beside its pages: the last page has a cursor, and an empty one follows (recorded)."""

COST_OF_A_SPLIT = 0.5
"""Requests: where a walk ends at the beginning of another, its last page is half used on average."""

SMALLEST_SPLIT = 6
"""Pages that must remain for a walk to be split."""


def best_split(unfinished: Sequence[Range], records: int, wasted: float, page_size: int) -> Range | None:
    """The range with the most records to come, if it is worth a split and one can be afforded.

    Splits are few enough that what they cost stays within :data:`OVERHEAD`, or :data:`A_FEW` requests.

    Args:
        unfinished: The ranges that have not been done with.
        records: How many have been read of all ranges.
        wasted: Requests that brought nothing new, with parts of them.
        page_size: Records of a full page.
    """
    part = max(unfinished, key=attrgetter("perhaps_ahead"), default=None)
    if part is None or part.perhaps_ahead < SMALLEST_SPLIT * page_size:
        return None
    ahead = sum(part.ahead for part in unfinished)
    walks = sum(not part.ended for part in unfinished)
    holds_up = part.perhaps_ahead > ahead / LAST_WALKS
    share = OVERHEAD if holds_up else OVERHEAD - RESERVE
    read, expected = records / page_size, (records + ahead) / page_size
    budget = min(share * expected, share * read * TRUST, share * read + AT_ONCE)
    # Half of the budget is for keeping the walks busy later on, when some end before others.
    cost = wasted + COST_OF_A_SPLIT * (walks + 1)
    affordable = cost <= budget and walks * COST_OF_A_SPLIT <= max(share * expected / 2, 1)
    # Where it is a guess how much is ahead, each walk may find nothing at all.
    few = wasted + (walks if part.surely_ahead is None else COST_OF_A_SPLIT * (walks + 1))
    return part if affordable or few <= A_FEW else None

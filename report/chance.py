"""Whether a difference is more than chance explains 19 times out of 20: exact tests, which hold for few things too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RARE = 0.05
ROUNDING = 1e-9
"""Relative; chances that are equal differ by so much at most."""


def rates_differ(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Tell it of two shares, each as part and whole, by Fisher's exact test; false where a part exceeds its whole."""
    (hits, tries), (hits_before, tries_before) = now, before
    if hits > tries or hits_before > tries_before:
        return False
    both = hits + hits_before

    def chance(part: int) -> float:
        return _ways(tries, part) + _ways(tries_before, both - part) - _ways(tries + tries_before, both)

    observed = chance(hits) + ROUNDING
    possible = map(chance, range(max(0, both - tries_before), min(both, tries) + 1))
    return _sum(one for one in possible if one <= observed) < RARE


def counts_differ(now: int, before: int) -> bool:
    """Tell it of two counts of what happens now and then: each could as well have fallen into the other period."""
    both = now + before
    tail = _sum(_ways(both, part) - both * math.log(2) for part in range(min(now, before) + 1))
    return 2 * tail < RARE


def _ways(all_: int, part: int) -> float:
    """Logarithm of in how many ways a part can be chosen."""
    return math.lgamma(all_ + 1) - math.lgamma(part + 1) - math.lgamma(all_ - part + 1)


def _sum(logarithms: Iterable[float]) -> float:
    return math.fsum(map(math.exp, logarithms))

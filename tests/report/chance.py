"""Whether chance explains a difference, counted out: the ground that the verdicts of the report stand on."""

from __future__ import annotations

from math import comb


def rates_differ(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Whether fewer than one in 20 of the ways to deal out the hits is as rare as this one; counted, not reckoned."""
    (a, n), (c, m) = now, before
    if a > n or c > m:
        return False
    hits = a + c
    first = max(0, hits - m)
    ways = [comb(n, first) * comb(m, hits - first)]
    for k in range(first, min(n, hits)):
        ways.append(ways[-1] * (n - k) * (hits - k) // ((k + 1) * (m - hits + k + 1)))
    return 20 * sum(one for one in ways if one <= ways[a - first]) < sum(ways)


def counts_differ(now: int, before: int) -> bool:
    """The same of things that fall into one of two periods."""
    both, ways = now + before, [1]
    for k in range(min(now, before)):
        ways.append(ways[-1] * (both - k) // (k + 1))
    return 40 * sum(ways) < 2**both

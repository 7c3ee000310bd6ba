"""Chances of differences, counted and measured out: the ground that the verdicts of the report stand on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import atan, comb, cos, pi, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Share = tuple[int, int]
Weeks = list[list[Share]]
"""The weeks of each period, as part and whole."""
SLICES = 2000


def dealt(now: Share, before: Share) -> float:
    """Share of the ways to deal out the hits that are as rare as this one; counted, not reckoned."""
    if now[0] > now[1] or before[0] > before[1]:
        return 1.0
    ways, place = _ways(now, before)
    return float(Fraction(sum(one for one in ways if one <= ways[place]), sum(ways)))


def dealt_higher(now: Share, before: Share) -> float:
    """Share of the ways to deal out the hits that have as many of them now, or more."""
    if now[0] > now[1] or before[0] > before[1]:
        return 1.0
    ways, place = _ways(now, before)
    return float(Fraction(sum(ways[place:]), sum(ways)))


def _ways(now: Share, before: Share) -> tuple[list[int], int]:
    """Number of ways to deal out the hits, by how many of them are now, and the place of this one."""
    (a, n), (c, m) = now, before
    hits = a + c
    first = max(0, hits - m)
    ways = [comb(n, first) * comb(m, hits - first)]
    for k in range(first, min(n, hits)):
        ways.append(ways[-1] * (n - k) * (hits - k) // ((k + 1) * (m - hits + k + 1)))
    return ways, a - first


def beyond(t: float, freedom: int) -> float:
    """Share of Student's distribution that is further out than t, either way: the area over the angle, by slices."""

    def area(angle: float) -> float:
        heights = [cos(angle * k / SLICES) ** (freedom - 1) for k in range(SLICES + 1)]
        return angle / SLICES / 3 * (heights[0] + 4 * sum(heights[1::2]) + 2 * sum(heights[2:-1:2]) + heights[-1])

    return 1 - area(atan(t / sqrt(freedom))) / area(pi / 2)


def variance(periods: Weeks, share: float) -> tuple[float, int]:
    """Distance of weeks from the share of their period, in units of independent things, and how many may differ."""
    squares, freedom = 0.0, 0
    for weeks in periods:
        sent = [week for week in weeks if week[1]]
        if sent:
            own = sum(hits for hits, _ in sent) / sum(tries for _, tries in sent)
            squares += sum((hits / tries - own) ** 2 * tries for hits, tries in sent)
            freedom += len(sent) - 1
    return squares / (share * (1 - share)), freedom


def everything(periods: Weeks) -> float:
    """The share of all weeks together that have a whole."""
    weeks = [week for period in periods for week in period if week[1]]
    return sum(hits for hits, _ in weeks) / max(1, sum(tries for _, tries in weeks))


def dispersion(courses: Sequence[Weeks]) -> tuple[float, int]:
    """Distances put together, for each way in which something may differ, and how many of those there are."""
    known = [variance(one, everything(one)) for one in courses if 0 < everything(one) < 1]
    freedom = sum(one for _, one in known)
    return (sum(squares for squares, _ in known) / freedom if freedom else 0.0), freedom


def by_chance(own: Days, others: Sequence[Days] = ()) -> float:
    """The chance of what two periods differ by; of many courses, all of them tell how much weeks differ."""
    week = 7 * max(1, own.length // 28)
    now, before, *_ = blocks(own, week)
    (a, n), (c, m) = ((sum(h for h, _ in weeks), sum(t for _, t in weeks)) for weeks in (now, before))
    share = (a + c) / (n + m)
    if not 0 < share < 1 or a > n or c > m:
        return 1.0
    together = others or [own]
    weekly, freedom = dispersion([blocks(one, week) for one in together])
    fortnightly, _ = dispersion([blocks(one, 2 * week) for one in together])
    spread = max(weekly, fortnightly, dispersion([blocks(own, week)])[0])
    if not freedom or not spread:
        return 1.0 if not freedom or a * m == c * n else dealt((a, n), (c, m))
    t = abs(a / n - c / m) / sqrt(spread * share * (1 - share) * (1 / n + 1 / m))
    return max(dealt((a, n), (c, m)), beyond(t, freedom))


def told(chances: Mapping[str, float]) -> set[str]:
    """Those that are too rare, of all: the rarest has to be rarer the more there are, the next one of one fewer."""
    found: set[str] = set()
    left = dict(chances)
    while left and min(left.values()) < 0.05 / len(left):
        found.add(rarest := min(left, key=lambda name: left[name]))
        del left[rarest]
    return found


@dataclass(frozen=True)
class Days:
    """Parts and wholes by day.

    Attributes:
        rows: How many days before the end of the period, part, and whole.
        length: Of a period.
        history: How far back anything is looked at.
    """

    rows: Sequence[tuple[int, int, int]]
    length: int
    history: int = 84


def blocks(days: Days, size: int) -> Weeks:
    """Days added up by so many, from the end of the period, of the one before, and of earlier ones of four weeks."""
    ends = [0, days.length, 2 * days.length]
    while ends[-1] < days.history:
        ends.append(ends[-1] + max(days.length, 28))
    found: Weeks = []
    for first, past in pairwise(ends):
        found.append([])
        for start in range(first, past, size):
            within = [(hits, tries) for back, hits, tries in days.rows if start <= back < min(start + size, past)]
            found[-1].append((sum(hits for hits, _ in within), sum(tries for _, tries in within)))
    return found

"""Computes p-values for changes between two periods, and which of several are significant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Share = tuple[int, int]
"""Part and whole."""
RARE = 0.05
ROUNDING = 1e-9
"""Relative tolerance within which chances are equal."""
MANY = 1000
"""Degrees of freedom from which the normal distribution replaces Student's."""
COUNTABLE = 100_000
"""Largest number of hits for the exact test, which sums that many chances."""


@dataclass(frozen=True)
class Spread:
    """Variation of weekly shares, relative to that of independent events."""

    squares: float = 0.0  # sum of the squared differences from the share of their period
    freedom: int = 0  # degrees of freedom of the weeks

    @property
    def dispersion(self) -> float:
        """Variance relative to that of independent events: 1 if they are independent, 0 if it is unknown."""
        return self.squares / self.freedom if self.freedom else 0.0

    def widened(self, *others: Spread) -> Spread:
        """Return the largest dispersion of several, with the degrees of freedom of this one."""
        return Spread(max(one.dispersion for one in (self, *others)) * self.freedom, self.freedom)

    def __add__(self, other: Spread) -> Spread:
        """Combine two, such as those of two campaigns."""
        return Spread(self.squares + other.squares, self.freedom + other.freedom)


def summed(weeks: Iterable[Share]) -> Share:
    """Sum parts and wholes."""
    every = list(weeks)
    return sum(part for part, _ in every), sum(whole for _, whole in every)


def spread(periods: Iterable[Sequence[Share]]) -> Spread:
    """Measure how much weeks vary within their periods; each period has its own share."""
    kept = [[week for week in weeks if week[1] > 0] for weeks in periods]
    kept = [weeks for weeks in kept if weeks]
    part, whole = summed(week for weeks in kept for week in weeks)
    if not 0 < part < whole:
        return Spread()
    variance = part / whole * (1 - part / whole)
    squares = 0.0
    for weeks in kept:
        mean = math.fsum(hits for hits, _ in weeks) / math.fsum(tries for _, tries in weeks)
        squares += math.fsum((hits - mean * tries) ** 2 / tries for hits, tries in weeks)
    return Spread(squares / variance, sum(len(weeks) - 1 for weeks in kept))


def chance(now: Share, before: Share, weeks: Spread) -> float:
    """Return the chance that equal shares differ this much: the larger of two p-values.

    Fisher's exact test assumes that all events are independent; Student's distribution assumes it only of different
    weeks. The chance is 1 if the variation of weeks is unknown, or a part exceeds its whole.
    """
    (hits, tries), (hits_before, tries_before) = now, before
    if not (0 <= hits <= tries and 0 <= hits_before <= tries_before) or not tries or not tries_before:
        return 1.0
    share = (hits + hits_before) / (tries + tries_before)
    independent = share * (1 - share) * (1 / tries + 1 / tries_before)
    if not independent:
        return 1.0
    square = (hits / tries - hits_before / tries_before) ** 2 / independent
    alone = _exact(now, before) if hits + hits_before <= COUNTABLE else math.erfc(math.sqrt(square / 2))
    return max(alone, _student(square, weeks))


def rare(chances: Sequence[float | None]) -> list[bool]:
    """Return which chances are significant by Holm's method.

    If nothing has changed, at most 1 of 20 reports marks any of them, however many there are. A chance of None means
    that the change cannot be compared.
    """
    order = sorted((one, number) for number, one in enumerate(chances) if one is not None)
    found = [False] * len(chances)
    for place, (one, number) in enumerate(order):
        if one * (len(order) - place) >= RARE:
            break
        found[number] = True
    return found


def _exact(now: Share, before: Share) -> float:
    (hits, tries), (hits_before, tries_before) = now, before
    both = hits + hits_before

    def logarithm(part: int) -> float:
        return _ways(tries, part) + _ways(tries_before, both - part) - _ways(tries + tries_before, both)

    observed = logarithm(hits) + ROUNDING
    possible = map(logarithm, range(max(0, both - tries_before), min(both, tries) + 1))
    return min(1.0, math.fsum(math.exp(one) for one in possible if one <= observed))


def _student(square: float, weeks: Spread) -> float:
    """Return the two-sided p-value, by the series for whole degrees of freedom."""
    if not weeks.freedom:
        return 1.0
    if not weeks.squares:
        return 0.0 if square else 1.0
    t, freedom = math.sqrt(square / weeks.dispersion), weeks.freedom
    if freedom > MANY:
        return math.erfc(t / math.sqrt(2))
    angle = math.atan(t / math.sqrt(freedom))
    term = total = math.cos(angle) if freedom % 2 else 1.0
    for order in range(2 + freedom % 2, freedom, 2):
        term *= math.cos(angle) ** 2 * (order - 1) / order
        total += term
    if freedom == 1:
        total = 0.0
    within = math.sin(angle) * total
    return max(0.0, 1 - (2 / math.pi * (angle + within) if freedom % 2 else within))


def _ways(all_: int, part: int) -> float:
    """Return the logarithm of the binomial coefficient."""
    return math.lgamma(all_ + 1) - math.lgamma(part + 1) - math.lgamma(all_ - part + 1)

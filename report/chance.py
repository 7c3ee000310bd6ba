"""Chances that what has not changed differs as much as two periods do, and which of many are too small for chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Share = tuple[int, int]
"""Part and whole."""
RARE = 0.05
ROUNDING = 1e-9
"""Relative; chances that are equal differ by so much at most."""
MANY = 1000
"""Degrees of freedom from which Student's distribution is taken for the normal one."""


@dataclass(frozen=True)
class Spread:
    """Measure of how shares of weeks differ, in units of what they would if each thing were independent of all others.

    Attributes:
        squares: Sum of the squared differences from the share of their period.
        freedom: In how many ways the weeks are free to differ.
    """

    squares: float = 0.0
    freedom: int = 0

    @property
    def dispersion(self) -> float:
        """By how much the variance exceeds that of independent things: 1 where they are; 0 where nothing is known."""
        return self.squares / self.freedom if self.freedom else 0.0

    def widened(self, *others: Spread) -> Spread:
        """Take the largest dispersion of several for as well known as this one."""
        return Spread(max(one.dispersion for one in (self, *others)) * self.freedom, self.freedom)

    def __add__(self, other: Spread) -> Spread:
        """Put two of them together, as of two campaigns."""
        return Spread(self.squares + other.squares, self.freedom + other.freedom)


def summed(weeks: Iterable[Share]) -> Share:
    """Add up parts and wholes."""
    parts, wholes = 0, 0
    for part, whole in weeks:
        parts, wholes = parts + part, wholes + whole
    return parts, wholes


def spread(periods: Iterable[Sequence[Share]]) -> Spread:
    """Measure how much weeks differ within their periods, each of which may have a share of its own."""
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
    """Give the chance that equal shares differ as much as these: the larger one of two.

    That of Fisher's exact test takes each thing for independent of all others, that of Student's distribution only what
    happens in different weeks. Where nobody knows how much those differ, or a part exceeds its whole, it is certain.
    """
    (hits, tries), (hits_before, tries_before) = now, before
    if not (0 <= hits <= tries and 0 <= hits_before <= tries_before) or not tries or not tries_before:
        return 1.0
    share = (hits + hits_before) / (tries + tries_before)
    independent = share * (1 - share) * (1 / tries + 1 / tries_before)
    if not independent:
        return 1.0
    square = (hits / tries - hits_before / tries_before) ** 2 / independent
    return max(_exact(now, before), _student(square, weeks))


def rare(chances: Sequence[float | None]) -> list[bool]:
    """Tell of chances which are too small to be chances, by Holm's method.

    Where nothing has changed, any of them is told so in 1 of 20 reports at most, however many there are. None is that
    of what cannot be compared.
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
    """Give the chance of a difference at least so large, either way, by the series for whole degrees of freedom."""
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
    """Give the logarithm of in how many ways a part can be chosen."""
    return math.lgamma(all_ + 1) - math.lgamma(part + 1) - math.lgamma(all_ - part + 1)

"""Figures: a value, its name on the page and its format; and changes since the period before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from statistics import NormalDist

NOT_KNOWN = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
Z95 = NormalDist().inv_cdf(0.975)
"""Standard deviations around the mean that contain 95 % of a normal distribution."""
TWO_DAYS = 48
"""Hours from which a time is written in days."""


class Kind(Enum):
    """Format of a value."""

    COUNT = "count"
    RATE = "rate"
    POINTS = "points"
    CHANGE = "change"
    SCORE = "score"
    MONEY = "money"
    HOURS = "hours"


@dataclass(frozen=True)
class Figure:
    """A figure of the page."""

    name: str  # identifies it for tests, such as `period.sent.now`
    value: float | None  # the value; None if unknown, which never means zero
    kind: Kind = Kind.COUNT
    missing: str = NOT_KNOWN  # text for an unknown value

    @property
    def text(self) -> str:
        """The formatted value."""
        return self.missing if self.value is None else written(self.value, self.kind)

    @property
    def data(self) -> str:
        """The value for programs; empty if unknown."""
        return "" if self.value is None else repr(self.value)


def figures(prefix: str, values: Mapping[str, float | None], kind: Kind = Kind.COUNT) -> dict[str, Figure]:
    """Return figures by column; the name of each is the prefix and its column."""
    return {column: Figure(f"{prefix}.{column}", value, kind) for column, value in values.items()}


def written(value: float, kind: Kind) -> str:
    """Format a value: counts with commas, rates in percent, changes with their sign."""
    if kind is Kind.HOURS:
        return f"{value:,.1f} h" if value < TWO_DAYS else f"{value / 24:,.1f} days"
    return FORMATS.get(kind, "{:,.0f}".format)(value)


def percent(share: float) -> str:
    """Format a share in percent; the smaller, the more decimals, up to two."""
    value = 100 * share
    if value in {0, 100}:
        return f"{abs(value):.0f}%"
    return f"{value:.{_decimals(value, 2 if value < 10 else 1)}f}%"  # noqa: PLR2004 - three digits of it


def _decimals(value: float, least: int) -> int:
    """Return the number of decimals, enough that a nonzero value is not written as zero."""
    return least if not value else max(least, -math.floor(math.log10(abs(value))))


def signed(value: float, decimals: int) -> str:
    """Format a value with its sign; a nonzero value gets enough decimals, and zero has no sign."""
    text = f"{abs(value):,.{_decimals(value, decimals)}f}"
    if not float(text.replace(",", "")):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


FORMATS: dict[Kind, Callable[[float], str]] = {
    Kind.RATE: percent,
    Kind.POINTS: lambda value: signed(100 * value, 2) + " pts",
    Kind.CHANGE: lambda value: signed(100 * value, 0) + "%",
    Kind.SCORE: lambda value: f"{math.floor(value):,}",  # a value below a threshold must not round up to it
}


def day(value: date) -> str:
    """Format a day with the name of its month, so that day and month cannot be confused."""
    return f"{value.day} {value:%b %Y}"


def share(part: float | None, whole: float | None) -> float | None:
    """Divide; None if a side is unknown, or the divisor is zero."""
    return None if part is None or not whole else part / whole


def wilson(hits: float | None, tries: float | None) -> tuple[float | None, float | None]:
    """Return the 95 % Wilson interval of a share; no bounds without tries, or with more hits than tries."""
    if hits is None or not tries or hits > tries:
        return None, None
    rate = hits / tries
    middle = rate + Z95 * Z95 / (2 * tries)
    spread = Z95 * math.sqrt(rate * (1 - rate) / tries + Z95 * Z95 / (4 * tries * tries))
    scale = 1 + Z95 * Z95 / tries
    # For shares of 0 and 1 the bound is exact, but the formula leaves rounding errors.
    return (middle - spread) / scale if hits else 0.0, (middle + spread) / scale if hits < tries else 1.0


class Verdict(Enum):
    """Meaning of a change for the reader."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "within chance"
    PLAIN = ""


@dataclass(frozen=True)
class Change:
    """Change of a figure since the period before."""

    figure: Figure  # the change: relative for a count, in percentage points for a rate; unknown if either value is
    verdict: Verdict

    @property
    def arrow(self) -> str:
        """Direction of the change, for readers who cannot see colours."""
        if not self.figure.value:
            return ""
        return "\N{BLACK UP-POINTING TRIANGLE}" if self.figure.value > 0 else "\N{BLACK DOWN-POINTING TRIANGLE}"


def as_far_as_loaded(change: Change, loaded: bool, whole: bool) -> Change:  # noqa: FBT001 - as `Marts.compares` gives them
    """Return a change if the period was loaded, with its verdict only if the one before was loaded too."""
    if not loaded:
        change = replace(change, figure=replace(change.figure, value=None))
    return change if whole else replace(change, verdict=Verdict.PLAIN)


def change_of_count(name: str, now: int | None, before: int | None) -> Change:
    """Return the relative change of a count. Volume is a decision and not chance, so it has no verdict."""
    value = None if now is None or before is None else share(now - before, before)
    return Change(Figure(name, value, Kind.CHANGE), Verdict.PLAIN)


def change_of_rate(
    name: str,
    now: tuple[int | None, int | None],
    before: tuple[int | None, int | None],
    *,
    more_is_better: bool,
    is_clear: bool | None,
) -> Change:
    """Return the change of a rate, given as part and whole, in percentage points.

    Args:
        name: Name of the change.
        now: Part and whole in the period.
        before: Part and whole in the period before.
        more_is_better: True if an increase is good.
        is_clear: True if the change is more than chance explains; None if that is not judged.
    """
    rate, rate_before = share(*now), share(*before)
    if rate is None or rate_before is None:
        return Change(Figure(name, None, Kind.POINTS), Verdict.PLAIN)
    value = rate - rate_before
    if is_clear:
        verdict = Verdict.BETTER if (value > 0) == more_is_better else Verdict.WORSE
    else:
        verdict = Verdict.PLAIN if is_clear is None else Verdict.UNCLEAR
    return Change(Figure(name, value, Kind.POINTS), verdict)

"""Figures: a value, its name on the page and how it is written; and what has become of one since the period before."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

NOT_KNOWN = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
Z95 = 1.959963984540054
"""Of the normal distribution: 95 % lie within so many standard deviations."""


class Kind(Enum):
    """How a value is written."""

    COUNT = "count"
    RATE = "rate"
    POINTS = "points"
    CHANGE = "change"
    SCORE = "score"
    MONEY = "money"


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    Attributes:
        name: By which tests find it, such as `period.sent.now`.
        value: What it is; None if it is not known, which is never the same as zero.
        kind: How it is written.
        missing: What is written where it is not known.
    """

    name: str
    value: float | None
    kind: Kind = Kind.COUNT
    missing: str = NOT_KNOWN

    @property
    def text(self) -> str:
        """The value as it is written."""
        return self.missing if self.value is None else written(self.value, self.kind)

    @property
    def data(self) -> str:
        """The value as programs read it; empty if it is not known."""
        return "" if self.value is None else repr(self.value)


def written(value: float, kind: Kind) -> str:
    """Write a value: counts with commas, rates in percent, changes with their sign."""
    if kind is Kind.RATE:
        return percent(value)
    if kind is Kind.POINTS:
        return signed(100 * value, 2) + " pts"
    if kind is Kind.CHANGE:
        return signed(100 * value, 0) + "%"
    if kind is Kind.SCORE:
        return f"{math.floor(value):,}"  # what is below a threshold is not written as the threshold
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """Write a share in percent: with two decimals where it is small, and with fewer the larger it is."""
    value = 100 * share
    if value in {0, 100}:
        return f"{abs(value):.0f}%"
    return f"{value:.{_decimals(value, 2 if value < 10 else 1)}f}%"  # noqa: PLR2004 - three digits of it


def _decimals(value: float, least: int) -> int:
    """Give with how many decimals a value is written: so many that what is there is not written as nothing."""
    return least if not value else max(least, -math.floor(math.log10(abs(value))))


def signed(value: float, decimals: int) -> str:
    """Write a value with its sign, and with more decimals where it would be written as zero, which has none."""
    text = f"{abs(value):,.{_decimals(value, decimals)}f}"
    if not float(text.replace(",", "")):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


def day(value: date) -> str:
    """Write a day so that nobody takes its month for its day."""
    return f"{value.day} {value:%b %Y}"


def share(part: float | None, whole: float | None) -> float | None:
    """Divide; None if a side is not known, or there is nothing to divide by."""
    return None if part is None or not whole else part / whole


def wilson(hits: float | None, tries: float | None) -> tuple[float | None, float | None]:
    """Give the 95 % Wilson interval of a share; no ends where there are no tries, or more hits than tries."""
    if hits is None or not tries or hits > tries:
        return None, None
    rate = hits / tries
    middle = rate + Z95 * Z95 / (2 * tries)
    spread = Z95 * math.sqrt(rate * (1 - rate) / tries + Z95 * Z95 / (4 * tries * tries))
    scale = 1 + Z95 * Z95 / tries
    # What never or always happened ends there exactly, where the formula leaves traces.
    return (middle - spread) / scale if hits else 0.0, (middle + spread) / scale if hits < tries else 1.0


class Verdict(Enum):
    """What a change means to the reader."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "within chance"
    PLAIN = ""


@dataclass(frozen=True)
class Change:
    """What has become of a figure since the period before.

    Attributes:
        figure: The change: relative of a count, in percentage points of a rate. Not known where either is not.
        verdict: Whether that is good.
    """

    figure: Figure
    verdict: Verdict

    @property
    def arrow(self) -> str:
        """Which way it went, for those who do not see colours."""
        if not self.figure.value:
            return ""
        return "\N{BLACK UP-POINTING TRIANGLE}" if self.figure.value > 0 else "\N{BLACK DOWN-POINTING TRIANGLE}"


def as_far_as_loaded(change: Change, loaded: bool, whole: bool) -> Change:  # noqa: FBT001 - as `Marts.compares` gives them
    """Give a change where the period was loaded, and what it means where the one before was too."""
    if not loaded:
        change = replace(change, figure=replace(change.figure, value=None))
    return change if whole else replace(change, verdict=Verdict.PLAIN)


def change_of_count(name: str, now: int | None, before: int | None) -> Change:
    """Compare a count with the one before: by how much of that it grew; how much is done is decided, and no luck."""
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
    """Compare a rate, as part and whole, with the one before: in percentage points.

    Args:
        name: Of the change.
        now: In the period.
        before: In the one before.
        more_is_better: Whether more of it is.
        is_clear: Whether it is more than chance explains; None where that is not judged.
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

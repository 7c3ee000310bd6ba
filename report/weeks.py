"""Counts by week, which is what verdicts rest on: what happens in one week may hang together, several weeks less so."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.chance import Share, Spread, chance, rare, spread, summed
from report.marts import WEEK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from report.database import Row
    from report.marts import Marts, Period

NOW, BEFORE, EARLIER = range(3)
FOUR_WEEKS = 4 * WEEK


@dataclass(frozen=True)
class Course:
    """A rate week by week, or by several in periods of months: in the period, in the one before, and earlier.

    Attributes:
        now: Part and whole in the period.
        before: In the one before.
        by_week: How much the weeks of a period differ.
        by_fortnight: How much two weeks together do: more where things hang together for longer, as those of a list.
    """

    now: Share
    before: Share
    by_week: Spread
    by_fortnight: Spread

    @property
    def chance(self) -> float:
        """The chance of such a change, by these weeks alone."""
        return chance(self.now, self.before, self.by_week.widened(self.by_fortnight))


def course(days: Iterable[Row], part: str, whole: str, period: Period) -> Course:
    """Add days up to weeks, each period's from its end; days of which either count is not known are left out."""
    periods: dict[int, dict[int, Share]] = defaultdict(dict)
    for row in days:
        back = (period.end - row["date"]).days
        if back >= 0 and row[part] is not None and row[whole] is not None:
            which, day = _place(back, period.days)
            periods[which][day] = row[part], row[whole]
    now, before = (summed(periods[which].values()) for which in (NOW, BEFORE))
    # Of a longer period there would be more weeks, which hang together at their ends, and all the more to be found odd.
    week = WEEK * max(1, period.days // FOUR_WEEKS)
    spreads = (spread(_blocks(found, length) for found in periods.values()) for length in (week, 2 * week))
    return Course(now, before, *spreads)


def _place(back: int, days: int) -> tuple[int, int]:
    """Give the period of a day that is so long ago, and how many days before its end; earlier ones have four weeks."""
    if back < EARLIER * days:
        return divmod(back, days)
    which, day = divmod(back - EARLIER * days, max(days, FOUR_WEEKS))
    return EARLIER + which, day


def _blocks(days: Mapping[int, Share], length: int) -> list[Share]:
    blocks: dict[int, list[Share]] = defaultdict(list)
    for day, share in days.items():
        blocks[day // length].append(share)
    return [summed(shares) for shares in blocks.values()]


def clear_changes(marts: Marts) -> list[bool]:
    """Tell of each campaign whether its change is more than chance explains, where all of them are looked at at once.

    How much weeks differ is taken from all campaigns, or from the one where it is more: one has few weeks to tell by.
    """
    days = defaultdict(list)
    for row in marts.rows["campaign_days"]:
        days[row["workspace_id"], row["campaign_id"]].append(row)
    courses = [
        course(days[row["workspace_id"], row["campaign_id"]], "positive", "sent", marts.period)
        for row in marts.rows["campaigns"]
    ]
    together = sum((one.by_week for one in courses), Spread())
    by_fortnight = sum((one.by_fortnight for one in courses), Spread())

    def chance_of(row: Row, one: Course) -> float | None:
        _, whole = marts.compares(row["workspace_id"])
        if not whole or not one.now[1] or not one.before[1]:
            return None
        return chance(one.now, one.before, together.widened(by_fortnight, one.by_week))

    return rare([chance_of(row, one) for row, one in zip(marts.rows["campaigns"], courses, strict=True)])

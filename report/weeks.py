"""Weekly counts for verdicts. Events within a week may depend on each other; different weeks depend less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from report.chance import Share, Spread, chance, rare, spread, summed
from report.database import Row
from report.marts import WEEK, Marts, Period

NOW, BEFORE, EARLIER = range(3)
FOUR_WEEKS = 4 * WEEK


@dataclass(frozen=True)
class Course:
    """A rate by week, or by several weeks for long periods: in the period, in the one before, and earlier."""

    now: Share  # part and whole in the period
    before: Share  # part and whole in the period before
    by_week: Spread  # variation between the weeks of a period
    # variation between pairs of weeks: larger if events depend on each other for longer, as in one list
    by_fortnight: Spread

    @property
    def chance(self) -> float:
        """Chance of such a change, by these weeks alone."""
        return chance(self.now, self.before, self.by_week.widened(self.by_fortnight))


def course(days: Iterable[Row], part: str, whole: str, period: Period) -> Course:
    """Sum days to weeks, counted back from each period's end; days with an unknown count are left out."""
    periods: dict[int, dict[int, Share]] = defaultdict(dict)
    for row in days:
        back = (period.end - row["date"]).days
        if back >= 0 and row[part] is not None and row[whole] is not None:
            which, day = _place(back, period.days)
            periods[which][day] = row[part], row[whole]
    now, before = (summed(periods[which].values()) for which in (NOW, BEFORE))
    # Longer periods would have more weeks, which depend on each other at their ends, so more changes would seem odd.
    week = WEEK * max(1, period.days // FOUR_WEEKS)
    spreads = (spread(_blocks(found, length) for found in periods.values()) for length in (week, 2 * week))
    return Course(now, before, *spreads)


def _place(back: int, days: int) -> tuple[int, int]:
    """Return the period of a day of this age, and its distance from the period's end.

    Earlier periods have four weeks.
    """
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
    """Return for each campaign whether its change is more than chance explains, judging all campaigns at once.

    The variation is that of all campaigns, or the campaign's own if it is larger, because one campaign has few weeks.
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

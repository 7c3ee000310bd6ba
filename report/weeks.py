"""Counts by week, which is what verdicts rest on: what happens in one week may hang together, several weeks less so."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.chance import Share, Spread, chance, rare, spread, summed
from report.marts import WEEK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from report.database import Row
    from report.marts import Marts, Period

NOW, BEFORE, EARLIER = range(3)


@dataclass(frozen=True)
class Course:
    """A rate week by week: in the period, in the one before, and earlier, as far back as the trend goes.

    Attributes:
        now: Part and whole in the period.
        before: In the one before.
        spread: How much the weeks of each of the three differ.
    """

    now: Share
    before: Share
    spread: Spread


def course(days: Iterable[Row], part: str, whole: str, period: Period) -> Course:
    """Add days up to weeks, each period's from its end; days of which either count is not known are left out."""
    sums: dict[int, dict[int, list[Share]]] = {which: defaultdict(list) for which in (NOW, BEFORE, EARLIER)}
    for row in days:
        back = (period.end - row["date"]).days
        if back >= 0 and row[part] is not None and row[whole] is not None:
            which = min(back // period.days, EARLIER)
            sums[which][(back - which * period.days) // WEEK].append((row[part], row[whole]))
    weeks = {which: [summed(shares) for shares in found.values()] for which, found in sums.items()}
    return Course(summed(weeks[NOW]), summed(weeks[BEFORE]), spread(weeks.values()))


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
    together = sum((one.spread for one in courses), Spread())

    def chance_of(one: Course) -> float | None:
        if not one.now[1] or not one.before[1]:
            return None
        dispersion = max(one.spread.dispersion, together.dispersion)
        return chance(one.now, one.before, Spread(dispersion * together.freedom, together.freedom))

    return rare([chance_of(one) for one in courses])

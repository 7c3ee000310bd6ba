"""Verdicts of the report on workspaces in which nothing has changed, and on some in which something has."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from report.figures import Verdict
from report.sections import tiles
from report.tables import all_campaigns, campaigns
from tests.report.chance import dealt
from tests.report.simulated import bounces, course, replies, report, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.marts import Marts
    from tests.report.simulated import Row

SENT = 150
REPORTS, TABLES = 500, 100
COLOURED = {Verdict.BETTER, Verdict.WORSE}


def a_twentieth(of: int) -> float:
    """As many of so many as are seen, in 19 simulations of 20, where it is a twentieth."""
    return of / 20 + 1.645 * (of * 0.05 * 0.95) ** 0.5


def of_tile(marts: Marts, name: str) -> bool:
    """Tell whether a tile of the page is coloured."""
    (found,) = (tile for tile in tiles(marts) if tile.now.name == f"period.{name}.now")
    return found.change.verdict in COLOURED


def coloured(name: str, make: Callable[[random.Random], list[Row]]) -> int:
    """Count the reports in which the tile is."""
    chance = random.Random(1)
    return sum(of_tile(report(make(chance)), name) for _ in range(REPORTS))


@pytest.mark.parametrize(
    ("mean", "lag"),
    [(1, 0), (1.5, 0), (2, 0), (3, 0), (1.5, 2), (2, 2), (3, 2)],
    ids=lambda value: f"{value:g}",
)
def test_replies_to_an_unchanged_campaign_are_called_better_or_worse_in_a_twentieth_at_most(
    mean: float, lag: float
) -> None:
    """Several replies of a lead are no several leads, be they of one day or some days apart."""

    def make(chance: random.Random) -> list[Row]:
        return rows(SENT, replies=replies(chance, course(chance, SENT, 0.03), mean, lag))

    assert coloured("reply_rate", make) <= a_twentieth(REPORTS)


@pytest.mark.parametrize("days", [1, 3, 5])
def test_bounces_that_come_list_by_list_are_called_better_or_worse_in_a_twentieth_at_most(days: int) -> None:
    def make(chance: random.Random) -> list[Row]:
        return rows(SENT, bounced=bounces(chance, SENT, 0.02, days))

    assert coloured("bounce_rate", make) <= a_twentieth(REPORTS)


@pytest.mark.parametrize("twice", [False, True], ids=["each lead once", "each lead twice"])
def test_of_forty_unchanged_campaigns_none_is_coloured_in_all_but_a_twentieth_of_reports(
    twice: bool,  # noqa: FBT001 - a parameter
) -> None:
    chance = random.Random(2)
    found = [_table(chance, factor=1, twice=twice) for _ in range(TABLES)]
    assert sum(map(any, found)) <= a_twentieth(TABLES)


def test_of_forty_campaigns_the_one_that_has_changed_is_found() -> None:
    """Three times as many positive replies are told in three reports of four, and hardly another campaign."""
    chance = random.Random(3)
    found = [_table(chance, factor=3, twice=False) for _ in range(TABLES // 2)]
    assert sum(table[0] for table in found) > len(found) * 3 / 4
    assert sum(any(table[1:]) for table in found) <= a_twentieth(len(found))


def _table(chance: random.Random, factor: float, *, twice: bool) -> list[bool]:
    """Tell of each row of the table whether it is coloured; the first campaign may have changed."""
    found = []
    for number in range(40):
        leads = course(chance, SENT, 0.01, factor if number == 0 else 1)
        found.append(rows(SENT, positive=replies(chance, leads, 2, 2) if twice else leads))
    marts = report([], found)
    return [one.change.verdict in COLOURED for one in (*campaigns(marts), all_campaigns(marts))]


@pytest.mark.parametrize(("factor", "left"), [(1.5, 0.6), (2, 0.75)])
def test_a_rate_that_has_changed_is_mostly_told_where_the_exact_test_alone_would_tell(
    factor: float, left: float
) -> None:
    """What is left of its power where each reply is of a lead of its own, so that it would be right too."""
    chance = random.Random(4)
    exact, told = 0, 0
    for _ in range(REPORTS):
        marts = report(days := rows(SENT, positive=course(chance, SENT, 0.01, factor)))
        now, before = (
            (sum(day["positive"] for day in part), sum(day["sent"] for day in part))
            for part in (days[-20:], days[-40:-20])
        )
        exact += dealt(now, before) < 0.05
        told += of_tile(marts, "positive_rate")
    assert exact > told > left * exact

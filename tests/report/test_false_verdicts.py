"""Verdicts of the report on workspaces without a change, and with a known one."""

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

    from _pytest.mark import ParameterSet

    from report.marts import Marts
    from tests.report.simulated import Row

SENT = 150
REPORTS, TABLES = 500, 40
COLOURED = {Verdict.BETTER, Verdict.WORSE}


def long(*cases: tuple[float, ...]) -> list[ParameterSet]:
    """Mark cases between the others."""
    return [pytest.param(*case, marks=pytest.mark.long) for case in cases]


def of_tile(marts: Marts, name: str) -> bool:
    """Return true if a tile of the page is coloured."""
    (found,) = (tile for tile in tiles(marts) if tile.now.name == f"period.{name}.now")
    return found.change.verdict in COLOURED


def coloured(name: str, make: Callable[[random.Random], list[Row]]) -> int:
    """Count the reports with a coloured tile."""
    chance = random.Random(1)
    return sum(of_tile(report(make(chance)), name) for _ in range(REPORTS))


@pytest.mark.parametrize(
    ("mean", "lag"),
    [(1, 0), (2, 2), *long((1.5, 0), (2, 0), (3, 0), (1.5, 2), (3, 2))],
    ids=lambda value: f"{value:g}",
)
def test_unchanged_reply_rate_gets_a_verdict_in_at_most_five_percent(mean: float, lag: float) -> None:
    """Several replies of one lead are not several leads, on one day or some days apart."""

    def make(chance: random.Random) -> list[Row]:
        return rows(SENT, replies=replies(chance, course(chance, SENT, 0.03), mean, lag))

    assert coloured("reply_rate", make) <= REPORTS / 20


@pytest.mark.parametrize(("days", "limit"), [(1, 0.05), (10, 0.06), *long((3, 0.05), (5, 0.05))])
def test_clustered_bounces_rarely_get_a_false_verdict(days: int, limit: float) -> None:
    """Lists of two weeks are as long as the blocks: 5.2 % of 10,000 reports have a false verdict there."""

    def make(chance: random.Random) -> list[Row]:
        return rows(SENT, bounced=bounces(chance, SENT, 0.02, days))

    assert coloured("bounce_rate", make) <= REPORTS * limit


def test_any_of_three_unchanged_rates_is_coloured_in_at_most_ten_percent() -> None:
    """Each tile has its own 5 %, as the page says."""
    chance, found = random.Random(6), 0
    for _ in range(REPORTS):
        leads, bounced = course(chance, SENT, 0.03), bounces(chance, SENT, 0.02, 3)
        days = rows(SENT, positive=course(chance, SENT, 0.01), replies=replies(chance, leads, 2, 2), bounced=bounced)
        found += any(tile.change.verdict in COLOURED for tile in tiles(report(days)))
    assert found <= REPORTS / 10


def test_any_of_forty_unchanged_campaigns_is_coloured_in_at_most_five_percent() -> None:
    """Each lead replies twice; the next test has campaigns without a change, and each lead once."""
    chance = random.Random(2)
    found = [_table(chance, factor=1, twice=True) for _ in range(TABLES)]
    assert sum(map(any, found)) <= TABLES / 20


def test_changed_campaign_among_forty_is_found() -> None:
    """2.5 times as many positive replies are found in three reports of four, and hardly any other campaign."""
    chance = random.Random(3)
    found = [_table(chance, factor=2.5, twice=False) for _ in range(TABLES)]
    assert sum(table[0] for table in found) > len(found) * 3 / 4
    assert sum(any(table[1:]) for table in found) <= len(found) / 20


def _table(chance: random.Random, factor: float, *, twice: bool) -> list[bool]:
    """Return for each row of the table if it is coloured; only the first campaign may have changed."""
    found = []
    for number in range(40):
        leads = course(chance, SENT, 0.01, factor if number == 0 else 1)
        found.append(rows(SENT, positive=replies(chance, leads, 2, 2) if twice else leads))
    marts = report([], found)
    return [one.change.verdict in COLOURED for one in (*campaigns(marts), all_campaigns(marts))]


@pytest.mark.parametrize(
    ("share", "factor", "left"),
    [
        *((0.01, 0.5, 0.6), (0.03, 1.5, 0.75)),
        *long((0.01, 1.5, 0.6), (0.01, 2, 0.75), (0.03, 1.35, 0.65), (0.03, 2, 0.95)),
    ],
)
def test_changed_rate_is_detected_nearly_as_often_as_by_exact_test(share: float, factor: float, left: float) -> None:
    """Measure the remaining power if each reply is of a separate lead, the case that needs no correction."""
    chance = random.Random(4)
    exact, told = 0, 0
    for _ in range(REPORTS):
        marts = report(days := rows(SENT, positive=course(chance, SENT, share, factor)))
        now, before = (
            (sum(day["positive"] for day in part), sum(day["sent"] for day in part))
            for part in (days[-20:], days[-40:-20])
        )
        exact += dealt(now, before) < 0.05
        told += of_tile(marts, "positive_rate")
    assert exact >= told > left * exact

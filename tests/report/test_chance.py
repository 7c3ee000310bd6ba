"""Few events prove little, and neither do many that depend on each other."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.chance import Spread, chance, rare, spread
from report.marts import Period
from report.weeks import course
from tests.report.chance import Days, beyond, by_chance, dealt, told

RATES = st.integers(1, 400).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries)))
EVEN = Spread(1000.0, 1000)
"""Weeks that vary as independent events do."""


@pytest.mark.parametrize(
    ("now", "before", "differ"),
    [
        ((4, 70), (0, 70), False),
        ((6, 70), (0, 70), True),
        ((1, 1), (0, 10), False),
        ((0, 0), (5, 10), False),
        ((300, 10_000), (200, 10_000), True),
        ((30_300, 1_000_000), (30_000, 1_000_000), False),
        ((12, 10), (1, 10), False),  # replies of two periods to e-mails of one
        ((-1, 10), (9, 10), False),
        ((10, 10), (10, 10), False),
    ],
)
def test_rates_differ_when_few_outcomes_are_as_extreme(
    now: tuple[int, int],
    before: tuple[int, int],
    differ: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert (chance(now, before, EVEN) < 0.05) == (chance(before, now, EVEN) < 0.05) == differ


@pytest.mark.parametrize("more", [0, 500, 900, 1200])
def test_approximate_chance_continues_the_exact_one(more: int) -> None:
    counted, beyond_it = (chance((part + more, 10**7), (part, 10**7), EVEN) for part in (49_000, 50_001))
    assert beyond_it == pytest.approx(counted, abs=0.005)


def test_huge_counts_have_a_chance() -> None:
    assert chance((10**14, 10**15), (10**13, 10**15), EVEN) == 0


def test_rates_do_not_differ_with_large_or_unknown_weekly_spread() -> None:
    now, before = (300, 10_000), (200, 10_000)
    assert chance(now, before, EVEN) < 0.0001
    assert chance(now, before, Spread(5.0, 5)) < 0.05  # few weeks prove less
    assert chance(now, before, Spread(50.0, 5)) > 0.05
    assert chance(now, before, Spread()) == 1


def test_correlated_events_increase_the_spread_between_weeks() -> None:
    even = [[(10, 1000), (10, 1000)], [(20, 1000), (20, 1000)], []]
    assert spread(even).dispersion == 0  # each period has its own rate
    lumpy = [[(0, 1000), (20, 1000)], [(40, 1000), (0, 1000)], [(7, 0)]]
    assert spread(lumpy) == Spread(pytest.approx((200 + 800) / 1000 / (0.015 * 0.985)), 2)
    assert spread([[(0, 10)], [(0, 10), (0, 10)]]) == Spread()


@given(RATES, RATES)
def test_chance_equals_exact_enumeration(now: tuple[int, int], before: tuple[int, int]) -> None:
    same = now[0] + before[0] in {0, now[1] + before[1]}
    weeks = Spread(1e-6, 1000)  # identical weeks explain nothing
    assert chance(now, before, weeks) == pytest.approx(1 if same else dealt(now, before), rel=1e-6)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 10, 65, 360])
@pytest.mark.parametrize("t", [0.1, 1, 2, 3, 4.5])
def test_few_weeks_follow_students_t_distribution(t: float, freedom: int) -> None:
    now, before = (300, 10_000), (150, 10_000)  # far beyond the exact test
    square = 0.015**2 / (0.0225 * 0.9775 * 2 / 10_000)
    weeks = Spread(square / t**2 * freedom, freedom)
    assert chance(now, before, weeks) == pytest.approx(beyond(t, freedom), abs=1e-9)


@given(st.dictionaries(st.integers(0, 83), RATES, max_size=30), st.sampled_from([7, 28, 30, 90]))
def test_daily_chances_match_the_reference_calculation(days: dict[int, tuple[int, int]], length: int) -> None:
    period = Period(date(2026, 6, 28), length)
    within = [(back, hits, tries) for back, (hits, tries) in days.items()]
    rows = [{"date": period.end - timedelta(days=back), "part": hits, "whole": tries} for back, hits, tries in within]
    found = course(rows, "part", "whole", period)
    if found.now[1] and found.before[1]:
        assert found.chance == pytest.approx(by_chance(Days(within, length)), abs=1e-6)


@given(st.lists(st.floats(0, 1) | st.floats(0, 0.01), max_size=12, unique=True))
def test_multiple_comparisons_tighten_the_threshold(chances: list[float]) -> None:
    names = told({str(number): one for number, one in enumerate(chances)})
    assert {str(number) for number, one in enumerate(rare(chances)) if one} == names
    assert rare([None, *chances, None]) == [False, *rare(chances), False]


def test_one_small_chance_among_forty_is_not_significant() -> None:
    assert rare([0.04]) == [True]
    assert not any(rare([0.04] + [0.5] * 39))
    assert rare([0.001] + [0.5] * 39)[0]

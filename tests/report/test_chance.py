"""What is told from chance: that few things tell little, and neither do many that hang together."""

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
"""Weeks that differ as independent things do."""


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
def test_rates_differ_where_few_other_outcomes_are_as_odd(
    now: tuple[int, int],
    before: tuple[int, int],
    differ: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert (chance(now, before, EVEN) < 0.05) == (chance(before, now, EVEN) < 0.05) == differ


def test_rates_do_not_differ_where_weeks_differ_as_much_or_nobody_knows() -> None:
    now, before = (300, 10_000), (200, 10_000)
    assert chance(now, before, EVEN) < 0.0001
    assert chance(now, before, Spread(5.0, 5)) < 0.05  # few weeks tell less
    assert chance(now, before, Spread(50.0, 5)) > 0.05
    assert chance(now, before, Spread()) == 1


def test_weeks_differ_by_more_where_what_happens_hangs_together() -> None:
    even = [[(10, 1000), (10, 1000)], [(20, 1000), (20, 1000)], []]
    assert spread(even).dispersion == 0  # each period has a rate of its own
    lumpy = [[(0, 1000), (20, 1000)], [(40, 1000), (0, 1000)], [(7, 0)]]
    assert spread(lumpy) == Spread(pytest.approx((200 + 800) / 1000 / (0.015 * 0.985)), 2)
    assert spread([[(0, 10)], [(0, 10), (0, 10)]]) == Spread()


@given(RATES, RATES)
def test_rates_differ_as_counted_out(now: tuple[int, int], before: tuple[int, int]) -> None:
    same = now[0] + before[0] in {0, now[1] + before[1]}
    weeks = Spread(1e-6, 1000)  # all weeks alike explain nothing
    assert chance(now, before, weeks) == pytest.approx(1 if same else dealt(now, before), rel=1e-6)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 10, 65, 360])
@pytest.mark.parametrize("t", [0.1, 1, 2, 3, 4.5])
def test_few_weeks_explain_as_much_as_student_says(t: float, freedom: int) -> None:
    now, before = (300, 10_000), (150, 10_000)  # far more than what the exact test explains
    square = 0.015**2 / (0.0225 * 0.9775 * 2 / 10_000)
    weeks = Spread(square / t**2 * freedom, freedom)
    assert chance(now, before, weeks) == pytest.approx(beyond(t, freedom), abs=1e-9)


@given(st.dictionaries(st.integers(0, 83), RATES, max_size=30), st.sampled_from([7, 28, 30, 90]))
def test_verdicts_on_days_are_those_measured_out(days: dict[int, tuple[int, int]], length: int) -> None:
    period = Period(date(2026, 6, 28), length)
    within = [(back, hits, tries) for back, (hits, tries) in days.items()]
    rows = [{"date": period.end - timedelta(days=back), "part": hits, "whole": tries} for back, hits, tries in within]
    found = course(rows, "part", "whole", period)
    if found.now[1] and found.before[1]:
        assert found.chance == pytest.approx(by_chance(Days(within, length)), abs=1e-6)


@given(st.lists(st.floats(0, 1) | st.floats(0, 0.01), max_size=12, unique=True))
def test_of_many_chances_each_has_to_be_the_smaller_the_more_there_are(chances: list[float]) -> None:
    names = told({str(number): one for number, one in enumerate(chances)})
    assert {str(number) for number, one in enumerate(rare(chances)) if one} == names
    assert rare([None, *chances, None]) == [False, *rare(chances), False]


def test_one_small_chance_among_forty_is_no_news() -> None:
    assert rare([0.04]) == [True]
    assert not any(rare([0.04] + [0.5] * 39))
    assert rare([0.001] + [0.5] * 39)[0]

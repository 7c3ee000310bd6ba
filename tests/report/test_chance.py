"""What is told from chance, and that few things tell little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.chance import counts_differ, rates_differ
from tests.report import chance

RATES = st.integers(0, 400).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries)))


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
    ],
)
def test_rates_differ_where_few_other_outcomes_are_as_odd(
    now: tuple[int, int],
    before: tuple[int, int],
    differ: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert rates_differ(now, before) == rates_differ(before, now) == differ


@pytest.mark.parametrize(
    ("now", "before", "differ"), [(0, 0, False), (7, 1, False), (8, 1, True), (5, 0, False), (6, 0, True)]
)
def test_counts_differ_where_few_other_outcomes_are_as_odd(now: int, before: int, differ: bool) -> None:  # noqa: FBT001 - a parameter
    assert counts_differ(now, before) == counts_differ(before, now) == differ


@given(RATES, RATES)
def test_rates_differ_as_counted_out(now: tuple[int, int], before: tuple[int, int]) -> None:
    assert rates_differ(now, before) == chance.rates_differ(now, before)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_counts_differ_as_counted_out(now: int, before: int) -> None:
    assert counts_differ(now, before) == chance.counts_differ(now, before)

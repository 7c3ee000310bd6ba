"""Format of figures, and words for their changes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.figures import (
    Figure,
    Kind,
    Verdict,
    change_of_count,
    change_of_rate,
    day,
    share,
    wilson,
    written,
)
from tests.report.counting import ends

RATES = st.integers(0, 5000).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries)))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234567, Kind.COUNT, "1,234,567"),
        (0, Kind.COUNT, "0"),
        (0.0, Kind.RATE, "0%"),
        (-0.0, Kind.RATE, "0%"),
        (1.0, Kind.RATE, "100%"),
        (0.00844, Kind.RATE, "0.84%"),
        (0.0999, Kind.RATE, "9.99%"),
        (0.4131, Kind.RATE, "41.3%"),
        (1.044, Kind.RATE, "104.4%"),
        (0.0012, Kind.POINTS, "+0.12 pts"),
        (-0.0012, Kind.POINTS, "\N{MINUS SIGN}0.12 pts"),
        (-0.00001, Kind.POINTS, "\N{MINUS SIGN}0.001 pts"),
        (0.0, Kind.POINTS, "0.00 pts"),
        (0.000_034, Kind.RATE, "0.003%"),
        (0.0004, Kind.CHANGE, "+0.04%"),
        (-0.214, Kind.CHANGE, "\N{MINUS SIGN}21%"),
        (12.5, Kind.CHANGE, "+1,250%"),
        (2250.4, Kind.MONEY, "2,250"),
        (79.6, Kind.SCORE, "79"),  # below a threshold of 80
    ],
)
def test_values_are_formatted_for_readers(value: float, kind: Kind, text: str) -> None:
    assert written(value, kind) == text


def test_unknown_figure_is_not_shown_as_zero() -> None:
    assert (Figure("open_rate", None, Kind.RATE, "not tracked").text, Figure("open_rate", None).data) == (
        "not tracked",
        "",
    )
    assert Figure("open_rate", None).text != Figure("open_rate", 0).text


def test_dates_are_unambiguous() -> None:
    assert day(date(2026, 3, 4)) == "4 Mar 2026"


@pytest.mark.parametrize(("part", "whole"), [(None, 3), (3, None), (3, 0), (0, 0)])
def test_share_of_zero_is_undefined(part: float | None, whole: float | None) -> None:
    assert share(part, whole) is None


@given(RATES)
def test_interval_is_where_the_score_test_just_does_not_reject(pair: tuple[int, int]) -> None:
    assert wilson(*pair) == pytest.approx(ends(*pair), abs=1e-7) if pair[1] else wilson(*pair) == (None, None)


@given(st.integers(1, 5000))
def test_interval_of_zero_or_full_share_ends_exactly_there(tries: int) -> None:
    (never, _), (_, always) = wilson(0, tries), wilson(tries, tries)
    assert (repr(never), repr(always)) == ("0.0", "1.0")  # nor a signed zero


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (150, 100, "+50%"),
        (50, 100, "\N{MINUS SIGN}50%"),
        (100, 100, "0%"),
        (5, 0, "\N{EN DASH}"),
        (5, None, "\N{EN DASH}"),
        (None, 5, "\N{EN DASH}"),
    ],
)
def test_count_change_is_relative_and_has_no_verdict(now: int | None, before: int | None, text: str) -> None:
    change = change_of_count("change", now, before)
    assert (change.figure.text, change.verdict) == (text, Verdict.PLAIN)


UP, DOWN = "\N{BLACK UP-POINTING TRIANGLE}", "\N{BLACK DOWN-POINTING TRIANGLE}"


@pytest.mark.parametrize(
    ("now", "before", "better", "clear", "text", "verdict", "arrow"),
    [
        ((300, 10_000), (200, 10_000), True, True, "+1.00 pts", Verdict.BETTER, UP),
        ((300, 10_000), (200, 10_000), False, True, "+1.00 pts", Verdict.WORSE, UP),
        ((200, 10_000), (300, 10_000), False, True, "\N{MINUS SIGN}1.00 pts", Verdict.BETTER, DOWN),
        ((300, 10_000), (200, 10_000), True, False, "+1.00 pts", Verdict.UNCLEAR, UP),
        ((300, 10_000), (200, 10_000), True, None, "+1.00 pts", Verdict.PLAIN, UP),
        ((1, 100), (2, 100), True, False, "\N{MINUS SIGN}1.00 pts", Verdict.UNCLEAR, DOWN),
        ((0, 100), (0, 100), True, False, "0.00 pts", Verdict.UNCLEAR, ""),
        ((0, 0), (2, 100), True, False, "\N{EN DASH}", Verdict.PLAIN, ""),
        ((1, 100), (None, None), True, False, "\N{EN DASH}", Verdict.PLAIN, ""),
    ],
)
def test_clear_rate_changes_are_shown_in_points_with_a_verdict(
    now: tuple[int, int],
    before: tuple[int | None, int | None],
    better: bool,  # noqa: FBT001 - a parameter
    clear: bool | None,  # noqa: FBT001 - a parameter
    text: str,
    verdict: Verdict,
    arrow: str,
) -> None:
    change = change_of_rate("change", now, before, more_is_better=better, is_clear=clear)
    assert (change.figure.text, change.verdict, change.arrow) == (text, verdict, arrow)

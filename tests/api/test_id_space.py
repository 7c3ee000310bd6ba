from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tap_instantly.sync.id_ranges import FORM, SIZE, TIME_ORDERED_SINCE, Range, Ruler, number, text
from tests.support import examples

NUMBERS = st.integers(0, SIZE - 1)
CLOCKS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001

FORM_ROOM = 1 << 82
"""Ids that a range must span to have a UUID-shaped one in its middle, whatever the other bits."""


def time_ordered(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) << 80


NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
RULER = Ruler(NOW)
RULERS = st.builds(Ruler, CLOCKS)
# Ids from anywhere, and as many from near the bends of the ruler.
IDS = NUMBERS | st.builds(lambda moment, offset: time_ordered(moment) + offset, CLOCKS, st.integers(0, 1 << 80))


# Numbers


@given(NUMBERS)
def test_number_survives_conversion_to_text_and_back(value: int) -> None:
    assert number(text(value)) == value


@given(st.uuids())
def test_uuid_survives_conversion_to_number_and_back(some: uuid.UUID) -> None:
    assert number(str(some)) == some.int
    assert text(some.int) == str(some)


@given(NUMBERS, NUMBERS)
def test_texts_compare_as_their_numbers_do(one: int, other: int) -> None:
    assert (text(one) < text(other)) == (one < other)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "1",
        "lead@example.com",
        "0199e5b4000070008000000000000000",
        "{0199e5b4-0000-7000-8000-000000000000}",
        "0199E5B4-0000-7000-8000-000000000000",
        "0199e5b4-0000-7000-8000-00000000000g",
        "0199e5b4-0000-7000-8000-0000000000001",
        "0199e5b4-0000-7000-8000-000000000000\n",
        " 0199e5b4-0000-7000-8000-000000000000",
        "2026-01-01T00:00:00.000Z",
        "\u0660199e5b4-0000-7000-8000-000000000000",
    ],
)
def test_other_texts_are_refused(other: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        number(other)
    assert str(caught.value) == other


# The ruler


@examples(200)
@given(RULERS, IDS, IDS)
def test_positions_keep_the_order_of_ids(ruler: Ruler, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= ruler.position(low) <= ruler.position(high) < SIZE


@examples(200)
@given(RULERS, NUMBERS, NUMBERS)
def test_ids_keep_the_order_of_positions(ruler: Ruler, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= ruler.id_at(low) <= ruler.id_at(high) < SIZE


@examples(200)
@given(RULERS, IDS)
def test_the_id_at_the_position_of_an_id_is_next_to_it(ruler: Ruler, some: int) -> None:
    assert some - 3 <= ruler.id_at(ruler.position(some)) <= some


def test_the_ends_of_the_ruler_are_those_of_the_ids() -> None:
    assert (RULER.position(0), RULER.position(SIZE)) == (0, SIZE)
    assert (RULER.id_at(0), RULER.id_at(SIZE)) == (0, SIZE)


@given(st.integers(1, 5000).map(lambda days: TIME_ORDERED_SINCE + timedelta(days=days)))
def test_time_ordered_ids_take_half_of_the_ruler(now: datetime) -> None:
    ruler = Ruler(now)
    begin, end = ruler.position(time_ordered(TIME_ORDERED_SINCE)), ruler.position(time_ordered(now))
    assert abs((end - begin) - SIZE // 2) <= 1


@given(st.integers(1, 5000).map(lambda days: TIME_ORDERED_SINCE + timedelta(days=days)))
def test_random_ids_have_equal_density_before_and_after_time_ordered_ids(now: datetime) -> None:
    ruler, begin, end = Ruler(now), time_ordered(TIME_ORDERED_SINCE), time_ordered(now)
    before, behind = ruler.position(begin) / begin, (SIZE - ruler.position(end)) / (SIZE - end)
    assert before == pytest.approx(behind, rel=1e-9)


# Ranges


def is_one_part(ruler: Ruler, start: int, end: int) -> bool:
    """Return true if all ids between two positions are random, or all are time-ordered."""
    return not any(start < limit < end for limit in ruler.recent)


@examples(200)
@given(RULERS, IDS, IDS, st.sampled_from(["", "first", "last", "first and last"]))
def test_a_range_is_split_at_an_id_strictly_between_its_ends(ruler: Ruler, one: int, other: int, open_: str) -> None:
    low, high = sorted((one, other))
    low, high = 0 if "first" in open_ else low, SIZE if "last" in open_ else high
    after, upto = None if "first" in open_ else text(low), None if "last" in open_ else text(high)
    assume(high - low >= 8)
    whole = Range(ruler, after, upto, density=1.0)
    ahead = whole.ahead

    rest = whole.split()

    assert rest.after is not None
    assert low < number(rest.after) < high
    assert (whole.after, whole.upto, rest.upto) == (after, rest.after, upto)
    assert whole.ahead + rest.ahead <= ahead * (1 + 1e-9)
    if is_one_part(ruler, whole.at, rest.end):
        assert whole.ahead + rest.ahead == pytest.approx(ahead)


@examples(100)
@given(IDS, IDS)
def test_both_parts_of_a_split_range_have_equal_estimates(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assume(high - low >= FORM_ROOM << 10)
    whole = Range(RULER, text(low), text(high), density=1.0)
    assume(is_one_part(RULER, whole.at, whole.end))
    assert whole.split().ahead == pytest.approx(whole.ahead, rel=0.01)


@examples(200)
@given(RULERS, IDS, IDS, st.sampled_from(["", "first", "last"]))
@example(RULER, 0x9 << 124, SIZE - 1, "last")
@example(RULER, 0, 0x6 << 124, "first")
def test_wide_range_is_split_at_a_valid_uuid(ruler: Ruler, one: int, other: int, open_: str) -> None:
    low, high = sorted((one, other))
    whole = Range(ruler, None if open_ == "first" else text(low), None if open_ == "last" else text(high))
    middle = ruler.id_at((whole.at + whole.end) // 2)
    assume(open_ == "first" or middle - low >= FORM_ROOM)
    assume(open_ == "last" or high - middle >= FORM_ROOM)
    cursor = whole.split().after
    assert cursor is not None
    assert (uuid.UUID(cursor).version, uuid.UUID(cursor).variant) == (7, uuid.RFC_4122)


@pytest.mark.parametrize("width", [8, (2 << 62) - 2, (2 << 62) + 2])
@pytest.mark.parametrize("low", [0, FORM + 2, FORM + 9 - (2 << 62), 0xF << 76])  # also if it were a bound itself
def test_narrow_range_is_split_within_its_bounds(low: int, width: int) -> None:
    for prefix in range(1, 100):
        after = low + (prefix << 80)
        cursor = Range(RULER, text(after), text(after + width)).split().after
        assert cursor is not None
        assert after < number(cursor) < after + width


@examples(100)
@given(RULERS, st.lists(IDS, min_size=1, max_size=20, unique=True))
def test_remaining_estimate_shrinks_and_is_zero_at_the_end(ruler: Ruler, ids: list[int]) -> None:
    part = Range(ruler, None, None)
    assert part.ahead == 0  # nothing known yet
    for each in sorted(ids):
        part.advance([text(each)])
        assert part.after == text(each)
        if not ruler.recent[0] <= part.at < ruler.recent[1]:
            assert part.ahead == pytest.approx(part.density * (SIZE - part.at))
    assert part.records == len(ids)
    part.ended = True
    assert part.ahead == 0


@examples(100)
@given(RULERS, st.lists(IDS, min_size=2, max_size=20, unique=True))
def test_gap_before_the_first_record_does_not_affect_the_estimate(ruler: Ruler, ids: list[int]) -> None:
    from_the_start, from_just_before = Range(ruler, None, None), Range(ruler, text(max(min(ids) - 1, 0)), None)
    for part in (from_the_start, from_just_before):
        part.advance([text(each) for each in sorted(ids)])
    assert from_the_start.ahead == from_just_before.ahead
    assert from_the_start.perhaps_ahead >= from_the_start.ahead


# Number of records ahead


def read(part: Range, first: int, distance: int, records: int) -> int:
    """Read a page of equally spaced ids and return the last."""
    ids = [first + place * distance for place in range(records)]
    part.advance([text(each) for each in ids])
    return ids[-1]


BEHIND = SIZE - time_ordered(NOW)
"""Number of ids behind all time-ordered ones."""

STEP = BEHIND // 1000


def test_estimates_use_overall_density_and_the_densest_page() -> None:
    part = Range(RULER, None, None, density=1.0)
    assert part.perhaps_ahead == 0  # none seen yet
    last = read(part, time_ordered(NOW), STEP, 10)
    assert part.ahead == part.perhaps_ahead == pytest.approx(991)
    last = read(part, last + STEP // 10, STEP // 10, 10)
    left = (SIZE - last) / STEP
    assert part.ahead == pytest.approx(left * 19 / 10)
    assert part.perhaps_ahead == pytest.approx(left * 10)
    last = read(part, last + STEP * 2, STEP * 2, 10)
    assert part.ahead == part.perhaps_ahead == pytest.approx((SIZE - last) / STEP * 29 / 30)
    part.ended = True
    assert part.ahead == part.perhaps_ahead == part.surely_ahead == 0


def test_page_of_one_record_gives_no_estimate() -> None:
    part = Range(RULER, text(SIZE // 2), None)
    read(part, SIZE // 2 + STEP, 0, 1)
    assert part.ahead == part.perhaps_ahead == 0
    assert part.surely_ahead is None


def test_lower_estimate_is_reliable_after_time_ordered_ids() -> None:
    part = Range(RULER, None, None)
    assert part.surely_ahead is None
    read(part, time_ordered(NOW) - STEP, STEP, 2)  # the first of them may be part of a burst
    assert part.surely_ahead is None
    last = read(part, time_ordered(NOW), STEP, 2)
    assert part.surely_ahead == pytest.approx(999)
    last = read(part, last + STEP, STEP, 98)
    assert part.surely_ahead == pytest.approx(901)
    read(part, last + STEP * 2, STEP * 2, 100)
    assert part.surely_ahead == pytest.approx(701 * 199 / 299)


@pytest.mark.parametrize(("upto", "ahead"), [(TIME_ORDERED_SINCE, 90), (NOW, None)])
def test_lower_estimate_is_reliable_before_time_ordered_ids(upto: datetime, ahead: int | None) -> None:
    part = Range(RULER, None, text(time_ordered(upto)))
    step = time_ordered(TIME_ORDERED_SINCE) // 100
    read(part, 0, step, 11)
    assert part.surely_ahead == (ahead and pytest.approx(ahead))


def test_records_at_one_ruler_position_give_no_estimate() -> None:
    part = Range(RULER, None, None)
    one = next(each for each in range(SIZE // 2, SIZE // 2 + 9) if RULER.position(each) == RULER.position(each + 1))
    read(part, one, 1, 2)
    assert part.ahead == part.perhaps_ahead == 0
    assert part.surely_ahead is None


# Split points in ranges with random and time-ordered ids

FIRST_RECENT, LAST_RECENT = time_ordered(TIME_ORDERED_SINCE), time_ordered(NOW)
OLD_STEP = FIRST_RECENT // 400


def test_random_ids_after_time_ordered_ones_are_split_off_when_expected() -> None:
    part = Range(RULER, None, None)
    read(part, OLD_STEP, OLD_STEP, 100)
    behind = part.split(worth=600)
    assert behind.at == pytest.approx(RULER.recent[1])
    assert behind.perhaps_ahead == behind.surely_ahead == pytest.approx((SIZE - LAST_RECENT) / OLD_STEP, rel=0.02)
    recent = part.split(worth=600)
    assert recent.at == pytest.approx(RULER.recent[0])
    assert recent.is_unknown
    assert not part.is_unknown


@pytest.mark.parametrize("before", [0, 1])
def test_random_ids_after_time_ordered_ones_are_not_split_off_when_few(
    before: int,
) -> None:
    part = Range(RULER, None, None)
    ids = [FIRST_RECENT // 2] * before + [FIRST_RECENT + (place << 90) for place in range(100)]
    part.advance([text(each) for each in ids])
    rest = part.split(worth=600)
    assert RULER.recent[0] < rest.at < RULER.recent[1]
    assert rest.upto is None


def test_outlier_at_page_start_does_not_hide_dense_ids() -> None:
    dense = [(FIRST_RECENT + LAST_RECENT) // 2 + (place << 82) for place in range(99)]
    alone, with_others = Range(RULER, None, text(LAST_RECENT)), Range(RULER, None, text(LAST_RECENT))
    alone.advance([text(each) for each in dense])
    with_others.advance([text(each) for each in [FIRST_RECENT + 1, *dense]])
    assert with_others.perhaps_ahead == pytest.approx(alone.perhaps_ahead, rel=0.05)


@pytest.mark.parametrize("kept", [0.5, 0.75, 2 / 3])
def test_range_of_one_id_kind_can_be_split_at_any_share(kept: float) -> None:
    part = Range(RULER, text(LAST_RECENT), None, density=1.0)
    ahead = part.ahead
    part.split(kept=kept)
    assert part.ahead == pytest.approx(kept * ahead, rel=0.01)

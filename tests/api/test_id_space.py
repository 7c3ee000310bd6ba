from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tap_instantly.sync.id_density import REPORTS, Density, Ruler
from tap_instantly.sync.id_ranges import BURST_AHEAD, Range
from tap_instantly.sync.ids import FORM, FORM_MASK, SIZE, TIME_ORDERED_SINCE, number, text
from tests.support import examples

NUMBERS = st.integers(0, SIZE - 1)
CLOCKS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001

FORM_ROOM = 1 << 82
"""Ids that a range must span to have a UUID-shaped one in its middle, whatever the other bits."""


def time_ordered(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) << 80


NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
FIRST, LAST = time_ordered(TIME_ORDERED_SINCE), time_ordered(NOW)
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


# Splits of a range


def density(ruler: Ruler = RULER, records: int = 1000) -> Density:
    """Return a density of that many records before and among ids that begin with the time, and of as many behind."""
    known, (begin, end) = Density(ruler), ruler.recent
    known.add([text(FIRST - 1)] * records, 0, begin, is_first=False)
    for _ in range(REPORTS):
        known.add([text(FIRST | FORM)] * records, begin, end, is_first=True)
    return known


@examples(200)
@given(RULERS, IDS, IDS, st.sampled_from(["", "first", "last", "first and last"]), st.floats(0.01, 0.99))
def test_a_range_is_split_at_an_id_strictly_between_its_ends(
    ruler: Ruler, one: int, other: int, open_: str, kept: float
) -> None:
    low, high = sorted((one, other))
    low, high = 0 if "first" in open_ else low, SIZE if "last" in open_ else high
    after, upto = None if "first" in open_ else text(low), None if "last" in open_ else text(high)
    assume(high - low >= 8)
    whole = Range(density(ruler), after, upto)

    rest = whole.split(kept)

    assert rest.after is not None
    assert low < number(rest.after) < high
    assert (whole.after, whole.upto, rest.upto) == (after, rest.after, upto)


@examples(200)
@given(IDS, IDS, st.floats(0.1, 0.9))
def test_a_split_keeps_the_wanted_share_of_all_kinds_of_ids(one: int, other: int, kept: float) -> None:
    low, high = sorted((one, other))
    assume(high - low >= FORM_ROOM << 10)
    whole = Range(density(), text(low), text(high))
    ahead = whole.ahead
    rest = whole.split(kept)
    assert whole.ahead == pytest.approx(kept * ahead, rel=0.01)
    assert rest.ahead == pytest.approx((1 - kept) * ahead, rel=0.01)


@examples(200)
@given(RULERS, IDS, IDS, st.sampled_from(["", "first", "last"]))
@example(RULER, 0x9 << 124, SIZE - 1, "last")
@example(RULER, 0, 0x6 << 124, "first")
def test_wide_range_is_split_at_a_valid_uuid(ruler: Ruler, one: int, other: int, open_: str) -> None:
    low, high = sorted((one, other))
    known = density(ruler)
    whole = Range(known, None if open_ == "first" else text(low), None if open_ == "last" else text(high))
    middle = ruler.id_at(known.position_after(whole.ahead / 2, whole.at, whole.end))
    assume(open_ == "first" or middle - low >= FORM_ROOM)
    assume(open_ == "last" or high - middle >= FORM_ROOM)
    cursor = whole.split(0.5).after
    assert cursor is not None
    assert (uuid.UUID(cursor).version, uuid.UUID(cursor).variant) == (7, uuid.RFC_4122)


@pytest.mark.parametrize("width", [8, (2 << 62) - 2, (2 << 62) + 2])
@pytest.mark.parametrize("low", [0, FORM + 2, FORM + 9 - (2 << 62), 0xF << 76])  # also if it were a bound itself
def test_narrow_range_is_split_within_its_bounds(low: int, width: int) -> None:
    for prefix in range(1, 100):
        after = low + (prefix << 80)
        cursor = Range(density(), text(after), text(after + width)).split(0.5).after
        assert cursor is not None
        assert after < number(cursor) < after + width


# Number of records ahead


def ids_from(first: int, distance: int, records: int) -> list[int]:
    """Return equally spaced ids in the form of version 7."""
    return [first + place * distance & ~FORM_MASK | FORM for place in range(records)]


def read(part: Range, first: int, distance: int, records: int, *, ended: bool = False) -> int:
    """Read a page of equally spaced ids and return the last."""
    ids = ids_from(first, distance, records)
    part.advance([text(each) for each in ids], ended=ended)
    return ids[-1]


DAY = int(timedelta(days=1).total_seconds() * 1000) << 80
"""Ids that begin with the times of one day."""

LAST_DAY = (LAST - FIRST) // DAY
STEP = (SIZE - LAST) // 1000


def day(number_: float) -> int:
    """Return the first id of a day since ids begin with the time."""
    return FIRST + int(number_ * DAY)


def test_nothing_is_ahead_of_an_unknown_or_ended_list() -> None:
    part = Range(Density(RULER), None, None)
    assert part.ahead == 0
    assert part.surely_ahead is None
    read(part, 0, FIRST // 11, 10)
    assert part.ahead > 0
    read(part, FIRST, STEP, 10, ended=True)
    assert part.ahead == part.surely_ahead == 0


@pytest.mark.parametrize("is_first_place", [False, True])
def test_estimate_of_random_ids_is_reliable_from_any_place(*, is_first_place: bool) -> None:
    known = Density(RULER)
    behind = Range(known, text(LAST), None)
    assert behind.surely_ahead is None
    place = Range(known, None, text(FIRST)) if is_first_place else Range(known, text(LAST), text(LAST + 400 * STEP))
    read(place, STEP + (0 if is_first_place else LAST), STEP, 6 if is_first_place else 300)
    assert behind.surely_ahead == pytest.approx(1000, rel=0.01)


def test_no_estimate_is_reliable_where_ids_begin_with_the_time() -> None:
    known = density()
    assert Range(known, text(day(3)), text(day(4))).surely_ahead is None
    assert Range(known, None, text(day(4))).surely_ahead is None
    assert Range(known, text(LAST), None).surely_ahead == pytest.approx(Range(known, text(LAST), None).ahead)


def test_unread_times_are_taken_to_be_as_dense_as_others() -> None:
    known = Density(RULER)
    first = Range(known, None, None)
    read(first, 0, FIRST // 10, 10)
    recent = Range(known, text(FIRST), text(LAST))
    assert recent.ahead == pytest.approx(10 / RULER.recent[0] * (SIZE // 2), rel=0.2)
    for number_ in range(REPORTS):
        assert known.is_guess
        read(Range(known, text(day(number_)), text(day(number_ + 1))), day(number_ + 0.01), DAY // 4, 4, ended=True)
    assert not known.is_guess
    assert recent.ahead == pytest.approx(4 * LAST_DAY, rel=0.02)


def test_each_range_estimates_by_itself_while_no_gap_is_known() -> None:
    known = Density(RULER)
    sparse, dense = Range(known, text(day(10)), text(day(20))), Range(known, text(day(90)), text(day(100)))
    read(Range(known, text(day(0)), text(day(1))), day(0.01), DAY // 100, 99)
    read(sparse, day(10.01), DAY // 100, 100)
    read(dense, day(90.001), DAY // 1000, 100)
    assert sparse.ahead == pytest.approx(900, rel=0.03)
    assert dense.ahead == pytest.approx(9_900, rel=0.03)


def with_bursts() -> Density:
    """Return the density of 100 records on each of four days in a hundred."""
    known = Density(RULER)
    for number_ in range(4):
        part = Range(known, text(day(25 * number_)), text(day(25 * number_ + 25)))
        read(part, day(25 * number_ + 12), DAY // 100, 100, ended=True)
    return known


@pytest.mark.parametrize("read_", [1, 2, 3])
def test_average_is_the_estimate_if_a_gap_is_known(read_: int) -> None:
    known = with_bursts()
    assert known.has_gaps
    part = Range(known, text(day(100)), text(day(200)))
    for number_ in range(read_):
        read(part, day(120 + number_), DAY // 1000, 10)
    assert part.ahead == pytest.approx(400 * (1 - (20 + read_) / 100), rel=0.2)


def test_a_burst_is_estimated_to_last_as_long_again_and_split_within() -> None:
    known = with_bursts()
    part = Range(known, text(day(100)), text(day(200)))
    last = 0
    for number_ in range(10):
        last = read(part, day(120 + number_ * 0.001), DAY // 100_000, 100)
    assert part.ahead == pytest.approx(BURST_AHEAD * 1000)
    rest = part.split(0.25)
    assert number(rest.after or "") == pytest.approx(last + 500 * DAY // 100_000, rel=1e-6)
    assert rest.ahead == pytest.approx(80 * 1400 / 108, rel=0.02), "the average, until some of it has been read"
    read(rest, number(rest.after or "") + 1, DAY // 100_000, 100)
    assert rest.ahead == pytest.approx(BURST_AHEAD * 1600)
    assert part.ahead == pytest.approx(500, rel=0.02)


@pytest.mark.parametrize("where", ["between pages", "within a page", "an empty range"])
def test_gaps_are_found(where: str) -> None:
    known = Density(RULER)
    part = Range(known, text(day(0)), text(day(200)))
    last = read(part, day(50), DAY // 1000, 100)
    assert not known.has_gaps, "the time before all records is no gap"
    if where == "between pages":
        read(part, day(150), DAY // 1000, 100)
    elif where == "within a page":
        ids = ids_from(last + DAY // 1000, DAY // 1000, 50)
        part.advance([text(each) for each in [*ids, *(each + 50 * DAY for each in ids)]], ended=False)
    else:
        Range(known, text(day(100)), text(day(150))).advance([], ended=True)
    assert known.has_gaps


def test_page_of_one_record_gives_no_estimate() -> None:
    part = Range(Density(RULER), text(day(1)), text(day(9)))
    read(part, day(2), 0, 1)
    assert part.ahead == 0
    assert part.surely_ahead is None

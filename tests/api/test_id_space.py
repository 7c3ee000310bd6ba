from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tap_instantly.api.id_space import SIZE, TIME_ORDERED_SINCE, Range, Ruler, number, text

NUMBERS = st.integers(0, SIZE - 1)
CLOCKS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001

FORM_ROOM = 1 << 82
"""Ids that a range has to have so that one of the form of a UUID is in the middle of it, whatever the others."""


def time_ordered(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) << 80


RULERS = st.builds(Ruler, CLOCKS)
# Ids of anywhere, and as many that lie close to where the ruler bends.
IDS = NUMBERS | st.builds(lambda moment, offset: time_ordered(moment) + offset, CLOCKS, st.integers(0, 1 << 80))


# Numbers


@given(NUMBERS)
def test_the_text_of_a_number_gives_the_number_again(value: int) -> None:
    assert number(text(value)) == value


@given(st.uuids())
def test_the_number_of_a_uuid_gives_its_text_again(some: uuid.UUID) -> None:
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
    with pytest.raises(ValueError, match=r".*"):
        number(other)


# The ruler


@settings(max_examples=200, deadline=None)
@given(RULERS, IDS, IDS)
def test_positions_keep_the_order_of_ids(ruler: Ruler, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= ruler.position(low) <= ruler.position(high) < SIZE


@settings(max_examples=200, deadline=None)
@given(RULERS, NUMBERS, NUMBERS)
def test_ids_keep_the_order_of_positions(ruler: Ruler, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= ruler.id_at(low) <= ruler.id_at(high) < SIZE


@settings(max_examples=200, deadline=None)
@given(RULERS, IDS)
def test_the_id_at_the_position_of_an_id_is_next_to_it(ruler: Ruler, some: int) -> None:
    assert some - 3 <= ruler.id_at(ruler.position(some)) <= some


def test_the_ends_of_the_ruler_are_those_of_the_ids() -> None:
    ruler = Ruler(datetime(2026, 6, 1, tzinfo=timezone.utc))
    assert (ruler.position(0), ruler.position(SIZE)) == (0, SIZE)
    assert (ruler.id_at(0), ruler.id_at(SIZE)) == (0, SIZE)


@given(st.integers(1, 5000).map(lambda days: TIME_ORDERED_SINCE + timedelta(days=days)))
def test_ids_that_begin_with_the_time_have_half_of_the_ruler(now: datetime) -> None:
    ruler = Ruler(now)
    begin, end = ruler.position(time_ordered(TIME_ORDERED_SINCE)), ruler.position(time_ordered(now))
    assert abs((end - begin) - SIZE // 2) <= 1


# Ranges


@settings(max_examples=200, deadline=None)
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
    assert whole.ahead + rest.ahead == pytest.approx(ahead)


@settings(max_examples=100, deadline=None)
@given(IDS, IDS)
def test_both_parts_of_a_split_range_have_as_much_ahead(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assume(high - low >= FORM_ROOM << 10)
    whole = Range(Ruler(datetime(2026, 6, 1, tzinfo=timezone.utc)), text(low), text(high), density=1.0)
    assert whole.split().ahead == pytest.approx(whole.ahead, rel=0.01)


@settings(max_examples=200, deadline=None)
@given(RULERS, IDS, IDS)
def test_a_range_is_split_at_what_has_the_form_of_a_uuid_where_there_is_room(
    ruler: Ruler, one: int, other: int
) -> None:
    low, high = sorted((one, other))
    whole = Range(ruler, text(low), text(high))
    middle = ruler.id_at((whole.at + whole.end) // 2)
    assume(middle - low >= FORM_ROOM)
    assume(high - middle >= FORM_ROOM)
    cursor = whole.split().after
    assert cursor is not None
    assert (uuid.UUID(cursor).version, uuid.UUID(cursor).variant) == (7, uuid.RFC_4122)


@settings(max_examples=100, deadline=None)
@given(RULERS, st.lists(IDS, min_size=1, max_size=20, unique=True))
def test_what_is_ahead_shrinks_as_a_range_is_read_and_is_nothing_once_it_has_ended(
    ruler: Ruler, ids: list[int]
) -> None:
    part = Range(ruler, None, None)
    assert part.ahead == 0  # nothing is known yet
    for each in sorted(ids):
        part.advance(text(each), text(each), 1)
        assert part.after == text(each)
        assert part.ahead == pytest.approx(part.density * (SIZE - part.at))
    assert part.records == len(ids)
    part.ended = True
    assert part.ahead == 0


@settings(max_examples=100, deadline=None)
@given(RULERS, st.lists(IDS, min_size=2, max_size=20, unique=True))
def test_what_lies_empty_before_the_first_record_says_nothing_of_how_many_follow(ruler: Ruler, ids: list[int]) -> None:
    first, last = min(ids), max(ids)
    from_the_start, from_just_before = Range(ruler, None, None), Range(ruler, text(max(first - 1, 0)), None)
    for part in (from_the_start, from_just_before):
        part.advance(text(first), text(last), len(ids))
    assert from_the_start.ahead == from_just_before.ahead
    assert from_the_start.perhaps_ahead >= from_the_start.ahead

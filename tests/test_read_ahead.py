from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_instantly.singer.read_ahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANS = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=12)
WORKERS = st.integers(1, 5)
LIMITS = st.integers(1, 8)


class BrokenError(Exception):
    pass


def settle(before: set[threading.Thread]) -> None:
    """Wait for the threads that a test started to end."""
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


@settings(deadline=None, max_examples=60)
@given(plan=PLANS, workers=WORKERS, limit=LIMITS)
def test_pages_come_whole_and_in_the_order_of_their_slices(plan: list[list[int]], workers: int, limit: int) -> None:
    before = set(threading.enumerate())
    assert list(ReadAhead(plan, iter, workers=workers, limit=limit)) == [page for pages in plan for page in pages]
    settle(before)


@settings(deadline=None, max_examples=40)
@given(plan=PLANS.filter(len), workers=WORKERS, limit=LIMITS, data=st.data())
def test_an_error_surfaces_where_its_slice_would_have_gone_on(
    plan: list[list[int]], workers: int, limit: int, data: st.DataObject
) -> None:
    broken = data.draw(st.integers(0, len(plan) - 1))
    until = data.draw(st.integers(0, len(plan[broken])))
    before = set(threading.enumerate())

    def pages(number: int) -> Iterator[int]:
        yield from plan[number][: until if number == broken else None]
        if number == broken:
            raise BrokenError

    seen: list[int] = []
    with pytest.raises(BrokenError):
        seen.extend(ReadAhead(range(len(plan)), pages, workers=workers, limit=limit))
    assert seen == [page for pages_ in plan[:broken] for page in pages_] + plan[broken][:until]
    settle(before)


@settings(deadline=None, max_examples=30)
@given(plan=PLANS, workers=WORKERS, limit=LIMITS)
def test_what_was_read_before_an_error_is_handed_on(plan: list[list[int]], workers: int, limit: int) -> None:
    def slices() -> Iterator[list[int]]:
        yield from plan
        raise BrokenError

    seen: list[int] = []
    with pytest.raises(BrokenError):
        seen.extend(ReadAhead(slices(), iter, workers=workers, limit=limit))
    assert seen == [page for pages in plan for page in pages]


def test_no_more_pages_wait_than_the_limit_whatever_is_in_front() -> None:
    read = 0
    lock = threading.Lock()

    def pages(_: int) -> Iterator[int]:
        nonlocal read
        for page in range(10):
            with lock:
                read += 1
            yield page

    handed_on = 0
    for _page in ReadAhead(range(20), pages, workers=4, limit=5):
        handed_on += 1
        time.sleep(0.001)
        # Each worker may hold one page in its hands, and the head may have one more than the limit.
        assert read - handed_on <= 5 + 1 + 4
    assert handed_on == 200


def test_leaving_stops_all_threads() -> None:
    before = set(threading.enumerate())

    def endless(_: int) -> Iterator[int]:
        while True:
            yield 1

    for _page in ReadAhead(range(100), endless, workers=3, limit=4):
        break
    settle(before)


def test_slices_are_read_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def pages(_: int) -> Iterator[int]:
        meeting.wait()
        yield 1

    assert list(ReadAhead(range(3), pages, workers=3, limit=4)) == [1, 1, 1]

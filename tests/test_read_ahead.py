from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_instantly.singer.read_ahead import ReadAhead, Slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_instantly.singer.read_ahead import Source

PLANS = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=12)
"""The pages of each slice of a source."""

SOURCES = st.lists(PLANS, max_size=5)
WORKERS = st.integers(1, 5)
LIMITS = st.integers(1, 8)

PATIENCE = 10
"""Seconds after which something that should happen is taken not to."""


class BrokenError(Exception):
    pass


class Unordered:
    """A source whose pages come as they arrive; it begins further runs, up to a number, only while the reader waits."""

    ordered = False

    def __init__(self, runs: Iterable[Iterable[Any]], *, eager: int = 1) -> None:
        self._runs = list(runs)
        self._eager = eager
        self.begun = 0

    def has_run(self, *, starving: bool) -> bool:
        return self.begun < (len(self._runs) if starving else min(self._eager, len(self._runs)))

    def begin_run(self) -> Iterator[Any] | None:
        if self.begun == len(self._runs):
            return None
        self.begun += 1
        return iter(self._runs[self.begun - 1])


class LaterSplit(Unordered):
    """One whose further runs are known of only once the first has been read for a while, as those of a scan are."""

    known = False

    def has_run(self, *, starving: bool) -> bool:
        return super().has_run(starving=starving and self.known)


def slices(plan: Iterable[Iterable[Any]]) -> Slices[Any, Any]:
    return Slices(plan, iter)


@contextmanager
def reading(*sources: Source[Any], workers: int = 3, **limits: Any) -> Iterator[ReadAhead[Any]]:
    """Read sources, and see to it that no thread is left behind."""
    before = set(threading.enumerate())
    reader = ReadAhead(sources, workers=workers, **limits)
    try:
        yield reader
    finally:
        reader.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def flat(plan: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(plan))


def broken_after(pages: Iterable[Any]) -> Iterator[Any]:
    yield from pages
    raise BrokenError


# What comes out, and in which order


@settings(deadline=None, max_examples=60)
@given(plan=PLANS, workers=WORKERS, limit=LIMITS)
def test_pages_come_whole_and_in_the_order_of_their_slices(plan: list[list[int]], workers: int, limit: int) -> None:
    with reading(slices(plan), workers=workers, pages=limit) as reader:
        assert list(reader.pages(0)) == flat(plan)


@settings(deadline=None, max_examples=60)
@given(plans=SOURCES, workers=WORKERS, limit=LIMITS)
def test_sources_come_one_after_the_other(plans: list[list[list[int]]], workers: int, limit: int) -> None:
    with reading(*map(slices, plans), workers=workers, pages=limit) as reader:
        assert [list(reader.pages(number)) for number in range(len(plans))] == [flat(plan) for plan in plans]


@settings(deadline=None, max_examples=60)
@given(plans=SOURCES, workers=WORKERS, limit=LIMITS, eager=st.integers(1, 4))
def test_pages_of_unordered_sources_come_each_once_and_in_the_order_of_their_run(
    plans: list[list[list[int]]], workers: int, limit: int, eager: int
) -> None:
    marked = [[[(number, page) for page in range(len(run))] for number, run in enumerate(plan)] for plan in plans]
    with reading(*(Unordered(plan, eager=eager) for plan in marked), workers=workers, pages=limit) as reader:
        for number, plan in enumerate(marked):
            pages = list(reader.pages(number))
            assert [[page for page in pages if page[0] == run] for run in range(len(plan))] == plan


def test_pages_of_an_unordered_source_do_not_wait_for_a_slow_run() -> None:
    answer = threading.Event()

    def slow() -> Iterator[str]:
        answer.wait(PATIENCE)
        yield "slow"

    with reading(Unordered([slow(), ["quick", "quick"]], eager=2)) as reader:
        pages = reader.pages(0)
        assert [next(pages), next(pages)] == ["quick", "quick"]
        answer.set()
        assert list(pages) == ["slow"]


# Errors


@settings(deadline=None, max_examples=40)
@given(plan=PLANS.filter(len), workers=WORKERS, limit=LIMITS, data=st.data())
def test_an_error_surfaces_where_its_slice_would_have_gone_on(
    plan: list[list[int]], workers: int, limit: int, data: st.DataObject
) -> None:
    broken = data.draw(st.integers(0, len(plan) - 1))
    until_page = data.draw(st.integers(0, len(plan[broken])))
    runs = [broken_after(pages[:until_page]) if n == broken else pages for n, pages in enumerate(plan)]
    seen: list[int] = []
    with reading(slices(runs), workers=workers, pages=limit) as reader, pytest.raises(BrokenError):
        seen.extend(reader.pages(0))
    assert seen == flat(plan[:broken]) + plan[broken][:until_page]


@settings(deadline=None, max_examples=30)
@given(plan=PLANS, workers=WORKERS, limit=LIMITS)
def test_what_was_read_before_an_error_of_the_slices_themselves_is_handed_on(
    plan: list[list[int]], workers: int, limit: int
) -> None:
    seen: list[int] = []
    with reading(slices(broken_after(plan)), workers=workers, pages=limit) as reader, pytest.raises(BrokenError):
        seen.extend(reader.pages(0))
    assert seen == flat(plan)


def test_an_error_of_a_reader_that_is_no_generator_surfaces_too() -> None:
    def read(_: int) -> Iterator[int]:
        raise BrokenError

    with reading(Slices([1, 2], read)) as reader, pytest.raises(BrokenError):
        next(reader.pages(0))


@settings(deadline=None, max_examples=40)
@given(plan=PLANS, workers=WORKERS, limit=LIMITS)
def test_an_error_of_an_unordered_source_surfaces_after_the_pages_of_its_run(
    plan: list[list[int]], workers: int, limit: int
) -> None:
    seen: list[Any] = []
    source = Unordered([broken_after(["before", "before"]), *plan], eager=2)
    with reading(source, workers=workers, pages=limit) as reader, pytest.raises(BrokenError):
        seen.extend(reader.pages(0))
    assert seen.count("before") == 2


@settings(deadline=None, max_examples=40)
@given(plans=SOURCES.filter(len), workers=WORKERS, limit=LIMITS, ordered=st.booleans(), data=st.data())
def test_an_error_in_one_source_does_not_touch_the_others(
    plans: list[list[list[int]]], workers: int, limit: int, *, ordered: bool, data: st.DataObject
) -> None:
    broken = data.draw(st.integers(0, len(plans) - 1))
    kind: Callable[[Any], Source[Any]] = slices if ordered else Unordered
    sources = [kind([broken_after([]), *plan] if n == broken else plan) for n, plan in enumerate(plans)]
    with reading(*sources, workers=workers, pages=limit) as reader:
        for number, plan in enumerate(plans):
            if number == broken:
                with pytest.raises(BrokenError):
                    list(reader.pages(number))
            else:
                assert sorted(reader.pages(number)) == sorted(flat(plan))


def test_pages_left_behind_by_an_error_do_not_count_as_waiting() -> None:
    read: list[str] = []

    def pages(name: str) -> Iterator[str]:
        for _ in range(10):
            read.append(name)
            yield name

    def broken() -> Iterator[str]:
        until(lambda: len(read) >= 4)
        yield from broken_after([])

    with reading(slices([broken(), pages("behind")]), slices([pages("next")]), workers=2, pages=4) as reader:
        with pytest.raises(BrokenError):
            next(reader.pages(0))
        following = reader.pages(1)
        next(following)
        until(lambda: read.count("next") >= 4)  # ahead of the one that was taken
        assert list(following) == 9 * ["next"]


# Limits


def test_no_more_pages_wait_than_the_limit_whatever_is_in_front() -> None:
    lock = threading.Lock()
    read = 0

    def pages(_: int) -> Iterator[int]:
        nonlocal read
        for page in range(10):
            with lock:
                read += 1
            yield page

    handed_on = 0
    with reading(Slices(range(10), pages), Slices(range(10), pages), workers=4, pages=5) as reader:
        for _page in chain(reader.pages(0), reader.pages(1)):
            handed_on += 1
            time.sleep(0.0005)
            # Each worker may hold one page in its hands, and the head may have one more than the limit.
            assert read - handed_on <= 5 + 1 + 4
    assert handed_on == 200


def test_no_more_bytes_wait_than_the_limit_whatever_is_in_front() -> None:
    sizes = threading.local()
    lock = threading.Lock()
    waiting, most = 0, 0

    def pages(_: int) -> Iterator[int]:
        nonlocal waiting
        for size in (10, 300, 40, 100, 20):
            with lock:
                waiting += size
            sizes.last = size
            yield size

    def weigh() -> int:
        size: int = getattr(sizes, "last", 0)
        sizes.last = 0
        return size

    with reading(Slices(range(30), pages), workers=3, pages=1_000, size=500, weigh=weigh) as reader:
        for size in reader.pages(0):
            most = max(most, waiting)
            with lock:
                waiting -= size
            time.sleep(0.0005)
    assert waiting == 0
    # Each worker may hold a page in its hands, and the one who asks holds one more.
    assert most <= 500 + (3 + 1 + 1) * 300


def test_one_worker_reads_no_more_than_a_page_ahead_where_one_page_may_wait() -> None:
    read: list[int] = []

    def pages() -> Iterator[int]:
        for page in range(100):
            read.append(page)
            yield page

    with reading(slices([pages()]), workers=1, pages=1) as reader:
        for handed_on, _page in enumerate(reader.pages(0), start=1):
            assert len(read) <= handed_on + 1


# Threads


def test_leaving_stops_all_threads() -> None:
    with reading(slices(count() for _ in range(100)), Unordered([count()]), workers=3, pages=4) as reader:
        assert next(reader.pages(0)) == 0
        assert not reader.closed
    assert reader.closed  # and the threads have ended


def test_leaving_also_stops_threads_that_have_nothing_to_do() -> None:
    with reading(slices([[1]] * 5), workers=5) as reader:
        assert list(reader.pages(0)) == [1] * 5


def test_nothing_more_is_read_after_leaving() -> None:
    answer = threading.Event()
    read = []

    def pages() -> Iterator[int]:
        for page in range(100):
            read.append(page)
            answer.wait(PATIENCE)
            yield page

    with reading(slices(pages() for _ in range(3)), workers=3) as reader:
        threading.Timer(0.01, answer.set).start()
        next(reader.pages(0))
        answer.clear()
        until(lambda: len(read) >= 4)  # the next page is under way
        reader.close()
        under_way = len(read)
        answer.set()
    assert len(read) <= under_way + 2  # those that had looked just before


def test_slices_are_read_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE)

    def pages(_: int) -> Iterator[int]:
        meeting.wait()
        yield 1

    with reading(Slices(range(3), pages), workers=3, pages=4) as reader:
        assert list(reader.pages(0)) == [1, 1, 1]


def test_sources_are_read_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE)

    def pages(_: int) -> Iterator[int]:
        meeting.wait()
        yield 1

    with reading(*(Slices([0], pages) for _ in range(3)), workers=3) as reader:
        assert [list(reader.pages(number)) for number in range(3)] == [[1], [1], [1]]


def test_a_slice_is_read_by_one_thread_at_a_time() -> None:
    alone = threading.Lock()

    def pages() -> Iterator[int]:
        for page in range(50):
            assert alone.acquire(blocking=False)
            time.sleep(0.0001)
            alone.release()
            yield page

    with reading(slices([pages()]), workers=4) as reader:
        assert list(reader.pages(0)) == list(range(50))


def test_no_thread_starts_before_pages_are_asked_for() -> None:
    with reading(slices([[1]])):
        assert threads() == []


def test_threads_start_for_what_there_is_to_read_and_not_for_all_that_may() -> None:
    answer = threading.Event()
    at_it: list[int] = []

    def pages(number: int) -> Iterator[int]:
        at_it.append(number)
        answer.wait(PATIENCE)
        yield len(threads())

    def answer_later() -> None:
        until(lambda: len(at_it) == 2)
        time.sleep(0.02)
        answer.set()

    with reading(Slices([1, 2], pages), workers=30) as reader:
        threading.Thread(target=answer_later).start()
        # Some may have looked for a third slice.
        assert all(2 <= running < 10 for running in reader.pages(0))


def test_no_more_threads_start_than_allowed() -> None:
    most = 0

    def pages(_: int) -> Iterator[int]:
        nonlocal most
        for page in range(5):
            most = max(most, len(threads()))
            time.sleep(0.0005)
            yield page

    with reading(Slices(range(10), pages), Unordered(map(pages, range(10)), eager=10), workers=3) as reader:
        assert len(list(reader.pages(0)) + list(reader.pages(1))) == 100
    assert most <= 3


# Who is read first


def test_a_source_that_blocks_while_it_begins_does_not_hold_up_those_behind_it() -> None:
    read_behind = threading.Event()

    def blocked() -> Iterator[list[int]]:
        assert read_behind.wait(PATIENCE)
        yield [1]

    def behind() -> Iterator[int]:
        yield 2
        read_behind.set()
        yield 3

    with reading(slices(blocked()), slices([behind()]), workers=2) as reader:
        assert [list(reader.pages(number)) for number in range(2)] == [[1], [2, 3]]


@pytest.mark.parametrize("limit", [4, 1_000])
def test_a_source_in_front_is_not_starved_by_many_behind_it(limit: int) -> None:
    """Its further runs begin although threads are busy behind it, and although as much waits there as may."""
    meeting = threading.Barrier(3, timeout=PATIENCE)
    read_behind = []

    def first() -> Iterator[int]:
        until(lambda: len(read_behind) >= 4)
        front.known = True
        yield 0
        yield from others()

    def others() -> Iterator[int]:
        for page in range(3):
            meeting.wait()  # only where all three are read at once does any of them go on
            yield page

    def behind() -> Iterator[int]:
        for page in range(300):
            read_behind.append(page)
            time.sleep(0.0002)
            yield page

    front = LaterSplit([first(), others(), others()])
    with reading(front, *(slices([behind()]) for _ in range(10)), workers=4, pages=limit) as reader:
        assert sorted(reader.pages(0)) == sorted([0, *3 * [0, 1, 2]])


def test_what_is_behind_is_not_read_before_what_is_in_front() -> None:
    order: list[int] = []

    def pages(number: int) -> Iterator[int]:
        for page in range(3):
            order.append(number)
            yield page

    with reading(Slices([1, 2], pages), Slices([3], pages), workers=1) as reader:
        list(chain(reader.pages(0), reader.pages(1)))
    assert order == sorted(order)


def test_an_unordered_source_begins_further_runs_only_where_the_reader_waits_for_pages() -> None:
    source = Unordered([[1, 2, 3], [4, 5, 6]])
    with reading(source, workers=1) as reader:
        pages = reader.pages(0)
        next(pages)
        until(lambda: sum(len(run.pages) for lane in reader._lanes for run in lane.runs) == 2)
        assert source.begun == 1
        assert sorted(pages) == [2, 3, 4, 5, 6]
        assert source.begun == 2

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count, islice, repeat
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly.sync.reader import Reader
from tap_instantly.sync.sources import LISTED_AHEAD, GroupedSlices, Slices
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_instantly.sync.reader import Arrival
    from tap_instantly.sync.sources import Source

PLANS = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=12)
"""The pages of each slice of a source."""

WORKERS = st.integers(1, 5)
LIMITS = st.integers(1, 8)

PATIENCE = 60
"""Seconds until an expected event counts as missing, long enough for a busy machine."""


class BrokenError(Exception):
    pass


@pytest.fixture(autouse=True, scope="module")
def _threads_change_often() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


# Sources


class Unordered:
    """An unordered source; up to ``eager`` chains begin at once, further ones only while the reader starves."""

    ordered = False

    def __init__(self, runs: Iterable[Iterable[Any]], *, eager: int = 1) -> None:
        self._runs = list(runs)
        self._eager = eager
        self.begun = 0

    def delay(self) -> float:
        return 0.0

    def has_chain(self, *, starving: bool) -> bool:
        return self.begun < (len(self._runs) if starving else min(self._eager, len(self._runs)))

    def begin_chain(self) -> Iterator[Any] | None:
        if self.begun == len(self._runs):
            return None
        self.begun += 1
        return iter(self._runs[self.begun - 1])


class LaterSplit(Unordered):
    """A source that knows of further chains only after a while, as scans do."""

    known = False

    def has_chain(self, *, starving: bool) -> bool:
        return super().has_chain(starving=starving and self.known)


class Changeable(Unordered):
    """A source that first announces a chain and then has none, as a scan whose splits others took."""

    _there = False

    def begin_chain(self) -> Iterator[Any] | None:
        self._there = not self._there
        return None if self._there else super().begin_chain()


def slices(plan: Iterable[Iterable[Any]]) -> Slices[Any, Any]:
    return Slices(plan, iter)


def broken_after(pages: Iterable[Any]) -> Iterator[Any]:
    yield from pages
    raise BrokenError


def flat(plan: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(plan))


# Pages that do something as they are read


def noted(seen: list[Any], page: Any, times: int) -> Iterator[Any]:
    """Yield a page several times; each time, ``seen`` has it before."""
    for _ in range(times):
        seen.append(page)
        yield page


def after(condition: Callable[[], object], pages: Iterable[Any]) -> Iterator[Any]:
    """Yield pages once a condition holds."""
    until(condition)
    yield from pages


def ending(pages: Iterable[Any], act: Callable[[], object]) -> Iterator[Any]:
    """Yield pages and act when another one is requested."""
    yield from pages
    act()


def meanwhile(condition: Callable[[], object], act: Callable[[], object]) -> None:
    """Act in another thread once a condition holds."""
    Thread(target=lambda: (until(condition), act()), daemon=True).start()


class Gate:
    """Blocks each page except the first until a test releases it, so that the test controls progress."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        """Number of requested pages by source."""
        self.waiting: deque[Event] = deque()
        self._lock = threading.Lock()
        self._open = False

    def pages(self, source: int) -> Iterator[int]:
        for page in count():
            through = Event()
            with self._lock:
                if self._open or not self.asked:
                    through.set()
                else:
                    self.waiting.append(through)
                self.asked[source] += 1
            assert through.wait(PATIENCE)
            yield page

    def let_one_through(self) -> None:
        self.waiting.popleft().set()

    def open(self) -> None:
        with self._lock:
            self._open = True
        while self.waiting:
            self.let_one_through()


# Readers


def reading(*sources: Source[Any], **settings: Any) -> Any:
    """Read sources, as a single group."""
    return reading_groups(sources, **settings)


@contextmanager
def reading_groups(*groups: Iterable[Source[Any]], workers: int = 3, **limits: Any) -> Iterator[Reader[Any]]:
    """Read groups of sources; fail if a thread remains or the test hangs."""
    before = set(threading.enumerate())
    reader = Reader(groups, workers=workers, **limits)
    watch = threading.Timer(PATIENCE, reader.close)
    watch.start()
    try:
        yield reader
    finally:
        watch.cancel()
        reader.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@dataclass
class Outcome:
    """Result of a source."""

    pages: list[Any] = field(default_factory=list)
    ended: bool = False
    error: BaseException | None = None

    def take(self, arrival: Arrival[Any]) -> None:
        assert not self.ended  # exactly one end, after all pages
        if arrival.page is None:
            self.ended, self.error = True, arrival.error
        else:
            assert arrival.error is None
            self.pages.append(arrival.page)


def outcomes(reader: Reader[Any], number: int, *, pauses: Iterable[bool] = ()) -> list[Outcome]:
    """Read sources to their end; the reader pauses after some turns."""
    found = [Outcome() for _ in range(number)]
    pausing = iter(pauses)
    for arrival in reader.arrivals():
        found[arrival.number].take(arrival)
        if next(pausing, False):
            time.sleep(0.0005)
    assert all(outcome.ended for outcome in found)
    until(lambda: not threads())  # without a call to close()
    assert (reader._room.pages, reader._room.size) == (0, 0)
    return found


def pages_of(reader: Reader[Any]) -> list[Any]:
    """Return the pages of a reader's only source.

    Raises:
        BaseException: The source failed.
    """
    (outcome,) = outcomes(reader, 1)
    if outcome.error is not None:
        raise outcome.error
    return outcome.pages


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# Output and its order


RUNS = st.tuples(st.lists(st.integers(0, 9), max_size=5), st.sampled_from([False, False, False, True]))
"""The pages of a chain, and true if an error follows them."""

KINDS = st.sampled_from(["ordered", "ordered", "eager", "hesitant", "changeable", "broken within its slices"])


@examples(300)
@given(
    plans=st.lists(st.tuples(KINDS, st.lists(RUNS, max_size=6)), max_size=9),
    workers=st.integers(1, 6),
    pages=LIMITS,
    size=st.integers(1, 40),
    pauses=st.lists(st.booleans(), max_size=20),
)
def test_any_sources_give_all_pages_before_an_error_without_hanging(
    plans: list[tuple[str, list[tuple[list[int], bool]]]], workers: int, pages: int, size: int, pauses: list[bool]
) -> None:
    def source(kind: str, plan: list[tuple[list[int], bool]]) -> Source[Any]:
        marked = [[(run, page) for page in pages] for run, (pages, _) in enumerate(plan)]
        runs = [broken_after(pages) if broken else pages for pages, (_, broken) in zip(marked, plan, strict=True)]
        if kind in {"ordered", "broken within its slices"}:
            return slices(runs if kind == "ordered" else broken_after(runs))
        return (Changeable if kind == "changeable" else Unordered)(runs, eager=len(runs) if kind == "eager" else 1)

    limits: dict[str, Any] = {"workers": workers, "pages": pages, "size": size, "weigh": max}
    with reading(*(source(*plan) for plan in plans), **limits) as reader:
        found = outcomes(reader, len(plans), pauses=pauses)
    for (kind, plan), outcome in zip(plans, found, strict=True):
        broken = [run for run, (_, broken) in enumerate(plan) if broken]
        assert isinstance(outcome.error, BrokenError) is (bool(broken) or kind == "broken within its slices")
        came = [[page for number, page in outcome.pages if number == run] for run in range(len(plan))]
        whole = [pages for pages, _ in plan]
        if kind in {"ordered", "broken within its slices"}:
            read = len(plan) if not broken else broken[0] + 1
            assert outcome.pages == [(run, page) for run in range(read) for page in whole[run]]
        else:
            assert all(some == pages[: len(some)] for some, pages in zip(came, whole, strict=True))
            assert came == whole if not broken else any(came[run] == whole[run] for run in broken)


def test_pages_of_an_unordered_source_do_not_wait_for_a_slow_run() -> None:
    answer = Event()
    with reading(Unordered([after(answer.is_set, ["slow"]), ["quick", "quick"]], eager=2)) as reader:
        turns = reader.arrivals()
        assert [next(turns).page, next(turns).page] == ["quick", "quick"]
        answer.set()
        assert [arrival.page for arrival in turns] == ["slow", None]


# Errors


def test_error_of_a_reader_that_is_no_generator_is_delivered() -> None:
    def read(_: int) -> Iterator[int]:
        raise BrokenError

    with reading(Slices([1, 2], read)) as reader, pytest.raises(BrokenError):
        pages_of(reader)


def test_pages_of_other_runs_come_before_the_last_error() -> None:
    whole_ended, broken_ended = Event(), Event()
    whole = ending([1, 2, 3], whole_ended.set)
    last_to_end = broken_after(ending(after(whole_ended.is_set, []), broken_ended.set))
    with reading(Unordered([whole, last_to_end], eager=2), workers=2) as reader:
        turns = reader.arrivals()
        pages = [next(turns).page]
        broken_ended.wait(PATIENCE)  # the error is still handed on last
        rest = list(turns)
    assert pages + [arrival.page for arrival in rest] == [1, 2, 3, None]
    assert isinstance(rest[-1].error, BrokenError)


def test_pages_left_behind_by_an_error_do_not_count_as_waiting() -> None:
    read: list[str] = []
    over = Event()
    broken = broken_after(after(lambda: len(read) >= 4, []))
    following = after(over.is_set, noted(read, "next", 10))
    with reading(slices([broken, noted(read, "behind", 10)]), slices([following]), workers=3, pages=4) as reader:
        turns = reader.arrivals()
        assert isinstance(next(turns).error, BrokenError)
        assert (reader._room.pages, reader._room.size) == (0, 0)
        over.set()
        next(turns)
        until(lambda: read.count("next") >= 4)  # ahead of the page already taken
        assert [arrival.page for arrival in turns] == 9 * ["next"] + [None]


def test_late_page_of_an_ended_source_is_dropped() -> None:
    begun: list[str] = []
    ended = Event()
    late = chain(ending([], partial(begun.append, "late")), after(ended.is_set, ["late"]))
    broken = broken_after(after(lambda: begun, []))
    with reading(Unordered([late, broken], eager=2), slices([["other"]]), workers=3) as reader:
        seen = []
        for arrival in reader.arrivals():
            seen.append((arrival.number, arrival.page))
            if arrival.error is not None:
                ended.set()
        assert sorted(seen, key=str) == sorted([(0, None), (1, "other"), (1, None)], key=str)
        until(lambda: not threads())
        assert (reader._room.pages, reader._room.size) == (0, 0)


# Limits


@pytest.mark.parametrize(("number", "sources", "each", "most"), [(1, 2, 10, 10), (5, 1, 3, 11)])
def test_waiting_pages_stay_within_the_limit(number: int, sources: int, each: int, most: int) -> None:
    read: list[int] = []
    handed_on = 0
    groups = [[Slices(range(each), lambda _: noted(read, 0, 10)) for _ in range(sources)] for _ in range(number)]
    with reading_groups(*groups, workers=4, pages=5) as reader:
        for arrival in chain.from_iterable(map(reader.arrivals, range(number))):
            handed_on += arrival.page is not None
            time.sleep(0.0005)
            # Five wait, each of the four workers may hold one, and the reader may have waited for one or two.
            assert len(read) - handed_on <= most
    assert handed_on == number * sources * each * 10


def test_waiting_bytes_stay_within_the_limit() -> None:
    lock = threading.Lock()
    waiting, most = 0, 0

    def pages(_: int) -> Iterator[int]:
        nonlocal waiting
        for size in (10, 300, 40, 100, 20):
            with lock:
                waiting += size
            yield size

    with reading(Slices(range(30), pages), workers=3, pages=1_000, size=500, weigh=int) as reader:
        for arrival in reader.arrivals():
            most = max(most, waiting)
            with lock:
                waiting -= arrival.page or 0
            time.sleep(0.0005)
    assert waiting == 0
    # Each worker may hold a page, the reader may have waited for one, and one has just been taken.
    assert most < 500 + (3 + 1 + 1) * 300


def test_single_worker_reads_at_most_one_page_ahead() -> None:
    read: list[int] = []
    with reading(slices([noted(read, 0, 100)]), workers=1, pages=1) as reader:
        for handed_on, _arrival in enumerate(reader.arrivals(), start=1):
            assert len(read) <= handed_on + 1


@pytest.mark.parametrize("limits", [{"pages": 4}, {"size": 4, "weigh": lambda _: 1}], ids=["pages", "bytes"])
def test_awaited_pages_are_read_even_when_the_buffer_is_full(limits: dict[str, Any]) -> None:
    behind: list[str] = []

    def front(source: int) -> Iterator[int]:
        until(lambda: len(behind) >= 4)
        time.sleep(0.002)
        yield from [source, source]

    sources = [slices([front(number), noted(behind, "rest", 9)]) for number in range(2)]
    with reading(*sources, workers=4, **limits) as reader:
        assert [outcome.pages for outcome in outcomes(reader, 2)] == [[n] * 2 + ["rest"] * 9 for n in range(2)]


# Threads


def test_closing_stops_idle_threads() -> None:
    with reading(slices([count(), *[[1]] * 5]), workers=5, pages=3) as reader:
        next(reader.arrivals())
        until(lambda: reader._idle == len(threads()))
        assert not reader.closed
    assert reader.closed  # so its threads have ended
    assert threads() == []


def test_reading_after_close_fails_without_waiting() -> None:
    with reading(slices([count()])) as reader:
        turns = reader.arrivals()
        next(turns)
        reader.close()
        with pytest.raises(RuntimeError, match="closed"):
            list(turns)


def test_closing_wakes_a_waiting_reader() -> None:
    asked, told = Event(), Event()
    before_the_answer: list[bool] = []

    def pages() -> Iterator[int]:
        asked.set()
        before_the_answer.append(told.wait(PATIENCE))
        yield 1

    with reading(slices([pages()])) as reader:
        meanwhile(asked.is_set, reader.close)
        with pytest.raises(RuntimeError, match="closed"):
            next(reader.arrivals())
        told.set()
    assert before_the_answer == [True]


def test_nothing_is_read_after_closing() -> None:
    gate = Gate()
    with reading(*(slices([gate.pages(number)]) for number in range(3)), workers=3) as reader:
        next(reader.arrivals())
        until(lambda: len(gate.waiting) == 3)
        reader.close()
        gate.open()
    assert gate.asked.total() == 1 + 3


@pytest.mark.parametrize("sources", [1, 3])
def test_slices_and_sources_are_read_in_parallel(sources: int) -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE)

    def pages(_: int) -> Iterator[int]:
        meeting.wait()
        yield 1

    each = 3 // sources
    with reading(*(Slices(range(each), pages) for _ in range(sources)), workers=3, pages=4) as reader:
        assert [outcome.pages for outcome in outcomes(reader, sources)] == [[1] * each] * sources


@pytest.mark.parametrize(
    "source",
    [lambda pages: slices([pages]), lambda pages: Unordered([pages]), lambda pages: slices([page] for page in pages)],
    ids=["a slice", "a run", "the list of slices"],
)
def test_source_part_is_used_by_one_thread_at_a_time(source: Callable[[Any], Source[Any]]) -> None:
    alone = threading.Lock()

    def pages() -> Iterator[int]:
        for page in range(50):
            assert alone.acquire(blocking=False)
            time.sleep(0.0001)
            alone.release()
            yield page

    with reading(source(pages()), workers=4) as reader:
        assert pages_of(reader) == list(range(50))


def test_no_thread_starts_before_pages_are_asked_for() -> None:
    with reading(slices([[1]])) as reader:
        turns = reader.arrivals()
        assert threads() == []
        assert [arrival.page for arrival in turns] == [1, None]


def test_threads_start_only_for_pending_work() -> None:
    answer = Event()
    at_it: list[int] = []

    def pages(number: int) -> Iterator[int]:
        at_it.append(number)
        answer.wait(PATIENCE)
        yield len(threads())

    with reading(Slices([1, 2], pages), workers=30) as reader:
        meanwhile(lambda: len(at_it) == 2, answer.set)
        # Some threads may have looked for a third slice.
        assert all(2 <= running < 10 for running in pages_of(reader))


def test_no_more_threads_start_than_allowed() -> None:
    most = 0

    def pages(_: int) -> Iterator[int]:
        nonlocal most
        for page in range(5):
            most = max(most, len(threads()))
            time.sleep(0.0005)
            yield page

    sources: list[Source[Any]] = [Slices(range(10), pages), Unordered(map(pages, range(10)), eager=10)]
    with reading(*sources, *(Slices(range(2), pages) for _ in range(5)), workers=3) as reader:
        assert sum(len(outcome.pages) for outcome in outcomes(reader, 7)) == 150
    assert 1 < most <= 3


# Priorities


@pytest.mark.parametrize("kind", [slices, Unordered])
@pytest.mark.parametrize("listing", [False, True])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_slow_source_or_listing_holds_up_no_other(
    place: int, kind: Callable[[Any], Source[Any]], *, listing: bool
) -> None:
    others_ended = Event()
    sources: list[Source[Any]] = [kind([range(5), range(5)]) for _ in range(3)]
    slow = after(others_ended.is_set, [["slow"]]) if listing else [after(others_ended.is_set, ["slow"])]
    sources.insert(place, slices(slow))
    ended = []
    with reading(*sources, workers=2, pages=3) as reader:
        for arrival in reader.arrivals():
            if arrival.page is None:
                ended.append(arrival.number)
            if len(ended) == 3:
                others_ended.set()
    assert ended[-1] == place


def test_slow_source_leaves_threads_for_the_others() -> None:
    answer = Event()
    slow: list[int] = []
    quick: list[int] = []

    def slow_pages(number: int) -> Iterator[int]:
        slow.append(number)
        return after(answer.is_set, [number])

    quick_source = slices([chain(["first"], noted(quick, "quick", 29))])
    with reading(Slices(range(9), slow_pages), quick_source, workers=3, pages=100) as reader:
        for arrival in reader.arrivals():
            if arrival.page == "first":
                until(lambda: len(slow) == 3 or len(quick) > 20)  # while many pages of the quick one wait
            if arrival.number == 1 and arrival.page is None:
                answer.set()  # not earlier
        assert len(quick) == 29
        assert answer.is_set()


def test_sources_advance_evenly() -> None:
    gate, workers = Gate(), 4
    sources: list[Source[Any]] = [
        slices(gate.pages(0) for _ in range(50)),
        Unordered([gate.pages(1) for _ in range(9)], eager=9),
        slices(gate.pages(2) for _ in range(4)),
    ]
    with reading(*sources, workers=workers, pages=60) as reader:
        turns = reader.arrivals()
        first = next(turns)
        for _ in range(50):
            until(lambda: len(gate.waiting) == workers)  # each worker has chosen its next page
            ahead = gate.asked - Counter([first.number])
            # The difference may be two: a source without a thread is served before those that lag.
            assert max(ahead.values()) - min(ahead.values()) <= 2
            gate.let_one_through()
        gate.open()


def test_sources_are_delivered_in_rotation() -> None:
    read_to_the_end: set[int] = set()
    # The end is noted once the last page waits to be handed on.
    pages = [ending(repeat(number, 10), partial(read_to_the_end.add, number)) for number in range(3)]
    with reading(slices([pages[0]]), Unordered([pages[1]]), slices([pages[2]]), workers=4, pages=60) as reader:
        turns = reader.arrivals()
        first = next(turns)
        until(lambda: len(read_to_the_end) == 3)
        numbers = [first.number, *(arrival.number for arrival in islice(turns, 29))]
        assert all(len(set(numbers[at : at + 3])) == 3 for at in range(28))


@examples(30)
@given(number=st.integers(1, 12), workers=WORKERS, limit=LIMITS)
def test_no_more_sources_are_open_than_there_may_be_threads(number: int, workers: int, limit: int) -> None:
    begun: set[int] = set()
    ended: set[int] = set()
    most = 0

    def runs(number: int) -> Iterator[Any]:
        nonlocal most
        begun.add(number)
        most = max(most, len(begun - ended))
        yield from ([number], [number])
        ended.add(number)  # runs when a third page is requested: by then the others have begun

    with reading(*(slices(runs(source)) for source in range(number)), workers=workers, pages=limit) as reader:
        assert len(outcomes(reader, number)) == number
    assert most <= workers


@pytest.mark.parametrize("limit", [1, 1_000])
@pytest.mark.parametrize("kind", [slices, Unordered])
def test_a_source_is_not_starved_by_others_that_never_end(kind: Callable[[Any], Source[Any]], limit: int) -> None:
    endless: list[Source[Any]] = [slices(repeat(range(3))), Unordered([count()]), slices(count() for _ in range(9))]
    with reading(*endless, kind([range(50)]), workers=4, pages=limit) as reader:
        seen = Outcome()
        for arrival in reader.arrivals():
            if arrival.number == 3:
                seen.take(arrival)
            if seen.ended:
                break
        assert seen == Outcome(list(range(50)), ended=True)


@pytest.mark.parametrize("limit", [4, 1_000])
def test_new_runs_begin_even_after_the_buffer_was_full(limit: int) -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE)
    read_beside: list[int] = []

    def first() -> Iterator[int]:
        until(lambda: len(read_beside) >= 4)
        front.known = True
        yield 0
        yield from others()

    def others() -> Iterator[int]:
        for page in range(3):
            meeting.wait()  # passes only if all three are read at once
            yield page

    front = LaterSplit([first(), others(), others()])
    with reading(front, *(slices([noted(read_beside, 0, 100)]) for _ in range(6)), workers=4, pages=limit) as reader:
        assert sorted(outcomes(reader, 7)[0].pages) == sorted([0, *3 * [0, 1, 2]])


def test_one_worker_reads_one_source_after_the_other() -> None:
    order: list[int] = []

    def pages(number: int) -> Iterator[int]:
        return noted(order, number, 3)

    with reading(Slices([1, 2], pages), Slices([3], pages), workers=1, pages=1) as reader:
        assert [arrival.number for arrival in reader.arrivals()] == [0] * 7 + [1] * 4
    assert order == sorted(order)


def test_unordered_source_begins_new_runs_only_when_pages_are_awaited() -> None:
    source = Unordered([[1, 2, 3], [4, 5, 6]])
    with reading(source, workers=1) as reader:
        turns = reader.arrivals()
        next(turns)
        until(lambda: reader._room.pages == 2)
        assert source.begun == 1
        assert sorted(arrival.page for arrival in turns if arrival.page) == [2, 3, 4, 5, 6]
        assert source.begun == 2


# Groups


@examples(60)
@given(plans=st.lists(st.lists(PLANS, max_size=7), max_size=4), workers=WORKERS, limit=LIMITS, ordered=st.booleans())
def test_groups_come_in_order_with_all_pages_of_their_sources(
    plans: list[list[list[list[int]]]], workers: int, limit: int, *, ordered: bool
) -> None:
    kind: Callable[[Any], Source[Any]] = slices if ordered else Unordered
    with reading_groups(*(list(map(kind, group)) for group in plans), workers=workers, pages=limit) as reader:
        for place, group in enumerate(plans):
            found = [Outcome() for _ in group]
            for arrival in reader.arrivals(place):
                found[arrival.number].take(arrival)
            assert [(sorted(one.pages), one.ended) for one in found] == [(sorted(flat(plan)), True) for plan in group]
        until(lambda: not threads())
        assert (reader._room.pages, reader._room.size) == (0, 0)


def test_error_of_a_later_group_comes_in_its_turn() -> None:
    broken = Event()
    first, second = after(broken.is_set, [1]), broken_after(ending([2], broken.set))
    with reading_groups([slices([first])], [slices([second])], [slices([[3]])]) as reader:
        assert [(arrival.page, arrival.error) for arrival in reader.arrivals(0)] == [(1, None), (None, None)]
        page, end = reader.arrivals(1)
        assert page.page == 2
        assert isinstance(end.error, BrokenError)
        assert [arrival.page for arrival in reader.arrivals(2)] == [3, None]


def test_nothing_starts_after_a_pending_error() -> None:
    begun: list[int] = []
    ended = Event()
    broken = map(broken_after, repeat([0]))
    runs = (next(broken) for _ in noted(begun, 0, 9))
    with reading_groups([slices([after(ended.is_set, [0])])], [slices(runs)], workers=2) as reader:
        # The free thread has met the error and has nothing left to do.
        meanwhile(lambda: begun and reader._idle > 0, ended.set)
        assert [arrival.page for arrival in reader.arrivals(0)] == [0, None]
        assert [arrival.page for arrival in reader.arrivals(1)] == [0, None]
    assert begun == [0]


@pytest.mark.parametrize("limits", [{"pages": 20}, {"size": 20, "weigh": lambda _: 1}], ids=["pages", "bytes"])
def test_later_groups_leave_buffer_space_for_earlier_ones(limits: dict[str, Any]) -> None:
    """Each later group may fill a smaller share, so that the groups before it can still be read ahead."""
    read: dict[str, list[str]] = {"second": [], "third": []}
    first_may_go_on = Event()
    first = after(first_may_go_on.is_set, ["first"])
    # 13 is 2/3 of 20, the limit as long as nobody takes a page.
    second = after(lambda: len(read["third"]) >= 13, noted(read["second"], "second", 100))
    third = noted(read["third"], "third", 100)
    with reading_groups(*([slices([pages])] for pages in (first, second, third)), workers=3, **limits) as reader:
        turns = reader.arrivals(0)
        meanwhile(lambda: read["second"], first_may_go_on.set)
        assert next(turns).page == "first"
        assert len(read["third"]) <= 14
        assert len(read["second"]) >= 1
        assert sum(1 for _ in turns) == 1
        assert [sum(1 for _ in reader.arrivals(place)) for place in (1, 2)] == [101, 101]


def test_abandoned_source_is_not_read_further_or_delivered() -> None:
    read: list[int] = []
    one, another = noted(read, 0, 1_000), noted(read, 0, 1_000)
    groups = [[slices([[1]])], [slices([one]), slices([[2]])], [slices([another])]]
    with reading_groups(*groups, workers=3, pages=8) as reader:
        assert [arrival.page for arrival in reader.arrivals(0)] == [1, None]
        until(lambda: read)
        reader.abandon(1, 0)
        reader.abandon(2, 0)  # begun or not
        assert [(arrival.number, arrival.page) for arrival in reader.arrivals(1)] == [(1, 2), (1, None)]
        assert list(reader.arrivals(2)) == []
        until(lambda: not threads())
        assert (reader._room.pages, reader._room.size) == (0, 0)


class Held(Unordered):
    """A source that has to wait before each request until a test frees it."""

    free = False

    def delay(self) -> float:
        return 0.0 if self.free else 0.01


def test_held_sources_use_no_thread_until_released() -> None:
    held = [Held([["late"]]) for _ in range(5)]
    with reading_groups([*held], [slices([[1, 2]])], workers=1, pages=4) as reader:

        def free() -> None:
            for source in held:
                source.free = True

        meanwhile(lambda: reader._room.pages == 2, free)  # pages of the next group
        assert [arrival.page for arrival in reader.arrivals(0) if arrival.page] == ["late"] * 5
        assert [arrival.page for arrival in reader.arrivals(1)] == [1, 2, None]


# Slices listed by requests


@examples(60)
@given(plans=st.lists(PLANS, max_size=20), broken=st.none() | st.integers(0, 9), workers=WORKERS, limit=LIMITS)
def test_grouped_slices_come_in_order_until_a_listing_fails(
    plans: list[list[list[int]]], broken: int | None, workers: int, limit: int
) -> None:
    asked: list[int] = []

    def list_(group: int) -> list[list[int]]:
        asked.append(group)
        if group == broken:
            raise BrokenError
        return plans[group]

    with reading(GroupedSlices(range(len(plans)), list_, iter), workers=workers, pages=limit) as reader:
        (outcome,) = outcomes(reader, 1)
    assert outcome.pages == [page for plan in plans[:broken] for page in flat(plan)]
    assert isinstance(outcome.error, BrokenError) is (broken in range(len(plans)))
    assert outcome.error is not None or sorted(asked) == list(range(len(plans)))


def test_slices_are_listed_ahead_for_several_groups_but_not_all() -> None:
    asked: list[int] = []
    at_once: list[int] = []
    meeting = threading.Barrier(LISTED_AHEAD, action=lambda: at_once.append(len(asked)), timeout=PATIENCE)

    def list_(group: int) -> list[int]:
        asked.append(group)
        if group < LISTED_AHEAD:
            meeting.wait()  # passes only if so many are requested at once
        return [group]

    with reading(GroupedSlices(range(50), list_, lambda group: [group]), workers=2 * LISTED_AHEAD) as reader:
        assert pages_of(reader) == list(range(50))
    assert at_once == [LISTED_AHEAD]

"""A list in memory that pages as the API does, read by scans whose walks are interleaved as a seed decides."""

from __future__ import annotations

import random
import threading
import time
import uuid
from bisect import bisect_right, insort
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tap_instantly.api import ErrorKind, InstantlyAPIError
from tap_instantly.api.id_space import number, text
from tap_instantly.api.scan import Scan
from tap_instantly.api.splits import OVERHEAD
from tap_instantly.singer.read_ahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_instantly.api.scan import Bounds, ScannedPage

    Records = list[dict[str, Any]]

NOVEMBER = 1_762_000_000_000
"""A moment of November 2025, in milliseconds: ids begin with the time by then."""

WEEKS = 5_000_000_000
"""A few weeks in milliseconds."""


# Ids


def random_id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def timed_id(rng: random.Random, milliseconds: int) -> str:
    return text(milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0x2 << 62 | rng.getrandbits(62))


def random_ids(rng: random.Random, number: int) -> list[str]:
    return [random_id(rng) for _ in range(number)]


def bursts(rng: random.Random, number: int) -> list[str]:
    """Ids of imports: a few seconds each, anywhere in a few weeks."""
    imports = [NOVEMBER + rng.randrange(WEEKS) for _ in range(rng.randint(1, 6))]
    return [timed_id(rng, rng.choice(imports) + rng.randrange(5_000)) for _ in range(number)]


def both(rng: random.Random, number: int) -> list[str]:
    old = rng.randint(0, number)
    return random_ids(rng, old) + bursts(rng, number - old)


def one_millisecond(rng: random.Random, number: int) -> list[str]:
    moment = NOVEMBER + rng.randrange(WEEKS)
    return [timed_id(rng, moment) for _ in range(number)]


DISTRIBUTIONS = [random_ids, bursts, both, one_millisecond]


# The list


class SimulatedList:
    """Answers as the API does: what comes strictly after a cursor; the last page with records usually has one too."""

    def __init__(
        self,
        ids: list[str],
        page_size: int,
        rng: random.Random,
        *,
        short_pages: bool = False,
        last_cursor: bool = True,
    ) -> None:
        self.ids = sorted(ids)
        self.page_size = page_size
        self.rng = rng
        self.short_pages = short_pages
        self.last_cursor = last_cursor
        self.requests = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def fetch(self, cursor: str | None) -> tuple[Records, str | None]:
        self.requests += 1
        assert self.requests < 20 * (len(self.ids) + 10), "it has no end"
        answer = self.answer(cursor)
        self.meanwhile()  # while the answer is on its way
        return answer

    def answer(self, cursor: str | None) -> tuple[Records, str | None]:
        start = 0 if cursor is None else self.behind(cursor)
        size = self.rng.randint(1, self.page_size) if self.short_pages else self.page_size
        ids = self.ids[start : start + size]
        more = self.last_cursor or start + len(ids) < len(self.ids)
        return [{"id": each} for each in ids], ids[-1] if ids and more else None

    def behind(self, cursor: str) -> int:
        return bisect_right(self.ids, cursor)

    def plainly(self) -> Iterator[Records]:
        cursor: str | None = None
        while True:
            records, cursor = self.fetch(cursor)
            yield records
            if not records or cursor is None:
                return

    def scan(self, ranges: list[Bounds] | None = None) -> Scan:
        return Scan(self.fetch, self.page_size, self.plainly, ranges)


class Walkers:
    """Reads a scan as threads would, but one step at a time: each begins a walk, reads a page or hands one on.

    Other steps also happen between a request and its answer.
    """

    def __init__(self, simulated: SimulatedList, scan: Scan, number: int, *, hurry: bool = False) -> None:
        self.simulated = simulated
        self.scan = scan
        self.number = number
        self.hurry = hurry
        self.begun = 0
        self.handed_on: list[str] = []
        self.last_page: ScannedPage | None = None
        self._rng = simulated.rng
        self._runs: list[Iterator[ScannedPage]] = []
        self._busy: list[Iterator[ScannedPage]] = []
        self._read: dict[int, deque[ScannedPage]] = {}

    def finish(self) -> list[str]:
        """Read to the end: the ids of the records that were handed on."""
        while self.step():
            pass
        while self.hand_on() is not None:
            pass
        return self.handed_on

    def step(self) -> bool:
        """Do something; False if there is nothing left to read."""
        idle = [run for run in self._runs if run not in self._busy]
        if self._rng.random() < 0.4:
            self.hand_on()
        may_begin = len(self._runs) < self.number and self.scan.has_run(starving=self.hurry or self._rng.random() < 0.5)
        if may_begin and (self.hurry or not idle or self._rng.random() < 0.5):
            return self._begin()
        if idle:
            self._go_on(self._rng.choice(idle))
            return True
        return bool(self._busy) or (self.scan.has_run(starving=True) and self._begin())

    def _begin(self) -> bool:
        run = self.scan.begin_run()
        assert run, "has_run said that there is one"
        self.begun += 1
        self._runs.append(run)
        return True

    def _go_on(self, run: Iterator[ScannedPage]) -> None:
        self._busy.append(run)
        self.simulated.meanwhile = self._sometimes_step
        page = next(run, None)
        self._busy.remove(run)
        if page is None:
            self._runs.remove(run)
        else:
            self._read.setdefault(id(run), deque()).append(page)

    def _sometimes_step(self) -> None:
        while len(self._busy) <= self.number and self._rng.random() < 0.4:
            self.step()

    def hand_on(self, *, done: bool = True) -> ScannedPage | None:
        """Hand on a page; its records count as written only once it is done with."""
        waiting = [pages for pages in self._read.values() if pages]
        if not waiting:
            return None
        page = self._rng.choice(waiting).popleft()
        assert page.scan is self.scan
        self.handed_on.extend(record["id"] for record in page)
        if done:
            page.done()
        return page


def lists(number: st.SearchStrategy[int]) -> st.SearchStrategy[SimulatedList]:
    """Lists of so many records."""
    return st.builds(
        lambda seed, ids, number, page_size, **kind: SimulatedList(
            ids(random.Random(seed), number), page_size, random.Random(seed + 1), **kind
        ),
        seed=st.integers(0, 1 << 32),
        ids=st.sampled_from(DISTRIBUTIONS),
        number=number,
        page_size=st.one_of(st.just(1), st.integers(1, 10)),
        short_pages=st.booleans(),
        last_cursor=st.booleans(),
    )


LISTS = lists(st.one_of(st.integers(0, 12), st.integers(0, 3_000)))
WALKERS = st.integers(1, 8)


# What comes out


@settings(deadline=None, max_examples=150)
@given(simulated=LISTS, walkers=WALKERS)
def test_every_record_comes_out_exactly_once(simulated: SimulatedList, walkers: int) -> None:
    scan = simulated.scan()
    assert sorted(Walkers(simulated, scan, walkers).finish()) == simulated.ids
    assert not scan.remaining()


@settings(deadline=None, max_examples=25)
@given(simulated=LISTS, workers=WALKERS, pages=st.integers(1, 20))
def test_every_record_comes_out_exactly_once_with_real_threads(
    simulated: SimulatedList, workers: int, pages: int
) -> None:
    simulated.meanwhile = lambda: time.sleep(0.0001 * (threading.get_ident() % 3))
    reader = ReadAhead([[simulated.scan()]], workers=workers, pages=pages)
    got: list[str] = []
    for turn in reader.turns():
        assert turn.error is None
        if turn.page is not None:
            got.extend(record["id"] for record in turn.page)
            turn.page.done()
    assert sorted(got) == simulated.ids


def pages_of(simulated: SimulatedList) -> int:
    """Requests of a reading from one end to the other: the last of them finds nothing."""
    return -(-len(simulated.ids) // simulated.page_size) + 1


class Changes:
    """What comes and goes in a list.

    Attributes:
        throughout: Ids of records that are there from beginning to end.
        ever: Ids of all that are there at some time.
    """

    def __init__(self, simulated: SimulatedList, rng: random.Random) -> None:
        self.throughout, self.ever = set(simulated.ids), set(simulated.ids)
        self._ids = simulated.ids
        self._rng = rng

    def make(self, number: int) -> None:
        for _ in range(number):
            self._remove() if self._ids and self._rng.random() < 0.5 else self._insert()

    def _remove(self) -> None:
        self.throughout.discard(self._ids.pop(self._rng.randrange(len(self._ids))))

    def _insert(self) -> None:
        """A record anywhere, or next to another: behind what has been read as well as before it."""
        anywhere = random_id(self._rng), timed_id(self._rng, NOVEMBER + self._rng.randrange(WEEKS))
        beside = text(number(self._rng.choice(self._ids)) + 1) if self._ids else anywhere[0]
        new = self._rng.choice([*anywhere, beside])
        if new not in self.ever:
            insort(self._ids, new)
            self.ever.add(new)


@settings(deadline=None, max_examples=80)
@given(simulated=LISTS, walkers=WALKERS, how_often=st.sampled_from([0.01, 0.2, 1.0]))
def test_what_is_there_throughout_comes_out_exactly_once_whatever_comes_and_goes(
    simulated: SimulatedList, walkers: int, how_often: float
) -> None:
    rng = random.Random(len(simulated.ids))
    changes = Changes(simulated, rng)
    answer = simulated.answer

    def change_and_answer(cursor: str | None) -> tuple[Records, str | None]:
        changes.make(rng.random() < how_often)
        return answer(cursor)

    simulated.answer = change_and_answer  # type: ignore[method-assign]
    reader = Walkers(simulated, simulated.scan(), walkers)
    for _ in range(2 * len(simulated.ids) + 20):
        reader.step()
        changes.make(rng.random() < how_often)
    simulated.answer = answer  # type: ignore[method-assign]
    got = Counter(reader.finish())
    assert changes.throughout <= got.keys() <= changes.ever
    assert set(got.values()) <= {1}


# Ended, and taken up again


class Pass:
    """A reader that is ended, and what a state that was written at some time before says that remains."""

    def __init__(self, simulated: SimulatedList, ranges: list[Bounds] | None, data: st.DataObject) -> None:
        self.reader = Walkers(simulated, simulated.scan(ranges), data.draw(WALKERS, label="walkers"))
        self.ranges: list[Bounds] | None = None
        self._data = data
        self._pages = pages_of(simulated)

    def until_tried(self) -> None:
        """Read until it has turned out that the list can be read from several places."""
        while self.reader.scan.remaining() is None and self.reader.step():
            pass

    def a_while(self, longest: float = 0.4, label: str = "steps") -> None:
        """Read a part of so many pages as the whole list has."""
        # Drawn as a share: how many pages there are by now may depend on the clock, which splits go by.
        share = self._data.draw(st.integers(0, 100), label=f"{label}, in hundredths")
        for _ in range(int(longest * self._pages * share / 100) + (share > 0)):
            self.reader.step()

    def some_way(self) -> None:
        """Read a part, of which mostly so much that it has turned out."""
        if self._data.draw(st.integers(0, 4), label="at once") > 0:
            self.until_tried()
        self.a_while()

    def stop(self) -> Counter[str]:
        """A signal, while a page is written and has not been done with: what that page holds."""
        page = self.reader.hand_on(done=False)
        self.ranges = self.reader.scan.remaining()
        return Counter(record["id"] for record in page or ())

    def kill(self, meanwhile: Callable[[], object] = lambda: None) -> Counter[str]:
        """An end without warning, some time after the last state was written: what was handed on since."""
        self.ranges = self.reader.scan.remaining()
        before = Counter(self.reader.handed_on)
        self.a_while(0.1, "steps unnoticed")
        meanwhile()
        self.reader.hand_on(done=False)
        return Counter(self.reader.handed_on) - before

    @property
    def where(self) -> str:
        return "before anything" if self.ranges is None else "under way" if self.ranges else "with nothing left"


LONG_LISTS = lists(st.integers(40, 2_000))
"""Lists of which something remains after their first pages."""


def ends_counted(test: Callable[[Counter[str], SimulatedList, st.DataObject], None], max_examples: int) -> None:
    """Run a property of lists in passes that are ended; most have to end under way, or it would say nothing."""
    ends: Counter[str] = Counter()

    @settings(deadline=None, max_examples=max_examples)
    @given(simulated=LONG_LISTS, data=st.data())
    def counted(simulated: SimulatedList, data: st.DataObject) -> None:
        these: Counter[str] = Counter()
        test(these, simulated, data)
        for end in these:
            event(f"ended {end}")
        ends.update(these)

    counted()
    assert ends["under way"] > ends.total() / 2
    assert len(ends) > 1, "they do not always end alike"


def test_a_pass_can_be_ended_and_taken_up_again_anywhere() -> None:
    def check(ends: Counter[str], simulated: SimulatedList, data: st.DataObject) -> None:
        got: Counter[str] = Counter()
        may_come_again: Counter[str] = Counter()
        ranges: list[Bounds] | None = None
        for _ in range(data.draw(st.integers(1, 4), label="ends")):
            part = Pass(simulated, ranges, data)
            part.some_way()
            may_come_again += data.draw(st.sampled_from([part.stop, part.kill]), label="end")()
            got.update(part.reader.handed_on)
            ends[part.where] += 1
            if part.ranges is not None:
                assert part.ranges == sorted(part.ranges, key=lambda bounds: bounds[0] or "")
                ranges = part.ranges
        got.update(Walkers(simulated, simulated.scan(ranges), data.draw(WALKERS, label="walkers")).finish())
        assert sorted(got) == simulated.ids
        assert got - Counter(simulated.ids) <= may_come_again

    ends_counted(check, max_examples=120)


def test_what_is_there_throughout_comes_out_of_passes_that_are_ended_while_the_list_changes() -> None:
    def check(ends: Counter[str], simulated: SimulatedList, data: st.DataObject) -> None:
        changes = Changes(simulated, simulated.rng)
        few = st.integers(0, 3) | st.integers(0, 200)
        got: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        again: Counter[str] = Counter()
        ranges: list[Bounds] | None = None
        for _ in range(data.draw(st.integers(1, 3), label="ends")):
            part = Pass(simulated, ranges, data)
            part.some_way()
            changes.make(data.draw(few, label="changes while it is read"))
            part.a_while()
            lost = part.kill(lambda: changes.make(3))
            ends[part.where] += 1
            got.update(part.reader.handed_on)
            if part.ranges is not None:
                again += Counter(part.reader.handed_on) & noted
                noted += Counter(part.reader.handed_on) - lost
                ranges = part.ranges
            changes.make(data.draw(few, label="changes while it is away"))
        last = Walkers(simulated, simulated.scan(ranges), data.draw(WALKERS, label="walkers"))
        got.update(last.finish())
        assert changes.throughout <= got.keys() <= changes.ever
        assert not again, "what the state says is done with does not come again"
        if last.scan.remaining() is not None:
            assert not Counter(last.handed_on) & noted

    ends_counted(check, max_examples=120)


# What it costs

A_FEW = 20
"""Requests that a long list may cost more than the share allowed: how full the last pages of walks are is chance."""


NO_MORE = 12
"""Requests that a list may cost more of which it is a guess how much is ahead: to try the premise, and splits where
nothing is."""


@settings(deadline=None, max_examples=16, derandomize=True)  # a matter of chance, if a small one
@given(seed=st.integers(0, 1 << 32), ids=st.sampled_from(DISTRIBUTIONS), walkers=st.sampled_from([1, 4, 32]))
def test_reading_a_long_list_from_many_places_costs_hardly_more_requests(
    seed: int, ids: Callable[[random.Random, int], list[str]], walkers: int
) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(ids(rng, 20_000), 10, rng)
    Walkers(simulated, simulated.scan(), walkers, hurry=True).finish()
    assert simulated.requests <= pages_of(simulated) * (1 + OVERHEAD) + A_FEW


@pytest.mark.parametrize("ids", DISTRIBUTIONS)
def test_the_share_that_walking_may_cost_is_kept_to_in_a_list_too_long_for_chance(
    ids: Callable[[random.Random, int], list[str]],
) -> None:
    rng = random.Random(7)
    simulated = SimulatedList(ids(rng, 100_000), 10, rng)
    Walkers(simulated, simulated.scan(), 32, hurry=True).finish()
    assert simulated.requests <= pages_of(simulated) * (1 + OVERHEAD) + A_FEW


@settings(deadline=None, max_examples=40, derandomize=True)  # a matter of chance, if a small one
@given(seed=st.integers(0, 1 << 32), number=st.integers(0, 20_000))
def test_a_short_list_costs_at_most_ten_requests_more_than_its_pages(seed: int, number: int) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(random_ids(rng, number), 50, rng)
    Walkers(simulated, simulated.scan(), 32, hurry=True).finish()
    assert simulated.requests <= pages_of(simulated) + 10


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1 << 32), ids=st.sampled_from(DISTRIBUTIONS), number=st.integers(0, 600))
def test_a_short_list_whose_ids_lie_close_together_costs_a_few_requests_more(
    seed: int, ids: Callable[[random.Random, int], list[str]], number: int
) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(ids(rng, number), 50, rng)
    Walkers(simulated, simulated.scan(), 32, hurry=True).finish()
    assert simulated.requests <= pages_of(simulated) + NO_MORE


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1 << 32), number=st.integers(0, 200))
def test_a_list_of_a_few_pages_is_read_from_one_place(seed: int, number: int) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(random_ids(rng, number), 50, rng)
    reader = Walkers(simulated, simulated.scan(), 32, hurry=True)
    reader.finish()
    assert reader.begun == 1
    assert simulated.requests <= pages_of(simulated) + 1


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1 << 32), number=st.integers(1_500, 3_000))
def test_a_list_of_dozens_of_pages_is_read_from_several_places(seed: int, number: int) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(random_ids(rng, number), 50, rng)
    reader = Walkers(simulated, simulated.scan(), 32, hurry=True)
    reader.finish()
    assert reader.begun >= 4


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1 << 32), ids=st.sampled_from(DISTRIBUTIONS))
def test_a_long_list_is_read_from_several_places(seed: int, ids: Callable[[random.Random, int], list[str]]) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(ids(rng, 6_000), 10, rng)
    reader = Walkers(simulated, simulated.scan(), 8, hurry=True)
    reader.finish()
    assert reader.begun >= 4


def test_a_pass_is_taken_up_where_it_was_left_and_read_no_further_than_that() -> None:
    simulated = without_premise(SimulatedList, 1)
    ids = simulated.ids
    scan = simulated.scan([(ids[99], ids[149]), (ids[299], ids[300]), (ids[309], ids[314]), (ids[1399], None)])
    got = Walkers(simulated, scan, 1).finish()
    assert sorted(got) == [*ids[100:150], ids[300], *ids[310:315], *ids[1400:]]
    tried = 2
    assert simulated.requests == tried + 5 + 1 + 1 + 11


def test_what_remains_is_told_from_the_last_record_of_what_was_done_with() -> None:
    simulated = without_premise(SimulatedList, 1, 35)
    scan = simulated.scan()
    walk = scan.begin_run()
    assert walk
    pages = [next(walk), next(walk)]
    assert scan.remaining() == [(None, None)]
    for page in pages:
        page.done()
        assert scan.remaining() == [(page[-1]["id"], None)]
    for page in walk:
        page.done()
    assert scan.remaining() == []


@pytest.mark.parametrize(("number", "requests"), [(0, 1), (1, 1), (10, 1), (15, 2), (20, 3), (25, 3)])
def test_a_list_ends_with_a_page_without_a_cursor(number: int, requests: int) -> None:
    rng = random.Random(1)
    simulated = SimulatedList(random_ids(rng, number), 10, rng, last_cursor=False)
    scan = simulated.scan()
    assert Walkers(simulated, scan, 1).finish() == simulated.ids
    assert not scan.is_given_up
    assert simulated.requests == requests


@pytest.mark.parametrize("number", [0, 1, 10, 20, 25])
def test_a_list_ends_with_an_empty_page_whatever_its_cursor(number: int) -> None:
    simulated = without_premise(SimulatedList, 1, number)

    def end_with_a_cursor(cursor: str | None) -> tuple[Records, str | None]:
        records, following = SimulatedList.answer(simulated, cursor)
        return records, following or cursor

    simulated.answer = end_with_a_cursor  # type: ignore[method-assign]
    scan = simulated.scan()
    assert Walkers(simulated, scan, 1).finish() == simulated.ids
    assert not scan.is_given_up


@pytest.mark.parametrize("seed", range(3))
def test_what_remains_is_told_in_the_order_of_the_list(seed: int) -> None:
    simulated = without_premise(SimulatedList, seed, 6_000)
    scan = simulated.scan()
    reader, most = Walkers(simulated, scan, 8, hurry=True), 0
    while reader.step():
        lows = [after or "" for after, _ in scan.remaining() or ()]
        assert lows == sorted(lows)
        most = max(most, len(lows))
    assert most > 3


# How much is ahead


@pytest.mark.parametrize(("ids", "least_told"), [(random_ids, 0.5), (bursts, 0), (one_millisecond, 0), (both, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_a_scan_tells_how_much_is_ahead_only_where_that_is_known(
    ids: Callable[[random.Random, int], list[str]], least_told: float, seed: int
) -> None:
    simulated = SimulatedList(ids(random.Random(seed), 6_000), 50, random.Random(seed))
    scan = simulated.scan()
    walkers, told, steps = Walkers(simulated, scan, 8, hurry=True), 0, 0
    while walkers.step():
        ahead, steps = scan.ahead(), steps + 1
        if ahead is not None:
            told += 1
            truly = len(simulated.ids) - scan._records
            assert abs(ahead - truly) <= 0.25 * truly + 100
    assert told >= least_told * steps
    assert told or ids is not random_ids


# Where the list is not what a scan needs it to be


class RefusesUnknownCursors(SimulatedList):
    def behind(self, cursor: str) -> int:
        if cursor not in self.ids:
            raise InstantlyAPIError(400, "POST", "/api/v2/leads/list", '{"message": "starting_after is not valid"}')
        return super().behind(cursor)


class RefusesFarCursors(SimulatedList):
    """Takes the id just before one that it has, but none that lies between others."""

    def behind(self, cursor: str) -> int:
        if cursor not in self.ids and text(number(cursor) + 1) not in self.ids:
            raise InstantlyAPIError(400, "POST", "/api/v2/leads/list", '{"message": "starting_after is not valid"}')
        return super().behind(cursor)


class IgnoresFarCursors(RefusesFarCursors):
    """The same, but gives its beginning in the place of an error."""

    def behind(self, cursor: str) -> int:
        try:
            return super().behind(cursor)
        except InstantlyAPIError:
            return 0


class DoesNotFindUnknownCursors(RefusesUnknownCursors):
    def behind(self, cursor: str) -> int:
        if cursor not in self.ids:
            raise InstantlyAPIError(404, "POST", "/api/v2/leads/list", '{"message": "no such lead"}')
        return super().behind(cursor)


class IgnoresUnknownCursors(SimulatedList):
    def behind(self, cursor: str) -> int:
        return super().behind(cursor) if cursor in self.ids else 0


class EndsAtUnknownCursors(SimulatedList):
    def behind(self, cursor: str) -> int:
        return super().behind(cursor) if cursor in self.ids else len(self.ids)


class Unsorted(SimulatedList):
    """In no order from some place on."""

    ascending = 0

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        super().__init__(ids, page_size, rng)
        rest = self.ids[self.ascending :]
        rng.shuffle(rest)
        self.ids[self.ascending :] = rest

    def behind(self, cursor: str) -> int:
        known = cursor in self.ids
        return self.ids.index(cursor) + 1 if known else bisect_right(self.ids[: self.ascending], cursor)


class UnsortedFromSomePlaceOn(Unsorted):
    ascending = 400


class Descending(SimulatedList):
    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        super().__init__(ids, page_size, rng)
        self.ids.reverse()

    def behind(self, cursor: str) -> int:
        return sum(each >= cursor for each in self.ids)


class OtherIds(SimulatedList):
    """Ids that are no UUIDs."""

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        super().__init__([f"lead-{each}" for each in ids], page_size, rng)


class UpperCaseIds(SimulatedList):
    """UUIDs that do not compare as their numbers do."""

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        super().__init__([each.upper() for each in ids], page_size, rng)


class OneOddId(SimulatedList):
    """One id among all others that is no UUID, at whatever place of its page."""

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        place = rng.randrange(2 * page_size, len(ids)) if len(ids) > 2 * page_size else len(ids)
        odd = [*ids[:place], f"{ids[place - 1] if ids else 0}-2", *ids[place:]]
        super().__init__(sorted(odd), page_size, rng)


class NumbersForIds(SimulatedList):
    """Ids that are no texts, as the cursor of the page is."""

    def answer(self, cursor: str | None) -> tuple[Records, str | None]:
        records, following = super().answer(cursor)
        return [{"id": int(record["id"].replace("-", ""), 16)} for record in records], following


AT_ONCE: dict[type[SimulatedList], str] = {
    RefusesUnknownCursors: "a computed cursor is refused: POST /api/v2/leads/list answered 400 (bad request): "
    "starting_after is not valid",
    DoesNotFindUnknownCursors: "a computed cursor is refused: POST /api/v2/leads/list answered 404 (not found): "
    "no such lead",
    IgnoresUnknownCursors: "a computed cursor does not lead to the records behind it",
    EndsAtUnknownCursors: "a computed cursor does not lead to the records behind it",
    Unsorted: "its ids do not ascend",
    Descending: "its ids do not ascend",
    OtherIds: "its ids are no UUIDs",
    UpperCaseIds: "its ids are no UUIDs",
    NumbersForIds: "a record has no id",
}
"""What shows with the first two pages, and what is said of it."""


def without_premise(kind: type[SimulatedList], seed: int, number: int = 1_500, page_size: int = 10) -> SimulatedList:
    rng = random.Random(seed)
    return kind(random_ids(rng, number), page_size, rng)


def record_ids(simulated: SimulatedList) -> list[Any]:
    """What the list has, in its order."""
    simulated.meanwhile = lambda: None
    return [record["id"] for page in simulated.plainly() for record in page]


@pytest.mark.parametrize("kind", AT_ONCE)
@pytest.mark.parametrize("walkers", [1, 6])
def test_a_list_that_is_not_as_a_scan_needs_it_is_read_plainly_and_said_so_once(
    kind: type[SimulatedList], walkers: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(kind, walkers)
    scan = simulated.scan()
    got = Walkers(simulated, scan, walkers, hurry=True).finish()
    assert got == record_ids(simulated)  # in the order of the list, each once
    assert len(set(got)) == 1_500
    (message,) = caplog.messages
    assert message.startswith(f"The list is read from one place, not from several at once: {AT_ONCE[kind]}.")
    assert scan.remaining() is None


LATER = {UnsortedFromSomePlaceOn: "do not ascend", OneOddId: "are no UUIDs"}
"""What shows only where it has been read for a while, and what is said of it."""


@pytest.mark.parametrize("kind", LATER)
@pytest.mark.parametrize("walkers", [1, 2, 6])
@pytest.mark.parametrize("seed", range(10))
def test_a_list_that_turns_out_later_not_to_be_so_is_read_whole_from_there(
    kind: type[SimulatedList], walkers: int, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(kind, seed)
    scan = simulated.scan()
    got = Walkers(simulated, scan, walkers, hurry=True).finish()
    assert set(got) == set(simulated.ids)
    assert len(caplog.messages) == 1
    assert LATER[kind] in caplog.messages[0]
    assert scan.remaining() is None
    assert scan.is_given_up


@pytest.mark.parametrize("place", [1, 2, 10])
def test_an_odd_id_is_seen_wherever_it_is_among_the_first_two_pages(
    place: int, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(place)
    ids = sorted(random_ids(rng, 100))
    ids.insert(place, f"{ids[place - 1]}-2")
    simulated = SimulatedList(ids, 10, rng)
    assert Walkers(simulated, simulated.scan(), 4).finish() == ids
    assert "are no UUIDs" in caplog.text


@pytest.mark.parametrize(("kind", "reason"), [(RefusesFarCursors, "refused"), (IgnoresFarCursors, "do not ascend")])
@pytest.mark.parametrize("walkers", [2, 6])
def test_a_list_that_does_not_take_the_cursor_of_a_later_split_is_read_whole_and_not_again_at_that_place(
    kind: type[SimulatedList], reason: str, walkers: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(kind, walkers)
    scan = simulated.scan()
    got = Walkers(simulated, scan, walkers, hurry=True).finish()
    assert set(got) == set(simulated.ids)
    (message,) = caplog.messages
    assert reason in message
    assert scan.remaining() is None


def test_a_record_that_comes_twice_in_a_page_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    simulated = without_premise(SimulatedList, 1)
    simulated.ids.insert(5, simulated.ids[5])
    assert Walkers(simulated, simulated.scan(), 4).finish() == simulated.ids
    assert "its ids do not ascend" in caplog.text


def test_ids_that_follow_each_other_without_a_gap_are_no_reason_to_read_the_list_from_one_place() -> None:
    simulated = SimulatedList([text(1_000 + each) for each in range(200)], 10, random.Random(1))
    scan = simulated.scan()
    assert sorted(Walkers(simulated, scan, 4).finish()) == simulated.ids
    assert not scan.is_given_up


@pytest.mark.parametrize("kind", [*AT_ONCE, *LATER])
@pytest.mark.parametrize("number", [0, 1, 2, 11, 200])
@pytest.mark.parametrize("page_size", [1, 10])
def test_such_lists_come_out_whole_however_few_pages_they_have(
    kind: type[SimulatedList], number: int, page_size: int
) -> None:
    simulated = without_premise(kind, number, number, page_size)
    got = Walkers(simulated, simulated.scan(), 4, hurry=True).finish()
    assert sorted(set(got)) == sorted(record_ids(simulated))


def test_ranges_of_an_earlier_pass_are_forgotten_where_the_list_is_no_longer_as_a_scan_needs_it() -> None:
    simulated = without_premise(RefusesUnknownCursors, 1)
    scan = simulated.scan([(simulated.ids[700], None)])
    assert Walkers(simulated, scan, 4).finish() == simulated.ids
    assert scan.remaining() is None


def test_no_other_walk_begins_before_the_premise_has_been_tried_nor_where_there_is_nothing_to_split() -> None:
    simulated = without_premise(SimulatedList, 1, number=30)
    scan = simulated.scan()
    first = scan.begin_run()
    assert first
    assert not scan.has_run(starving=True)
    assert scan.begin_run() is None
    assert [record["id"] for page in first for record in page] == simulated.ids
    assert not scan.has_run(starving=True)
    assert scan.begin_run() is None


def test_a_pass_with_nothing_left_hands_on_nothing() -> None:
    simulated = without_premise(SimulatedList, 1)
    scan = simulated.scan([])
    assert Walkers(simulated, scan, 4).finish() == []
    assert scan.remaining() == []


# Errors


@settings(deadline=None, max_examples=40)
@given(simulated=LISTS.filter(lambda simulated: len(simulated.ids) > 20), walkers=WALKERS, data=st.data())
def test_an_error_of_the_server_surfaces_and_what_it_cost_can_be_read_later(
    simulated: SimulatedList, walkers: int, data: st.DataObject
) -> None:
    failing = data.draw(
        st.integers(1, pages_of(simulated) - 1)
    )  # a list whose last page has no cursor is read with that
    answer = simulated.answer

    def fail_once(cursor: str | None) -> tuple[Records, str | None]:
        if simulated.requests == failing:
            raise InstantlyAPIError(status, "POST", "/api/v2/leads/list", "oh")
        return answer(cursor)

    status = data.draw(st.sampled_from([500, 502, 503, 529]))
    simulated.answer = fail_once  # type: ignore[method-assign]
    scan = simulated.scan()
    reader = Walkers(simulated, scan, walkers)
    with pytest.raises(InstantlyAPIError) as caught:
        reader.finish()
    assert (caught.value.status, caught.value.kind) == (status, ErrorKind.SERVER)
    if (ranges := scan.remaining()) is not None:
        rest = Walkers(simulated, simulated.scan(ranges), walkers).finish()
        assert sorted(reader.handed_on + rest) == simulated.ids


@settings(deadline=None, max_examples=40)
@given(simulated=LISTS.filter(lambda simulated: len(simulated.ids) > 200), walkers=WALKERS, data=st.data())
def test_an_error_ends_one_walk_and_the_others_read_on_to_their_ends(
    simulated: SimulatedList, walkers: int, data: st.DataObject
) -> None:
    bad = data.draw(st.sampled_from(simulated.ids))
    answer = simulated.answer

    def fail_at_one_place(cursor: str | None) -> tuple[Records, str | None]:
        records, following = answer(cursor)
        if any(record["id"] == bad for record in records):
            raise InstantlyAPIError(500, "POST", "/api/v2/leads/list", "oh")
        return records, following

    simulated.answer = fail_at_one_place  # type: ignore[method-assign]
    scan = simulated.scan()
    reader = Walkers(simulated, scan, walkers)
    with pytest.raises(InstantlyAPIError):
        reader.finish()
    while reader.hand_on() is not None:
        pass
    if (ranges := scan.remaining()) is None:
        return  # it came before the premise had been tried
    event("several ranges" if reader.begun > 1 else "one range")
    assert len(ranges) in {1, 2}  # two where a page that reaches beyond the end of its range has the bad one too
    left = {each for each in simulated.ids for after, upto in ranges if (after or "") < each <= (upto or "g")}
    assert bad in left
    assert set(reader.handed_on) == set(simulated.ids) - left


def two_walks() -> tuple[SimulatedList, Scan, Iterator[ScannedPage], Iterator[ScannedPage]]:
    """A list with two walks under way."""
    simulated = without_premise(SimulatedList, 1)
    scan = simulated.scan()
    first = scan.begin_run()
    assert first
    while not scan.has_run(starving=True):
        next(first)
    second = scan.begin_run()
    assert second
    next(second)
    return simulated, scan, first, second


def failing(_cursor: str | None) -> tuple[Records, str | None]:
    raise InstantlyAPIError(500, "POST", "/api/v2/leads/list", "oh")


def test_after_an_error_a_list_that_turns_out_not_to_ascend_is_not_read_for_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulated, scan, first, second = two_walks()
    answer = simulated.answer
    simulated.answer = failing  # type: ignore[method-assign]
    assert list(first) == []
    simulated.answer = lambda cursor: (answer(cursor)[0][::-1], answer(cursor)[1])  # type: ignore[method-assign]
    asked_before = simulated.requests
    with pytest.raises(InstantlyAPIError, match="oh"):
        list(second)
    assert simulated.requests == asked_before + 1
    assert scan.remaining() is None
    assert not caplog.messages


def test_an_error_of_a_walk_whose_list_is_read_by_another_by_then_is_none() -> None:
    simulated, scan, first, second = two_walks()
    answer = simulated.answer
    got: list[ScannedPage] = []

    def fail_late(cursor: str | None) -> tuple[Records, str | None]:
        simulated.answer = lambda cursor: (answer(cursor)[0][::-1], answer(cursor)[1])  # type: ignore[method-assign]
        got.append(next(second))
        return failing(cursor)

    simulated.answer = fail_late  # type: ignore[method-assign]
    assert list(first) == []
    got += second
    assert sorted(record["id"] for page in got for record in page) == simulated.ids
    assert scan.remaining() is None


def test_how_much_is_ahead_is_told_no_longer_once_the_list_is_read_plainly() -> None:
    simulated, scan, _, second = two_walks()
    assert scan.ahead()
    answer = simulated.answer
    simulated.answer = lambda cursor: (answer(cursor)[0][::-1], answer(cursor)[1])  # type: ignore[method-assign]
    next(second)
    assert scan.ahead() is None


def test_an_error_of_the_walk_that_reads_the_list_plainly_is_raised() -> None:
    simulated, _, first, second = two_walks()
    answer = simulated.answer
    simulated.answer = lambda cursor: (answer(cursor)[0][::-1], answer(cursor)[1])  # type: ignore[method-assign]
    next(second)
    simulated.answer = failing  # type: ignore[method-assign]
    assert list(first) == []
    with pytest.raises(InstantlyAPIError, match="oh"):
        list(second)


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_an_error_of_another_kind_is_not_taken_for_a_refused_cursor(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(SimulatedList, 1)

    def fail_the_second(cursor: str | None) -> tuple[Records, str | None]:
        if cursor is not None:
            raise InstantlyAPIError(status, "POST", "/api/v2/leads/list", "{}")
        return SimulatedList.answer(simulated, cursor)

    simulated.answer = fail_the_second  # type: ignore[method-assign]
    with pytest.raises(InstantlyAPIError):
        Walkers(simulated, simulated.scan(), 1).finish()
    assert simulated.requests == 2
    assert not caplog.messages


@pytest.mark.parametrize("status", [400, 404])
def test_an_error_at_a_cursor_of_the_server_s_own_is_one_and_no_refusal(status: int) -> None:
    simulated = without_premise(SimulatedList, 1)

    def fail_the_fifth(cursor: str | None) -> tuple[Records, str | None]:
        if simulated.requests == 5:
            raise InstantlyAPIError(status, "POST", "/api/v2/leads/list", "{}")
        return SimulatedList.answer(simulated, cursor)

    simulated.answer = fail_the_fifth  # type: ignore[method-assign]
    with pytest.raises(InstantlyAPIError):
        Walkers(simulated, simulated.scan(), 1).finish()

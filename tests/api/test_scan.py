"""Scans of an in-memory list that pages as the API does; a seed decides how the walks interleave."""

from __future__ import annotations

import random
import threading
import time
import uuid
from bisect import bisect_right, insort
from collections import Counter, deque
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tap_instantly.client import ErrorKind, InstantlyAPIError
from tap_instantly.client.page import Page
from tap_instantly.sync.ids import TIME_ORDERED_SINCE, number, text
from tap_instantly.sync.range_splitting import OVERHEAD
from tap_instantly.sync.reader import Reader
from tap_instantly.sync.scan import Scan
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_instantly.sync.scan import Bounds

    Records = list[dict[str, Any]]

OCTOBER = int(TIME_ORDERED_SINCE.timestamp() * 1000)
"""The moment in milliseconds from which ids are time-ordered."""

NOVEMBER = 1_762_000_000_000
"""A moment of November 2025 in milliseconds: ids are time-ordered by then."""

WEEKS = 5_000_000_000
"""A few weeks in milliseconds."""

DAY = 86_400_000
"""A day in milliseconds."""


# Ids


def random_id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def timed_id(rng: random.Random, milliseconds: int) -> str:
    return text(milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0x2 << 62 | rng.getrandbits(62))


def random_ids(rng: random.Random, number: int) -> list[str]:
    return [random_id(rng) for _ in range(number)]


def bursts(rng: random.Random, number: int) -> list[str]:
    """Generate ids of imports: bursts of a few seconds within a few weeks."""
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
    """Page as the API does: strictly after a cursor, usually with a cursor on the last page too."""

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

    def fetch(self, cursor: str | None) -> Page:
        self.requests += 1
        assert self.requests < 20 * (len(self.ids) + 10), "it has no end"
        records, following = self.answer(cursor)
        self.meanwhile()  # while the answer is on its way
        return Page(records, len(records), cursor=following)

    def answer(self, cursor: str | None) -> tuple[Records, str | None]:
        start = 0 if cursor is None else self.behind(cursor)
        size = self.rng.randint(1, self.page_size) if self.short_pages else self.page_size
        ids = self.ids[start : start + size]
        more = self.last_cursor or start + len(ids) < len(self.ids)
        return [{"id": each} for each in ids], ids[-1] if ids and more else None

    def behind(self, cursor: str) -> int:
        return bisect_right(self.ids, cursor)

    def plainly(self) -> Iterator[Page]:
        cursor: str | None = None
        while True:
            page = self.fetch(cursor)
            yield page
            if not page.records or (cursor := page.cursor) is None:
                return

    def scan(self, ranges: list[Bounds] | None = None) -> Scan:
        return Scan(self.fetch, self.page_size, self.plainly, ranges)


class Walkers:
    """Read a scan as threads would, one step at a time: begin a walk, read a page or hand one on.

    Other steps also run between a request and its answer.
    """

    def __init__(self, simulated: SimulatedList, scan: Scan, number: int, *, hurry: bool = False) -> None:
        self.simulated = simulated
        self.scan = scan
        self.number = number
        self.hurry = hurry
        self.begun = 0
        self.handed_on: list[str] = []
        self.last_page: Page | None = None
        self._rng = simulated.rng
        self._runs: list[Iterator[Page]] = []
        self._busy: list[Iterator[Page]] = []
        self._read: dict[int, deque[Page]] = {}

    def finish(self) -> list[str]:
        """Read to the end and return the ids handed on."""
        while self.step():
            pass
        while self.hand_on() is not None:
            pass
        return self.handed_on

    def step(self) -> bool:
        """Take a step; return false if nothing is left to read."""
        idle = [run for run in self._runs if run not in self._busy]
        if self._rng.random() < 0.4:
            self.hand_on()
        may_begin = len(self._runs) < self.number and self.scan.has_chain(
            starving=self.hurry or self._rng.random() < 0.5
        )
        if may_begin and (self.hurry or not idle or self._rng.random() < 0.5):
            return self._begin()
        if idle:
            self._go_on(self._rng.choice(idle))
            return True
        return bool(self._busy) or (self.scan.has_chain(starving=True) and self._begin())

    def _begin(self) -> bool:
        run = self.scan.begin_chain()
        assert run, "has_chain said that there is one"
        self.begun += 1
        self._runs.append(run)
        return True

    def _go_on(self, run: Iterator[Page]) -> None:
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

    def hand_on(self, *, done: bool = True) -> Page | None:
        """Hand on a page; its records count as written only after that."""
        waiting = [pages for pages in self._read.values() if pages]
        if not waiting:
            return None
        page = self._rng.choice(waiting).popleft()
        self.handed_on.extend(record["id"] for record in page)
        if done:
            page.done()
        return page


def lists(number: st.SearchStrategy[int]) -> st.SearchStrategy[SimulatedList]:
    """Generate lists of so many records."""
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


# Results


@examples(150)
@given(simulated=LISTS, walkers=WALKERS)
def test_every_record_comes_out_exactly_once(simulated: SimulatedList, walkers: int) -> None:
    scan = simulated.scan()
    assert sorted(Walkers(simulated, scan, walkers).finish()) == simulated.ids
    assert not scan.remaining()


@examples(25)
@given(simulated=LISTS, workers=WALKERS, pages=st.integers(1, 20))
def test_every_record_comes_out_exactly_once_with_real_threads(
    simulated: SimulatedList, workers: int, pages: int
) -> None:
    simulated.meanwhile = lambda: time.sleep(0.0001 * (threading.get_ident() % 3))
    reader = Reader([[simulated.scan()]], workers=workers, pages=pages)
    got: list[str] = []
    for arrival in reader.arrivals():
        assert arrival.error is None
        if arrival.page is not None:
            got.extend(record["id"] for record in arrival.page)
            arrival.page.done()
    assert sorted(got) == simulated.ids


def pages_of(simulated: SimulatedList) -> int:
    """Count the requests of a reading from end to end; the last one returns nothing."""
    return -(-len(simulated.ids) // simulated.page_size) + 1


class Changes:
    """Insertions and deletions in a list.

    Attributes:
        throughout: Ids of records present from beginning to end.
        ever: Ids of all records present at some time.
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
        """Insert a record anywhere or next to another, behind or ahead of the readers."""
        anywhere = random_id(self._rng), timed_id(self._rng, NOVEMBER + self._rng.randrange(WEEKS))
        beside = text(number(self._rng.choice(self._ids)) + 1) if self._ids else anywhere[0]
        new = self._rng.choice([*anywhere, beside])
        if new not in self.ever:
            insort(self._ids, new)
            self.ever.add(new)


@examples(80)
@given(simulated=LISTS, walkers=WALKERS, how_often=st.sampled_from([0.01, 0.2, 1.0]))
def test_unchanged_records_are_read_exactly_once_while_others_change(
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


# Stop and resume


class Pass:
    """A reader that is stopped or killed, and the ranges that a state of that time leaves."""

    def __init__(self, simulated: SimulatedList, ranges: list[Bounds] | None, data: st.DataObject) -> None:
        self.reader = Walkers(simulated, simulated.scan(ranges), data.draw(WALKERS, label="walkers"))
        self.ranges: list[Bounds] | None = None
        self._data = data
        self._pages = pages_of(simulated)

    def until_tried(self) -> None:
        """Read until the scan has confirmed that it can read from several places."""
        while self.reader.scan.remaining() is None and self.reader.step():
            pass

    def a_while(self, longest: float = 0.4, label: str = "steps") -> None:
        """Read part of the list, as a share of its pages."""
        # Drawn as a share: the number of pages may depend on the clock, by which the scan splits.
        share = self._data.draw(st.integers(0, 100), label=f"{label}, in hundredths")
        for _ in range(int(longest * self._pages * share / 100) + (share > 0)):
            self.reader.step()

    def some_way(self) -> None:
        """Read part of the list, mostly past the confirmation."""
        if self._data.draw(st.integers(0, 4), label="at once") > 0:
            self.until_tried()
        self.a_while()

    def stop(self) -> Counter[str]:
        """Stop by a signal while a page is being written; return the ids of that page."""
        page = self.reader.hand_on(done=False)
        self.ranges = self.reader.scan.remaining()
        return Counter(record["id"] for record in page or ())

    def kill(self, meanwhile: Callable[[], object] = lambda: None) -> Counter[str]:
        """Kill some time after the last state was written; return the ids handed on since."""
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
"""Lists that have something left after their first pages."""


def ends_counted(test: Callable[[Counter[str], SimulatedList, st.DataObject], None], max_examples: int) -> None:
    """Run a property on interrupted passes; require that most are interrupted, or it would prove nothing."""
    ends: Counter[str] = Counter()

    @examples(max_examples)
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


def test_pass_can_be_interrupted_and_resumed_anywhere() -> None:
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


def test_unchanged_records_are_read_across_interrupted_passes_and_changes() -> None:
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


# Costs

A_FEW = 20
"""Extra requests allowed for a long list: how full the last pages of walks are is chance."""


NO_MORE = 12
"""Extra requests allowed for a list of guessed length: to test the premise, and for splits of empty
ranges."""


@pytest.mark.parametrize(
    ("ids", "walkers", "number"),
    [*((ids, 4, 20_000) for ids in DISTRIBUTIONS), (random_ids, 1, 10_000), (both, 32, 40_000)],
)
def test_parallel_scan_of_a_long_list_costs_few_extra_requests(
    ids: Callable[[random.Random, int], list[str]], walkers: int, number: int
) -> None:
    rng = random.Random(7)
    simulated = SimulatedList(ids(rng, number), 10, rng)
    reader = Walkers(simulated, simulated.scan(), walkers, hurry=True)
    reader.finish()
    assert reader.begun >= min(walkers, 4)
    assert simulated.requests <= pages_of(simulated) * (1 + OVERHEAD) + A_FEW


def read_by_many(simulated: SimulatedList) -> int:
    """Read a list with many walkers at once; return the number of walks."""
    reader = Walkers(simulated, simulated.scan(), 32, hurry=True)
    reader.finish()
    return reader.begun


def of_random_ids(seed: int, number: int) -> SimulatedList:
    rng = random.Random(seed)
    return SimulatedList(random_ids(rng, number), 50, rng)


SEEDS = st.integers(0, 1 << 32)


@examples(40, derandomize=True)  # subject to chance, though little
@given(simulated=st.builds(of_random_ids, SEEDS, st.integers(0, 20_000)))
def test_short_list_costs_at_most_ten_extra_requests(simulated: SimulatedList) -> None:
    read_by_many(simulated)
    assert simulated.requests <= pages_of(simulated) + 10


@pytest.mark.parametrize("ids", [bursts, both])
def test_list_of_bursts_is_split_within_them(ids: Callable[[random.Random, int], list[str]]) -> None:
    extra = []
    for seed in range(12):
        rng = random.Random(seed)
        simulated = SimulatedList(ids(rng, 5_000), 50, rng)
        assert read_by_many(simulated) >= 8
        extra.append(simulated.requests - pages_of(simulated))
    assert fmean(extra) < 16, "each split behind a burst costs a request"


def at_times(share: Callable[[random.Random], float]) -> Callable[[random.Random, int], list[str]]:
    """Generate a third of random ids, and others at shares of the time since ids begin with it."""

    def ids(rng: random.Random, number: int) -> list[str]:
        now = int(time.time() * 1000)
        timed = [timed_id(rng, int(OCTOBER + share(rng) * (now - OCTOBER))) for _ in range(number - number // 3)]
        return random_ids(rng, number // 3) + timed

    return ids


def imports(rng: random.Random) -> float:
    """Draw one of fifty moments, and a little later."""
    return random.Random(rng.randrange(50)).random() * 0.99 + rng.random() / 100_000


def rounds_of(simulated: SimulatedList, scan: Scan | None = None) -> int:
    """Read a list in rounds, in which each walk requests a page; return their number."""
    scan, rounds = scan or simulated.scan(), 0
    walks: list[Iterator[Page]] = []
    while walks or not rounds:
        while scan.has_chain(starving=True) and (walk := scan.begin_chain()) is not None:
            walks.append(walk)
        pages = [(walk, next(walk, None)) for walk in walks]
        for _, page in pages:
            if page is not None:
                page.done()
        walks = [walk for walk, page in pages if page is not None]
        rounds += 1
    return rounds


@pytest.mark.parametrize(
    ("times", "most"),
    [
        (random.Random.random, 50),
        (lambda rng: rng.random() ** (1 / 3), 85),
        (lambda rng: 0.7 + rng.random() * 0.3, 75),  # a few random ids look like those of earlier times
        (lambda rng: rng.random() ** 6, 120),
        (imports, 75),
    ],
    ids=["even", "growing", "recent", "falling", "imports"],
)
def test_first_pass_reads_evenly_long_ranges_wherever_records_are(
    times: Callable[[random.Random], float], most: int
) -> None:
    found = [SimulatedList(at_times(times)(random.Random(seed), 25_000), 50, random.Random(seed)) for seed in range(6)]
    assert fmean(rounds_of(simulated) for simulated in found) < most, "a sequential read takes 501"
    assert fmean(simulated.requests - pages_of(simulated) for simulated in found) < 10.5


def test_random_rest_of_an_interrupted_pass_is_read_in_many_walks() -> None:
    simulated = of_random_ids(1, 40_000)
    scan = simulated.scan([(simulated.ids[20_000], None)])
    assert rounds_of(simulated, scan) < 45, "a sequential read takes 400"


@pytest.mark.parametrize("seed", range(2))
def test_ids_of_later_today_do_not_cost_more_requests(seed: int) -> None:
    rng = random.Random(seed)
    now = int(time.time() * 1000)
    timed = [timed_id(rng, now + rng.randrange(-100 * DAY, DAY * 3 // 4)) for _ in range(16_000)]
    simulated = SimulatedList(random_ids(rng, 9_000) + timed, 50, rng)
    read_by_many(simulated)
    assert simulated.requests <= pages_of(simulated) + NO_MORE


@examples(40)
@given(seed=SEEDS, ids=st.sampled_from(DISTRIBUTIONS), number=st.integers(0, 600))
def test_short_list_with_dense_ids_costs_few_extra_requests(
    seed: int, ids: Callable[[random.Random, int], list[str]], number: int
) -> None:
    rng = random.Random(seed)
    simulated = SimulatedList(ids(rng, number), 50, rng)
    read_by_many(simulated)
    assert simulated.requests <= pages_of(simulated) + NO_MORE


@examples(20)
@given(simulated=st.builds(of_random_ids, SEEDS, st.integers(0, 130)))
def test_short_list_is_read_sequentially(simulated: SimulatedList) -> None:
    assert read_by_many(simulated) == 1
    assert simulated.requests <= pages_of(simulated) + 1


@examples(20)
@given(simulated=st.builds(of_random_ids, SEEDS, st.integers(1_500, 3_000)))
def test_list_of_dozens_of_pages_is_read_in_parallel(simulated: SimulatedList) -> None:
    assert read_by_many(simulated) >= 4


def test_resumed_pass_reads_only_its_remaining_ranges() -> None:
    simulated = without_premise(SimulatedList, 1)
    ids = simulated.ids
    scan = simulated.scan([(ids[99], ids[149]), (ids[299], ids[300]), (ids[309], ids[314]), (ids[1399], None)])
    got = Walkers(simulated, scan, 1).finish()
    assert sorted(got) == [*ids[100:150], ids[300], *ids[310:315], *ids[1400:]]
    tried = 2
    assert simulated.requests == tried + 5 + 1 + 1 + 11


def test_remaining_ranges_start_after_the_last_completed_page() -> None:
    simulated = without_premise(SimulatedList, 1, 35)
    scan = simulated.scan()
    walk = scan.begin_chain()
    assert walk
    pages = [next(walk), next(walk)]
    assert scan.remaining() == [(None, None)]
    for page in pages:
        page.done()
        assert scan.remaining() == [(page.records[-1]["id"], None)]
    for page in walk:
        page.done()
    assert scan.remaining() == []


@pytest.mark.parametrize(("number", "requests"), [(0, 1), (1, 1), (10, 1), (15, 2), (20, 3), (25, 3)])
def test_a_list_ends_with_a_page_without_a_cursor(number: int, requests: int) -> None:
    rng = random.Random(1)
    simulated = SimulatedList(random_ids(rng, number), 10, rng, last_cursor=False)
    scan = simulated.scan()
    assert Walkers(simulated, scan, 1).finish() == simulated.ids
    assert not scan.premise_failed
    assert simulated.requests == requests


@pytest.mark.parametrize("number", [0, 1, 10, 20, 25])
def test_list_ends_with_an_empty_page_with_any_cursor(number: int) -> None:
    simulated = without_premise(SimulatedList, 1, number)

    def end_with_a_cursor(cursor: str | None) -> tuple[Records, str | None]:
        records, following = SimulatedList.answer(simulated, cursor)
        return records, following or cursor

    simulated.answer = end_with_a_cursor  # type: ignore[method-assign]
    scan = simulated.scan()
    assert Walkers(simulated, scan, 1).finish() == simulated.ids
    assert not scan.premise_failed


@pytest.mark.parametrize("seed", range(3))
def test_remaining_ranges_are_in_list_order(seed: int) -> None:
    simulated = without_premise(SimulatedList, seed, 6_000)
    scan = simulated.scan()
    reader, most = Walkers(simulated, scan, 8, hurry=True), 0
    while reader.step():
        lows = [after or "" for after, _ in scan.remaining() or ()]
        assert lows == sorted(lows)
        most = max(most, len(lows))
    assert most > 3


# Records ahead


@pytest.mark.parametrize(("ids", "least_told"), [(random_ids, 0.5), (bursts, 0), (one_millisecond, 0), (both, 0)])
@pytest.mark.parametrize("seed", range(2))
def test_scan_gives_a_remaining_estimate_only_when_known(
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


# Lists that a scan cannot read


class RefusesUnknownCursors(SimulatedList):
    def behind(self, cursor: str) -> int:
        if cursor not in self.ids:
            raise InstantlyAPIError(400, "POST", "/api/v2/leads/list", '{"message": "starting_after is not valid"}')
        return super().behind(cursor)


class RefusesFarCursors(SimulatedList):
    """Accepts the id just before one of its own, but none between others."""

    def behind(self, cursor: str) -> int:
        if cursor not in self.ids and text(number(cursor) + 1) not in self.ids:
            raise InstantlyAPIError(400, "POST", "/api/v2/leads/list", '{"message": "starting_after is not valid"}')
        return super().behind(cursor)


class IgnoresFarCursors(RefusesFarCursors):
    """Returns its beginning instead of an error."""

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
    """Unsorted from some place on."""

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
    """Ids that are not UUIDs."""

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        super().__init__([f"lead-{each}" for each in ids], page_size, rng)


class UpperCaseIds(SimulatedList):
    """UUIDs that do not compare as their numbers do."""

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        super().__init__([each.upper() for each in ids], page_size, rng)


class OneOddId(SimulatedList):
    """One id that is not a UUID, anywhere on its page."""

    def __init__(self, ids: list[str], page_size: int, rng: random.Random) -> None:
        place = rng.randrange(2 * page_size, len(ids)) if len(ids) > 2 * page_size else len(ids)
        odd = [*ids[:place], f"{ids[place - 1] if ids else 0}-2", *ids[place:]]
        super().__init__(sorted(odd), page_size, rng)


class NumbersForIds(SimulatedList):
    """Ids that are not text, also as the cursor."""

    def answer(self, cursor: str | None) -> tuple[Records, str | None]:
        records, following = super().answer(cursor)
        return [{"id": int(record["id"].replace("-", ""), 16)} for record in records], following


AT_ONCE: dict[type[SimulatedList], str] = {
    RefusesUnknownCursors: "the server rejects a computed cursor: POST /api/v2/leads/list answered 400 "
    "(bad request): starting_after is not valid",
    DoesNotFindUnknownCursors: "the server rejects a computed cursor: POST /api/v2/leads/list answered 404 "
    "(not found): no such lead",
    IgnoresUnknownCursors: "a computed cursor does not lead to the records after it",
    EndsAtUnknownCursors: "a computed cursor does not lead to the records after it",
    Unsorted: "its ids are not in ascending order",
    Descending: "its ids are not in ascending order",
    OtherIds: "its ids are not UUIDs",
    UpperCaseIds: "its ids are not UUIDs",
    NumbersForIds: "a record has no id",
}
"""Defects that show in the first two pages, and the log message of each."""


def without_premise(kind: type[SimulatedList], seed: int, number: int = 1_500, page_size: int = 10) -> SimulatedList:
    rng = random.Random(seed)
    return kind(random_ids(rng, number), page_size, rng)


def record_ids(simulated: SimulatedList) -> list[Any]:
    """Return the ids of the list in its order."""
    simulated.meanwhile = lambda: None
    return [record["id"] for page in simulated.plainly() for record in page]


@pytest.mark.parametrize("kind", AT_ONCE)
@pytest.mark.parametrize("walkers", [1, 6])
def test_list_unfit_for_scanning_is_read_sequentially_and_logged_once(
    kind: type[SimulatedList], walkers: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(kind, walkers)
    scan = simulated.scan()
    got = Walkers(simulated, scan, walkers, hurry=True).finish()
    assert got == record_ids(simulated)  # in the list's order, each once
    assert len(set(got)) == 1_500
    (message,) = caplog.messages
    assert message.startswith(
        f"Reading the list sequentially, because its ranges cannot be read in parallel: {AT_ONCE[kind]}."
    )
    assert scan.remaining() is None


LATER = {UnsortedFromSomePlaceOn: "not in ascending order", OneOddId: "are not UUIDs"}
"""Defects that show only later, and the log message of each."""


@pytest.mark.parametrize("kind", LATER)
@pytest.mark.parametrize("walkers", [1, 2, 6])
@pytest.mark.parametrize("seed", range(3))
def test_list_later_found_unfit_is_read_sequentially_from_there(
    kind: type[SimulatedList], walkers: int, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(kind, seed)
    scan = simulated.scan()
    got = Walkers(simulated, scan, walkers, hurry=True).finish()
    assert set(got) == set(simulated.ids)
    assert len(caplog.messages) == 1
    assert LATER[kind] in caplog.messages[0]
    assert scan.remaining() is None
    assert scan.premise_failed


@pytest.mark.parametrize("place", [1, 2, 10])
def test_non_uuid_id_in_the_first_two_pages_is_detected(place: int, caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(place)
    ids = sorted(random_ids(rng, 100))
    ids.insert(place, f"{ids[place - 1]}-2")
    simulated = SimulatedList(ids, 10, rng)
    assert Walkers(simulated, simulated.scan(), 4).finish() == ids
    assert "are not UUIDs" in caplog.text


@pytest.mark.parametrize(
    ("kind", "reason"), [(RefusesFarCursors, "rejects"), (IgnoresFarCursors, "not in ascending order")]
)
@pytest.mark.parametrize("walkers", [2, 6])
def test_rejected_split_cursor_falls_back_to_sequential_read(
    kind: type[SimulatedList], reason: str, walkers: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(kind, walkers)
    scan = simulated.scan()
    got = Walkers(simulated, scan, walkers, hurry=True).finish()
    assert set(got) == set(simulated.ids)
    (message,) = caplog.messages
    assert reason in message
    assert scan.remaining() is None


def test_repeated_record_in_a_page_is_detected(caplog: pytest.LogCaptureFixture) -> None:
    simulated = without_premise(SimulatedList, 1)
    simulated.ids.insert(5, simulated.ids[5])
    assert Walkers(simulated, simulated.scan(), 4).finish() == simulated.ids
    assert "its ids are not in ascending order" in caplog.text


def test_consecutive_ids_do_not_abandon_the_scan() -> None:
    simulated = SimulatedList([text(1_000 + each) for each in range(200)], 10, random.Random(1))
    scan = simulated.scan()
    assert sorted(Walkers(simulated, scan, 4).finish()) == simulated.ids
    assert not scan.premise_failed


@pytest.mark.parametrize("kind", [*AT_ONCE, *LATER])
@pytest.mark.parametrize("number", [0, 1, 2, 11, 200])
@pytest.mark.parametrize("page_size", [1, 10])
def test_unfit_lists_are_read_completely_at_any_length(kind: type[SimulatedList], number: int, page_size: int) -> None:
    simulated = without_premise(kind, number, number, page_size)
    got = Walkers(simulated, simulated.scan(), 4, hurry=True).finish()
    assert sorted(set(got)) == sorted(record_ids(simulated))


def test_earlier_ranges_are_dropped_when_the_list_is_unfit() -> None:
    simulated = without_premise(RefusesUnknownCursors, 1)
    scan = simulated.scan([(simulated.ids[700], None)])
    assert Walkers(simulated, scan, 4).finish() == simulated.ids
    assert scan.remaining() is None


def test_second_walk_waits_for_the_premise_check_and_a_splittable_range() -> None:
    simulated = without_premise(SimulatedList, 1, number=30)
    scan = simulated.scan()
    first = scan.begin_chain()
    assert first
    assert not scan.has_chain(starving=True)
    assert scan.begin_chain() is None
    assert [record["id"] for page in first for record in page] == simulated.ids
    assert not scan.has_chain(starving=True)
    assert scan.begin_chain() is None


def test_finished_pass_delivers_nothing() -> None:
    simulated = without_premise(SimulatedList, 1)
    scan = simulated.scan([])
    assert Walkers(simulated, scan, 4).finish() == []
    assert scan.remaining() == []


# Errors


@examples(40)
@given(simulated=LISTS.filter(lambda simulated: len(simulated.ids) > 20), walkers=WALKERS, data=st.data())
def test_server_error_is_raised_and_missed_records_can_be_read_later(
    simulated: SimulatedList, walkers: int, data: st.DataObject
) -> None:
    failing = data.draw(st.integers(1, pages_of(simulated) - 1))  # without a last cursor, the last page ends the list
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


@examples(40)
@given(simulated=LISTS.filter(lambda simulated: len(simulated.ids) > 200), walkers=WALKERS, data=st.data())
def test_error_ends_one_walk_and_the_others_finish(simulated: SimulatedList, walkers: int, data: st.DataObject) -> None:
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
        return  # it came before the premise was tested
    event("several ranges" if reader.begun > 1 else "one range")
    assert len(ranges) in {1, 2}  # two if a page that reaches beyond its range contains the bad record too
    left = {each for each in simulated.ids for after, upto in ranges if (after or "") < each <= (upto or "g")}
    assert bad in left
    assert set(reader.handed_on) == set(simulated.ids) - left


def two_walks() -> tuple[SimulatedList, Scan, Iterator[Page], Iterator[Page]]:
    """Return a list with two walks in progress."""
    simulated = without_premise(SimulatedList, 1)
    scan = simulated.scan()
    first = scan.begin_chain()
    assert first
    while not scan.has_chain(starving=True):
        next(first)
    next(first)  # the page that tests the premise
    second = scan.begin_chain()
    assert second
    next(second)
    return simulated, scan, first, second


def failing(_cursor: str | None) -> tuple[Records, str | None]:
    raise InstantlyAPIError(500, "POST", "/api/v2/leads/list", "oh")


def turn_around(simulated: SimulatedList) -> None:
    """Answer with the records of each page in reverse from now on."""

    def turned(cursor: str | None) -> tuple[Records, str | None]:
        records, following = SimulatedList.answer(simulated, cursor)
        return records[::-1], following

    simulated.answer = turned  # type: ignore[method-assign]


def test_unordered_list_is_not_read_further_after_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulated, scan, first, second = two_walks()
    simulated.answer = failing  # type: ignore[method-assign]
    assert list(first) == []
    turn_around(simulated)
    asked_before = simulated.requests
    with pytest.raises(InstantlyAPIError, match="oh"):
        list(second)
    assert simulated.requests == asked_before + 1
    assert scan.remaining() is None
    assert not caplog.messages


def test_error_of_a_superseded_walk_is_ignored() -> None:
    simulated, scan, first, second = two_walks()
    got: list[Page] = []

    def fail_late(cursor: str | None) -> tuple[Records, str | None]:
        turn_around(simulated)
        got.append(next(second))
        return failing(cursor)

    simulated.answer = fail_late  # type: ignore[method-assign]
    assert list(first) == []
    got += second
    assert sorted(record["id"] for page in got for record in page) == simulated.ids
    assert scan.remaining() is None


def test_sequential_read_gives_no_estimate_and_raises_its_error() -> None:
    simulated, scan, first, second = two_walks()
    assert scan.ahead()
    turn_around(simulated)
    next(second)
    assert scan.ahead() is None
    simulated.answer = failing  # type: ignore[method-assign]
    assert list(first) == []
    with pytest.raises(InstantlyAPIError, match="oh"):
        list(second)


@pytest.mark.parametrize(
    ("request_", "status"), [*((2, status) for status in (401, 403, 429, 500)), (5, 400), (5, 404)]
)
def test_other_error_is_not_mistaken_for_a_rejected_cursor(
    request_: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    simulated = without_premise(SimulatedList, 1)

    def fail_once(cursor: str | None) -> tuple[Records, str | None]:
        if simulated.requests == request_:
            raise InstantlyAPIError(status, "POST", "/api/v2/leads/list", "{}")
        return SimulatedList.answer(simulated, cursor)

    simulated.answer = fail_once  # type: ignore[method-assign]
    with pytest.raises(InstantlyAPIError):
        Walkers(simulated, simulated.scan(), 1).finish()
    assert simulated.requests == request_
    assert not caplog.messages

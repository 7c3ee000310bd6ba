"""Reading pages of several sources side by side, ahead of the one who writes them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_instantly.singer.lanes import Lane, Received, Room, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_instantly.singer.sources import Source

_Page = TypeVar("_Page")

PAGES = 1024
"""Pages that may wait to be handed on."""

BYTES = 4 << 20
"""Bytes of answers, as they came, that may wait to be handed on; decoded they take about three times as much."""


@dataclass(frozen=True)
class Turn(Generic[_Page]):
    """What a source has to hand on: a page, or its end.

    Attributes:
        number: Which source of its group.
        page: None at the end.
        at: When the page came.
        error: What ended the source, where it was not its own end.
    """

    number: int
    page: _Page | None = None
    at: datetime | None = None
    error: BaseException | None = None


class ReadAhead(Generic[_Page]):
    """The pages of groups of sources, read by several threads and handed on group by group, as they arrive.

    The pages of one source come in its own order, and which source of a group is next depends on what has arrived.
    Sources of later groups are read ahead, so that a slow group holds up none but itself; what is handed on first comes
    first. Within a group threads turn to the source with the least to hand on, so that all advance alike. As many
    sources as there may be threads are open at a time, and each can always have one, so that a slow one holds up no
    other. A source that has to wait before it can ask for anything holds no thread meanwhile.

    Once the pages that wait reach a limit, nothing more is read, unless none of them can be handed on: then only what
    the reader waits for. Of a later group less may wait, the later it is, so that there is room for those before it. A
    thread reads one page at a time and then looks anew.

    An error ends its source, where the run that it is of would have gone on. After :meth:`close` all threads end with
    the page that they are at, whose request is given up with them when the program ends.

    Args:
        groups: What to read, in the order in which it will be asked for.
        weigh: The size of the page that this thread has just read, in bytes.
        workers: Threads at most; none is started before there is something for it to do.
        pages: Pages that may wait.
        size: Bytes that may wait.
    """

    def __init__(
        self,
        groups: Iterable[Iterable[Source[_Page]]],
        *,
        workers: int,
        weigh: Callable[[], int] = lambda: 0,
        pages: int = PAGES,
        size: int = BYTES,
    ) -> None:
        lanes = [[Lane(at, number, one) for number, one in enumerate(group)] for at, group in enumerate(groups)]
        self._unopened = deque(lane for group in lanes for lane in group)
        self._left = [len(group) for group in lanes]
        self._opened: list[list[Lane[_Page]]] = [[] for _ in lanes]
        self._reading: list[Lane[_Page]] = []
        self._group = 0
        self._weigh = weigh
        self._workers = workers
        self._room = Room(len(lanes), pages, size)
        self._threads = 0
        self._idle = 0
        self._busy = 0
        self._in_hands = 0
        self._delay: float | None = None
        self._closed = False
        lock = threading.Lock()
        self._to_read = threading.Condition(lock)
        self._to_hand_on = threading.Condition(lock)

    @property
    def closed(self) -> bool:
        """Whether nothing is to be read any more."""
        return self._closed

    def close(self) -> None:
        """Stop all threads."""
        with self._to_read:
            self._closed = True
            self._to_read.notify_all()
            self._to_hand_on.notify_all()

    def leave_out(self, group: int, number: int) -> None:
        """Read no more of a source, and hand on nothing of what has been read of it."""
        with self._to_read:
            for lane in [*self._opened[group], *self._unopened]:
                if (lane.group, lane.number) == (group, number):
                    self._end(lane)

    def turns(self, group: int = 0) -> Iterator[Turn[_Page]]:
        """Page after page of all sources of a group, and the end of each.

        Raises:
            RuntimeError: The reader has been closed before it has come to the end.
        """
        self._group = group
        while True:
            with self._to_read:
                turn = self._next_turn()
            if turn is None:
                return
            yield turn

    def _next_turn(self) -> Turn[_Page] | None:
        while self._left[self._group]:
            if self._closed:
                message = "The reader has been closed."
                raise RuntimeError(message)  # not an end, which would be taken for that of all there is to read
            self._open_more()
            for lane in tuple(self._opened[self._group]):
                turn = self._turn_of(lane)
                if turn is not None:
                    self._call_for_work()
                    return turn
            self._call_for_work()
            self._to_hand_on.wait(self._delay)
        return None

    def _turn_of(self, lane: Lane[_Page]) -> Turn[_Page] | None:
        lane.clear()
        if lane.error is None and (run := lane.ready):
            received = run.pages.popleft()
            lane.waiting -= 1
            self._room.fill(lane.group, -1, -received.size)
            others = self._opened[lane.group]
            others.remove(lane)
            others.append(lane)  # the others come first next time
            return Turn(lane.number, received.page, received.at)
        if not lane.is_handed_on:
            return None
        self._end(lane)
        return Turn(lane.number, error=lane.error)

    # Lanes

    def _open_more(self) -> None:
        held_up = sum(lane.source.delay() > 0 for lane in self._reading) if self._unopened else 0
        while self._unopened and len(self._reading) - held_up < self._workers:
            lane = self._unopened.popleft()
            self._opened[lane.group].append(lane)
            self._reading.append(lane)

    def _note_read(self, lane: Lane[_Page]) -> None:
        """Go on to others if nothing is left to be read of a lane."""
        if lane in self._reading and (lane.is_over or lane.is_read):
            self._reading.remove(lane)
            self._open_more()
            if not self._reading:
                self._to_read.notify_all()  # that there is nothing more

    def _end(self, lane: Lane[_Page]) -> None:
        lane.is_over = True
        self._left[lane.group] -= 1
        for run in lane.runs:  # behind an error
            self._room.fill(lane.group, -len(run.pages), -sum(received.size for received in run.pages))
        for lanes in (self._opened[lane.group], self._unopened):
            if lane in lanes:
                lanes.remove(lane)
        self._note_read(lane)

    # Threads

    def _call_for_work(self) -> None:
        """See to it that somebody does what there is to do."""
        if self._closed or not (self._idle or self._threads < self._workers) or self._pick() is None:
            return
        if self._idle:
            self._to_read.notify()
        else:
            self._threads += 1
            # A daemon: a program that is told to stop does not wait for answers still on their way.
            threading.Thread(target=self._work, name=f"read-ahead-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            lane, run = job
            if run is None:
                run = self._begin(lane)
            if run is not None:
                self._read_page(lane, run)

    def _take(self) -> tuple[Lane[_Page], Run[_Page] | None] | None:
        with self._to_read:
            while not self._closed and (self._reading or self._unopened):
                job = self._pick()
                if job is not None:
                    lane, run = job
                    lane.threads += 1
                    self._busy += 1
                    if run is None:
                        lane.beginning = True
                    else:
                        run.busy = True
                    self._call_for_work()
                    return job
                self._idle += 1
                self._to_read.wait(self._delay)
                self._idle -= 1
            self._threads -= 1
            return None

    def _pick(self) -> tuple[Lane[_Page], Run[_Page] | None] | None:
        """What may be read on or begun now; None if there is nothing at the moment, or not before a delay."""
        self._delay = None
        self._in_hands = sum(lane.threads * lane.page_size for lane in self._reading)
        starving = not any(lane.ready for lane in self._opened[self._group])
        spare = self._workers - self._busy - sum(map(self._may_need_a_thread, self._reading))
        for lane in sorted(self._reading, key=lambda lane: (lane.group, lane.load)):
            awaited = lane.group == self._group
            full = not self._has_room(lane.group)
            if (full and not (awaited and starving)) or (spare <= 0 and lane.threads):
                continue
            job = lane.job(only_awaited=full, starving=starving or not awaited)
            if job is None:
                continue
            if not (delay := lane.source.delay()):
                return lane, job[0]
            self._delay = min(delay, self._delay or delay)
        return None

    def _may_need_a_thread(self, lane: Lane[_Page]) -> bool:
        """Whether nobody is at a lane that somebody could be at soon."""
        due = lane.group == self._group or self._has_room(lane.group)
        return due and not (lane.threads or lane.source.delay())

    def _has_room(self, group: int) -> bool:
        return self._room.is_left(group, self._group, self._in_hands)

    def _begin(self, lane: Lane[_Page]) -> Run[_Page] | None:
        run: Run[_Page] | None = None
        try:
            pages = lane.source.begin_run()
            run = None if pages is None else Run(pages, busy=True)
        except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
            run = Run(iter(()), ended=True, error=error)
        with self._to_read:
            lane.beginning = False
            if run is not None:
                lane.runs.append(run)
            if run is None or run.ended:
                self._done(lane)
                return None
            self._call_for_work()
            return run

    def _read_page(self, lane: Lane[_Page], run: Run[_Page]) -> None:
        page: _Page | None = None
        try:
            page = next(run.iterator)
        except StopIteration:
            run.ended = True
        except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
            run.error = error
            run.ended = True
        size = self._weigh()
        with self._to_read:
            run.busy = False
            if page is not None and not lane.is_over:
                run.pages.append(Received(page, size, datetime.now(timezone.utc)))
                lane.waiting += 1
                lane.page_size = size
                self._room.fill(lane.group, 1, size)
            self._done(lane)

    def _done(self, lane: Lane[_Page]) -> None:
        """A thread has done what it had to do for a lane."""
        lane.threads -= 1
        self._busy -= 1
        self._note_read(lane)
        if lane.group == self._group:
            self._to_hand_on.notify()

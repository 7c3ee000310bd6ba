"""Reading pages of several sources side by side, ahead of the one who writes them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_instantly.singer.sources import Lane, Run, Slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_instantly.singer.sources import Source

_Page = TypeVar("_Page")
_Slice = TypeVar("_Slice")

PAGES = 64
"""Pages that may wait to be handed on."""

BYTES = 4 << 20
"""Bytes of answers, as they came, that may wait to be handed on; decoded they take about three times as much."""


@dataclass(frozen=True)
class Turn(Generic[_Page]):
    """What a source has to hand on: a page, or its end.

    Attributes:
        number: Which source.
        page: None at the end.
        error: What ended the source, where it was not its own end.
    """

    number: int
    page: _Page | None = None
    error: BaseException | None = None


class ReadAhead(Generic[_Page]):
    """The pages of several sources, read by several threads and handed on as they arrive.

    The pages of one source come in its own order. Among sources, threads turn to the one with the least to hand on, so
    that all advance alike; as many sources as there may be threads are open at a time, and each can always have one, so
    that a slow one holds up no other. Once the pages that wait reach a limit, nothing more is read, unless none of them
    can be handed on: then only what the reader waits for. A thread reads one page at a time and then looks anew.

    An error ends its source, where the run that it is of would have gone on. After :meth:`close` all threads end with
    the page that they are at, whose request is given up with them when the program ends.

    Args:
        sources: What to read.
        weigh: The size of the page that this thread has just read, in bytes.
        workers: Threads at most; none is started before there is something for it to do.
        pages: Pages that may wait.
        size: Bytes that may wait.
    """

    def __init__(
        self,
        sources: Iterable[Source[_Page]],
        *,
        workers: int,
        weigh: Callable[[], int] = lambda: 0,
        pages: int = PAGES,
        size: int = BYTES,
    ) -> None:
        self._lanes = deque(Lane(number, source) for number, source in enumerate(sources))
        self._open: list[Lane[_Page]] = []
        self._weigh = weigh
        self._workers = workers
        self._pages_limit = pages
        self._size_limit = size
        self._pages = 0
        self._size = 0
        self._threads = 0
        self._idle = 0
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

    def turns(self) -> Iterator[Turn[_Page]]:
        """Page after page of all sources, and the end of each.

        Raises:
            RuntimeError: The reader has been closed before it has come to the end.
        """
        while True:
            with self._to_read:
                turn = self._next_turn()
            if turn is None:
                return
            yield turn

    def _next_turn(self) -> Turn[_Page] | None:
        while True:
            while self._lanes and len(self._open) < self._workers:
                self._open.append(self._lanes.popleft())
            if not self._open:
                self._to_read.notify_all()
                return None
            if self._closed:
                message = "The reader has been closed."
                raise RuntimeError(message)  # not an end, which would be taken for that of all there is to read
            for lane in tuple(self._open):
                turn = self._turn_of(lane)
                if turn is not None:
                    self._call_for_work()
                    return turn
            self._call_for_work()
            self._to_hand_on.wait()

    def _turn_of(self, lane: Lane[_Page]) -> Turn[_Page] | None:
        lane.clear()
        if lane.error is None and (run := lane.ready):
            page, size = run.pages.popleft()
            self._pages -= 1
            self._size -= size
            self._open.remove(lane)
            self._open.append(lane)  # the others come first next time
            return Turn(lane.number, page)
        if not lane.over:
            return None
        self._open.remove(lane)
        for run in lane.runs:  # behind the error
            self._pages -= len(run.pages)
            self._size -= sum(size for _, size in run.pages)
        return Turn(lane.number, error=lane.error)

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
            while not self._closed and (self._open or self._lanes):
                job = self._pick()
                if job is not None:
                    lane, run = job
                    if run is None:
                        lane.beginning = True
                    else:
                        run.busy = True
                    self._call_for_work()
                    return job
                self._idle += 1
                self._to_read.wait()
                self._idle -= 1
            self._threads -= 1
            return None

    def _pick(self) -> tuple[Lane[_Page], Run[_Page] | None] | None:
        """What may be read on or begun now; None if there is nothing at the moment."""
        full = self._pages >= self._pages_limit or self._size >= self._size_limit
        starving = not any(lane.ready for lane in self._open)
        if full and not starving:
            return None
        spare = self._workers - sum(lane.threads + lane.idle for lane in self._open)
        for lane in sorted(self._open, key=attrgetter("load")):
            if lane.error is None and (spare > 0 or not lane.threads):
                if (run := lane.to_read(only_awaited=full)) is not None:
                    return lane, run
                may_begin = not lane.beginning and not (full and lane.runs and lane.source.ordered)
                if may_begin and lane.source.has_run(starving=starving):
                    return lane, None
        return None

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
                self._call_for_work()
            self._to_hand_on.notify()
        return None if run is None or run.ended else run

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
            if page is not None and lane in self._open:
                run.pages.append((page, size))
                self._pages += 1
                self._size += size
            self._to_hand_on.notify()


def one_ahead(read: Callable[[_Slice], _Page], slices: Iterable[_Slice]) -> Iterator[_Page]:
    """What ``read`` returns for each of the slices, where the next one is read while the last is being used."""
    reader = ReadAhead([Slices(slices, lambda slice_: (read(slice_),))], workers=1, pages=1)
    try:
        for turn in reader.turns():
            if turn.error is not None:
                raise turn.error
            if turn.page is not None:
                yield turn.page
    finally:
        reader.close()

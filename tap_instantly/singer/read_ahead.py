"""Reading pages side by side and ahead of the one who writes them, and handing them on in order."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_Page = TypeVar("_Page")
_Page_co = TypeVar("_Page_co", covariant=True)
_Slice = TypeVar("_Slice")

PAGES = 64
"""Pages that may wait to be handed on."""

BYTES = 32 << 20
"""Bytes of answers, as they came, that may wait to be handed on; decoded they take about three times as much."""


class Source(Protocol[_Page_co]):
    """What can be read in several runs of pages, side by side."""

    @property
    def ordered(self) -> bool:
        """Whether the runs have to be handed on one after the other; else pages come as they arrive."""

    def has_run(self, *, starving: bool) -> bool:
        """Whether another run can be begun now; ``starving`` if no page waits for the reader. Must not block."""

    def begin_run(self) -> Iterator[_Page_co] | None:
        """The next run, or None if there is none after all. May block; called by one thread at a time."""


class Slices(Generic[_Slice, _Page]):
    """A source with a run for each of a row of slices.

    Args:
        slices: What to read; taken one by one, in a thread.
        read: Reads one slice page by page; runs in threads, one at a time.
    """

    ordered = True

    def __init__(self, slices: Iterable[_Slice], read: Callable[[_Slice], Iterable[_Page]]) -> None:
        self._slices = iter(slices)
        self._read = read
        self._exhausted = False

    def has_run(self, *, starving: bool) -> bool:  # noqa: ARG002 (as any source)
        """Whether there may be another slice."""
        return not self._exhausted

    def begin_run(self) -> Iterator[_Page] | None:
        """The pages of the next slice."""
        self._exhausted = True  # also where the slices end in an error
        for slice_ in self._slices:
            self._exhausted = False
            return iter(self._read(slice_))
        return None


@dataclass(eq=False)
class _Run(Generic[_Page]):
    """A run, and those of its pages that have not been handed on."""

    iterator: Iterator[_Page]
    pages: deque[tuple[_Page, int]] = field(default_factory=deque)
    busy: bool = False
    ended: bool = False
    error: BaseException | None = None


@dataclass(eq=False)
class _Lane(Generic[_Page]):
    """A source with the runs that have been begun and not been handed on to their end."""

    source: Source[_Page]
    runs: list[_Run[_Page]] = field(default_factory=list)
    beginning: bool = False

    @property
    def over(self) -> bool:
        return not (self.runs or self.beginning or self.source.has_run(starving=True))

    def is_waited_for(self, run: _Run[_Page]) -> bool:
        """Whether the reader can take nothing but this run's next page."""
        if self.source.ordered:
            return run is self.runs[0] and not run.pages
        return self.has_no_page

    @property
    def has_no_page(self) -> bool:
        return not any(run.pages for run in self.runs)


class ReadAhead(Generic[_Page]):
    """The pages of several sources, read by several threads and handed on source by source.

    What comes first is read first: threads turn to the runs and sources behind only where nothing before them can be
    read. Once the pages that wait reach a limit, only what the reader waits for is read on, so that what is behind
    cannot starve it. A thread reads one page at a time and then looks anew.

    An error surfaces where its run would have gone on. After :meth:`close` all threads end with the page that they are
    at, whose request is given up with them when the program ends.

    Args:
        sources: What to read.
        weigh: The size of the page that this thread has just read, in bytes.
        workers: Threads at most; none is started before there is something for it to do.
        pages: Pages that may wait.
        size: Bytes that may wait.
    """

    def __init__(
        self,
        sources: Sequence[Source[_Page]],
        *,
        workers: int,
        weigh: Callable[[], int] = lambda: 0,
        pages: int = PAGES,
        size: int = BYTES,
    ) -> None:
        self._lanes = [_Lane(source) for source in sources]
        self._weigh = weigh
        self._workers = workers
        self._pages_limit = pages
        self._size_limit = size
        self._head = 0
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

    def pages(self, number: int) -> Iterator[_Page]:
        """The pages of the source of that number; those of the ones before it have to be taken first.

        Raises:
            BaseException: Whatever reading them raised.
        """
        lane = self._lanes[number]
        with self._to_read:
            self._head = number
            for left in self._lanes[:number]:  # where an error ended it, pages may still wait
                left.runs.clear()
            self._call_for_work()
        while (found := self._next_page(lane)) is not None:
            yield found

    def _next_page(self, lane: _Lane[_Page]) -> _Page | None:
        with self._to_read:
            while True:
                for run in tuple(lane.runs[:1] if lane.source.ordered else lane.runs):
                    if run.pages:
                        page, _size = run.pages.popleft()
                        self._call_for_work()
                        return page
                    if run.ended:
                        lane.runs.remove(run)
                        if run.error is not None:
                            raise run.error
                        break
                else:
                    if lane.over:
                        return None
                    self._call_for_work()
                    self._to_hand_on.wait()

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
                self._read_page(run)

    def _take(self) -> tuple[_Lane[_Page], _Run[_Page] | None] | None:
        with self._to_read:
            while not self._closed:
                job = self._pick()
                if job is not None:
                    lane, run = job
                    if run is None:
                        lane.beginning = True
                    else:
                        run.busy = True
                    self._call_for_work()
                    return job
                if all(lane.over for lane in self._lanes[self._head :]):
                    self._to_read.notify_all()
                    break
                self._idle += 1
                self._to_read.wait()
                self._idle -= 1
            self._threads -= 1
            return None

    def _pick(self) -> tuple[_Lane[_Page], _Run[_Page] | None] | None:
        """The first thing that may be read on or begun; None if there is nothing at the moment."""
        full = self._is_full()
        for lane in self._lanes[self._head : self._head + 1 if full else None]:
            for run in lane.runs:
                if not (run.busy or run.ended) and (not full or lane.is_waited_for(run)):
                    return lane, run
            starving = lane.has_no_page and lane is self._lanes[self._head]
            if not lane.beginning and (not full or lane.has_no_page) and lane.source.has_run(starving=starving):
                return lane, None
        return None

    def _is_full(self) -> bool:
        sizes = [size for lane in self._lanes[self._head :] for run in lane.runs for _, size in run.pages]
        return len(sizes) >= self._pages_limit or sum(sizes) >= self._size_limit

    def _begin(self, lane: _Lane[_Page]) -> _Run[_Page] | None:
        run: _Run[_Page] | None = None
        try:
            pages = lane.source.begin_run()
            run = None if pages is None else _Run(pages, busy=True)
        except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
            run = _Run(iter(()), ended=True, error=error)
        with self._to_read:
            lane.beginning = False
            if run is not None:
                lane.runs.append(run)
                self._call_for_work()
            self._to_hand_on.notify()
        return None if run is None or run.ended else run

    def _read_page(self, run: _Run[_Page]) -> None:
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
            if page is not None:
                run.pages.append((page, size))
            self._to_hand_on.notify()

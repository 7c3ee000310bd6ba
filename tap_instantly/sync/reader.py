"""Concurrent reader of several sources, which runs ahead of the writer."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_instantly.sync.reader_queues import Chain, Received, Room, SourceQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_instantly.sync.sources import Source

_Page = TypeVar("_Page")

PAGES = 1024
"""Maximum number of pages in the queues."""

BYTES = 8 << 20
"""Maximum size of queued responses in bytes. Decoded, they take about three times as much memory."""


@dataclass(frozen=True)
class Arrival(Generic[_Page]):
    """A page of a source, or the source's end.

    Attributes:
        number: Index of the source in its group.
        page: The page; None at the end.
        at: Time at which the page was received.
        error: Error that ended the source, if one did.
    """

    number: int
    page: _Page | None = None
    at: datetime | None = None
    error: BaseException | None = None


class Reader(Generic[_Page]):
    """Reads groups of sources in several threads and delivers their pages group by group, as they arrive.

    Pages of one source keep their order. Within a group, the next source depends on the arrivals. Later groups are read
    ahead, so that a slow group delays only itself; groups delivered earlier have priority. Within a group, threads
    prefer the source with the fewest queued pages, so that all sources advance evenly. At most as many sources as
    threads are open, and each is guaranteed a thread, so that a slow source delays no other. A source that must wait
    before its next request occupies no thread.

    When the queues are full, nothing more is read. Only if no queued page can be delivered, threads read the awaited
    pages. Later groups have smaller limits, so that room is left for earlier ones. A thread chooses its task again
    after each page.

    An error ends its source at the point where its chain would have continued. After :meth:`close`, each thread ends
    with its current page. If the program ends first, that request is aborted.

    Args:
        groups: Sources to read, in the order in which they will be requested.
        weigh: Returns the size of a page in bytes.
        workers: Maximum number of threads; each starts only when there is work for it.
        pages: Maximum number of queued pages.
        size: Maximum number of queued bytes.
    """

    def __init__(
        self,
        groups: Iterable[Iterable[Source[_Page]]],
        *,
        workers: int,
        weigh: Callable[[_Page], int] = lambda _: 0,
        pages: int = PAGES,
        size: int = BYTES,
    ) -> None:
        queues = [[SourceQueue(at, number, one) for number, one in enumerate(group)] for at, group in enumerate(groups)]
        self._unopened = deque(queue for group in queues for queue in group)
        self._left = [len(group) for group in queues]
        self._opened: list[list[SourceQueue[_Page]]] = [[] for _ in queues]
        self._reading: list[SourceQueue[_Page]] = []
        self._group = 0
        self._weigh = weigh
        self._workers = workers
        self._room = Room(len(queues), pages, size)
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
        """True once the reader is closed."""
        return self._closed

    def close(self) -> None:
        """Stop all threads."""
        with self._to_read:
            self._closed = True
            self._to_read.notify_all()
            self._to_hand_on.notify_all()

    def abandon(self, group: int, number: int) -> None:
        """Stop reading a source, and drop its queued pages."""
        with self._to_read:
            for queue in [*self._opened[group], *self._unopened]:
                if (queue.group, queue.number) == (group, number):
                    self._end(queue)

    def arrivals(self, group: int = 0) -> Iterator[Arrival[_Page]]:
        """Yield each page of a group's sources, and the end of each source.

        Raises:
            RuntimeError: The reader was closed before the end of the group.
        """
        self._group = group
        while True:
            with self._to_read:
                arrival = self._next_arrival()
            if arrival is None:
                return
            yield arrival

    def _next_arrival(self) -> Arrival[_Page] | None:
        while self._left[self._group]:
            if self._closed:
                message = "The reader is closed."
                raise RuntimeError(message)  # a plain return would look like the end of the data
            self._open_more()
            for queue in tuple(self._opened[self._group]):
                arrival = self._arrival_of(queue)
                if arrival is not None:
                    self._call_for_work()
                    return arrival
            self._call_for_work()
            self._to_hand_on.wait(self._delay)
        return None

    def _arrival_of(self, queue: SourceQueue[_Page]) -> Arrival[_Page] | None:
        queue.clear()
        if queue.error is None and (chain := queue.ready):
            received = chain.pages.popleft()
            queue.waiting -= 1
            self._room.fill(queue.group, -1, -received.size)
            others = self._opened[queue.group]
            others.remove(queue)
            others.append(queue)  # moved last, so that the other sources have their turn
            return Arrival(queue.number, received.page, received.at)
        if not queue.is_handed_on:
            return None
        self._end(queue)
        return Arrival(queue.number, error=queue.error)

    # Open sources

    def _open_more(self) -> None:
        held_up = sum(queue.source.delay() > 0 for queue in self._reading) if self._unopened else 0
        while self._unopened and len(self._reading) - held_up < self._workers:
            queue = self._unopened.popleft()
            self._opened[queue.group].append(queue)
            self._reading.append(queue)

    def _note_read(self, queue: SourceQueue[_Page]) -> None:
        """Open further sources if this one has been read to its end."""
        if queue in self._reading and (queue.is_over or queue.is_read):
            self._reading.remove(queue)
            self._open_more()
            if not self._reading:
                self._to_read.notify_all()  # wakes the threads, so that they can end

    def _end(self, queue: SourceQueue[_Page]) -> None:
        queue.is_over = True
        self._left[queue.group] -= 1
        for chain in queue.chains:  # pages behind an error
            self._room.fill(queue.group, -len(chain.pages), -sum(received.size for received in chain.pages))
        for queues in (self._opened[queue.group], self._unopened):
            if queue in queues:
                queues.remove(queue)
        self._note_read(queue)

    # Threads

    def _call_for_work(self) -> None:
        """Wake or start a thread if there is work."""
        if self._closed or not (self._idle or self._threads < self._workers) or self._pick() is None:
            return
        if self._idle:
            self._to_read.notify()
        else:
            self._threads += 1
            # Daemon thread: on shutdown the program must not wait for pending responses.
            threading.Thread(target=self._work, name=f"read-ahead-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            queue, chain = job
            if chain is None:
                chain = self._begin(queue)
            if chain is not None:
                self._read_page(queue, chain)

    def _take(self) -> tuple[SourceQueue[_Page], Chain[_Page] | None] | None:
        with self._to_read:
            while not self._closed and (self._reading or self._unopened):
                job = self._pick()
                if job is not None:
                    queue, chain = job
                    queue.threads += 1
                    self._busy += 1
                    if chain is None:
                        queue.beginning = True
                    else:
                        chain.busy = True
                    self._call_for_work()
                    return job
                self._idle += 1
                self._to_read.wait(self._delay)
                self._idle -= 1
            self._threads -= 1
            return None

    def _pick(self) -> tuple[SourceQueue[_Page], Chain[_Page] | None] | None:
        """Return a chain to continue, or a queue to begin one in; None if there is no work at the moment."""
        self._delay = None
        self._in_hands = sum(queue.threads * queue.page_bytes for queue in self._reading)
        starving = not any(queue.ready for queue in self._opened[self._group])
        spare = self._workers - self._busy - sum(map(self._may_need_a_thread, self._reading))
        for queue in sorted(self._reading, key=lambda queue: (queue.group, queue.load)):
            awaited = queue.group == self._group
            full = not self._has_room(queue.group)
            if (full and not (awaited and starving)) or (spare <= 0 and queue.threads):
                continue
            job = queue.job(only_awaited=full, starving=starving or not awaited)
            if job is None:
                continue
            if not (delay := queue.source.delay()):
                return queue, job[0]
            self._delay = min(delay, self._delay or delay)
        return None

    def _may_need_a_thread(self, queue: SourceQueue[_Page]) -> bool:
        """Return True if no thread works on a queue that may soon need one."""
        due = queue.group == self._group or self._has_room(queue.group)
        return due and not (queue.threads or queue.source.delay())

    def _has_room(self, group: int) -> bool:
        return self._room.is_left(group, self._group, self._in_hands)

    def _begin(self, queue: SourceQueue[_Page]) -> Chain[_Page] | None:
        chain: Chain[_Page] | None = None
        try:
            pages = queue.source.begin_chain()
            chain = None if pages is None else Chain(pages, busy=True)
        except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
            chain = Chain(iter(()), ended=True, error=error)
        with self._to_read:
            queue.beginning = False
            if chain is not None:
                queue.chains.append(chain)
            if chain is None or chain.ended:
                self._done(queue)
                return None
            self._call_for_work()
            return chain

    def _read_page(self, queue: SourceQueue[_Page], chain: Chain[_Page]) -> None:
        page: _Page | None = None
        try:
            page = next(chain.iterator)
        except StopIteration:
            chain.ended = True
        except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
            chain.error = error
            chain.ended = True
        size = 0 if page is None else self._weigh(page)
        with self._to_read:
            chain.busy = False
            if page is not None and not queue.is_over:
                chain.pages.append(Received(page, size, datetime.now(timezone.utc)))
                queue.waiting += 1
                queue.page_bytes = size
                self._room.fill(queue.group, 1, size)
            self._done(queue)

    def _done(self, queue: SourceQueue[_Page]) -> None:
        """Release a thread from a queue."""
        queue.threads -= 1
        self._busy -= 1
        self._note_read(queue)
        if queue.group == self._group:
            self._to_hand_on.notify()

"""Reading several requests side by side, and handing on their answers in order."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Slice = TypeVar("_Slice")
_Page = TypeVar("_Page")

WORKERS = 8
PAGES = 64


@dataclass
class _Slot(Generic[_Page]):
    """What has been read of one slice and not been handed on yet."""

    pages: deque[_Page] = field(default_factory=deque)
    error: BaseException | None = None
    done: bool = False


class ReadAhead(Generic[_Slice, _Page]):
    """The pages of many slices in the order of the slices, read by several threads.

    At most ``limit`` pages wait to be handed on, over all slices; the slice whose turn it is may always have one more,
    so that slices behind it cannot starve it. An error surfaces where its slice would have gone on. Leaving the
    iteration, also by an error, stops all threads after the request that they are in.

    Args:
        slices: What to read; taken one by one, in a thread.
        pages: Reads one slice page by page; runs in a thread.
        workers: Threads at most.
        limit: Pages that may wait.
    """

    def __init__(
        self,
        slices: Iterable[_Slice],
        pages: Callable[[_Slice], Iterable[_Page]],
        *,
        workers: int = WORKERS,
        limit: int = PAGES,
    ) -> None:
        self._slices = iter(slices)
        self._pages = pages
        self._workers = workers
        self._limit = limit
        self._changed = threading.Condition()
        self._taking = threading.Lock()
        self._slots: dict[int, _Slot[_Page]] = {}
        self._taken = 0
        self._head = 0
        self._waiting = 0
        self._exhausted = False
        self._stopped = False

    def __iter__(self) -> Iterator[_Page]:
        """The pages, in order."""
        for number in range(self._workers):
            # Daemons: a run that is told to stop does not wait for answers still on their way.
            threading.Thread(target=self._work, name=f"read-ahead-{number}", daemon=True).start()
        try:
            while (slot := self._slot_at_head()) is not None:
                yield from self._hand_on(slot)
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _slot_at_head(self) -> _Slot[_Page] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._head in self._slots or (self._exhausted and self._head >= self._taken))
            return self._slots.get(self._head)

    def _hand_on(self, slot: _Slot[_Page]) -> Iterator[_Page]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: slot.pages or slot.done)
                if not slot.pages:
                    break
                page = slot.pages.popleft()
                self._waiting -= 1
                self._changed.notify_all()
            yield page
        if slot.error is not None:
            raise slot.error
        with self._changed:
            del self._slots[self._head]
            self._head += 1
            self._changed.notify_all()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            number, slot, slice_ = taken
            try:
                for page in self._pages(slice_):
                    if not self._put(number, slot, page):
                        return
            except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
                slot.error = error
            self._finish(slot)

    def _take(self) -> tuple[int, _Slot[_Page], _Slice] | None:
        with self._taking:
            if self._exhausted or self._stopped:
                return None
            slot: _Slot[_Page] = _Slot()
            try:
                slice_ = next(self._slices)
            except StopIteration:
                self._exhaust(None)
                return None
            except BaseException as error:  # noqa: BLE001 (raised in the thread that reads)
                slot.error = error
                self._exhaust(slot)
                return None
            with self._changed:
                number = self._taken
                self._slots[number] = slot
                self._taken += 1
                self._changed.notify_all()
            return number, slot, slice_

    def _exhaust(self, last: _Slot[_Page] | None) -> None:
        with self._changed:
            if last is not None:
                last.done = True
                self._slots[self._taken] = last
                self._taken += 1
            self._exhausted = True
            self._changed.notify_all()

    def _put(self, number: int, slot: _Slot[_Page], page: _Page) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._waiting < self._limit or (number == self._head and not slot.pages)
            )
            if self._stopped:
                return False
            slot.pages.append(page)
            self._waiting += 1
            self._changed.notify_all()
            return True

    def _finish(self, slot: _Slot[_Page]) -> None:
        with self._changed:
            slot.done = True
            self._changed.notify_all()

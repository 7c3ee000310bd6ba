"""Reads ahead in a thread."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

WAITING = 1
"""Maximum number of waiting items."""


class Ahead(Generic[T]):
    """An iterator that a thread keeps one item ahead of its consumer.

    The thread is a daemon, because it may wait forever for input.
    """

    def __init__(self, items: Iterable[T]) -> None:
        """Start the thread."""
        self._queue: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(WAITING)
        threading.Thread(target=self._make, args=(items,), name="reader", daemon=True).start()

    def _make(self, items: Iterable[T]) -> None:
        try:
            for item in items:
                self._queue.put((item, None))
        except BaseException as error:  # noqa: BLE001 (raised again where the items are used)
            self._queue.put((None, error))
        else:
            self._queue.put((None, None))

    def __iter__(self) -> Iterator[T]:
        """Yield the items, and raise any error of the thread."""
        while True:
            item, error = self._queue.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item

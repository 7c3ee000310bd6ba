"""Reading ahead while something else is loaded."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

WAITING = 1
"""Items that wait to be taken, at most."""


class Ahead(Generic[T]):
    """An iterator whose items are made in a thread of their own, one ahead of the one that is being used.

    The thread ends with the process: it may be waiting for input that never comes.
    """

    def __init__(self, items: Iterable[T]) -> None:
        """Start to make items."""
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
        """Yield the items, and raise what making them raised."""
        while True:
            item, error = self._queue.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item

"""Cache that sends concurrent requests for the same thing only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_instantly.client.errors import InstantlyError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_T = TypeVar("_T")


class SingleFlight(Generic[_T]):
    """Thread-safe cache of values by request key.

    A thread that asks while another one is asking waits for that result, and gets its error too. A later thread asks
    again after an error.

    Args:
        size_of: Returns the size of a value.
        most: Maximum total size. The oldest values are evicted first, and requested again when needed.
    """

    def __init__(self, size_of: Callable[[_T], int] = lambda _: 0, most: int = 1) -> None:
        self._size_of = size_of
        self._most = most
        self._kept: OrderedDict[Hashable, Future[_T]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, what: Hashable, ask: Callable[[], _T]) -> _T:
        """Return the cached result for ``what``, or call ``ask``."""
        while True:
            with self._lock:
                is_first = what not in self._kept
                future = self._kept.setdefault(what, Future())
            if is_first:
                return self._ask(what, ask, future)
            try:
                return future.result()
            except InstantlyError:
                raise
            except Exception:  # noqa: BLE001, S110 (the other thread's own error, such as a stop: ask again)
                pass

    def _ask(self, what: Hashable, ask: Callable[[], _T], future: Future[_T]) -> _T:
        try:
            value = ask()
        except BaseException as error:
            with self._lock:
                self._kept.pop(what, None)
            future.set_exception(error)
            raise
        with self._lock:
            self._size += self._size_of(value)
            while self._size > self._most and self._forget_one():
                pass
        future.set_result(value)
        return value

    def _forget_one(self) -> bool:
        for what, future in self._kept.items():
            if future.done():
                self._size -= self._size_of(self._kept.pop(what).result())
                return True
        return False

    def clear(self) -> None:
        """Remove all cached values."""
        with self._lock:
            while self._forget_one():
                pass

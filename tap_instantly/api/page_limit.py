"""How many records to ask for at a time, where not every page can be had whole."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, TypeVar

from tap_instantly.api.errors import ErrorKind, InstantlyAPIError
from tap_instantly.api.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

_Page = TypeVar("_Page")

PERHAPS_TOO_MUCH = frozenset(
    {
        ErrorKind.SERVER,
        ErrorKind.ERROR_IN_OK,
        ErrorKind.MALFORMED,
        ErrorKind.TIMEOUT,
        ErrorKind.INTERRUPTED,
        ErrorKind.TOO_LARGE,
    }
)
"""Errors that single pages, or all of more than so many records, gave until fewer were asked for (reported)."""

ONCE_MORE = Retry(1)

logger = logging.getLogger("tap-instantly.api")


class PageLimit:
    """The limit of the next page of a list: halved while a page cannot be had, and doubled again after good ones.

    It takes twice as many good pages to try the double again each time that it fails, so that a list that never gives
    more than so many records costs few requests more. Shared by the threads that read the list.

    Args:
        most: Records to ask for where nothing speaks against it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._usual = most
        self._good = 0
        self._needed = 1
        self._lock = threading.Lock()

    def ask(self, ask: Callable[[int, Retry | None], _Page]) -> _Page:
        """What ``ask`` returns for the largest limit that works, counted down from the one that did last.

        Args:
            ask: Takes a limit, and how to try again where that is not as usual.

        Raises:
            InstantlyAPIError: Not even one record can be had, or the error is none that a smaller page may cure.
        """
        usual, limit = self._begin()
        while True:
            try:
                page = ask(limit, None if limit == usual else ONCE_MORE)
            except InstantlyAPIError as error:
                if error.kind not in PERHAPS_TOO_MUCH or limit == 1:
                    raise
                self._failed(limit, usual)
                limit //= 2
                logger.warning("A page cannot be had, asking for %d records at a time: %s", limit, error)
                continue
            self._worked(limit)
            return page

    def _begin(self) -> tuple[int, int]:
        with self._lock:
            doubled = min(2 * self._usual, self._most)
            return self._usual, doubled if self._good >= self._needed else self._usual

    def _failed(self, limit: int, usual: int) -> None:
        with self._lock:
            if limit > usual:
                self._needed *= 2
            self._good = 0

    def _worked(self, limit: int) -> None:
        with self._lock:
            self._good += 1
            self._usual = limit

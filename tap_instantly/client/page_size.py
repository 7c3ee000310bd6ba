"""Page sizes of lists: the maximum, exceptions, and smaller ones for pages that fail."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, TypeVar

from tap_instantly.client.errors import NEVER_PROCESSED, RETRYABLE, ErrorKind, InstantlyAPIError
from tap_instantly.client.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

_Page = TypeVar("_Page")

MAX_PAGE_SIZE = 100
"""Larger values get a 400, or got an empty page without an error (reported)."""

PAGE_SIZES = {"/audit-logs": 1000}
"""Page sizes of lists with their own maximum (spec), by path. They replace the setting ``page_size``."""

PERHAPS_TOO_MUCH = RETRYABLE - NEVER_PROCESSED | {ErrorKind.TOO_LARGE}
"""Errors that single pages, or all pages above some size, gave until fewer records were requested (reported)."""

ONCE_MORE = Retry(1)

logger = logging.getLogger("tap-instantly.api")


class PageSize:
    """Page size of a list: halved while a page fails, and doubled again after successful pages.

    Each time the doubled size fails, the next attempt needs twice as many successful pages. So a list that always fails
    above some size costs few extra requests. Shared by the threads that read the list.

    Args:
        most: Normal and largest page size.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._usual = most
        self._good = 0
        self._needed = 1
        self._lock = threading.Lock()

    def try_sizes(self, ask: Callable[[int, Retry | None], _Page]) -> _Page:
        """Return the result of ``ask`` for the largest size that works, counting down from the last one that did.

        Args:
            ask: Takes a page size, and a retry policy if the normal one does not apply.

        Raises:
            InstantlyAPIError: A page of one record fails, or a smaller page cannot cure the error.
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
                logger.warning("A page failed; requesting %d records at a time: %s", limit, error)
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

"""End of a list: paginators, and the loop over pages."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_instantly.client.page import Page

logger = logging.getLogger("tap-instantly.api")


def pages_until_last(fetch: Callable[[Any], Page], paginator: Paginator) -> Iterator[Page]:
    """Fetch page after page lazily, until the paginator says that the list has ended.

    Who takes the pages may stop earlier: at the bookmark (``LatestFirst``), or behind a range of ids (``Sweep``). The
    ranges of a scan have a loop of their own (``Scan._walk``).

    Args:
        fetch: Returns the page behind a cursor.
        paginator: Knows the next cursor and the end of the list.

    Raises:
        InstantlyAPIError: A page cannot be fetched.
    """
    while not paginator.finished:
        page = paginator.take(fetch(paginator.current_value))
        yield page
        if page.error is not None:
            raise page.error


class Paginator(BaseAPIPaginator[Any]):
    """SDK paginator over pages instead of HTTP responses; the base class reads one page."""

    def __init__(self, start_value: Any = None) -> None:  # noqa: ANN401 (any cursor)
        super().__init__(start_value)
        self.missing: str | None = None
        self.doubt: str | None = None

    def take(self, page: Page) -> Page:
        """Advance to the next page, and return this one with the current doubts about missing records."""
        self.advance(page)  # type: ignore[arg-type] # passes it to the two methods below
        return replace(page, missing=self.missing, doubt=self.doubt) if self.missing or self.doubt else page

    @override
    def has_more(self, page: Page) -> bool:  # type: ignore[override]
        """Return True if another page may follow."""
        return False

    @override
    def get_next(self, page: Page) -> Any:  # type: ignore[override]
        """Return the cursor of the next page, or None at the end."""


class StartingAfterPaginator(Paginator):
    """Follows a list's ``next_starting_after`` cursors.

    The list ends with its last page (:attr:`Page.is_last`), or with a repeated cursor.

    A repeated cursor would loop forever, so it ends the list with an error in the log: later records may be missing.
    Records may also be missing if the cursors are times and one timestamp fills a page. A page with one time and room
    left only raises a doubt.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str | None] = set()
        self._left_alone = False

    @override
    def take(self, page: Page) -> Page:
        if page.came:
            self._judge(page)
        return super().take(page)

    def _judge(self, page: Page) -> None:
        if self._left_alone:
            self.doubt = "several pages with one timestamp each"
        self._left_alone = page.is_of_one_time
        if page.is_full:
            self.missing = "one timestamp fills a page"
            logger.error(
                "All records of a page of %s have the timestamp %s; others with it may be missing. "
                "Set page_size to 100 if it is lower; otherwise run again later.",
                page.path,
                page.cursor,
            )

    @override
    def has_more(self, page: Page) -> bool:  # type: ignore[override]
        return not page.is_last

    @override
    def get_next(self, page: Page) -> str | None:  # type: ignore[override]
        if page.cursor not in self._seen:
            self._seen.add(page.cursor)
            return page.cursor
        self.missing = "repeated cursor"
        logger.error(
            "The list %s repeated a cursor; reading stopped there, and later records may be missing.", page.path
        )
        return None


class OffsetPaginator(Paginator):
    """Advances an offset by the number of items received, which may be smaller than the requested page size.

    The maximum page size is not documented. A server that ignores offsets would never end, so a repeated page ends the
    list.
    """

    def __init__(self) -> None:
        super().__init__(0)
        self._before = ""

    @override
    def take(self, page: Page) -> Page:
        as_it_came, before = repr(page.records), self._before
        self._before = as_it_came
        if page.came and as_it_came == before:
            self.missing = "repeated page"
            page = replace(page, records=[], came=0)
        return super().take(page)

    @override
    def has_more(self, page: Page) -> bool:  # type: ignore[override]
        return bool(page.came)

    @override
    def get_next(self, page: Page) -> int:  # type: ignore[override]
        return int(self.current_value) + page.came + page.rejected

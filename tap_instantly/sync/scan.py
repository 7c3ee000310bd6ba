"""Concurrent scan of one list that is ordered by id."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tap_instantly.client.errors import ErrorKind, InstantlyAPIError
from tap_instantly.sync.id_density import Density, Ruler
from tap_instantly.sync.id_ranges import Range
from tap_instantly.sync.ids import PremiseError, ascending, number, text
from tap_instantly.sync.range_splitting import best_split
from tap_instantly.sync.sources import Source
from tap_instantly.sync.starting_points import StartingPoints, is_outgrown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_instantly.client.page import Page, Records
    from tap_instantly.sync.range_splitting import Split

    Fetch = Callable[[str | None], Page]
    Bounds = tuple[str | None, str | None]

logger = logging.getLogger("tap-instantly.api")

AHEAD = timedelta(days=1)
"""Time after the present that ids may begin with: clocks differ, and an id beyond it would distort the estimates."""


class Scan(Source["Page"]):
    """One pass over a list, as concurrent walks over ranges of it.

    A walk starts at a computed id, in the middle of another walk's remaining range. This relies on a premise that the
    official document does not state: the list ascends by id, and any id is a valid cursor, even a nonexistent one. The
    scan tests this before the first split: it requests the records behind the id just below a known one. It also checks
    that every page ascends. If the premise fails, one walk reads the list by its own cursors.

    An API error ends its walk, and no other walk begins. The current walks continue to their ends, so that little is
    left for the next pass. If the premise fails after an error, nothing more is read.

    Several threads may read walks, but each walk has one thread at a time.

    Args:
        fetch: Returns the page behind a cursor.
        page_size: Records of a full page.
        plainly: Reads the list from the beginning by its own cursors.
        ranges: Rest of an earlier pass, from :meth:`remaining`.
        plan: Instead, ranges of equal length that cover the list. A split requires that one has outgrown the others.
    """

    def __init__(
        self,
        fetch: Fetch,
        page_size: int,
        plainly: Callable[[], Iterator[Page]],
        ranges: Sequence[Bounds] | None = None,
        *,
        plan: Sequence[Bounds] | None = None,
    ) -> None:
        self._fetch = fetch
        self._page_size = page_size
        self._sequentially = plainly
        self._density = Density(Ruler(datetime.now(timezone.utc) + AHEAD))
        self._lock = threading.Lock()
        self._read = StartingPoints(page_size)
        bounds = [(None, None)] if ranges is None else ranges
        self._waiting = [Range(self._density, after, upto) for after, upto in plan or bounds]
        self._planned = tuple(self._waiting) if plan else ()
        self._unfinished = list(self._waiting)
        self.pages = 0
        self._records = 0
        self._wasted = 0.0
        self._started = False
        self._proven: bool | None = None
        self._walking = 0
        self._error: InstantlyAPIError | None = None

    # Source

    ordered = False

    def has_chain(self, *, starving: bool) -> bool:
        """Return True if another walk can begin; a split requires a reader without pages."""
        with self._lock:
            if not self._started:
                return True
            if not self._proven or self._error:
                return False
            return bool(self._waiting) or (starving and self._best_split() is not None)

    def begin_chain(self) -> Iterator[Page] | None:
        """Return the pages of the next walk, or None if none can begin now."""
        with self._lock:
            if not self._started:
                self._started = True
                walk = self._first_walk()
            elif not self._proven or self._error:
                return None
            elif self._waiting:
                walk = self._walk(self._waiting.pop(0))
            elif (split := self._best_split()) is not None:
                walk = self._walk(self._split(split))
            else:
                return None
            self._walking += 1
            return self._with_errors_last(walk)

    def remaining(self) -> list[Bounds] | None:
        """Return the ranges that are not completely written; None if the pass cannot be resumed."""
        with self._lock:
            return [(range_.written, range_.upto) for range_ in self._unfinished] if self._proven else None

    def starting_points(self) -> list[str]:
        """Return ids at which the next pass can begin its walks, if this one has read the whole list."""
        return self._read.chosen() if self._proven else []

    def ahead(self) -> float | None:
        """Estimate the records left, within a tenth; None if there is no reliable estimate yet."""
        with self._lock:
            ahead = [range_.surely_ahead for range_ in self._unfinished] if self._proven else [None]
        return None if None in ahead else sum(filter(None, ahead))

    def _with_errors_last(self, walk: Iterator[Page]) -> Iterator[Page]:
        """Yield the pages of a walk. The last walk to end raises the first error of all walks."""
        try:
            yield from walk
        except InstantlyAPIError as error:
            with self._lock:
                self._error = self._error or error
        with self._lock:
            self._walking -= 1
            last = not self._walking
        if last and self._error is not None:
            raise self._error

    def _first_walk(self) -> Iterator[Page]:
        """Test the premise with the first two pages, which belong to the first range of a new pass."""
        page = self._page(None)
        if page.is_last:
            yield replace(page, done=self._forget_ranges)  # the page is the whole list
            return
        try:
            checked = self._try_premise(page.records)
        except PremiseError as reason:
            yield from self._read_sequentially(reason)
            return
        with self._lock:
            self._proven = True
            first = self._waiting.pop(0) if self._waiting else None
        if first is None:
            return  # only the end of an earlier pass is missing
        if first.after is not None:
            checked = replace(checked, cursor=None)  # the cursor is at the beginning of the list, not in the range
        else:
            yield self._arrived(first, page)
            # The test page may hold only the known record.
            if not first.ended and (checked.records or checked.is_last):
                yield self._arrived(first, checked)
        yield from self._walk(first, checked.cursor)

    def _try_premise(self, records: Records) -> Page:
        """Fetch the page behind a computed cursor, just before the last of ``records``. It must repeat that record.

        Raises:
            PremiseError: It does not.
        """
        last = ascending(records, None)[-1]
        page = self._page_behind_computed(text(number(last) - 1))
        if not page.records or ascending(page.records, None)[0] != last:
            reason = "a computed cursor does not lead to the records after it"
            raise PremiseError(reason)
        return replace(page, records=page.records[1:])

    def _walk(self, range_: Range, cursor: str | None = None) -> Iterator[Page]:
        """Read a range to its end, from the server's cursor if there is one."""
        cursor = cursor or range_.after
        try:
            while not range_.ended and self.is_proven:
                # Only the first cursor of a range may be computed.
                answered = self._page(cursor) if range_.records else self._page_behind_computed(cursor)
                page = self._arrived(range_, answered)
                if answered.cursor == cursor is not None and not range_.ended:
                    reason = "a page repeats its own cursor"
                    raise PremiseError(reason)  # noqa: TRY301 (handled like those of the calls)
                cursor = answered.cursor
                yield page
        except PremiseError as reason:
            yield from self._read_sequentially(reason)
        except InstantlyAPIError:
            if not self.premise_failed:
                raise
            # If the premise failed, another walk reads the whole list, and this walk's error does not matter.

    def _page(self, cursor: str | None) -> Page:
        page = self._fetch(cursor)
        if page.error is not None:
            raise page.error
        return page

    def _page_behind_computed(self, cursor: str | None) -> Page:
        """Fetch a page by a cursor that may be computed.

        Raises:
            PremiseError: The server rejects the cursor.
        """
        try:
            return self._page(cursor)
        except InstantlyAPIError as error:
            if error.kind not in {ErrorKind.BAD_REQUEST, ErrorKind.NOT_FOUND} or cursor is None:
                raise
            reason = f"the server rejects a computed cursor: {error}"
            raise PremiseError(reason) from None

    def _arrived(self, range_: Range, page: Page) -> Page:
        """Record the page of a range, and drop the records that belong to the next range.

        Raises:
            PremiseError: The ids do not ascend from the end of the previous page.
        """
        ids = ascending(page.records, range_.after)
        with self._lock:
            self.pages += 1
            kept = len(ids) if range_.upto is None else bisect_right(ids, range_.upto)
            ended = page.is_last or not ids or kept < len(ids) or ids[-1] == range_.upto
            own = ids[:kept]
            range_.advance(own, ended=ended)
            self._read.add(own)
            self._records += kept
            if range_.ended and range_.upto is not None:
                self._wasted += 1 - kept / self._page_size  # the next range repeats the rest of the page
            last_id = range_.after
        return replace(page, records=page.records[:kept], done=lambda: self._written(range_, last_id, ended=ended))

    def _written(self, range_: Range, last_id: str | None, *, ended: bool) -> None:
        with self._lock:
            range_.written = last_id
            if ended:
                self._unfinished.remove(range_)

    # Splits

    def _best_split(self) -> Split | None:
        if self._planned and not is_outgrown(self._planned):
            return None
        return best_split(self._unfinished, self._density, self._records, self._wasted, self._page_size)

    def _split(self, split: Split) -> Range:
        new = split.range_.split(split.kept)
        self._unfinished.insert(self._unfinished.index(split.range_) + 1, new)
        return new

    # Fallback to one walk

    @property
    def is_proven(self) -> bool:
        """True if the premise holds so far."""
        return bool(self._proven)

    @property
    def premise_failed(self) -> bool:
        """True if the premise has failed."""
        return self._proven is False

    def _read_sequentially(self, reason: PremiseError) -> Iterator[Page]:
        with self._lock:
            had_failed, self._proven = self._proven is False, False
        if had_failed or self._error:
            return  # another walk reads the list already, or the pass ends with an error anyway
        logger.warning("Reading the list sequentially, because its ranges cannot be read in parallel: %s.", reason)
        yield from self._sequentially()

    def _forget_ranges(self) -> None:
        with self._lock:
            self._unfinished.clear()

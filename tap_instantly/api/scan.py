"""Reading one list that is ordered by id from several places at once."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tap_instantly.api.errors import ErrorKind, InstantlyAPIError
from tap_instantly.api.id_space import Range, Ruler, is_uuid, number, text
from tap_instantly.api.splits import ONCE, best_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Records = list[dict[str, Any]]
    Fetch = Callable[[str | None], tuple[Records, str | None]]
    Bounds = tuple[str | None, str | None]

logger = logging.getLogger("tap-instantly.api")


class ScannedPage(list["dict[str, Any]"]):
    """Records of one page of a scan, with what to call when they have been done with."""

    def __init__(self, scan: Scan, records: Records, done: Callable[[], None]) -> None:
        super().__init__(records)
        self.scan = scan
        self.done = done


class PremiseError(Exception):
    """The list is not what a scan needs it to be: ascending by id, with any id as a cursor."""


class Scan:
    """One pass over a list, as walks over ranges of it that can be read side by side.

    A walk starts at an id that is computed, in the middle of what remains of another walk. That rests on a premise that
    the official document does not state: the list ascends by id, and any id is a cursor, even one that does not exist.
    It is tried before the first split, by asking for what comes after the id just below a known one; every page is
    checked to ascend. Where the premise fails, the list is read by one walk, as its cursors say.

    An error of the API ends the walk that it came to and lets no other begin; those under way read on to their ends, so
    that little is left for the next pass. Where the premise fails after that, nothing more is read.

    Threads may read walks side by side; each walk is read by one at a time.

    Args:
        fetch: Returns the records after a cursor and the cursor that follows.
        page_size: Records of a full page.
        plainly: Reads the list from its beginning as its cursors say.
        ranges: What remains of an earlier pass, from :meth:`remaining`.
        has_room: Whether one more request at a time would be answered, and not wait for the others.
    """

    def __init__(
        self,
        fetch: Fetch,
        page_size: int,
        plainly: Callable[[], Iterator[Records]],
        ranges: Sequence[Bounds] | None = None,
        *,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._fetch = fetch
        self._has_room = has_room
        self._page_size = page_size
        self._plainly = plainly
        self._ruler = Ruler(datetime.now(timezone.utc))
        self._lock = threading.Lock()
        self._resumed = ranges is not None
        bounds = [(None, None)] if ranges is None else ranges
        self._waiting = [Range(self._ruler, after, upto) for after, upto in bounds]
        self._unfinished = list(self._waiting)
        self._records = 0
        self._wasted = ONCE
        self._started = False
        self._proven: bool | None = None
        self._walking = 0
        self._error: InstantlyAPIError | None = None

    # Walks: what a reader of several things side by side needs to know

    ordered = False

    def delay(self) -> float:
        """No time: nothing is known of it here."""
        return 0.0

    def has_run(self, *, starving: bool) -> bool:
        """Whether another walk can be begun; one that takes a split only where the reader waits for records."""
        with self._lock:
            if not self._started:
                return True
            if not self._proven or self._error:
                return False
            return bool(self._waiting) or (starving and self._has_room() and self._best_split() is not None)

    def begin_run(self) -> Iterator[ScannedPage] | None:
        """The pages of the next walk, or None if there is none to begin now."""
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
        """The ranges whose records have not all been done with; None if the pass cannot be taken up again."""
        with self._lock:
            return [(part.written, part.upto) for part in self._unfinished] if self._proven else None

    def ahead(self) -> float | None:
        """How many records are still to come, within a tenth; None as long as that cannot be known."""
        with self._lock:
            parts = [part.surely_ahead for part in self._unfinished] if self._proven else [None]
        return None if None in parts else sum(filter(None, parts))

    def _with_errors_last(self, walk: Iterator[ScannedPage]) -> Iterator[ScannedPage]:
        """The pages of a walk. An error that ends one of several is raised by the last of them to end."""
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

    def _first_walk(self) -> Iterator[ScannedPage]:
        """Try the premise with the first two pages, which belong to the first range of a new pass."""
        records, following = self._fetch(None)
        if not records or not following:
            yield ScannedPage(self, records, self._forget_ranges)  # the whole list
            return
        try:
            checked, following = self._try_premise(records)
        except PremiseError as reason:
            yield from self._read_plainly(reason)
            return
        with self._lock:
            self._proven = True
            first = self._waiting.pop(0) if self._waiting else None
        if first is None:
            return  # all that is missing of an earlier pass is its end
        if self._resumed:
            following = None  # of the beginning of the list, not of the range
        else:
            yield self._arrived(first, records)
            if checked or not following:  # a page may have no more than the record that it was tried with
                yield self._arrived(first, checked, last=not following)
        yield from self._walk(first, following)

    def _try_premise(self, records: Records) -> tuple[Records, str | None]:
        """Read on behind ``records`` by a cursor that no record has, which has to give the last of them again.

        Raises:
            PremiseError: It does not.
        """
        last = _ascending(records, None)[-1]
        again, following = self._fetch_computed(text(number(last) - 1))
        if not again or _ascending(again, None)[0] != last:
            reason = "a computed cursor does not lead to the records behind it"
            raise PremiseError(reason)
        return again[1:], following

    def _walk(self, part: Range, cursor: str | None = None) -> Iterator[ScannedPage]:
        """Read a range to its end; its first page may have a cursor of the server's."""
        cursor = cursor or part.after
        while not part.ended and self._proven:
            try:
                fetch = self._fetch if part.records else self._fetch_computed  # the server gave the later ones itself
                records, cursor = fetch(cursor)
                page = self._arrived(part, records, last=not cursor)
            except PremiseError as reason:
                yield from self._read_plainly(reason)
                return
            except InstantlyAPIError:
                if not self.is_given_up:
                    raise
                return  # another walk reads all of the list, so that nothing is lost with this one
            yield page

    def _fetch_computed(self, cursor: str | None) -> tuple[Records, str | None]:
        """Fetch by a cursor that may be none of the server's.

        Raises:
            PremiseError: It refuses it.
        """
        try:
            return self._fetch(cursor)
        except InstantlyAPIError as error:
            if error.kind not in {ErrorKind.BAD_REQUEST, ErrorKind.NOT_FOUND} or cursor is None:
                raise
            reason = f"a computed cursor is refused: {error}"
            raise PremiseError(reason) from None

    def _arrived(self, part: Range, records: Records, *, last: bool = False) -> ScannedPage:
        """Take note of a page of a range, and cut off what belongs to the next one.

        Raises:
            PremiseError: Its ids do not ascend from where the range has been read up to.
        """
        ids = _ascending(records, part.after)
        with self._lock:
            kept = len(ids) if part.upto is None else bisect_right(ids, part.upto)
            part.ended = last or not ids or kept < len(ids) or ids[-1] == part.upto
            if kept:
                part.advance(ids[0], ids[kept - 1], kept)
                self._records += kept
            if part.ended and part.upto is not None:
                self._wasted += 1 - kept / self._page_size  # the rest of the page comes again with the next range
            upto, ended = part.after, part.ended
        return ScannedPage(self, records[:kept], lambda: self._done(part, upto, ended=ended))

    def _done(self, part: Range, upto: str | None, *, ended: bool) -> None:
        with self._lock:
            part.written = upto
            if ended:
                self._unfinished.remove(part)

    # Splits

    def _best_split(self) -> Range | None:
        return best_split(self._unfinished, self._records, self._wasted, self._page_size)

    def _split(self, part: Range) -> Range:
        new = part.split()
        self._unfinished.insert(self._unfinished.index(part) + 1, new)
        return new

    # Without the premise

    @property
    def is_given_up(self) -> bool:
        """Whether the list has proved to be none that can be read from several places."""
        return self._proven is False

    def _read_plainly(self, reason: PremiseError) -> Iterator[ScannedPage]:
        with self._lock:
            given_up, self._proven = self._proven is False, False
        if given_up or self._error:
            return  # another walk is at it, or all of it would have to be read again: the pass ends in an error
        logger.warning("The list is read from one place, not from several at once: %s.", reason)
        for records in self._plainly():
            yield ScannedPage(self, records, _nothing)

    def _forget_ranges(self) -> None:
        with self._lock:
            self._unfinished.clear()


def _ascending(records: Records, after: str | None) -> list[str]:
    """The ids of records, which have to be UUIDs that ascend from ``after``.

    Raises:
        PremiseError: They do not.
    """
    ids: list[str] = [record_id for record in records if isinstance(record_id := record.get("id"), str)]
    if len(ids) < len(records):
        reason = "a record has no id"
        raise PremiseError(reason)
    if not all(map(is_uuid, ids)):
        reason = "its ids are no UUIDs"
        raise PremiseError(reason)
    if any(low >= high for low, high in pairwise(ids if after is None else [after, *ids])):
        reason = "its ids do not ascend"
        raise PremiseError(reason)
    return ids


def _nothing() -> None:
    """Nothing to take note of."""

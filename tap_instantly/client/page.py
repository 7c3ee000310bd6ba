"""Decoded responses and pages of records.

A cursor is an id, a timestamp, an e-mail address or several of them joined (spec, recorded). This package echoes the
server's cursors without parsing them, or uses one that the server would have sent for a shorter page. Only
:mod:`tap_instantly.sync.scan` computes cursors, after testing that they work.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tap_instantly.client.decode import UNREADABLE, Odd, decode
from tap_instantly.client.errors import ErrorKind, InstantlyAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Records = list[dict[str, Any]]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")

logger = logging.getLogger("tap-instantly.api")


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Page:
    """Records of one response.

    Attributes:
        records: Records to emit.
        came: Number of records received, including those that the next page repeats.
        rejected: Number of items dropped because they are not objects.
        path: URL path of the request, without the query.
        size: Size of the response in bytes.
        cursor: Cursor of the next page; None at the end of the list or without pagination.
        is_of_one_time: True if all records share one timestamp, and others of that time may be unreachable.
        is_full: True if such records are likely, because the page is full.
        missing: Reason why the list so far probably lacks records; None if it does not.
        doubt: Reason why the list so far might lack a record.
        error: Error to raise instead of fetching the next page.
        done: Callback for the time when the records have been written.
    """

    records: Records
    came: int = 0
    rejected: int = 0
    path: str = ""
    size: int = 0
    cursor: str | None = None
    is_of_one_time: bool = False
    is_full: bool = False
    missing: str | None = None
    doubt: str | None = None
    error: InstantlyAPIError | None = None
    done: Callable[[], None] = _nothing

    @property
    def is_last(self) -> bool:
        """True if a list with cursors ends here: the page is empty, or has no cursor.

        A short page is not the end, and the last page with records usually still has a cursor (recorded).
        """
        return not self.came or self.cursor is None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the records to emit."""
        return iter(self.records)

    def __len__(self) -> int:
        """Return the number of records to emit."""
        return len(self.records)


@dataclass(frozen=True)
class Answer:
    """A successful response.

    Attributes:
        method: HTTP method of the request.
        url: URL with the query.
        status: HTTP status.
        headers: Response headers.
        data: Decoded body; :data:`~tap_instantly.client.decode.UNREADABLE` without one.
        content: Body with the key masked.
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    data: Any
    content: bytes = b""

    @property
    def size(self) -> int:
        """Size of the body in bytes."""
        return len(self.content)

    @property
    def undecoded(self) -> Answer:
        """Copy without the decoded data, which a reader may modify."""
        return replace(self, data=UNREADABLE)

    @property
    def decoded(self) -> Answer:
        """Copy with freshly decoded data."""
        return replace(self, data=decode(self.content))

    @property
    def path(self) -> str:
        """URL path without the query."""
        return urlsplit(self.url).path

    def page(self, found: object, complaint: str) -> Page:
        """Build a page from an array of objects; other items are dropped and logged.

        Raises:
            InstantlyAPIError: ``found`` is not an array or contains no objects. The message says the response is
                ``complaint``.
        """
        if not isinstance(found, list):
            raise self.malformed(complaint)
        records = [record for record in found if isinstance(record, dict)]
        if rejected := len(found) - len(records):
            if not records:
                raise self.malformed(complaint)
            places = [place for place, record in enumerate(found) if not isinstance(record, dict)]
            logger.error("Discarded items of %s that are not objects, at positions %s.", self.path, str(places)[:100])
        return Page(records, len(records), rejected, self.path, self.size)

    def malformed(self, complaint: str) -> InstantlyAPIError:
        """Create the error for a response of the wrong form."""
        reason = f"the response is {complaint}"
        return InstantlyAPIError(self.status, self.method, self.path, reason, kind=ErrorKind.MALFORMED)


def page_arguments(page_size: int, cursor: str | None) -> dict[str, Any]:
    """Return the arguments for one page: for the query of a GET or the JSON body of a POST (spec)."""
    return {"limit": page_size, **({"starting_after": cursor} if cursor else {})}


def array(answer: Answer) -> Page:
    """Read a response that is an array of records.

    Raises:
        InstantlyAPIError: The response is not an array.
    """
    return answer.page(answer.data, "not an array")


def items(answer: Answer) -> Page:
    """Read one list page, without the records that the next page will repeat.

    If the cursor is the last record's time, the next page may skip further records of that time (the API's behaviour is
    unknown). So the page drops the records of its last time and takes the cursor before them, and the next page starts
    with that time. This applies to short pages too, since they do not end a list.

    Raises:
        InstantlyAPIError: The response has no ``items``: an empty list and a failure would look the same.
    """
    is_object = isinstance(answer.data, dict)
    page = answer.page(answer.data.get("items") if is_object else None, "not a page of a list")
    stated = answer.data.get("next_starting_after")
    if isinstance(stated, Odd):  # the records received are kept
        error = answer.malformed("a page with a cursor that is not a string")
        return replace(page, error=error if page.came else None)
    cursor = str(stated) if stated else None
    times = _times(page.records, cursor) if cursor and _TIME.fullmatch(cursor) else []
    if not times:
        return replace(page, cursor=cursor)
    if kept := times.index(str(cursor)):
        return replace(page, records=page.records[:kept], cursor=times[kept - 1])
    room = int(parse_qs(urlsplit(answer.url).query).get("limit", ["0"])[0])
    return replace(page, cursor=cursor, is_of_one_time=True, is_full=1 < room <= page.came + page.rejected)


def _times(records: list[dict[str, Any]], last: str) -> list[str]:
    """Return the times that order the records, ending with ``last``; empty if no field does."""
    for name, value in records[-1].items() if records else ():
        times = [time for record in records if isinstance(time := record.get(name), str)]
        if value == last and len(times) == len(records) and times in (sorted(times), sorted(times, reverse=True)):
            return times
    return []

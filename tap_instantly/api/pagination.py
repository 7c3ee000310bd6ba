"""The ``starting_after`` cursor, and when a list ends.

A cursor is whatever the server says: an id, a timestamp, an e-mail address or several joined (spec, recorded). Here it
is echoed and never parsed, or else it is one that the server would have given for a shorter page; only
:mod:`tap_instantly.api.scan` computes cursors, where it has tried that they work.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from singer_sdk.pagination import BaseAPIPaginator

from tap_instantly.api.decode import Odd, decoded
from tap_instantly.api.errors import ErrorKind, InstantlyAPIError

if TYPE_CHECKING:
    import requests

MAX_PAGE_SIZE = 100
"""More is a 400, or was silently an empty page (reported)."""

PAGE_SIZES = {"/audit-logs": 1000}
"""Records to ask for at a time of the lists whose maximum is one of their own (spec), by path."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")

logger = logging.getLogger("tap-instantly.api")


def items(response: requests.Response) -> list[dict[str, Any]]:
    """The records of one page of a list.

    Raises:
        InstantlyAPIError: The answer is no page: without ``items`` there is no telling an empty list from a failure.
    """
    page = decoded(response)
    return objects(response, page.get("items") if isinstance(page, dict) else None, "no page of a list")


def array(response: requests.Response) -> list[dict[str, Any]]:
    """The records of an answer that is one array.

    Raises:
        InstantlyAPIError: It is none.
    """
    return objects(response, decoded(response), "no array")


def objects(response: requests.Response, found: object, otherwise: str) -> list[dict[str, Any]]:
    """``found``, which has to be an array of objects; what else is among them is left out, see :func:`no_records`.

    Raises:
        InstantlyAPIError: It is none, or has no object at all; the text says that the answer is ``otherwise``.
    """
    if isinstance(found, list):
        records = [record for record in found if isinstance(record, dict)]
        if len(records) == len(found):
            return found
        if records:
            _note_others(response, found)
            return records
    raise _malformed(response, otherwise)


def no_records(response: requests.Response) -> int:
    """How many items of an answer were left out by :func:`objects`, as they are no objects."""
    return len(response.__dict__.get("_no_records", ()))


def _note_others(response: requests.Response, found: list[Any]) -> None:
    if "_no_records" not in response.__dict__:
        places = [place for place, record in enumerate(found) if not isinstance(record, dict)]
        response.__dict__["_no_records"] = places
        logger.error("Items of %s that are no objects were left out, at %s.", _path(response), str(places)[:100])


def _malformed(response: requests.Response, otherwise: str) -> InstantlyAPIError:
    return InstantlyAPIError(
        response.status_code,
        response.request.method or "",
        _path(response),
        f"the answer is {otherwise}",
        kind=ErrorKind.MALFORMED,
    )


def _path(response: requests.Response) -> str:
    return urlsplit(response.request.path_url).path


class _Edge(NamedTuple):
    """Where a page of a list is left: behind so many of its records, or all, by this cursor.

    ``alone`` says that it has but one time, which cursors are; there may be more records of it, to which none leads. So
    there surely may where the page is ``full``.
    """

    kept: int | None
    cursor: str | None
    alone: bool = False
    full: bool = False


def _edge(response: requests.Response) -> _Edge:
    """Where to leave a page, so that nothing is lost behind it.

    A cursor that is the time of the last record may lead past all others of that very time (what the API does is not
    known), also past those that the page had no room for, or was not given: a short page is not the end. The last time
    of a page is left to the next one: that has the cursor which the server would have given had it ended before it.
    """
    cursor = _stated_cursor(response)
    if not cursor or not _TIME.fullmatch(cursor):
        return _Edge(None, cursor)
    records = items(response)
    if not records or not (times := _times(records, cursor)):
        return _Edge(None, cursor)
    if kept := times.index(cursor):
        return _Edge(kept, times[kept - 1])
    room = int(parse_qs(urlsplit(response.request.path_url).query).get("limit", ["0"])[0])
    return _Edge(None, cursor, alone=True, full=1 < room <= len(records) + no_records(response))


def _times(records: list[dict[str, Any]], last: str) -> list[str]:
    """The times by which records are in order up to the ``last`` one; none if there is no telling."""
    for name, value in records[-1].items():
        times = [time for record in records if isinstance(time := record.get(name), str)]
        if value == last and len(times) == len(records) and times in (sorted(times), sorted(times, reverse=True)):
            return times
    return []


def settled(response: requests.Response) -> list[dict[str, Any]]:
    """The records of a page of a list, less those that will come again with the page behind :func:`next_cursor`."""
    records = items(response)
    try:
        return records[: _edge(response).kept]
    except InstantlyAPIError:  # which next_cursor raises: what has come is kept all the same
        return records


def next_cursor(response: requests.Response) -> str | None:
    """The cursor of the page behind the :func:`settled` records of a page of a list, or None at the end.

    Raises:
        InstantlyAPIError: It is nothing that could be sent back.
    """
    return _edge(response).cursor


def _stated_cursor(response: requests.Response) -> str | None:
    found = decoded(response).get("next_starting_after")
    if isinstance(found, Odd):
        raise _malformed(response, "a page with a cursor that is no text")
    return str(found) if found else None


def page_arguments(page_size: int, cursor: str | None) -> dict[str, Any]:
    """Arguments that ask for one page: of the query for GET, of the JSON body for POST (spec)."""
    arguments: dict[str, Any] = {"limit": page_size}
    if cursor:
        arguments["starting_after"] = cursor
    return arguments


class StartingAfterPaginator(BaseAPIPaginator["str | None"]):
    """Walks a list by echoing ``next_starting_after``.

    The list ends with an empty page, a page without a cursor, or a cursor seen before. A short page is not the end,
    and the last page with records usually still carries a cursor (recorded). A repeated cursor would go round for
    ever: it ends the walk with an error in the log, since records behind it may be missing. So they may be where one
    time fills a page of a list whose cursors are times; where a page that is not full has but one, there is a doubt.
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.missing: str | None = None
        """Why records are likely to be missing of what has been read; None if none are."""
        self.doubt: str | None = None
        """Why a record may be missing, though that is not likely."""
        self._seen: set[str] = set()
        self._left_alone = False

    def has_more(self, response: requests.Response) -> bool:
        """Whether the page held records."""
        return bool(items(response))

    def get_next(self, response: requests.Response) -> str | None:
        """The cursor of the next page, or None at the end."""
        _, cursor, alone, full = _edge(response)
        if self._left_alone:
            self.doubt = "pages of one time each"
        self._left_alone = alone
        if not cursor:
            return None
        if full:
            self.missing = "one time fills a page"
            logger.error(
                "A page of %s holds records of one time alone, %s: others of that time may be missing. "
                "A larger page_size may help.",
                _path(response),
                cursor,
            )
        if cursor in self._seen:
            self.missing = "cursor sent twice"
            logger.error(
                "The list %s sent the same cursor twice and was ended there: records behind it may be missing.",
                _path(response),
            )
            return None
        self._seen.add(cursor)
        return cursor

"""The ``starting_after`` cursor, and when a list ends.

A cursor is whatever the server says: an id, a timestamp, an e-mail address or several joined (spec, recorded). Here it
is echoed and never parsed; only :mod:`tap_instantly.api.scan` computes cursors, where it has tried that they work.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.pagination import BaseAPIPaginator

from tap_instantly.api.decode import Odd, decoded
from tap_instantly.api.errors import ErrorKind, InstantlyAPIError

if TYPE_CHECKING:
    import requests

MAX_PAGE_SIZE = 100
"""More is a 400, or was silently an empty page (reported)."""

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
        path = response.request.path_url.partition("?")[0]
        logger.error("Items of %s that are no objects were left out, at %s.", path, str(places)[:100])


def _malformed(response: requests.Response, otherwise: str) -> InstantlyAPIError:
    request = response.request
    return InstantlyAPIError(
        response.status_code,
        request.method or "",
        request.path_url.partition("?")[0],
        f"the answer is {otherwise}",
        kind=ErrorKind.MALFORMED,
    )


def next_cursor(response: requests.Response) -> str | None:
    """The cursor of the page behind a page of a list, or None at the end.

    Raises:
        InstantlyAPIError: It is nothing that could be sent back.
    """
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
    ever: it ends the walk with an error in the log and :attr:`looped` set, since records behind it may be missing.
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.looped = False
        self._seen: set[str] = set()

    def has_more(self, response: requests.Response) -> bool:
        """Whether the page held records."""
        return bool(items(response))

    def get_next(self, response: requests.Response) -> str | None:
        """The cursor of the next page, or None at the end."""
        cursor = next_cursor(response)
        if not cursor:
            return None
        if cursor in self._seen:
            self.looped = True
            logger.error(
                "The list %s sent the same cursor twice and was ended there: records behind it may be missing.",
                response.request.path_url.partition("?")[0],
            )
            return None
        self._seen.add(cursor)
        return cursor

"""Readers for the forms in which the API returns records."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.client.page import array, items, page_arguments
from tap_instantly.client.pagination import OffsetPaginator, Paginator, StartingAfterPaginator
from tap_instantly.streams.slicers import UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_instantly.client.page import Answer, Page
    from tap_instantly.streams.base import InstantlyStream
    from tap_instantly.streams.slicers import Slice
    from tap_instantly.sync.partition import Partition


class RecordReader:
    """Base class of readers: extracts records from the answers of an endpoint."""

    paginator: ClassVar[type[Paginator]] = Paginator
    is_list: ClassVar[bool] = False
    """True for a list with a cursor: pages may be made smaller, and unchanged records are not emitted."""

    def page(self, stream: InstantlyStream, answer: Answer) -> Page:
        """Return the page of records in an answer.

        Raises:
            InstantlyAPIError: The answer has another form.
        """
        raise NotImplementedError

    def page_arguments(self, size: int, cursor: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002 (for subclasses)
        """Return the arguments of the request for a page."""
        return {}

    def pages(self, partition: Partition, slice_: Slice, pages: Iterator[Page]) -> Iterator[Page]:  # noqa: ARG002 (for subclasses)
        """Process the pages of a slice; a subclass may change them, or stop early."""
        return pages


class CursorList(RecordReader):
    """A list with a ``starting_after`` cursor.

    The API filters hardly any list by time. With a ``replication_key``, the tap reads the whole list and emits only
    records changed since the bookmark less the look-back. It always emits records at the bookmark itself again: further
    ones may have got the same timestamp since.
    """

    paginator = StartingAfterPaginator
    is_list = True

    @override
    def page(self, stream: InstantlyStream, answer: Answer) -> Page:
        return items(answer)

    @override
    def page_arguments(self, size: int, cursor: str | None) -> dict[str, Any]:
        return page_arguments(size, cursor)


class LatestFirst(CursorList):
    """A list sorted by change in descending order, read down to the bookmark.

    If the list is not sorted, the tap reads all of it.
    """

    @override
    def pages(self, partition: Partition, slice_: Slice, pages: Iterator[Page]) -> Iterator[Page]:
        latest: str | None = None
        in_order = True
        key = partition.stream.replication_key or ""
        for page in pages:
            times = [timestamps.sortable(record.get(key)) for record in page]
            if in_order and not _descend(times if latest is None else [latest, *times]):
                in_order = False
                what = partition.stream.name.replace("_", " ").capitalize()
                partition.stream.logger.warning("%s are not in the requested order; reading all of them.", what)
            ends = in_order and bool(page.records) and not partition.is_new(page.records[-1])
            latest = next((time for time in reversed(times) if time), latest)
            yield page
            if ends:
                return


class Array(RecordReader):
    """An array of records, without paging.

    Args:
        attributed: Columns to which the figures belong. The API leaves them null for unattributed figures.
    """

    def __init__(self, attributed: tuple[str, ...] = ()) -> None:
        self._attributed = attributed

    @override
    def page(self, stream: InstantlyStream, answer: Answer) -> Page:
        page = array(answer)
        for row in page if self._attributed else ():
            for name in self._attributed:
                if row.get(name) is None:
                    row[name] = UNATTRIBUTED
        return page


class OneObject(RecordReader):
    """One object: a record, or a property with an array of records.

    Args:
        at: Property with the array of records; None if the object is the record.
        renamed: Columns by their names in the API, for names that another column has.
    """

    def __init__(self, at: str | None = None, renamed: Mapping[str, str] | None = None) -> None:
        self._at = at
        self._renamed = renamed or {}

    @override
    def page(self, stream: InstantlyStream, answer: Answer) -> Page:
        data = answer.data
        if self._at:
            return answer.page(data.get(self._at) if isinstance(data, dict) else None, f"not an object with {self._at}")
        # An object without any known field is not the record, and must not overwrite it with nulls.
        known = data == {} or (isinstance(data, dict) and data.keys() & stream.schema["properties"].keys())
        page = answer.page([data] if data and known else [] if known else None, "not a record of this stream")
        if not self._renamed:
            return page
        return replace(page, records=[{self._renamed.get(k, k): v for k, v in row.items()} for row in page])


class ByEmail(RecordReader):
    """Figures by e-mail address, or by address and day, in a property of one object.

    Args:
        at: Property with the figures.
        daily: True for figures by day.
    """

    def __init__(self, at: str, *, daily: bool = False) -> None:
        self._at = at
        self._daily = daily

    @override
    def page(self, stream: InstantlyStream, answer: Answer) -> Page:
        found = answer.data.get(self._at) if isinstance(answer.data, dict) else None
        by_email = found if isinstance(found, dict) else {}
        page = answer.page(list(by_email.values()) if found is by_email else None, f"not an object with {self._at}")
        figures = ((email, part) for email, part in by_email.items() if isinstance(part, dict))
        if not self._daily:
            return replace(page, records=[{**part, "email": email} for email, part in figures])
        days = ((email, day, part) for email, parts in figures for day, part in parts.items())
        # Invalid figures still make a record of their day, which keeps the original value.
        return replace(
            page,
            records=[
                {**(part if isinstance(part, dict) else {"figures": part}), "email": email, "date": day}
                for email, day, part in days
            ],
        )


class OffsetArray(Array):
    """An array with offset paging. Each row has a whole entry in one column, and its position."""

    paginator = OffsetPaginator

    @override
    def page_arguments(self, size: int, cursor: int) -> dict[str, Any]:
        return {"offset": cursor, "limit": size}

    @override
    def pages(self, partition: Partition, slice_: Slice, pages: Iterator[Page]) -> Iterator[Page]:
        ((column, parent_id),) = slice_.items()
        position = count()
        for page in pages:
            if page.missing:
                partition.stream.logger.error(
                    "The history of %s repeated a page; reading stopped there, and later entries may be missing.",
                    parent_id,
                )
            entries = [{column: parent_id, "position": next(position), "entry": entry} for entry in page]
            yield replace(page, records=entries)


def _descend(times: list[str]) -> bool:
    stated = [time for time in times if time]
    return all(later >= earlier for later, earlier in pairwise(stated))

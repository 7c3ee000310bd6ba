"""Slice the requests of a stream: by parents, windows of days, batches of accounts, or combinations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly.client import ErrorKind, InstantlyAPIError
from tap_instantly.client.redaction import without_addresses
from tap_instantly.streams.parents import ACCOUNT, Parent
from tap_instantly.sync.sources import Slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_instantly.client.page import Page
    from tap_instantly.streams.records import Record
    from tap_instantly.sync.partition import Partition
    from tap_instantly.sync.sources import Source

Slice = Mapping[str, Any]
Read = Callable[[Slice], Iterator["Page"]]

UNATTRIBUTED = "unknown"
"""Key of unattributed figures, for which the API sends null or an empty text. A key must not be null, and loaders
turn an empty text into null."""


class Slicer:
    """Base class of slicers; by itself, a single slice with all records of a workspace.

    Slices are read concurrently. They are not SDK partitions, since each of those would have its own part of the state.
    ``outer * inner`` combines each slice of ``outer`` with each slice of ``inner``.
    """

    parent: Parent | None = None
    """Parent that has to be listed first, if any."""

    def slices(self, partition: Partition) -> Iterable[Slice]:  # noqa: ARG002 (for subclasses)
        """Return the slices of a partition."""
        return ({},)

    def arguments(self, slice_: Slice) -> dict[str, Any]:  # noqa: ARG002 (for subclasses)
        """Return the request arguments of a slice."""
        return {}

    def source(self, partition: Partition, read: Read) -> Source[Page]:
        """Return the source of a partition's pages; ``read`` reads a slice."""

        def slices() -> Iterator[Slice]:
            partition.start_clock()
            yield from self.slices(partition)

        return Slices(slices(), read)

    def pages(self, partition: Partition, slice_: Slice, read: Read) -> Iterator[Page]:  # noqa: ARG002 (for subclasses)
        """Yield the pages of a slice, using ``read``."""
        return read(slice_)

    def finish(self, partition: Partition) -> None:
        """Complete a partition after its last page."""

    def __mul__(self, inner: Slicer) -> Slicer:
        return Product(self, inner)


class AsAsked(Slicer):
    """Slicer whose slices are the arguments of their request."""

    @override
    def arguments(self, slice_: Slice) -> dict[str, Any]:
        return dict(slice_)


class Product(Slicer):
    """Combination of two slicers: each slice of one with each slice of the other."""

    def __init__(self, outer: Slicer, inner: Slicer) -> None:
        self.factors = self._outer, self._inner = outer, inner
        self.parent = outer.parent or inner.parent

    @override
    def slices(self, partition: Partition) -> Iterator[Slice]:
        outer, inner = list(self._outer.slices(partition)), list(self._inner.slices(partition))
        return ({**one, **other} for one in outer for other in inner)

    @override
    def arguments(self, slice_: Slice) -> dict[str, Any]:
        return {**self._outer.arguments(slice_), **self._inner.arguments(slice_)}

    @override
    def pages(self, partition: Partition, slice_: Slice, read: Read) -> Iterator[Page]:
        return self._inner.pages(partition, slice_, lambda part: self._outer.pages(partition, part, read))

    @override
    def finish(self, partition: Partition) -> None:
        self._outer.finish(partition)
        self._inner.finish(partition)


class Parents(Slicer):
    """One slice per parent: campaign, account, test, agent, ...

    The parent's id replaces its name in braces in the path, and becomes an argument if that has a name.
    Rows without a parent get its id, if the schema has the column. Rows of another parent (reported for inbox
    placement) are ignored: that parent's own slice contains them. A parent that is not found is skipped with a log
    line. If it is still listed at the end, it still exists, and the partition is incomplete.

    Args:
        parent: Kind of parent.
        argument: Name of the request argument, if any.
        as_list: True if the argument is a list of ids.
    """

    parent: Parent

    def __init__(self, parent: Parent, argument: str | None = None, *, as_list: bool = False) -> None:
        self.parent = parent
        self._argument = argument
        self._as_list = as_list

    @override
    def slices(self, partition: Partition) -> Iterator[Slice]:
        ids = partition.ids_of(self.parent)
        partition.expect(len(ids))
        return ({self.parent.column: parent_id} for parent_id in ids)

    @override
    def arguments(self, slice_: Slice) -> dict[str, Any]:
        parent_id = slice_[self.parent.column]
        return {self._argument: [parent_id] if self._as_list else parent_id} if self._argument else {}

    @override
    def pages(self, partition: Partition, slice_: Slice, read: Read) -> Iterator[Page]:
        column, parent_id = self.parent.column, slice_[self.parent.column]
        begun = False
        try:
            for page in read(slice_):
                begun = True
                own = column in partition.stream.schema["properties"]
                yield replace(page, records=self._own(page, partition, parent_id)) if own else page
        except InstantlyAPIError as error:
            if error.kind is not ErrorKind.NOT_FOUND or begun:
                raise
            partition.note_not_found(parent_id)
            partition.stream.logger.warning("Skipped %s %s: %s", column, without_addresses(parent_id), error)

    def _own(self, page: Page, partition: Partition, parent_id: str) -> list[Record]:
        """Return the rows of this parent, and those of parents without a slice of their own."""
        column = self.parent.column
        others: Iterable[str] | None = None
        kept = []
        for row in page:
            if row.get(column) is None:
                row[column] = parent_id
            elif row[column] != parent_id and isinstance(row[column], str):
                others = set(partition.ids_of(self.parent)) if others is None else others
                if row[column] in others:
                    continue
            kept.append(row)
        return kept

    @override
    def finish(self, partition: Partition) -> None:
        if not partition.not_found or not (listed := self._listed(partition)):
            return
        what = f"{len(listed)} {self.parent.column} not found"
        if partition.stream.bookmark_key:
            partition.end_incomplete(what, f"{what}, although still listed")
        else:
            partition.end_possibly_incomplete(what)

    def _listed(self, partition: Partition) -> frozenset[str]:
        """Return the missing parents that are still listed, or all of them if the list fails."""
        try:
            fresh = partition.client.counted_by(partition.usage)  # without cached answers
            return partition.not_found.intersection(self.parent.listed(fresh))
        except InstantlyAPIError as error:
            logger = partition.stream.logger
            logger.warning("Cannot check whether the skipped parents still exist: %s", error)
            return partition.not_found


class AccountBatches(Slicer):
    """Slices of several accounts each.

    If the API rejects a request as too large (413, reported), the tap halves it: by accounts, then by days if it has
    any.

    Args:
        per_call: Accounts per request.
        unattributed: Column of the address. Rows without an address come with every batch: only those of the first
            batch are kept.
    """

    parent = ACCOUNT

    def __init__(self, per_call: int, unattributed: str | None = None) -> None:
        self._per_call = per_call
        self._unattributed = unattributed

    @override
    def slices(self, partition: Partition) -> Iterator[Slice]:
        emails = partition.ids_of(ACCOUNT)
        starts = range(0, len(emails), self._per_call)
        partition.expect(len(starts))
        return ({"emails": emails[start : start + self._per_call], "is_first": not start} for start in starts)

    @override
    def arguments(self, slice_: Slice) -> dict[str, Any]:
        return {"emails": slice_["emails"]}

    @override
    def pages(self, partition: Partition, slice_: Slice, read: Read) -> Iterator[Page]:
        try:
            for page in read(slice_):
                yield replace(page, records=list(self._attributed(page, slice_))) if self._unattributed else page
        except InstantlyAPIError as error:
            if error.kind is not ErrorKind.TOO_LARGE or not (halves := _halved(slice_)):
                raise
            partition.stream.logger.info("Request too large; splitting it in two: %s", error)
            for half in halves:
                yield from self.pages(partition, half, read)

    def _attributed(self, page: Page, slice_: Slice) -> Iterator[Record]:
        column = self._unattributed or ""
        for row in page:
            if row.get(column) != "":
                yield row
            elif slice_["is_first"]:
                yield {**row, column: UNATTRIBUTED}


def _halved(slice_: Slice) -> list[Slice]:
    """Halve a request by its addresses, or by its days for a single address; return nothing if impossible."""
    emails: Sequence[str] = slice_["emails"]
    if len(emails) > 1:
        middle = len(emails) // 2
        return [{**slice_, "emails": emails[:middle]}, {**slice_, "emails": emails[middle:], "is_first": False}]
    if "start_date" not in slice_:
        return []
    start, end = date.fromisoformat(slice_["start_date"]), date.fromisoformat(slice_["end_date"])
    if (end - start).days < 2:  # noqa: PLR2004 (a day cannot be halved)
        return []
    edge = (start + (end - start) / 2).isoformat()
    return [{**slice_, "end_date": edge}, {**slice_, "start_date": edge}]

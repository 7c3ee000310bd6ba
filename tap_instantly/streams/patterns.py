"""The few ways in which the API gives out records."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.api import ErrorKind, InstantlyAPIError, StartingAfterPaginator
from tap_instantly.api.decode import decoded
from tap_instantly.api.page_limit import PageLimit
from tap_instantly.api.pagination import array, objects, page_arguments, settled
from tap_instantly.api.secrecy import without_addresses
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_instantly.api import Workspaces
    from tap_instantly.api.retry import Retry
    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.parents import Parent
    from tap_instantly.streams.records import Record

UNATTRIBUTED = "unknown"
"""Key of figures that the API could not attribute, for which it sends null or nothing: no key may be null, and loaders
turn an empty text into one."""

LIMIT = "limit"
"""Where the slice of a list has the number of records to ask for at a time."""

WINDOW_DAYS = 30
"""Longest window of daily figures; 31 days is the API's limit, and whether it counts both ends is unknown."""

EARLIEST_DAY = date(2020, 1, 1)
"""First day to ask for where the key may not see when the workspace was made."""


class ListStream(InstantlyStream):
    """A list with a ``starting_after`` cursor.

    The API filters hardly any list by time. Where records say when they changed (``replication_key``), the list is read
    whole and what has not changed since the bookmark, less the look-back, is left out. Records at the very bookmark are
    emitted again in any case, since others may have got the same timestamp after they were read.
    """

    least_lookback: ClassVar[timedelta] = timedelta()
    """Time before the bookmark to read again at least, where the API is known to be late."""

    @override
    def get_new_paginator(self) -> StartingAfterPaginator:
        return StartingAfterPaginator()

    @override
    def page_arguments(self, context: Slice, cursor: str | None) -> dict[str, Any]:
        return page_arguments(context[LIMIT], cursor)

    @override
    def fetch(
        self, context: Slice, cursor: str | None, retry: Retry | None = None
    ) -> tuple[list[Record], requests.Response]:
        client = self.workspaces[workspace_id(context)].client
        limit = self._limits.setdefault(workspace_id(context), PageLimit(client.page_size_of(self.path)))
        fetch = super().fetch
        return limit.ask(lambda records, again: fetch({**context, LIMIT: records}, cursor, again or retry))

    @cached_property
    def _limits(self) -> dict[str, PageLimit]:
        return {}

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return settled(response)

    @property
    def lookback(self) -> timedelta:
        """How far before the bookmark to read again."""
        return max(self.least_lookback, timedelta(hours=self.config["lookback_hours"]))

    def read_from(self, context: Slice) -> datetime | None:
        """The earliest change to emit of a workspace: the bookmark less the look-back, not before the start date.

        None if all are to be emitted.
        """
        if (bookmark := self.bookmark(context)) is None:
            return None
        earliest, start = bookmark - self.lookback, self.config.get("start_date")
        return max(earliest, timestamps.parse(start)) if start else earliest

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        if not self.is_new(row, context or {}):
            return None
        if self.replication_key:
            row.setdefault(self.replication_key, None)  # the API leaves out nulls, and the SDK wants the key
        return super().post_process(row, context)

    @override
    def before_reading(self, context: Context) -> None:
        super().before_reading(context)
        earliest = self.read_from(context)
        self._since[workspace_id(context)] = timestamps.floor_text(earliest) if earliest else None

    @cached_property
    def _since(self) -> dict[str, str | None]:
        return {}

    def since(self, context: Slice) -> str | None:
        """The least timestamp, as text, of what is new in a workspace; None if all is."""
        return self._since[workspace_id(context)]

    def is_new(self, row: Record, context: Slice) -> bool:
        """Tell whether the record changed no earlier than :meth:`read_from` says, or does not say when it changed."""
        since = self.since(context)
        if since is None or self.replication_key is None:
            return True
        changed = row.get(self.replication_key)
        try:
            return changed is None or timestamps.canonical(changed) >= since
        except (ValueError, TypeError):
            return True


class ArrayStream(InstantlyStream):
    """Records that come as one array, without paging."""

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return array(response)


class ObjectStream(InstantlyStream):
    """One record, or the records at a named place within one object."""

    records_at: ClassVar[str | None] = None
    """Property of the answer that holds an array of records; the answer is the record itself if None."""

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        answer = decoded(response)
        if self.records_at:
            found = answer.get(self.records_at) if isinstance(answer, dict) else None
            return objects(response, found, f"no object with {self.records_at}")
        if answer == {}:
            return ()
        # An object of other fields is another thing, and must not overwrite the record with nothing.
        known = isinstance(answer, dict) and answer.keys() & self.schema["properties"].keys()
        return objects(response, [answer] if known else None, "no such record")


class PerParent(InstantlyStream):
    """Mixed into a stream that has to be asked for parent by parent: campaign, account, test, agent, ...

    The parent's id goes into the path, where that has its name in braces, and into the argument ``parent_argument``.
    Rows that do not say whose they are get it as a column, where the schema has one; rows that belong to another
    parent (reported for inbox placement) are left to that one. A parent that is not found is passed over with a line
    in the log; where it is still listed afterwards, it is not gone, and there is more to read than was read.
    """

    parent: ClassVar[Parent]  # there always is one
    parent_argument: ClassVar[str | None] = None

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap, workspaces)
        self._not_found: dict[str, set[str]] = {}

    @override
    def slices(self, context: Context) -> Iterator[Slice]:
        parents = self.ids_of(self.parent, context)
        self.expect(context, len(parents))
        for parent_id in parents:
            yield {**context, self.parent.column: parent_id}

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        return {self.parent_argument: context[self.parent.column]} if self.parent_argument else {}

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        column, parent_id = self.parent.column, context[self.parent.column]
        begun = False
        try:
            for page in super().pages(context):
                begun = True
                yield self._own(page, context) if column in self.schema["properties"] else page
        except InstantlyAPIError as error:
            if error.kind is not ErrorKind.NOT_FOUND or begun:
                raise
            with self._counting:
                self._not_found.setdefault(workspace_id(context), set()).add(parent_id)
            self.logger.warning("Passed over %s %s: %s", column, without_addresses(parent_id), error)

    def _own(self, page: list[Record], context: Slice) -> list[Record]:
        """The rows of the parent, and those of none that is asked for itself."""
        column, parent_id = self.parent.column, context[self.parent.column]
        others: Iterable[str] | None = None
        kept = []
        for row in page:
            if row.get(column) is None:
                row[column] = parent_id
            elif row[column] != parent_id and isinstance(row[column], str):
                others = set(self.ids_of(self.parent, context)) if others is None else others
                if row[column] in others:
                    continue
            kept.append(row)
        return kept

    @override
    def finish(self, context: Context) -> None:
        super().finish(context)
        workspace = workspace_id(context)
        if not (not_found := self._not_found.pop(workspace, None)) or not (listed := self._listed(not_found, context)):
            return
        what = f"{len(listed)} of {self.parent.column} not found"
        if self.bookmark_key:
            self._break_off(context, what, f"{what}, and still listed")
        else:
            self.tally.pass_over(workspace, what)

    def _listed(self, not_found: set[str], context: Context) -> set[str]:
        """Those that are listed, or cannot be shown to be gone."""
        try:
            return not_found.intersection(self.parent.listed(self.workspaces[workspace_id(context)]))
        except InstantlyAPIError as error:
            self.logger.warning("Whether those that were passed over are gone cannot be told: %s", error)
            return not_found


class DailyStream(InstantlyStream):
    """Figures by day, read in windows from the bookmark less the look-back until today.

    Past days change with late opens, replies and opportunities, hence the look-back. Whether the end of a window counts
    is not documented and a one-day call has returned two days (reported): windows share their edges, and each keeps
    only its own days, so that nothing falls between them and no row comes twice. Days without activity have no row.
    """

    window_arguments: ClassVar[tuple[str, str]] = ("start_date", "end_date")
    window_days: ClassVar[int] = WINDOW_DAYS
    expires = True

    def windows(self, context: Slice) -> Iterator[dict[str, str]]:
        """The windows to read, each as the part ``start_date`` and ``end_date`` of a slice."""
        for start, end in windows(self._first_day(context), _tomorrow(), self.window_days):
            yield {"start_date": start.isoformat(), "end_date": end.isoformat()}

    @override
    def slices(self, context: Context) -> Iterator[Slice]:
        windows = list(self.windows(context))
        for number, slice_ in enumerate(super().slices(context)):
            if number == 0:
                self.expect(context, len(windows))
            for window in windows:
                yield {**slice_, **window}

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        start, end = self.window_arguments
        return {**super().arguments_for(context), start: context["start_date"], end: context["end_date"]}

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        start, end, day = context["start_date"], context["end_date"], self.replication_key or "date"
        for page in super().pages(context):
            # What is no day is nobody else's, and has its line in the log when it is shaped.
            yield [
                record
                for record in page
                if not isinstance(on := record.get(day), str) or start <= on < end or not timestamps.is_day(on)
            ]

    def _first_day(self, context: Slice) -> date:
        start: object = self.config.get("start_date") or self.workspaces[workspace_id(context)].timestamp_created
        earliest = timestamps.parse(str(start)).date() if timestamps.is_day(start) else EARLIEST_DAY
        bookmark = self.starting_value(context)
        if not bookmark:
            return earliest
        lookback = timedelta(days=self.config["analytics_lookback_days"])
        return max(earliest, timestamps.parse(bookmark).date() - lookback)


def windows(start: date, end: date, days: int = WINDOW_DAYS) -> Iterator[tuple[date, date]]:
    """Windows of at most ``days`` days that cover the days from ``start`` up to but not including ``end``."""
    while start < end:
        edge = min(start + timedelta(days=days), end)
        yield start, edge
        start = edge


def _tomorrow() -> date:
    return datetime.now(timezone.utc).date() + timedelta(days=1)

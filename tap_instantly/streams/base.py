"""Base class of all streams: their declarations, and the writing of their records."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from singer_sdk import metrics
from singer_sdk.schema.source import StreamSchema
from typing_extensions import override

from tap_instantly.streams.parents import SHARED_LISTS
from tap_instantly.streams.record_stream import RecordStream
from tap_instantly.streams.schemas import UNMARKED
from tap_instantly.streams.slicers import Slicer
from tap_instantly.sync import state
from tap_instantly.sync.completeness import doubts
from tap_instantly.sync.concurrency import reading_ahead
from tap_instantly.sync.counts import Counts
from tap_instantly.sync.partition import Partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_instantly.client.page import Page
    from tap_instantly.client.pagination import Paginator
    from tap_instantly.streams.readers import RecordReader
    from tap_instantly.streams.records import Record
    from tap_instantly.streams.slicers import Slice
    from tap_instantly.sync.reader import Arrival, Reader
    from tap_instantly.workspaces import Workspaces


class InstantlyStream(RecordStream):
    """Base class of a stream, which reads all workspaces concurrently.

    A subclass declares the endpoint (``path``), the form of its answers (``records``), the key (``primary_keys``) and
    the replication key (``replication_key``). Its schema is ``schemas/<name>.json``, and ``docs/operations.json`` names
    its operation in the official document. Each workspace has its own state.
    """

    schema: ClassVar[StreamSchema[str]] = StreamSchema(UNMARKED)

    path: ClassVar[str]
    """Path below the API's URL, with names of slice values in braces."""

    http_method: ClassVar[str] = "GET"

    records: ClassVar[RecordReader]
    """Reader of the endpoint's answers, with its paginator."""

    slicer: ClassVar[Slicer] = Slicer()
    """Slices of the endpoint, such as parents or windows of days."""

    scope: ClassVar[str | None] = None
    """Resource whose ``:read`` scope the endpoint needs; None if the official document names none."""

    arguments: ClassVar[Mapping[str, Any]] = {}
    """Constant arguments: query parameters for GET, properties of the body for POST."""

    since: ClassVar[tuple[str, Callable[[datetime], str]] | None] = None
    """Argument that filters by time, and the function that formats its value; None without a filter."""

    least_lookback: ClassVar[timedelta] = timedelta()
    """Shortest look-back before the bookmark, for endpoints with known delays."""

    why_deselected: ClassVar[str | None] = None
    """Reason for not selecting the stream by default; None if it is selected."""

    expires: ClassVar[bool] = False
    """True if the API stops returning old records: a missing record may still exist."""

    partition_class: ClassVar[type[Partition]] = Partition

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap)
        self.workspaces = workspaces
        self.counts = Counts()
        self._request_counter = metrics.http_request_counter(self.name, self.path)
        self._counting = threading.Lock()
        self._reader: Reader[Page] | None = None
        self._group = 0
        self._version_of_run = tap.initialized_at // 1000  # in seconds like the SDK's, which fits a 32-bit column
        self.write_state = partial(tap.state_writer.write_state, self.tap_state)
        # The SDK's own writers are unbuffered and have no flush.
        self._flush: Callable[[], None] = getattr(tap.message_writer, "flush", lambda: None)
        self.logger.addFilter(_said_by_the_command_line)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes that an API key needs for the stream and its parents."""
        parent = self.slicer.parent
        needed = (self.scope, *(parent.scopes if parent else ()))
        return tuple(f"{scope}:read" for scope in dict.fromkeys(filter(None, needed)))

    @property
    @override
    def selected_by_default(self) -> bool:  # type: ignore[override]
        return self.why_deselected is None

    @property
    @override
    def partitions(self) -> None:
        """None, so that the SDK does not loop over partitions: :meth:`get_records` reads all workspaces."""

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        # With True, the SDK would write the message before the records. If the run then failed, the loader would have
        # deleted all records not yet read.
        return False

    @property
    def bookmark_key(self) -> str | None:
        """Replication key of an incremental sync; None for a full refresh, which the catalog may choose."""
        return None if self.replication_method == "FULL_TABLE" else self.replication_key

    @property
    def lookback(self) -> timedelta:
        """Interval before the bookmark that a run re-reads."""
        return max(self.least_lookback, timedelta(hours=self.config["lookback_hours"]))

    # Reading: in any thread

    def get_new_paginator(self) -> Paginator:
        """Return a paginator for one slice."""
        return self.records.paginator()

    def path_of(self, slice_: Slice) -> str:
        """Return the path of a slice."""
        return self.path.format(**{name: quote(str(value), safe="") for name, value in slice_.items()})

    def arguments_for(self, partition: Partition, slice_: Slice) -> dict[str, Any]:
        """Return the arguments of one slice, in addition to :attr:`arguments`."""
        found = self.slicer.arguments(slice_)
        if self.since is not None and (earliest := partition.read_from()):
            name, form = self.since
            found[name] = form(earliest)
        return found

    @property
    def shares_answers(self) -> bool:
        """True if other streams read the same list, or use it for their parents."""
        return self.path in SHARED_LISTS

    def note_request(self) -> None:
        """Count a request for the SDK's metrics."""
        with self._counting:
            self._request_counter.increment()

    # Writing

    @property
    def version(self) -> int | None:
        """Version of the records of this run; None without ``ACTIVATE_VERSION``."""
        return self._stream_version

    def keep_version(self, earlier: int) -> None:
        """Continue with the version of an earlier run, whose records are not all sent again. Call it before reading."""
        if self._stream_version is not None:
            self._stream_version = min(earlier, self._stream_version)

    def prepare(self) -> list[Partition]:
        """Prepare a run, and return its partitions, one per workspace."""
        on = self.config["emit_activate_version_messages"]
        versioned = on and self.replication_method == "FULL_TABLE" and not self.expires
        # Private in the SDK, which adds it to each record, but sets it only if it writes its own message first.
        self._stream_version = self._version_of_run if versioned else None
        initial = state.by_workspace(self.tap_state, self.name)
        partitions = [self.partition_class(self, workspace) for workspace in self.workspaces]
        self.counts.prepare(partitions)
        for partition in partitions:
            partition.prepare(initial.get(partition.workspace.id, {}))
            partition.open()
        return partitions

    def read_by(self, reader: Reader[Page] | None, group: int = 0) -> None:
        """Set the reader of the pages, and the stream's group in it; without a reader, the stream reads by itself."""
        self._reader = reader
        self._group = group

    @property
    def is_stopped(self) -> bool:
        """True if nothing more is to be read."""
        return self._reader is None or self._reader.closed

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Yield the shaped records of all workspaces in order of arrival.

        Pages may have been read ahead. They affect the state only once their records are written.
        """
        if self._reader is None:  # a connection test, or a stream read by itself
            workers = 1 if self.ABORT_AT_RECORD_COUNT is not None else self.config.get("concurrency")
            with reading_ahead([self], workers):
                yield from self.get_records(context)
        else:
            yield from self._records(self._reader)

    def _records(self, reader: Reader[Page]) -> Iterator[Record]:
        partitions = list(self.counts.partitions.values())
        abandoned = [partition for partition in partitions if self.workspaces.is_abandoned(partition.workspace.id)]
        for number, partition in enumerate(partitions):
            if partition in abandoned:
                reader.abandon(self._group, number)
        if len(abandoned) == len(partitions):
            return
        self.counts.open(abandoned)
        for partition in self.counts.partitions.values():
            state.keep_only(partition.state, partition.initial_state)
            # Cap the bookmark at the start of the run: the next run then re-reads changes made during this one. The SDK
            # does so for the stream as a whole, not for its partitions.
            self.state_manager.write_replication_key_signpost(partition.signpost, context=partition.context)
        try:
            with self._request_counter:
                for arrival in reader.arrivals(self._group):
                    yield from self._records_of(partitions[arrival.number], arrival)
            self._activate_version()
        finally:
            self._flush()  # the SDK writes nothing more if the state is unchanged
            self.counts.close()

    def _records_of(self, partition: Partition, arrival: Arrival[Page]) -> Iterator[Record]:
        self.state_manager.current = partition.context
        if not partition.is_being_written:
            partition.is_being_written = True
            settings = (self.replication_method, self.replication_key, self.config, self.compare_start_date)
            self.state_manager.write_starting_replication_value(partition.context, *settings)
            partition.begin_writing()
        if arrival.page is not None:
            self.time_extracted = arrival.at
            partition.page_arrives(arrival.page)
            key = self.replication_key if self.records.is_list else None
            for row in arrival.page:
                if not partition.is_new(row):
                    continue
                if key:
                    row.setdefault(key, None)  # the API omits nulls, and loaders need the column
                if (record := self.shaped(row, partition)) is not None:
                    partition.records += 1
                    yield record
            partition.pages_written += 1
            partition.received += len(arrival.page)
            partition.page_written(arrival.page)
            self._flush()
            return
        if arrival.error is None:
            partition.finish()
        else:
            partition.is_stopped = True
            partition.ended_by(arrival.error)
        self.state_manager.finalize_state(partition.state)
        partition.state_finalized()

    def _activate_version(self) -> None:
        """Emit ``ACTIVATE_VERSION``, unless records may be missing: loaders delete the records of earlier versions.

        With ``emit_activate_version_messages``, records of a full-refresh stream carry the version of their run.
        """
        if self._stream_version is None or self.ABORT_AT_RECORD_COUNT is not None:
            return
        if found := list(doubts(self)):
            self.logger.warning(
                "Deleted records stay in the warehouse, because records may be missing from this run: %s.",
                "; ".join(found),
            )
        else:
            self._write_activate_version_message(self._stream_version)

    def sum_up(self) -> None:
        """Log the counts of the stream."""
        counts, sums = self.counts, self.counts.sums
        found = {"records": sums.records, "requests": sums.requests, "seconds": round(counts.seconds, 1)}
        fields = {"stream_name": self.name, "records_read": sums.received, "pages": sums.pages, **found}
        self.log("Synced %s: %s", self.name, counts.line(**self.shaper.oddities), extra=fields)


def _said_by_the_command_line(record: logging.LogRecord) -> bool:
    """Demote the SDK's line on an error that ends a stream to DEBUG: the tap logs the error once, at the end."""
    if not str(record.msg).startswith("An unhandled error occurred"):
        return True
    record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)

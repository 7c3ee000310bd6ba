"""Partition: one stream in one workspace, with its start, progress and outcome."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tap_instantly import timestamps
from tap_instantly.client import InstantlyAPIError
from tap_instantly.client.errors import FATAL_KINDS, SKIPPED_KINDS
from tap_instantly.client.page_size import PageSize
from tap_instantly.client.pagination import pages_until_last
from tap_instantly.client.usage import Usage
from tap_instantly.sync import state
from tap_instantly.sync.outcome import Outcome, Progress, why_ended, why_skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from tap_instantly.client import ErrorKind, InstantlyClient, Workspace
    from tap_instantly.client.page import Page
    from tap_instantly.client.retry import Retry
    from tap_instantly.streams.base import InstantlyStream
    from tap_instantly.streams.parents import Parent
    from tap_instantly.streams.records import Record
    from tap_instantly.sync.sources import Source

    Slice = Mapping[str, Any]

_T = TypeVar("_T")

_counting = threading.Lock()


class StoppedReadingError(Exception):
    """The run no longer needs the page that a thread was about to request."""


@dataclass(eq=False, slots=True)
class Partition(Progress):
    """One stream in one workspace. Reading runs in any thread, writing in one. Any thread may read the attributes.

    Requests for lists of parents count too. A list that several streams share counts for the first one that requests
    it.

    Attributes:
        stream: The stream.
        workspace: The workspace.
        initial_state: Copy of the partition's state at the start, without invalid parts.
        start: Later of bookmark and start date; None to read everything.
        since: Smallest timestamp of new records, as text; None if all are new.
        missing: Reason why records are probably missing, so that the next run reads them again.
        doubt: Reason why a record might be missing.
        not_found: Ids of skipped parents.
        usage: Counters of requests and of unusable items in lists of parents.
        is_being_written: True once its first page, or its end, has been written.
        is_stopped: True if the rest is no longer needed.
    """

    stream: InstantlyStream
    workspace: Workspace
    initial_state: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    since: str | None = None
    missing: str | None = None
    doubt: str | None = None
    not_found: frozenset[str] = frozenset()
    usage: Usage = field(init=False)
    is_being_written: bool = False
    is_stopped: bool = False
    source: Source[Page] = field(init=False)
    _limit: PageSize | None = None
    _client: InstantlyClient | None = None

    def __post_init__(self) -> None:
        self.usage = Usage(self.workspace.client.usage)

    @property
    def context(self) -> dict[str, str]:
        """Context of the partition in the SDK's state."""
        return {state.WORKSPACE_ID: self.workspace.id}

    @property
    def state(self) -> dict[str, Any]:
        """Writable state of the partition; exists from the partition's turn on."""
        return self.stream.get_context_state(self.context)

    @property
    def client(self) -> InstantlyClient:
        """The workspace's client, counting requests for this partition."""
        if self._client is None:
            self._client = self.workspace.client.counted_by(self.usage, self.stream.workspaces.shared)
        return self._client

    # Reading

    def prepare(self, initial: dict[str, Any]) -> None:
        """Determine the range to read, before anything is read. The state stays unchanged.

        Args:
            initial: Copy of the partition's state.
        """
        stream, self.initial_state = self.stream, initial
        if why := state.why_bookmark_ignored(initial, stream.bookmark_key, lambda: self.workspace.connected_at):
            label = self.workspace.label
            stream.logger.warning(
                "Ignoring the bookmark of workspace %s and reading again from start_date: %s", label, why
            )
            state.forget(initial)
        start, bookmark = stream.config.get("start_date"), initial.get(state.VALUE)
        if stream.bookmark_key is not None:
            self.start = stream.compare_start_date(bookmark, start) if bookmark and start else bookmark or start
        earliest = self.read_from() if stream.records.is_list else None
        self.since = timestamps.floor_text(earliest) if earliest else None

    def read_from(self) -> datetime | None:
        """Return the time of the earliest change to emit; None for all."""
        return self.earliest_since(timestamps.parse(self.start)) if self.start else None

    def earliest_since(self, bookmark: datetime) -> datetime:
        """Return a bookmark minus look-back, not before the start date."""
        earliest, start = bookmark - self.stream.lookback, self.stream.config.get("start_date")
        return max(earliest, timestamps.parse(start)) if start else earliest

    def is_new(self, row: Record) -> bool:
        """Return True if the record changed at or after :meth:`read_from`, or has no valid time of change."""
        if self.since is None or (key := self.stream.replication_key) is None:
            return True
        changed = row.get(key)
        try:
            return changed is None or timestamps.canonical(changed) >= self.since
        except (ValueError, TypeError):
            return True

    def open(self) -> None:
        """Create the source of the partition's pages."""
        self.source = self.stream.slicer.source(self, self.pages)

    @property
    def ordered(self) -> bool:
        """See :attr:`Source.ordered`."""
        return self.source.ordered

    def delay(self) -> float:
        """Return the known seconds until the workspace's rate limit allows a request of this stream."""
        return self.workspace.client.budget.delay(self.stream.path)

    def has_chain(self, *, starving: bool) -> bool:
        """See :meth:`Source.has_chain`."""
        return self.source.has_chain(starving=starving)

    def begin_chain(self) -> Iterator[Page] | None:
        """See :meth:`Source.begin_chain`."""
        return self.source.begin_chain()

    def pages(self, slice_: Slice) -> Iterator[Page]:
        """Yield the pages of one slice, as record reader and slicer change them, and count the slice as done."""
        stream = self.stream
        yield from stream.slicer.pages(
            self, slice_, lambda each: stream.records.pages(self, each, self._pages_of_api(each))
        )
        if self.even:
            with _counting:
                self.done += 1

    def _pages_of_api(self, slice_: Slice) -> Iterator[Page]:
        """Yield the pages of one slice, as the API sends them."""
        for page in pages_until_last(partial(self.fetch, slice_), self.stream.get_new_paginator()):
            # Set before the yield, because the next state may be written right after it.
            self.missing, self.doubt = page.missing or self.missing, page.doubt or self.doubt
            yield page

    def fetch(self, slice_: Slice, cursor: Any) -> Page:  # noqa: ANN401 (the paginator's)
        """Fetch one page of a slice, with fewer records if it fails otherwise."""
        stream, client = self.stream, self.client
        size = client.page_size_of(stream.path)

        def ask(records: int, retry: Retry | None = None) -> Page:
            arguments = {**stream.arguments, **stream.arguments_for(self, slice_)}
            arguments |= stream.records.page_arguments(records, cursor)
            request = client.prepare_call(stream.http_method, stream.path_of(slice_), arguments)
            read, share = partial(stream.records.page, stream), stream.shares_answers
            return client.ask(request, read, repeatable=True, retry=retry, before=self.check, share=share)

        self.start_clock()
        if stream.records.is_list and self._limit is None:
            self._limit = PageSize(size)
        limit = self._limit
        page = self.confirmed(lambda _: limit.try_sizes(ask) if limit else ask(size))
        if page.rejected:
            stream.shaper.count_rejected(page.rejected)
        return page

    def confirmed(self, ask: Callable[[InstantlyClient], _T]) -> _T:
        """Return the result of ``ask``. If it is refused, check the key and ask again."""
        client = self.client
        return self.workspace.access.confirm_refusal(lambda: ask(client), client)

    def note_not_found(self, parent_id: str) -> None:
        """Remember a parent that was skipped."""
        with _counting:
            self.not_found |= {parent_id}

    def check(self) -> None:
        """Check before each request that it is still needed.

        Raises:
            StoppedReadingError: It is not needed.
        """
        if self.is_stopped or self.stream.is_stopped or self.stream.workspaces.is_abandoned(self.workspace.id):
            raise StoppedReadingError
        self.stream.note_request()

    def ids_of(self, parent: Parent) -> list[str]:
        """Return the ids of the parents, and record parents without an id."""
        ids, unusable = self.confirmed(lambda client: parent.ids_in(self.workspace, client))
        self.note_unusable_parents(unusable)
        return ids

    def note_unusable_parents(self, number: int) -> None:
        """Record parents without an id: with a bookmark, no later run would read their old records."""
        if number and self.stream.bookmark_key:
            self.missing = f"{number} parents without an id"

    # Writing

    @property
    def signpost(self) -> Any:  # noqa: ANN401 (the SDK's)
        """Upper limit of the bookmark: the start of the run, by the earlier of the local and the server's clock.

        Bookmarks are server times, so a fast local clock would make the limit useless.
        """
        ours, theirs = self.stream.get_replication_key_signpost(None), self.workspace.connected_at
        return min(ours, theirs) if ours and theirs else ours

    def begin_writing(self) -> None:
        """Prepare for the first record."""

    def page_arrives(self, page: Page) -> None:
        """Handle a page before its records are written."""

    def page_written(self, page: Page) -> None:
        """Handle a page after its records have been written."""

    def finish(self) -> None:
        """Set the outcome after the last record, if no error ended the partition: complete, or with records missing."""
        self.stream.workspaces.note_success(self.workspace.id)
        if self.doubt:
            self.end_possibly_incomplete(self.doubt)
        if self.missing:
            self.end_incomplete(self.missing, self.missing)
        self.stream.slicer.finish(self)
        if not self.over:
            self.end(Outcome.COMPLETE)

    def state_finalized(self) -> None:
        """Handle the final state: the partition is read and written to its end."""
        self._client = self._limit = None

    def ended_by(self, error: BaseException) -> None:
        """Handle the error that ended the partition.

        Raises:
            BaseException: The error, if it ends the whole run.
        """
        if not isinstance(error, InstantlyAPIError) or error.kind in FATAL_KINDS:
            raise error
        stream, label = self.stream, self.workspace.label
        if error.kind in SKIPPED_KINDS and not self.received:
            state.keep_start(self.state)
            why = why_skipped(error, stream.scopes)
            self._remark(Outcome.SKIPPED.value, error.kind.value)
            self.end(Outcome.SKIPPED, why, error.kind)
            stream.logger.warning("%s skipped in workspace %s: %s", stream.name, label, why)
            return
        self.end_incomplete(error.kind.value, why_ended(error), error.kind)
        stream.workspaces.note_failure(self.workspace.id, error, self.client)

    def end_incomplete(self, what: str, why: str, kind: ErrorKind | None = None) -> None:
        """Mark the partition as incomplete, with a short and a long reason."""
        stream, own = self.stream, self.state
        state.keep_start(own)
        self._remark(Outcome.INCOMPLETE.value, what)
        self.end(Outcome.INCOMPLETE, why, kind)
        next_ = state.next_start(own, stream.bookmark_key, self.initial_state.get(state.VALUE))
        stream.logger.error("%s incomplete in workspace %s (%s): %s", stream.name, self.workspace.label, next_, why)

"""The workspaces of a stream, written in turns as their pages arrive."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream
from typing_extensions import override

from tap_instantly.api.usage import charged_to
from tap_instantly.singer.read_ahead import Turn
from tap_instantly.singer.record_path import ShortRecordPath
from tap_instantly.streams.part import Outcome
from tap_instantly.streams.records import WORKSPACE_ID
from tap_instantly.streams.side_by_side import Charged, read_side_by_side
from tap_instantly.streams.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_instantly.api import Workspaces
    from tap_instantly.singer.read_ahead import ReadAhead
    from tap_instantly.singer.sources import Source
    from tap_instantly.streams.records import Record

    Page = list[Record]

MORE_TO_COME = "more_to_come"
"""Marks the context of a turn that is not the last of its workspace."""


class Turns(list[dict[str, Any]]):
    """The partitions of a stream for the SDK's loop over them: each workspace as often as there are pages of it.

    The SDK takes a partition to be done with, and its bookmark good, where the context that it iterated over is that of
    the state. It is so for the last turn of a workspace only; the others have :data:`MORE_TO_COME` beside it.

    Args:
        partitions: The workspaces.
        turns: What there is to write of them.
    """

    def __init__(self, partitions: Iterable[dict[str, Any]], turns: Iterator[Turn[Page]]) -> None:
        super().__init__(partitions)
        self._turns = turns
        self.current: Turn[Page] = Turn(-1)
        """The turn that the loop is at."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The context of each turn."""
        for turn in self._turns:
            self.current = turn
            yield self[turn.number] if turn.page is None else {**self[turn.number], MORE_TO_COME: True}


class StoppedReadingError(Exception):
    """Nobody wants what a thread was about to ask for."""


class InTurns(ShortRecordPath, RESTStream["str | None"]):
    """A stream with the workspaces for partitions, whose pages are written as they arrive.

    Its pages may be read before its turn to be written has come: until then, nothing of it may get into the state.
    Pages of one workspace come in the order of its :meth:`source`; which workspace is next depends on the answers.
    """

    partition_keys: ClassVar[tuple[str, ...]] = (WORKSPACE_ID,)

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap)
        self.workspaces = workspaces
        self.tally = Tally(self.path)
        self.request_counter = self.get_http_request_counter()
        self._reader: ReadAhead[Page] | None = None
        self._place = 0
        self._turns: Turns | None = None
        self._begun: set[str] = set()
        self._written: set[str] = set()
        self._ended: set[str] = set()
        self._write_state = partial(tap.state_writer.write_state, self.tap_state)
        # The SDK's own writers, which keep nothing back, have none.
        self._flush: Callable[[], None] = getattr(tap.message_writer, "flush", lambda: None)

    def source(self, context: Context) -> Source[Page]:
        """What to read of a workspace."""
        raise NotImplementedError

    def before_reading(self, context: Context) -> None:
        """Called for each workspace before any is read; must leave the state as it is."""

    def before_writing(self, context: Context) -> None:
        """Called for each workspace when the stream's turn has come."""

    def begin(self, context: Context) -> None:
        """Called before the first record of a workspace."""

    def page_written(self, page: Page, context: Context) -> None:
        """Called when the records of a page have been written."""

    def finish(self, context: Context) -> None:
        """Called after the last record of a workspace, unless an error ended it."""

    def ended_by(self, context: Context, error: BaseException, *, read: bool) -> None:  # noqa: ARG002 (for subclasses)
        """Called with the error that ended a workspace, and whether it came after records; raises to end the run."""
        raise error

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return self._turns or [{WORKSPACE_ID: workspace.id} for workspace in self.workspaces]

    def prepare(self) -> list[Source[Page]]:
        """Get ready for a run, and return what to read of each workspace."""
        self.tally.prepare(self.workspaces)
        self._begun.clear()
        self._written.clear()
        self._ended.clear()
        contexts = [{WORKSPACE_ID: workspace} for workspace in self.tally.parts]
        for context in contexts:
            self.before_reading(context)
        return [Charged(self.source(context), self.tally.parts[workspace_id(context)]) for context in contexts]

    def read_by(self, reader: ReadAhead[Page] | None, place: int = 0) -> None:
        """Take pages from a reader, of which it is the group at that place; without one, it reads by itself."""
        self._reader = reader
        self._place = place

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        # Private in the SDK, whose loop reads one partition to its end before the next: there is no other place from
        # which several can be read side by side. Tests hold that the SDK calls it, and asks for the partitions in it.
        if self._reader is None:  # a test of the connection, or a stream that somebody reads alone
            workers = 1 if self.ABORT_AT_RECORD_COUNT is not None else self.config.get("concurrency")
            with read_side_by_side([self], workers):
                yield from InTurns._sync_records(self, context, write_messages=write_messages)
            return
        contexts = [{WORKSPACE_ID: workspace} for workspace in self.tally.parts]
        given_up = [workspace for workspace in self.tally.parts if self.workspaces.is_given_up(workspace)]
        for number, partition in enumerate(contexts):
            if workspace_id(partition) in given_up:
                self._reader.leave_out(self._place, number)
        if len(given_up) == len(contexts):
            return  # the SDK would take no partition for one without a name
        self.tally.open(given_up)
        for partition in self.partitions:
            self.before_writing(partition)
            # The SDK caps the bookmark at the start of the run, so that what changes while the list is read is read
            # again next time; but it does so for the stream as a whole, not for its partitions.
            signpost = self.get_replication_key_signpost(partition)
            self.state_manager.write_replication_key_signpost(signpost, context=partition)
        self._turns = Turns(contexts, self._reader.turns(self._place))
        try:
            with self.request_counter:
                yield from super()._sync_records(context, write_messages=write_messages)
        finally:
            self._turns = None
            self._flush()  # the SDK writes nothing more where the state is as it was
            self.tally.close()

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        if self._turns is None:
            message = "Records are read in the turns of a sync."
            raise RuntimeError(message)
        workspace, turn = workspace_id(context), self._turns.current
        context, part = {WORKSPACE_ID: workspace}, self.tally.turn_to(workspace)
        if workspace not in self._begun:
            self._begun.add(workspace)
            self.begin(context)
        if turn.page is not None:
            self.time_extracted = turn.at
            yield from turn.page
            part.pages += 1
            part.read += len(turn.page)
            if turn.page:
                self._written.add(workspace)
            self.page_written(turn.page, context)
            self._flush()
        elif turn.error is None:
            with charged_to(part):
                self.finish(context)
            if not part.over:
                part.end(Outcome.COMPLETE)
        else:
            self._ended.add(workspace)
            with charged_to(part):
                self.ended_by(context, turn.error, read=workspace in self._written)

    def is_wanted(self, context: Mapping[str, Any]) -> bool:
        """Whether anybody still wants of a workspace what threads may be about to ask for."""
        workspace = workspace_id(context)
        is_read = self._reader is not None and not self._reader.closed
        return is_read and workspace not in self._ended and not self.workspaces.is_given_up(workspace)

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        if message.startswith("An unhandled error occurred"):
            # The SDK announces each error that passes by; the command line says it once, with what to do.
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

    @override
    def log_sync_costs(self) -> None:
        """Nothing: the SDK calls this where a run comes to its end by itself, and the tap sums up all of them."""


def workspace_id(context: Mapping[str, Any] | None) -> str:
    """The workspace that a slice or partition belongs to."""
    return str((context or {})[WORKSPACE_ID])

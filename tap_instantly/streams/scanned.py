"""Lists that are long enough to be read from several places at once."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk import Stream
from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.api.errors import FATAL_KINDS, SKIPPED_KINDS, ErrorKind, InstantlyAPIError
from tap_instantly.api.pagination import next_cursor
from tap_instantly.api.scan import Scan, ScannedPage
from tap_instantly.streams.patterns import ListStream
from tap_instantly.streams.state import MARKERS, SCAN, SIGNPOST, VALUE
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_instantly.api import Workspaces
    from tap_instantly.singer.sources import Source
    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record

STATE_VERSION = 1
RECORDS_LEFT_OUT = Stream.STATE_MSG_FREQUENCY
"""How many records pass between two STATE messages where they are left out, as the SDK has it for those written."""

TABLE_VERSION = "table_version"
"""Where it has the version of the records that the pass has already written, if they have one."""

STALLED = 2
"""Runs in a row that could not read a page of a pass, after which it is given up."""

NO_STALL = SKIPPED_KINDS | FATAL_KINDS | {ErrorKind.ACCESS_LOST}
"""Errors that say nothing of the pass itself."""

CHECKED = ("since", "signpost", "latest", "remaining", TABLE_VERSION)


class ScannedListStream(ListStream):
    """A list, ascending by id, that is read from several places at once and taken up where a run was cut off.

    What remains to be read is kept in the state beside the bookmark (``scan``), as ranges of ids. It holds for the
    bookmark that the pass started with: with another one, or a form of another version, the list is read anew. So it is
    where the checksum beside the ranges is not theirs, since one that is missing or moved would lose its records. Where
    records have versions, a pass goes on under the one that it started with, or its first records would count as gone.
    """

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap, workspaces)
        self._scans: dict[str, Scan] = {}
        self._passed = 0
        self._covered = 0

    @override
    def before_reading(self, context: Context) -> None:
        super().before_reading(context)
        part = self.found_in_state(context)
        if SCAN in part and (why := self._why_not_taken_up(part[SCAN], context)):
            part.pop(SCAN)
            label = self.workspaces[workspace_id(context)].label
            self.logger.warning("A pass in workspace %s that was cut off cannot be taken up: %s", label, why)
        if SCAN in part and self.version is not None:
            self.keep_version(part[SCAN][TABLE_VERSION])

    @override
    def source(self, context: Context) -> Source[list[Record]]:
        left = self._left_of_earlier_pass(context)
        if left:
            self.logger.info("Taking up a pass that was cut off, at %d places.", len(left["remaining"]))
        ranges = [(after, upto) for after, upto in left["remaining"]] if left else None
        client = self.workspaces[workspace_id(context)].client
        scan = Scan(
            partial(self._page_after, context),
            client.page_size_of(self.path),
            partial(self.pages, context),
            ranges,
            has_room=lambda: not client.budget.spent,
        )
        self._scans[workspace_id(context)] = scan
        self.tally.parts[workspace_id(context)].ahead = scan.ahead
        return scan

    def _page_after(self, context: Slice, cursor: str | None) -> tuple[list[Record], str | None]:
        access = self.workspaces[workspace_id(context)].access
        page, response = access.told_apart(partial(self.fetch, context, cursor))
        return page, next_cursor(response)

    @override
    def begin(self, context: Context) -> None:
        super().begin(context)
        left = self._left_of_earlier_pass(context)
        if left and left["latest"] and self.replication_key:
            # The bookmark will be the latest change of the whole pass.
            latest = {self.replication_key: left["latest"]}
            self.state_manager.increment_state(latest, context=context, replication_key=self.replication_key)

    @override
    def page_written(self, page: list[Record], context: Context) -> None:
        if not isinstance(page, ScannedPage):
            return
        page.done()
        state = self.get_context_state(context)
        if (remaining := page.scan.remaining()) is None:
            state.pop(SCAN, None)
            return
        scan = {
            "version": STATE_VERSION,
            "since": self.since(context),
            "signpost": state.get(SIGNPOST),
            "latest": state.get(MARKERS, {}).get(VALUE),
            "remaining": remaining,
            **({} if self.version is None else {TABLE_VERSION: self.version}),
        }
        # One assignment: the state may be written at any moment, by a signal.
        state[SCAN] = {**scan, "check": self._checksum(scan, context)}
        self._passed += len(page)
        left_out = self._passed - self.tally.records
        if left_out >= self._covered + RECORDS_LEFT_OUT:
            # The SDK counts records written: a pass that finds little new would keep nothing of itself when killed.
            self._covered = left_out
            self._write_state()

    @override
    def finish(self, context: Context) -> None:
        self.get_context_state(context).pop(SCAN, None)
        super().finish(context)

    @override
    def ended_by(self, context: Context, error: BaseException, *, read: bool) -> None:
        state = self.get_context_state(context)
        # Of a list that proved to be another than was thought, nothing can be taken up.
        if self._scans[workspace_id(context)].is_given_up:
            state.pop(SCAN, None)
        if SCAN in state and not read and isinstance(error, InstantlyAPIError) and error.kind not in NO_STALL:
            self._note_stall(state, context)
        super().ended_by(context, error, read=read)

    def _note_stall(self, state: dict[str, Any], context: Context) -> None:
        """Give up a pass that cannot get on: what is new comes with the next one alone, which must not wait for it."""
        before = state[SCAN].get("stalled")
        state[SCAN]["stalled"] = stalled = 1 + (before if isinstance(before, int) else 0)
        if stalled >= STALLED:
            state.pop(SCAN)
            label = self.workspaces[workspace_id(context)].label
            self.logger.warning("A pass in workspace %s that cannot get on is given up: the next begins anew.", label)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> datetime | Any | None:
        signpost = super().get_replication_key_signpost(context)
        left = self._left_of_earlier_pass(context) if context else None
        # What changed behind an earlier run that had already passed it has to be read again.
        return timestamps.parse(left["signpost"]) if left and left["signpost"] else signpost

    def _left_of_earlier_pass(self, context: Context) -> dict[str, Any] | None:
        """What was in the state; :meth:`before_reading` has seen to it that it can be taken up."""
        left: dict[str, Any] | None = self.found_in_state(context).get(SCAN)
        return left

    def _why_not_taken_up(self, left: object, context: Context) -> str | None:
        if not isinstance(left, dict) or left.get("version") != STATE_VERSION:
            return "it was left by another version of this tap"
        # To the checksum, what is missing is null.
        if not left.keys() >= {*CHECKED} - {TABLE_VERSION} or left.get("check") != self._checksum(left, context):
            return "what the state holds of it is damaged"
        if left["since"] != self.since(context):
            return "it was begun with another bookmark, start date or look-back"
        if self.version is not None and left.get(TABLE_VERSION) is None:
            return "its records have no version yet, and would count as deleted"
        return None

    def _checksum(self, left: dict[str, Any], context: Context) -> int:
        values = [left.get(name) for name in CHECKED]  # a newer tap may have more
        return zlib.crc32(msgspec.json.encode([workspace_id(context), self.name, self.replication_key, values]))

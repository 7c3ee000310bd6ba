"""Partition of a list that is read by a scan."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk import Stream
from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.client.errors import FATAL_KINDS, SKIPPED_KINDS, ErrorKind, InstantlyAPIError
from tap_instantly.sync.partition import Partition
from tap_instantly.sync.scan import Scan
from tap_instantly.sync.starting_points import ranges_between
from tap_instantly.sync.state import MARKERS, SCAN, SIGNPOST, VALUE

if TYPE_CHECKING:
    from tap_instantly.client.page import Page

STATE_VERSION = 1
UNWRITTEN_RECORDS = Stream.STATE_MSG_FREQUENCY
"""Records read but not written between two STATE messages; the SDK uses this number for written records."""

TABLE_VERSION = "table_version"
"""Key for the version of the records that the pass has already written, if they have one."""

STARTING_POINTS = "starting_points"
"""Key for the ids at which the walks of the next pass begin. They save time, and cannot lose records."""

STALLED = 2
"""Consecutive runs without a page after which a pass is abandoned."""

NO_STALL = SKIPPED_KINDS | FATAL_KINDS | {ErrorKind.ACCESS_LOST}
"""Errors that say nothing about the pass itself."""

CHECKED = ("since", "signpost", "latest", "remaining", "pages", TABLE_VERSION)


class ScannedPartition(Partition):
    """A list, ascending by id, that a scan reads and resumes after an interruption.

    The state keeps the rest of the pass beside the bookmark (``scan``), as ranges of ids. It is valid only for the
    bookmark and the format version with which the pass started; otherwise the list is read from the beginning. The same
    applies if the checksum does not match, because a missing or moved range would lose its records. With versioned
    records, a resumed pass keeps its version, or its first records would count as deleted.
    """

    __slots__ = ("_scan",)

    _scan: Scan

    @override
    def prepare(self, initial: dict[str, Any]) -> None:
        super().prepare(initial)
        stream = self.stream
        if SCAN in initial and (why := self._why_not_resumable(initial[SCAN])):
            initial.pop(SCAN)
            label = self.workspace.label
            stream.logger.warning("Cannot resume an interrupted pass in workspace %s; starting again: %s", label, why)
        if SCAN in initial and stream.version is not None:
            stream.keep_version(initial[SCAN][TABLE_VERSION])

    @override
    def open(self) -> None:
        left = self._left_of_earlier_pass
        if left:
            self.stream.logger.info("Resuming an interrupted pass at %d places.", len(left["remaining"]))
        ranges = [(after, upto) for after, upto in left["remaining"]] if left else None
        self.source = self._scan = Scan(
            fetch=partial(self.fetch, {}),
            page_size=self.client.page_size_of(self.stream.path),
            plainly=partial(self.pages, {}),
            ranges=ranges,
            plan=None if left else ranges_between(self.initial_state.get(STARTING_POINTS)),
        )
        self.ahead = self._scan.ahead

    @override
    def begin_writing(self) -> None:
        left, stream = self._left_of_earlier_pass, self.stream
        if left and left["latest"] and (key := stream.replication_key):
            # The bookmark will be the latest change of the whole pass.
            stream.state_manager.increment_state({key: left["latest"]}, context=self.context, replication_key=key)

    @override
    def page_written(self, page: Page) -> None:
        page.done()
        state, stream = self.state, self.stream
        if (remaining := self._scan.remaining()) is None:
            state.pop(SCAN, None)
            return
        scan = {
            "version": STATE_VERSION,
            "since": self.since,
            "signpost": state.get(SIGNPOST),
            "latest": state.get(MARKERS, {}).get(VALUE),
            "remaining": remaining,
            "pages": self.requests_of_pass,
            **({} if stream.version is None else {TABLE_VERSION: stream.version}),
        }
        # One assignment, because a signal may write the state at any moment.
        state[SCAN] = {**scan, "check": self._checksum(scan)}
        unwritten = stream.counts.sums.received - stream.counts.sums.records
        if unwritten >= stream.counts.unwritten_at_state + UNWRITTEN_RECORDS:
            # The SDK counts written records only. A killed pass with few new records would lose its progress.
            stream.counts.unwritten_at_state = unwritten
            stream.write_state()

    @override
    def finish(self) -> None:
        self.state.pop(SCAN, None)
        if self._is_whole:
            self.state.pop(STARTING_POINTS, None)
            if points := self._scan.starting_points():
                self.state[STARTING_POINTS] = points
        super().finish()

    @property
    def requests_of_pass(self) -> int:
        """Requests of the pass so far, those of earlier runs included."""
        left = self._left_of_earlier_pass
        return self._scan.pages + (left["pages"] if left else 0)

    @property
    def _is_whole(self) -> bool:
        """True if this run has read the whole list, in one pass."""
        return self._left_of_earlier_pass is None

    @override
    def ended_by(self, error: BaseException) -> None:
        state = self.state
        # A list that does not meet the premise cannot be resumed.
        if self._scan.premise_failed:
            state.pop(SCAN, None)
        if SCAN in state and not self.received and isinstance(error, InstantlyAPIError) and error.kind not in NO_STALL:
            self._note_stall(state)
        super().ended_by(error)

    def _note_stall(self, state: dict[str, Any]) -> None:
        """Abandon a stalled pass. New records come only with the next pass and must not wait for this one."""
        before = state[SCAN].get("stalled")
        state[SCAN]["stalled"] = stalled = 1 + (before if isinstance(before, int) else 0)
        if stalled >= STALLED:
            state.pop(SCAN)
            label = self.workspace.label
            self.stream.logger.warning(
                "Abandoning a stalled pass in workspace %s; the next run starts a new one.", label
            )

    @property
    @override
    def signpost(self) -> Any:
        left = self._left_of_earlier_pass
        # Changes behind the earlier run's position must be read again.
        return timestamps.parse(left["signpost"]) if left and left["signpost"] else super().signpost

    @property
    def _left_of_earlier_pass(self) -> dict[str, Any] | None:
        """Rest of an earlier pass, from the state; :meth:`prepare` has checked it."""
        left: dict[str, Any] | None = self.initial_state.get(SCAN)
        return left

    def _why_not_resumable(self, left: object) -> str | None:
        if not isinstance(left, dict) or left.get("version") != STATE_VERSION:
            return "it is from another version of the tap"
        # The checksum treats a missing value as null.
        if not left.keys() >= {*CHECKED} - {TABLE_VERSION} or left.get("check") != self._checksum(left):
            return "its state is damaged"
        if left["since"] != self.since:
            return "it started with another bookmark, start date or look-back"
        if self.stream.version is not None and left.get(TABLE_VERSION) is None:
            return "its records have no version and would count as deleted"
        return None

    def _checksum(self, left: dict[str, Any]) -> int:
        values = [left.get(name) for name in CHECKED]  # a newer version may have more keys
        names = [self.workspace.id, self.stream.name, self.stream.replication_key]
        return zlib.crc32(msgspec.json.encode([*names, values]))

"""Telling loaders which records there no longer are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly.quoting import quoted
from tap_instantly.streams.records import WORKSPACE_ID
from tap_instantly.streams.turns import InTurns

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_instantly.api import Workspaces
    from tap_instantly.singer.sources import Source
    from tap_instantly.streams.records import Record, RecordShaper

LEFT_OUT = ("without_key", "too_deep", "no_records")
"""Oddities of records that could not be written."""


class Versioned(InTurns):
    """A stream that, where it is read whole each time, has loaders delete what is gone.

    Its records carry the version of their run, in seconds since 1970. Behind the last of them an ACTIVATE_VERSION
    message says that what loaders have of lesser versions is no longer there, unless there is any doubt about that.
    Only with the setting ``emit_activate_version_messages``.
    """

    expires: ClassVar[bool] = False
    """Whether the API stops giving out records by and by, so that those that are gone need not have been deleted."""

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap, workspaces)
        self._version_of_run = tap.initialized_at // 1000  # as the SDK's own, which a column of 32 bits can hold

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        # Asked by the SDK, which would write the message before the records. A run that then does not come to its end
        # has had all deleted that it did not come to.
        return False

    @property
    def shaper(self) -> RecordShaper:
        """What knows of records that could not be written."""
        raise NotImplementedError

    @property
    def version(self) -> int | None:
        """The version of the records that are being read; None where they have none."""
        return self._stream_version

    def keep_version(self, earlier: int) -> None:
        """Go on under the version of an earlier run, some of whose records will not come again; before any is read."""
        if self._stream_version is not None:
            self._stream_version = min(earlier, self._stream_version)

    @override
    def prepare(self) -> list[Source[list[Record]]]:
        on = self.config["emit_activate_version_messages"]
        versioned = on and self.replication_method == "FULL_TABLE" and not self.expires
        self._stream_version = self._version_of_run if versioned else None
        return super().prepare()

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        # Private in the SDK, as is the version that it writes with each record: there is no hook behind the last
        # record of a stream. Tests hold that records have the version, and the message comes behind them.
        yield from super()._sync_records(context, write_messages=write_messages)
        if self._stream_version is None or not write_messages or self.ABORT_AT_RECORD_COUNT is not None:
            return
        if doubts := list(self._doubts()):
            self.logger.warning("What has been deleted stays in the warehouse this time: %s.", "; ".join(doubts))
        else:
            self._write_activate_version_message(self._stream_version)

    def _doubts(self) -> Iterator[str]:
        """Why, other than by a deletion, a record may not have come."""
        yield from (f"skipped in {entry}" for entry in self.tally.skipped)
        yield from (f"incomplete in {entry}" for entry in self.tally.incomplete)
        yield from (f"passed over in {entry}" for entry in self.tally.passed_over)
        yield from (f"workspace {name} is left out" for name in self.workspaces.left_out)
        if not self.workspaces.left_out:
            read = {workspace.id for workspace in self.workspaces}
            known = (state["context"][WORKSPACE_ID] for state in self.state_manager.get_state_partitions() or ())
            others = (quoted(id_) for id_ in known if id_ not in read)
            yield from (f"the state knows workspace {other}, which was not read" for other in others)
        if records := sum(self.shaper.oddities[name] for name in LEFT_OUT):
            yield f"{records} records could not be loaded"
        if items := self.workspaces.unusable:
            yield f"{items} items of lists to read by could not be used"

"""E-mails of the unified inbox."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.streams import state
from tap_instantly.streams.patterns import ListStream
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_instantly.api import Workspaces
    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record


class Emails(ListStream):
    """E-mails sent by campaigns, by hand, and received, oldest first from the bookmark on.

    The one list that the API filters by time (spec); it allows 20 requests a minute (spec). The bookmark moves and the
    state is written at every page, so that a run that is cut off goes on where it was. Where they turn out to be in no
    order after all, it goes back to where the run began, and waits for the end. What changes later (``i_status``,
    ``is_unread``) is seen only within ``emails_lookback_days``.
    Source: official document, ``listEmail``.
    """

    name = "emails"
    scope = "emails"
    path = "/emails"
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    is_sorted = True
    check_sorted = False  # the SDK would end the run
    why_off = "slow and unbounded: the API gives 20 pages a minute, 2,000 e-mails"

    @property
    @override
    def lookback(self) -> timedelta:
        return timedelta(days=self.config["emails_lookback_days"])

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap, workspaces)
        self._before: dict[str, dict[str, Any]] = {}
        self._latest: dict[str, str] = {}
        self._disordered: set[str] = set()

    @override
    def begin(self, context: Context) -> None:
        super().begin(context)
        workspace, part = workspace_id(context), self.get_context_state(context)
        self._before[workspace] = {name: part[name] for name in (state.KEY, state.VALUE) if name in part}
        self._latest[workspace] = ""
        self._disordered.discard(workspace)

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        # Private in the SDK, which moves the bookmark of a sorted list with each record: one that comes too late, or is
        # read again, would take it back. One with a date in the future says nothing of those that are still to come.
        workspace, created = workspace_id(context), latest_record.get(self.replication_key or "")
        start_of_run = self.get_context_state(context).get(state.SIGNPOST)
        if self.bookmark_key is None or not isinstance(created, str):
            return
        if _ordinal(created) > _ordinal(start_of_run or created):
            return
        if _ordinal(created) < _ordinal(self._latest[workspace]) and workspace not in self._disordered:
            self._disordered.add(workspace)
            label = self.workspaces[workspace].label
            self.logger.warning("E-mails of workspace %s come in no order: its bookmark waits for the end.", label)
            part = self.get_context_state(context)
            state.forget(part)
            part.update(self._before[workspace])
            self._write_state()  # in the place of the one that the loader has
        self._latest[workspace] = max(created, self._latest[workspace], key=_ordinal)

    @override
    def page_written(self, page: list[Record], context: Context) -> None:
        super().page_written(page, context)
        # Behind a page that may lack records, the next run has to begin before it.
        if workspace_id(context) not in self._disordered | self._missing.keys():
            self._move_bookmark(context)
            self._write_state()

    @override
    def finish(self, context: Context) -> None:
        workspace = workspace_id(context)
        waited = workspace in self._disordered and workspace not in self._missing
        super().finish(context)
        if waited:
            self._move_bookmark(context)

    def _move_bookmark(self, context: Context) -> None:
        """Move it on to the latest e-mail."""
        latest = self._latest[workspace_id(context)]
        if _ordinal(latest) > _ordinal(self.get_context_state(context).get(state.VALUE) or ""):
            super()._increment_stream_state({self.replication_key or "": latest}, context=context)

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        asked: dict[str, Any] = {"sort_order": "asc"}
        if self.config["emails_preview_only"]:
            asked["preview_only"] = "true"
        if earliest := self.read_from(context):
            # Whether the server takes the bound as inclusive is not documented: it is set one millisecond early.
            asked["min_timestamp_created"] = timestamps.text(earliest - timedelta(milliseconds=1))
        return asked


def _ordinal(timestamp: str) -> str:
    """What compares as the moments do, whether or not they have microseconds."""
    return timestamp.rstrip("Z")

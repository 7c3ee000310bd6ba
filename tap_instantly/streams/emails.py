"""E-mails of the unified inbox."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.streams.patterns import ListStream
from tap_instantly.streams.state import SIGNPOST, VALUE
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context

    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record


class Emails(ListStream):
    """E-mails sent by campaigns, by hand, and received, oldest first from the bookmark on.

    The one list that the API filters by time (spec); it allows 20 requests a minute (spec). The state is written at
    every page, so that a run that is cut off goes on where it was; where they turn out to be in no order after all, the
    bookmark waits for the end. What changes later (``i_status``, ``is_unread``) is seen only within
    ``emails_lookback_days``.
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

    STATE_MSG_FREQUENCY = 100

    @property
    @override
    def lookback(self) -> timedelta:
        return timedelta(days=self.config["emails_lookback_days"])

    @override
    def begin(self, context: Context) -> None:
        super().begin(context)
        self._latest[workspace_id(context)] = ""

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        # Private in the SDK, which keeps the bookmarks of unsorted lists alone from lying after the start of the run.
        # An e-mail with a date in the future would hide those of before it, which are still to come; and one that comes
        # too late, or is read again, would take the bookmark back.
        workspace, created = workspace_id(context), latest_record.get(self.replication_key or "")
        if not isinstance(created, str):
            return
        latest = self._latest[workspace]
        if _ordinal(created) < _ordinal(latest) and workspace not in self._disordered:
            self._disordered.add(workspace)
            self.logger.warning("E-mails of workspace %s come in no order: its bookmark waits for the end.", workspace)
        self._latest[workspace] = max(created, latest, key=_ordinal)
        if workspace not in self._disordered:
            self._move_bookmark(context)

    @override
    def finish(self, context: Context) -> None:
        if workspace_id(context) in self._disordered:
            self._move_bookmark(context)
        super().finish(context)

    def _move_bookmark(self, context: Context | None) -> None:
        """Move it on to the latest e-mail, though not behind the start of the run."""
        state, latest = self.get_context_state(context), self._latest[workspace_id(context)]
        value = min(latest, state.get(SIGNPOST) or latest, key=_ordinal)
        if _ordinal(value) > _ordinal(state.get(VALUE) or ""):
            super()._increment_stream_state({self.replication_key or "": value}, context=context)

    @cached_property
    def _latest(self) -> dict[str, str]:
        return {}

    @cached_property
    def _disordered(self) -> set[str]:
        return set()

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        asked: dict[str, Any] = {"sort_order": "asc"}
        if self.config["emails_preview_only"]:
            asked["preview_only"] = "true"
        if bookmark := self.bookmark(context):
            # Whether the server takes the bound as inclusive is not documented: it is set one millisecond early.
            since = bookmark - self.lookback - timedelta(milliseconds=1)
            asked["min_timestamp_created"] = timestamps.text(since)
        return asked


def _ordinal(timestamp: str) -> str:
    """What compares as the moments do, whether or not they have microseconds."""
    return timestamp.rstrip("Z")

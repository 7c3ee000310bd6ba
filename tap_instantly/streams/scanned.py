"""Lists that are long enough to be read from several places at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.api.id_space import number
from tap_instantly.api.pagination import next_cursor
from tap_instantly.api.scan import Scan, ScannedPage
from tap_instantly.streams.patterns import ListStream
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.helpers.types import Context

    from tap_instantly.singer.sources import Source
    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record

STATE_KEY = "scan"
STATE_VERSION = 1

TABLE_VERSION = "table_version"
"""Where it has the version of the records that the pass has already written, if they have one."""


class ScannedListStream(ListStream):
    """A list, ascending by id, that is read from several places at once and taken up where a run was cut off.

    What remains to be read is kept in the state beside the bookmark (``scan``), as ranges of ids. It holds for the
    bookmark that the pass started with: with another one, or a form of another version, the list is read anew. Where
    records have versions, a pass goes on under the one that it started with, or its first records would count as gone.
    """

    @override
    def source(self, context: Context) -> Source[list[Record]]:
        page_size = self.page_size or self.config["page_size"]
        left = self._left_of_earlier_pass(context)
        if left:
            self.logger.info("Taking up a pass that was cut off, at %d places.", len(left["remaining"]))
        ranges = [(after, upto) for after, upto in left["remaining"]] if left else None
        budget = self.workspaces[workspace_id(context)].client.budget
        return Scan(
            partial(self._page_after, context),
            page_size,
            partial(self.pages, context),
            ranges,
            has_room=lambda: not budget.spent,
        )

    def _page_after(self, context: Slice, cursor: str | None) -> tuple[list[Record], str | None]:
        page, response = self.fetch(context, cursor)
        return page, next_cursor(response)

    @override
    def before_reading(self, context: Context) -> None:
        super().before_reading(context)
        if self.version is not None and (left := self._left_of_earlier_pass(context)):
            self.keep_version(left[TABLE_VERSION])

    @override
    def begin(self, context: Context) -> None:
        super().begin(context)
        left = self._left_of_earlier_pass(context)
        if left is None:
            self.get_context_state(context).pop(STATE_KEY, None)
        elif left["latest"] and self.replication_key:
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
            state.pop(STATE_KEY, None)
            return
        # One assignment: the state may be written at any moment, by a signal.
        state[STATE_KEY] = {
            "version": STATE_VERSION,
            "since": self.since(context),
            "signpost": state.get("replication_key_signpost"),
            "latest": state.get("progress_markers", {}).get("replication_key_value"),
            "remaining": remaining,
            **({} if self.version is None else {TABLE_VERSION: self.version}),
        }

    @override
    def finish(self, context: Context) -> None:
        super().finish(context)
        self.get_context_state(context).pop(STATE_KEY, None)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> datetime | Any | None:
        signpost = super().get_replication_key_signpost(context)
        left = self._left_of_earlier_pass(context) if context else None
        # What changed behind an earlier run that had already passed it has to be read again.
        return timestamps.parse(left["signpost"]) if left and left["signpost"] else signpost

    def _left_of_earlier_pass(self, context: Context) -> dict[str, Any] | None:
        left: Any = self.get_context_state(context).get(STATE_KEY)
        if not isinstance(left, dict) or left.get("version") != STATE_VERSION:
            return None
        if workspace_id(context) in self._starts and left.get("since") != self.since(context):
            return None
        if self.version is not None and not isinstance(left.get(TABLE_VERSION), int):
            return None
        try:
            for bound in (bound for part in left["remaining"] for bound in part if bound is not None):
                number(bound)
        except (KeyError, TypeError, ValueError):
            return None
        return left

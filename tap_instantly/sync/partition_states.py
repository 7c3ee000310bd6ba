"""Bookmarks: the SDK's state manager, with the current partition in place of a context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = "Progress is not resumable if interrupted."


def is_behind(state: Mapping[str, Any], replication_key: str, value: object) -> bool:
    """Return True if a value of the replication key is smaller than a partition's bookmark."""
    bookmark = state.get("replication_key_value")
    same_key = state.get("replication_key") == replication_key
    return same_key and isinstance(bookmark, str) and isinstance(value, str) and value < bookmark


class PartitionStates(StreamStateManager):
    """States of a stream's partitions. The SDK passes no context for records, so :attr:`current` supplies it.

    Lookups are cached; the SDK searches the list of partitions for each record.

    Args:
        by_page: True if bookmarks move at the end of each page, with :meth:`move`, instead of with each record. For the
            SDK such a stream is sorted.
        settings: Arguments of the SDK's class.
    """

    def __init__(self, *, by_page: bool = False, **settings: Any) -> None:
        super().__init__(is_sorted=by_page, **settings)
        self.current: Mapping[str, Any] | None = None
        self._by_page = by_page
        self._found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def move(self, replication_key: str, value: str, context: Mapping[str, Any]) -> None:
        """Advance a partition's bookmark to a value."""
        super().increment_state({replication_key: value}, context=context, replication_key=replication_key)

    @override
    def increment_state(
        self, latest_record: dict[str, Any], *, context: Mapping[str, Any] | None = None, replication_key: str
    ) -> None:
        value = latest_record.get(replication_key)
        if value is None or self._by_page:
            return  # the SDK would report each record without a value
        context = context or self.current
        if is_behind(self.get_context_state(context), replication_key, value):
            return  # a look-back must not move the bookmark back
        # The SDK would create the same markers, and warn for each partition that an interrupted run is not resumable.
        # Leads are.
        markers = self.get_context_state(context).setdefault("progress_markers", {"Note": NOTE})
        latest = markers.get("replication_key_value")
        if isinstance(latest, str) and isinstance(value, str) and value < latest:
            return  # most records of an unordered list change nothing
        super().increment_state(latest_record, context=context, replication_key=replication_key)

    @override
    def write_starting_replication_value(self, context: Mapping[str, Any] | None, *args: Any, **settings: Any) -> None:
        if context:  # only partitions have a starting value, not the stream
            super().write_starting_replication_value(context, *args, **settings)

    @override
    def get_context_state(self, context: Mapping[str, Any] | None) -> dict[str, Any]:
        key = tuple((context or {}).items())
        if key not in self._found:
            self._found[key] = super().get_context_state(context)
        return self._found[key]

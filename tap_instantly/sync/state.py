"""State of each stream in each workspace: its properties, what a run keeps of it, and where bookmarks move.

:mod:`tap_instantly.validation.state` has validated it. If a bookmark is unusable, the tap discards it, logs the
reason and resyncs the stream.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    State = dict[str, Any]
    """State of a stream in a workspace."""

WORKSPACE_ID = "workspace_id"
"""Context of a partition, and column of each record."""

BOOKMARKS = "bookmarks"
PARTITIONS = "partitions"
CONTEXT = "context"
KEY = "replication_key"
VALUE = "replication_key_value"
MARKERS = "progress_markers"
SIGNPOST = "replication_key_signpost"
SCAN = "scan"
"""Remaining ranges of an interrupted scan; ``sync/scan_partition.py`` writes and checks it."""

WORKSPACES = "workspaces"
"""Top-level property: the id of each workspace by its name in the settings."""

OF_ONE_RUN = (MARKERS, SIGNPOST, "starting_replication_value")
"""Properties that the SDK writes for the current run; it fails on any of another form."""


def note_names(state: dict[str, Any], opened: Mapping[str, str]) -> None:
    """Record the workspace id of each name for the next run. Earlier versions of the tap keep but ignore it."""
    if BOOKMARKS in state:  # validation rejects a state without bookmarks
        state[WORKSPACES] = {**state.get(WORKSPACES, {}), **opened}


def by_workspace(state: Mapping[str, Any], stream: str) -> dict[str, State]:
    """Return copies of the states of a stream in a validated state, by workspace."""
    states = state.get(BOOKMARKS, {}).get(stream, {}).get(PARTITIONS, [])
    contexts = [(own, own.get(CONTEXT)) for own in states]
    return {c[WORKSPACE_ID]: {**own} for own, c in contexts if isinstance(c, dict) and c.keys() == {WORKSPACE_ID}}


def keep_only(state: State, initial: State) -> None:
    """Remove the properties from which the run does not resume."""
    for name in (KEY, VALUE, SCAN):
        if name not in initial:
            state.pop(name, None)


def why_bookmark_ignored(state: State, key: str | None, server_time: Callable[[], datetime | None]) -> str | None:
    """Return the reason for ignoring a bookmark; None if it is valid, or absent.

    Args:
        state: Validated state of a stream in a workspace.
        key: Replication key of the stream, if incremental.
        server_time: Returns the server's time, if known. Called only with a bookmark.
    """
    if key is None or state.get(VALUE) is None:
        return None
    if state.get(KEY) != key:
        return f"its replication key is {excerpt(str(state.get(KEY)))}, and the stream now uses {key}"
    now = server_time() or datetime.now(timezone.utc)
    if timestamps.parse(state[VALUE]) > now:
        return f"{state[VALUE]} is in the future (server time {timestamps.text(now)})"
    return None


def forget(state: State) -> None:
    """Remove the bookmark, so that this run and the next one read the stream from the beginning."""
    keep_only(state, {})


def keep_start(state: State) -> None:
    """Discard the progress of an incomplete run, so that the next one starts at the same bookmark."""
    state.pop(MARKERS, None)


def next_start(state: State, key: str | None, before: object) -> str:
    """Describe where the next run resumes an incomplete stream in a workspace.

    Args:
        state: State of the stream in the workspace.
        key: Replication key of the stream, if incremental.
        before: Bookmark at the start of this run.
    """
    if SCAN in state:
        return "the next run reads the rest"
    if key is None:
        return "the next run reads it in full"
    if (now := state.get(VALUE)) is None:
        return "the next run starts from the beginning, without a bookmark"
    return f"the bookmark stays at {now}" if now == before else f"the bookmark moved to {now}"


def is_behind(state: Mapping[str, Any], replication_key: str, value: object) -> bool:
    """Return True if a value of the replication key is smaller than a partition's bookmark."""
    bookmark = state.get(VALUE)
    same_key = state.get(KEY) == replication_key
    return same_key and isinstance(bookmark, str) and isinstance(value, str) and value < bookmark


class PartitionStates(StreamStateManager):
    """The SDK's manager of a stream's states. The SDK passes no context for records, so :attr:`current` supplies it.

    A record moves the bookmark in ``progress_markers``, and ``finalize_state`` puts it in force when the partition has
    ended: a killed run repeats records and loses none. Lookups are cached; the SDK searches the list of partitions for
    each record.

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
        state = self.get_context_state(context)
        if is_behind(state, replication_key, value):
            return  # a look-back must not move the bookmark back
        # The SDK would create the same markers, and warn for each partition that an interrupted run is not resumable.
        # Leads are.
        markers = state.setdefault(MARKERS, {"Note": "Progress is not resumable if interrupted."})
        latest = markers.get(VALUE)
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

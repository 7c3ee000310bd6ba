"""Read and update the state of each stream in each workspace.

:mod:`tap_instantly.validation.state` has validated it. If a bookmark is unusable, the tap discards it, logs the
reason and resyncs the stream.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_instantly import timestamps
from tap_instantly.streams.records import WORKSPACE_ID
from tap_instantly.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Part = dict[str, Any]

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


def parts_of(state: Mapping[str, Any], stream: str) -> dict[str, Part]:
    """Return a copy of the parts of a stream in a validated state, by workspace."""
    parts = state.get(BOOKMARKS, {}).get(stream, {}).get(PARTITIONS, [])
    contexts = [(part, part.get(CONTEXT)) for part in parts]
    return {c[WORKSPACE_ID]: {**part} for part, c in contexts if isinstance(c, dict) and c.keys() == {WORKSPACE_ID}}


def keep_only(part: Part, found: Part) -> None:
    """Remove the properties from which the run does not resume."""
    for name in (KEY, VALUE, SCAN):
        if name not in found:
            part.pop(name, None)


def why_bookmark_ignored(part: Part, key: str | None, server_time: Callable[[], datetime | None]) -> str | None:
    """Return the reason for ignoring a bookmark; None if it is valid, or absent.

    Args:
        part: Validated state of a stream in a workspace.
        key: Replication key of the stream, if incremental.
        server_time: Returns the server's time, if known. Called only with a bookmark.
    """
    if key is None or part.get(VALUE) is None:
        return None
    if part.get(KEY) != key:
        return f"its replication key is {excerpt(str(part.get(KEY)))}, and the stream now uses {key}"
    now = server_time() or datetime.now(timezone.utc)
    if timestamps.parse(part[VALUE]) > now:
        return f"{part[VALUE]} is in the future (server time {timestamps.text(now)})"
    return None


def forget(part: Part) -> None:
    """Remove the bookmark, so that this run and the next one read the stream from the beginning."""
    keep_only(part, {})


def keep_start(part: Part) -> None:
    """Discard the progress of an incomplete run, so that the next one starts at the same bookmark."""
    part.pop(MARKERS, None)


def next_start(part: Part, key: str | None, before: object) -> str:
    """Describe where the next run resumes an incomplete stream in a workspace.

    Args:
        part: State of the stream in the workspace.
        key: Replication key of the stream, if incremental.
        before: Bookmark at the start of this run.
    """
    if SCAN in part:
        return "the next run reads the rest"
    if key is None:
        return "the next run reads it in full"
    if (now := part.get(VALUE)) is None:
        return "the next run starts from the beginning, without a bookmark"
    return f"the bookmark stays at {now}" if now == before else f"the bookmark moved to {now}"

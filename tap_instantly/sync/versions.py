"""ACTIVATE_VERSION messages, which tell loaders about deleted records.

The records of a full-refresh stream carry the version of their run, in seconds since 1970. After the last record, an
ACTIVATE_VERSION message tells loaders that records with earlier versions no longer exist. It is not sent if a record
may be missing for another reason. The setting ``emit_activate_version_messages`` turns this on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_instantly.streams.records import WORKSPACE_ID
from tap_instantly.sync.outcome import GAPS
from tap_instantly.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_instantly.streams.base import InstantlyStream

DISCARDED = ("without_key", "too_deep", "no_records")
"""Kinds of invalid records that could not be written."""


def doubts(stream: InstantlyStream) -> Iterator[str]:
    """Yield the reasons, other than a deletion, why a record of a stream may be missing."""
    counts, workspaces = stream.counts, stream.workspaces
    for gap in GAPS:
        yield from (f"{gap.replace('_', ' ')} in {entry}" for entry in counts.remarks(gap))
    yield from (f"workspace {name} failed" for name in workspaces.failed)
    if not workspaces.failed:
        read = {workspace.id for workspace in workspaces}
        known = (part["context"][WORKSPACE_ID] for part in stream.state_manager.get_state_partitions() or ())
        others = (excerpt(id_) for id_ in known if id_ not in read)
        yield from (f"workspace {other} of the state was not read" for other in others)
    if records := sum(stream.shaper.oddities[name] for name in DISCARDED):
        yield f"{records} records could not be loaded"
    if items := workspaces.unusable:
        yield f"{items} entries of parent lists could not be used"

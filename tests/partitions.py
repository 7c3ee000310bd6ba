"""Partitions of streams that never connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_instantly.client import InstantlyClient, Workspace

if TYPE_CHECKING:
    from tap_instantly.streams import InstantlyStream
    from tap_instantly.sync.partition import Partition


def partition_of(stream: InstantlyStream, workspace_id: str = "home") -> Partition:
    """Return a stream's partition in an unreachable workspace, as at the start of a run without state."""
    client = InstantlyClient("none", api_url="http://127.0.0.1:9/api/v2")
    partition = stream.partition_class(stream, Workspace(workspace_id, None, None, client))
    partition.prepare({})
    return partition

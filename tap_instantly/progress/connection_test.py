"""Report a connection test: the readable streams, and the scopes that the others need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_instantly.client.errors import DENIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_instantly.client import ErrorKind
    from tap_instantly.streams import InstantlyStream

NOT_TRIED = "not tried because the workspace was abandoned"


def readable_streams(streams: Sequence[InstantlyStream]) -> Iterator[str]:
    """Yield the number of readable streams, then a line for each reason and set of workspaces of the others."""
    labels = {id_: part.workspace.label for stream in streams for id_, part in stream.counts.partitions.items()}
    refused: dict[tuple[ErrorKind | None, str], list[InstantlyStream]] = {}
    for stream in streams:
        workspaces: dict[ErrorKind | None, list[str]] = {}
        for id_, label in labels.items():
            part = stream.counts.partitions.get(id_)  # None in an abandoned workspace
            if part is None or part.failed_by is not None:
                workspaces.setdefault(part.failed_by if part else None, []).append(label)
        for kind, names in workspaces.items():
            where = f" in {', '.join(names)}" if len(labels) > 1 else ""
            refused.setdefault((kind, where), []).append(stream)
    unread = {stream.name for of_one_reason in refused.values() for stream in of_one_reason}
    everywhere = " in every workspace" if len(labels) > 1 else ""
    yield f"{len(streams) - len(unread)} of {len(streams)} streams can be read{everywhere}."
    for (kind, where), of_one_reason in refused.items():
        listed = ", ".join(stream.name for stream in of_one_reason)
        scopes = sorted({scope for stream in of_one_reason for scope in stream.scopes})
        advice = f". Give the API key {', '.join(scopes)}, or all:read, which covers all" if kind in DENIED else ""
        yield f"Cannot be read{where} ({kind.value if kind else NOT_TRIED}): {listed}{advice}."

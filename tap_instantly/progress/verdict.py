"""What a test of the connection has shown: which streams can be read, and what is needed for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_instantly.api.errors import DENIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_instantly.api import ErrorKind
    from tap_instantly.streams import InstantlyStream

NOT_TRIED = "not tried since the workspace was given up"


def verdict(streams: Sequence[InstantlyStream]) -> Iterator[str]:
    """How many streams can be read; then a line for each reason why others cannot, and for each set of workspaces."""
    labels = {id_: part.workspace.label for stream in streams for id_, part in stream.tally.parts.items()}
    refused: dict[tuple[ErrorKind | None, str], list[InstantlyStream]] = {}
    for stream in streams:
        workspaces: dict[ErrorKind | None, list[str]] = {}
        for id_, label in labels.items():
            part = stream.tally.parts.get(id_)  # none where the workspace had been given up
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
        yield f"Not{where}, {kind.value if kind else NOT_TRIED}: {listed}{advice}."

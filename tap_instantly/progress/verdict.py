"""What a test of the connection has shown: which streams can be read, and what is needed for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_instantly.api.errors import DENIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_instantly.api import ErrorKind
    from tap_instantly.streams import InstantlyStream


def verdict(streams: Sequence[InstantlyStream]) -> Iterator[str]:
    """How many streams can be read; then a line for each reason why others cannot, and for each set of workspaces."""
    refused: dict[tuple[ErrorKind, str], list[InstantlyStream]] = {}
    for stream in streams:
        workspaces: dict[ErrorKind, list[str]] = {}
        for part in stream.tally.parts.values():
            if part.failed_by is not None:
                workspaces.setdefault(part.failed_by, []).append(part.workspace.label)
        for kind, names in workspaces.items():
            where = f" in {', '.join(names)}" if len(stream.tally.parts) > 1 else ""
            refused.setdefault((kind, where), []).append(stream)
    unread = {stream.name for of_one_reason in refused.values() for stream in of_one_reason}
    everywhere = " in every workspace" if any(len(stream.tally.parts) > 1 for stream in streams) else ""
    yield f"{len(streams) - len(unread)} of {len(streams)} streams can be read{everywhere}."
    for (kind, where), of_one_reason in refused.items():
        listed = ", ".join(stream.name for stream in of_one_reason)
        scopes = sorted({scope for stream in of_one_reason for scope in stream.scopes})
        advice = f". Give the API key {', '.join(scopes)}, or all:read, which covers all" if kind in DENIED else ""
        yield f"Not{where}, {kind.value}: {listed}{advice}."

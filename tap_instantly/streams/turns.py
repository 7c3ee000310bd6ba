"""The workspaces of a stream, read ahead of their turn to be written."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tap_instantly.singer.read_ahead import PAGES, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from singer_sdk.helpers.types import Context

    from tap_instantly.singer.read_ahead import Source
    from tap_instantly.streams.records import Record

    Page = list[Record]


class StoppedReadingError(Exception):
    """Nobody wants what a thread was about to ask for."""


class Turns:
    """What a stream reads: workspace by workspace for the one who writes, side by side for the API.

    Args:
        source: What to read of a workspace; called for each of them before any is read.
    """

    def __init__(self, source: Callable[[Context], Source[Page]]) -> None:
        self._source = source
        self._order: list[str] = []
        self._reader: ReadAhead[Page] | None = None
        self._received = threading.local()

    @property
    def stopped(self) -> bool:
        """Whether nobody wants any more of what threads may still be about to ask for."""
        return self._reader is None or self._reader.closed

    def take(self, context: Context, contexts: Sequence[Context], *, workers: int) -> Iterator[Page]:
        """The pages of a workspace.

        Args:
            context: The workspace.
            contexts: All workspaces, in the order in which they will be taken.
            workers: Threads at most; one reads no more than a page ahead.
        """
        of = workspace_id(context)
        if self._reader is None or of not in self._order:
            order = [workspace_id(each) for each in contexts]
            rest = contexts[order.index(of) :]
            self._order = order[order.index(of) :]
            self._reader = ReadAhead(
                [self._source(each) for each in rest],
                workers=workers,
                pages=PAGES if workers > 1 else 1,
                weigh=self._weigh,
            )
        return self._reader.pages(self._order.index(of))

    def leave(self, context: Context | None = None) -> None:
        """Stop reading: at once, or if this was the last workspace."""
        if self._reader is not None and (context is None or self._order[-1] == workspace_id(context)):
            self._reader.close()
            self._reader = None

    def note_received(self, size: int) -> None:
        """Take note of an answer of that many bytes, in the thread that received it."""
        self._received.size = getattr(self._received, "size", 0) + size

    def _weigh(self) -> int:
        size: int = getattr(self._received, "size", 0)
        self._received.size = 0
        return size


def workspace_id(context: Mapping[str, Any] | None) -> str:
    """The workspace that a slice or partition belongs to."""
    return str((context or {})["workspace_id"])

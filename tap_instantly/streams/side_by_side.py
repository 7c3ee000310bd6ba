"""Reading all streams of a run side by side, ahead of the one that is being written."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_instantly.api.usage import charged_to
from tap_instantly.singer.read_ahead import PAGES, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_instantly.singer.sources import Source
    from tap_instantly.streams.part import Part
    from tap_instantly.streams.records import Record
    from tap_instantly.streams.turns import InTurns

    Page = list[Record]

AT_ONCE = 32
"""Requests under way at once by default: with answers that take 0.3 seconds, what one workspace allows."""

AT_ONCE_EACH = 4
"""How many more for each further workspace; the more there are, the less each of them needs them all the time."""

MOST_AT_ONCE = 128
"""How many by default at most: what a processor has a use for."""

_received = threading.local()


def _at_once(workspaces: int) -> int:
    """How many requests may be under way at once, over so many workspaces, where the settings do not say."""
    return min(AT_ONCE + AT_ONCE_EACH * (workspaces - 1), MOST_AT_ONCE)


@contextmanager
def read_side_by_side(streams: Sequence[InTurns], at_once: int | None) -> Iterator[None]:
    """Have streams read while they are synced one after the other, in this order.

    Args:
        streams: Which.
        at_once: Requests that may be under way at once, where the settings say.
    """
    sources = [stream.prepare() for stream in streams]
    workers = at_once or _at_once(max(map(len, sources), default=1))
    reader = ReadAhead(sources, workers=workers, pages=PAGES if workers > 1 else 1, weigh=_weigh)
    for place, stream in enumerate(streams):
        stream.read_by(reader, place)
    try:
        yield
    finally:
        reader.close()
        for stream in streams:
            stream.read_by(None)


def note_received(size: int) -> None:
    """Take note of an answer of that many bytes, in the thread that received it."""
    _received.size = getattr(_received, "size", 0) + size


def _weigh() -> int:
    size: int = getattr(_received, "size", 0)
    _received.size = 0
    return size


class Charged:
    """A source whose requests count for a part, and which holds no thread while they would have to wait.

    Args:
        source: What to read.
        part: What it is read for.
    """

    def __init__(self, source: Source[Page], part: Part) -> None:
        self._source = source
        self._part = part
        self._budget = part.workspace.client.budget

    @property
    def ordered(self) -> bool:
        """As of the source."""
        return self._source.ordered

    def delay(self) -> float:
        """Seconds until the workspace's budget lets a request for the stream go, as far as that is known."""
        return self._budget.delay(self._part.path)

    def has_run(self, *, starving: bool) -> bool:
        """As of the source."""
        return self._source.has_run(starving=starving)

    def begin_run(self) -> Iterator[Page] | None:
        """The next run of the source."""
        with charged_to(self._part):
            run = self._source.begin_run()
        return None if run is None else self._pages(run)

    def _pages(self, run: Iterator[Page]) -> Iterator[Page]:
        while True:
            with charged_to(self._part):
                page = next(run, None)
            if page is None:
                return
            yield page

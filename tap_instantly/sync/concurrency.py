"""Concurrent reading of a run's streams, ahead of the stream that is being written."""

from __future__ import annotations

from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING

from tap_instantly.sync.reader import BYTES, PAGES, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_instantly.streams.base import InstantlyStream

AT_ONCE = 32
"""Default number of concurrent requests. With a response time of 0.3 seconds, it uses one workspace's rate limit."""

AT_ONCE_EACH = 4
"""Additional requests per further workspace; with more workspaces, each of them is busy less of the time."""

MOST_BY_DEFAULT = 128
"""Maximum default; a processor cannot use more."""

BYTES_EACH = 128 << 10
"""Size of queued responses in bytes that each concurrent request adds; a page of leads has about as much."""


@contextmanager
def reading_ahead(streams: Sequence[InstantlyStream], at_once: int | None) -> Iterator[None]:
    """Read streams ahead while the SDK syncs them one by one, in this order.

    Args:
        streams: Streams to read.
        at_once: Number of concurrent requests, if configured.
    """
    sources = [stream.prepare() for stream in streams]
    workspaces = max(map(len, sources), default=1)
    workers = at_once or min(AT_ONCE + AT_ONCE_EACH * (workspaces - 1), MOST_BY_DEFAULT)
    pages, size = PAGES if workers > 1 else 1, max(BYTES, workers * BYTES_EACH)
    reader = Reader(sources, workers=workers, pages=pages, size=size, weigh=attrgetter("size"))
    for group, stream in enumerate(streams):
        stream.read_by(reader, group)
    try:
        yield
    finally:
        reader.close()
        for stream in streams:
            stream.read_by(None)
            stream.workspaces.shared.clear()

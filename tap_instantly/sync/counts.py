"""Counters and results of one stream over all workspaces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tap_instantly.sync.outcome import GAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_instantly.sync.partition import Partition


class Sums(NamedTuple):
    """Sums over the partitions of a stream.

    Attributes:
        requests: Requests sent, including retries and lists of parents.
        received: Records received, including unchanged ones.
        records: Records written.
        pages: Pages that contained them.
        unusable: Unusable items in lists of parents.
    """

    requests: int
    received: int
    records: int
    pages: int
    unusable: int


class Counts:
    """Counters of a stream over all workspaces of a run.

    Attributes:
        partitions: Partitions by workspace id; some are read before they are written.
        is_open: True while the stream is being written.
        is_reached: True once the stream's turn to be written has come.
        unwritten_at_state: Records read but not written, at the last STATE that was written because of them.
    """

    def __init__(self) -> None:
        self.partitions: dict[str, Partition] = {}
        self.is_open = False
        self.is_reached = False
        self.unwritten_at_state = 0
        self._abandoned: list[Partition] = []
        self._closed = 0.0
        self._sums: Sums | None = None

    def prepare(self, partitions: Iterable[Partition]) -> None:
        """Set the partitions to read, and reset the counters."""
        self.partitions = {partition.workspace.id: partition for partition in partitions}
        self._abandoned = []
        self._sums = None
        self.is_reached = False
        self.unwritten_at_state = 0

    def open(self, abandoned: Iterable[Partition] = ()) -> None:
        """Start the stream's turn to be written, without partitions of workspaces abandoned since."""
        self._abandoned = [self.partitions.pop(partition.workspace.id) for partition in abandoned]
        self.is_reached = self.is_open = True

    def close(self) -> None:
        """Freeze the counters at the end of the stream."""
        self._closed = time.monotonic()
        self.is_open = False
        for partition in self.partitions.values():
            partition.stop_clock()
        self._sums = self.sums  # cached, because it is read often

    @property
    def sums(self) -> Sums:
        """Sums so far."""
        parts = [*self.partitions.values(), *self._abandoned]
        return self._sums or Sums(
            sum(part.usage.requests for part in parts),
            sum(part.received for part in parts),
            sum(part.records for part in parts),
            sum(part.pages_written for part in parts),
            sum(part.usage.unusable for part in parts),
        )

    @property
    def seconds(self) -> float:
        """Seconds since the stream's first request, or until its end."""
        began = min((part.began for part in self.partitions.values() if part.began is not None), default=None)
        if began is None:
            return 0.0
        return (time.monotonic() if self._sums is None else self._closed) - began

    def remarks(self, name: str, wanted: Callable[[str | None], bool] = lambda _: True) -> list[str]:
        """Return the workspaces with a remark, each with a short reason; only those whose name is ``wanted``."""
        parts = (part for part in self.partitions.values() if wanted(part.workspace.name))
        return [f"{part.workspace.label}: {what}" for part in parts for of, what in part.remarks if of == name]

    def line(self, **oddities: int) -> str:
        """Format the counters on one line; oddities only if not zero."""
        sums, remarks = self.sums, {gap: self.remarks(gap) for gap in GAPS}
        return (
            f"records={sums.records} requests={sums.requests} seconds={self.seconds:.1f}"
            + "".join(f" {name}={count}" for name, count in {"unusable": sums.unusable, **oddities}.items() if count)
            + "".join(f" {name}=[{', '.join(entries)}]" for name, entries in remarks.items() if entries)
        )

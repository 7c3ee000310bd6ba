"""Compute the progress of a run from its counts."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tap_instantly.sync.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_instantly.sync.counts import Counts
    from tap_instantly.sync.partition import Partition

SOONEST = 5.0
"""Seconds before a stream gets an estimate of the time left."""

LEAST = 3
"""Slices or records before a stream gets an estimate of the time left."""

NEARLY = 0.8
"""Share of the allowed request rate that counts as the limit."""

PAUSE = 0.5
"""Shortest pause to display, in seconds: nobody could read a shorter one."""


@dataclass(frozen=True)
class Figures:
    """Progress of a run.

    Attributes:
        seconds: Time since the start of the run.
        stream_name: Stream that is being written; None before the first and after the last. Others are read ahead.
        streams_done: Streams already written.
        streams: Selected streams.
        records: Records written.
        records_read: Records read, unchanged ones included.
        records_per_second: Recent rate of ``records_read``.
        pages: Pages written.
        requests: Requests sent.
        requests_per_second: Recent rate of ``requests``.
        requests_allowed: Requests per second that the settings allow to all workspaces being read.
        workspaces: Workspaces of the current stream.
        workspaces_done: Workspaces in which the current stream has ended.
        workspaces_pausing: Workspaces that pause after a 429.
        pause: Seconds until the last of these pauses ends.
        at_limit: True if requests wait for the rate limit.
        share: Progress of the current stream in words; empty if unknown.
        seconds_left: Estimated time left for the current stream; None if unknown.
    """

    seconds: float
    stream_name: str | None
    streams_done: int
    streams: int
    records: int
    records_read: int
    records_per_second: float
    pages: int
    requests: int
    requests_per_second: float
    requests_allowed: int
    workspaces: int
    workspaces_done: int
    workspaces_pausing: int
    pause: float
    at_limit: bool
    share: str
    seconds_left: float | None

    def fields(self) -> dict[str, Any]:
        """Return the known figures, for a structured log."""
        found = asdict(self).items()
        return {name: round(v, 1) if isinstance(v, float) else v for name, v in found if v not in {None, ""}}

    def line(self) -> str:
        """Return one line of text, the most important first: a narrow terminal cuts off the rest."""
        return ", ".join(self._clauses())

    def _clauses(self) -> Sequence[str]:
        many = self.workspaces > 1
        stream = [f"{self.stream_name} (stream {self.streams_done + 1} of {self.streams})"]
        unchanged = f" of {self.records_read:,} read" if self.records_read > self.records else ""
        return [
            *(stream if self.stream_name else [f"{self.streams_done} of {self.streams} streams"]),
            *([f"{self.workspaces_done} of {self.workspaces} workspaces"] if many else []),
            *([self.share] if self.share else []),
            *([] if self.seconds_left is None else [f"about {clock(self.seconds_left)} left"]),
            *self._waits(f"{self.workspaces_pausing} " if many else ""),
            f"{self.records:,} records{unchanged}",
            f"{self.records_per_second:,.0f} records/s",
            f"{self.requests_per_second:,.0f} of {self.requests_allowed:,} requests/s",
            f"{self.pages:,} pages",
            clock(self.seconds),
        ]

    def _waits(self, who: str) -> Sequence[str]:
        if self.workspaces_pausing:
            return [f"{who}pausing after a 429 ({clock(self.pause)} to go)"]
        return ["waiting for the rate limit"] if self.at_limit else []


class Watch:
    """Compute figures from the counts of a run.

    Args:
        counts_of: Counts of the selected streams, in sync order.
        allowed: Requests per second to one workspace.
        of_late: Shortest interval for rates, in seconds.
        now: Clock, in seconds.
    """

    def __init__(
        self, counts_of: Mapping[str, Counts], allowed: int, of_late: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._counts_of = counts_of
        self.allowed = allowed
        self._of_late = of_late
        self._now = now
        self._began = now()
        self._seen: deque[tuple[float, int, int]] = deque([(self._began, 0, 0)])

    @property
    def current(self) -> tuple[str, Counts] | None:
        """The stream that is being written, or None."""
        return next(((name, counts) for name, counts in self._counts_of.items() if counts.is_open), None)

    def look(self) -> Figures:
        """Return the current figures."""
        now, current = self._now(), self.current
        counts_of = self._counts_of.values()
        parts = list(current[1].partitions.values()) if current else []
        active = under_way([part for counts in counts_of for part in list(counts.partitions.values())])
        asked = {part.workspace.id for part in active}
        sums = [counts.sums for counts in counts_of]
        read, requests = sum(each.received for each in sums), sum(each.requests for each in sums)
        records_per_second, requests_per_second = self._rates(now, read, requests)
        pauses = {part.workspace.id: pause for part in active if (pause := held_back(part)) > PAUSE}
        return Figures(
            seconds=now - self._began,
            stream_name=current[0] if current else None,
            streams_done=sum(counts.is_reached and not counts.is_open for counts in counts_of),
            streams=len(counts_of),
            records=sum(each.records for each in sums),
            records_read=read,
            records_per_second=records_per_second,
            pages=sum(each.pages for each in sums),
            requests=requests,
            requests_per_second=requests_per_second,
            requests_allowed=self.allowed * max(1, len(asked)),
            workspaces=len(parts),
            workspaces_done=sum(part.over for part in parts),
            workspaces_pausing=len(pauses),
            pause=max(pauses.values(), default=0.0),
            at_limit=any(
                at_limit([part for part in active if part.workspace.id == id_], self.allowed) for id_ in asked
            ),
            share=share(parts),
            seconds_left=seconds_left(parts, current[1].seconds) if current else None,
        )

    def _rates(self, now: float, read: int, requests: int) -> tuple[float, float]:
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._of_late:
            self._seen.popleft()
        then, read_then, requests_then = self._seen[0]
        self._seen.append((now, read, requests))
        span = max(now - then, 0.001)
        return (read - read_then) / span, (requests - requests_then) / span


def under_way(parts: Sequence[Partition]) -> list[Partition]:
    """Return the partitions that are being read."""
    return [part for part in parts if part.outcome is Outcome.READING]


def held_back(part: Partition) -> float:
    """Return the seconds for which a 429 delays the requests of a partition."""
    return part.workspace.client.budget.held_back(part.stream.path)


def at_limit(parts: Sequence[Partition], allowed: int) -> bool:
    """Return true if requests to a workspace wait for the rate limit, rather than for a processor.

    At the limit, the request rate is close to the allowed one.

    Args:
        parts: Partitions of the workspace that are being read.
        allowed: Requests per second.
    """
    requests, seconds = sum(part.usage.requests for part in parts), max(part.seconds for part in parts)
    return parts[0].workspace.client.budget.spent and requests > NEARLY * allowed * seconds


def seconds_left(parts: Sequence[Partition], seconds: float) -> float | None:
    """Estimate the time left from the average pace; None if the size of the rest is unknown.

    Args:
        parts: Partitions that are read concurrently.
        seconds: Time taken so far.
    """
    courses = [course for part in parts if part.even and (course := part.course) is not None]
    read, ahead = sum(read for read, _ in courses), sum(ahead for _, ahead in courses)
    if len(courses) < len(parts) or read < LEAST or seconds < SOONEST or not ahead:
        return None
    return seconds * ahead / read


def share(parts: Sequence[Partition]) -> str:
    """Describe the progress of the partitions together; empty if that of one is unknown."""
    courses = [course for part in parts if (course := part.course) is not None]
    read, ahead = (sum(column) for column in zip(*courses, strict=True)) if courses else (0, 0)
    if len(courses) < len(parts) or not read + ahead:
        return ""
    if all(part.even for part in parts):
        return f"{int(100 * read / (read + ahead))} %"
    return f"window {read + 1:.0f} of {read + ahead:.0f}" if len(parts) == 1 and ahead else ""


def clock(seconds: float) -> str:
    """Format a duration as 0:05, 12:00 or 1:00:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"

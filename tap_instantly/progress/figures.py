"""How far a run is, worked out from its counts."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tap_instantly.streams.part import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_instantly.streams.part import Part
    from tap_instantly.streams.tally import Tally

SOONEST = 5.0
"""Seconds that a stream has to have been read before it is told how long it may still take."""

LEAST = 3
"""How much of it has to have been read by then: slices, or records."""

NEARLY = 0.8
"""Share of the allowed requests that is called the limit."""

PAUSE = 0.5
"""Seconds that are called a pause: in less, nobody could read of it."""


@dataclass(frozen=True)
class Figures:
    """How far a run is.

    Attributes:
        seconds: Since its beginning.
        stream_name: What is being written; None before the first stream and behind the last. Others are read ahead.
        streams_done: Streams that have been written.
        streams: All that are selected.
        records: Written.
        records_read: Read, also those that have not changed.
        records_per_second: The latter, of late.
        pages: Answers that they came in.
        requests: Sent.
        requests_per_second: Of late.
        requests_allowed: What the settings allow in a second to the workspaces that are being read.
        workspaces: Those that the stream is read in.
        workspaces_done: Those of them that it has been read in.
        workspaces_pausing: Those that send nothing for a while, after a 429.
        pause: Seconds until the last of these goes on.
        at_limit: Whether requests wait for their turn.
        share: How much of the stream has been read, in words; empty where nobody can know.
        seconds_left: Until it has been read; None where nobody can know.
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
        """What there is of it, for a structured log."""
        found = asdict(self).items()
        return {name: round(v, 1) if isinstance(v, float) else v for name, v in found if v not in {None, ""}}

    def line(self) -> str:
        """The same in words; what matters most comes first, since terminals may be narrow."""
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
        return ["waiting for the limit"] if self.at_limit else []


class Watch:
    """Looks at the counts of a run.

    Args:
        tallies: Of the selected streams, in their order.
        allowed: Requests a second to one workspace.
        of_late: Seconds that rates are worked out over, at least.
        now: The time, in seconds.
    """

    def __init__(
        self,
        tallies: Mapping[str, Tally],
        allowed: int,
        of_late: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tallies = tallies
        self.allowed = allowed
        self._of_late = of_late
        self._now = now
        self._began = now()
        self._seen: deque[tuple[float, int, int]] = deque([(self._began, 0, 0)])

    @property
    def current(self) -> tuple[str, Tally] | None:
        """The stream that is being written, where one is."""
        return next(((name, tally) for name, tally in self._tallies.items() if tally.is_open), None)

    def look(self) -> Figures:
        """How far the run is now."""
        now, current = self._now(), self.current
        tallies = self._tallies.values()
        parts = list(current[1].parts.values()) if current else []
        active = under_way([part for tally in tallies for part in list(tally.parts.values())])
        asked = {part.workspace.id for part in active}
        read, requests = sum(tally.read for tally in tallies), sum(tally.requests for tally in tallies)
        records_per_second, requests_per_second = self._rates(now, read, requests)
        pauses = {part.workspace.id: pause for part in active if (pause := held_back(part)) > PAUSE}
        return Figures(
            seconds=now - self._began,
            stream_name=current[0] if current else None,
            streams_done=sum(tally.was_read and not tally.is_open for tally in tallies),
            streams=len(tallies),
            records=sum(tally.records for tally in tallies),
            records_read=read,
            records_per_second=records_per_second,
            pages=sum(tally.pages for tally in tallies),
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


def under_way(parts: Sequence[Part]) -> list[Part]:
    """Those that are being read."""
    return [part for part in parts if part.outcome is Outcome.READING]


def held_back(part: Part) -> float:
    """Seconds that a 429 holds back what is asked for."""
    return part.workspace.client.budget.held_back(part.path)


def at_limit(parts: Sequence[Part], allowed: int) -> bool:
    """Whether requests to a workspace wait for their turn, and not for a processor.

    Then they are nearly as many as are allowed.

    Args:
        parts: What is under way in that workspace.
        allowed: Requests a second.
    """
    requests, seconds = sum(part.requests for part in parts), max(part.seconds for part in parts)
    return parts[0].workspace.client.budget.spent and requests > NEARLY * allowed * seconds


def seconds_left(parts: Sequence[Part], seconds: float) -> float | None:
    """How long it takes to read the rest at the pace so far; None where it is not known how much that is.

    Args:
        parts: What is read side by side.
        seconds: How long it has been.
    """
    courses = [course for part in parts if part.even and (course := part.course) is not None]
    read, ahead = sum(read for read, _ in courses), sum(ahead for _, ahead in courses)
    if len(courses) < len(parts) or read < LEAST or seconds < SOONEST or not ahead:
        return None
    return seconds * ahead / read


def share(parts: Sequence[Part]) -> str:
    """How much has been read, where that is known of each of them."""
    courses = [course for part in parts if (course := part.course) is not None]
    read, ahead = (sum(column) for column in zip(*courses, strict=True)) if courses else (0, 0)
    if len(courses) < len(parts) or not read + ahead:
        return ""
    if all(part.even for part in parts):
        return f"{int(100 * read / (read + ahead))} %"
    return f"window {read + 1:.0f} of {read + ahead:.0f}" if len(parts) == 1 and ahead else ""


def clock(seconds: float) -> str:
    """As 0:05, 12:00 or 1:00:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"

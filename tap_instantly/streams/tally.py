"""What was read of a stream, what it took, and what went wrong: in all, and in each workspace."""

from __future__ import annotations

import re
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from tap_instantly.api.errors import DENIED
from tap_instantly.streams.state import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from tap_instantly.api import InstantlyAPIError, Workspace

_Slice = TypeVar("_Slice")
_Page = TypeVar("_Page")

_counting = threading.Lock()


class Outcome(str, Enum):
    """What became of a stream in a workspace."""

    WAITING = "not read"
    READING = "cut off"
    COMPLETE = "complete"
    SKIPPED = "skipped"
    INCOMPLETE = "incomplete"


class Part:
    """What was read of a stream in one workspace. Safe to look at from any thread.

    Attributes:
        workspace: Which.
        path: Where its records are asked for.
        read: Records that came, also those that did not change since the bookmark.
        pages: Answers that they came in.
        outcome: What became of it, so far.
        why: What a person has to know of that.
        total: How many slices there are to read, or windows, where that is known; else None.
        done: How many of them have been read.
        even: Whether one takes about as long as another.
        ahead: How many records are thought to be still to come, where something can tell.
        settled: Records written in its earlier turns.
    """

    # Thousands of them, where there are hundreds of workspaces.
    __slots__ = (
        "_began",
        "_ended",
        "_requests",
        "_sent_before",
        "_unusable",
        "_unusable_before",
        "ahead",
        "done",
        "even",
        "outcome",
        "pages",
        "path",
        "read",
        "settled",
        "total",
        "why",
        "workspace",
    )

    def __init__(self, workspace: Workspace, path: str) -> None:
        self.workspace = workspace
        self.path = path
        self.read = 0
        self.pages = 0
        self.outcome = Outcome.WAITING
        self.why = ""
        self.total: int | None = None
        self.done = 0
        self.even = True
        self.ahead: Callable[[], float | None] | None = None
        self.settled = 0
        self._began: float | None = None
        self._ended: float | None = None
        self._sent_before = workspace.client.requests_sent
        self._requests: int | None = None
        self._unusable_before = workspace.client.unusable
        self._unusable: int | None = None

    @property
    def name(self) -> str:
        """What people call the workspace, on one line."""
        return quoted(self.workspace.name or self.workspace.id)

    @property
    def requests(self) -> int:
        """Requests made for it, those that list parents and those tried again among them."""
        return self.workspace.client.requests_sent - self._sent_before if self._requests is None else self._requests

    @property
    def unusable(self) -> int:
        """Items of lists to read by, such as parents without an id; the first stream that needs a list counts them."""
        return self.workspace.client.unusable - self._unusable_before if self._unusable is None else self._unusable

    @property
    def seconds(self) -> float:
        """How long it has been read, or was."""
        if self._began is None:
            return 0.0
        return (time.monotonic() if self._ended is None else self._ended) - self._began

    @property
    def over(self) -> bool:
        """Whether it has come to an end of whatever kind."""
        return self.outcome not in {Outcome.WAITING, Outcome.READING}

    def begin(self) -> None:
        """Called before each request, in any thread."""
        if self._began is None:
            self._began = time.monotonic()
            self.outcome = Outcome.READING

    def end(self, outcome: Outcome, why: str = "") -> None:
        """It has come to an end."""
        self.outcome, self.why, self._ended = outcome, why, time.monotonic()

    def freeze(self) -> None:
        """Nothing more is read; what is sent from here on is for other streams."""
        self._requests, self._unusable = self.requests, self.unusable
        self.ahead = None
        if self._ended is None and self._began is not None:
            self._ended = time.monotonic()

    # How much there is to read

    def expect(self, number: int) -> None:
        """There are so many slices for each that was expected before; called in the thread that lists them."""
        self.total = (self.total or 1) * number

    def at_window(self, done: int, total: int) -> None:
        """So many windows are done with, where it is not known how much there is in those to come."""
        self.done, self.total, self.even = done, total, False

    def begun_by(self, slices: Iterable[_Slice]) -> Generator[_Slice]:
        """The slices, of which listing the first is the beginning."""
        self.begin()
        yield from slices

    def counted(self, pages: Callable[[_Slice], Iterable[_Page]]) -> Callable[[_Slice], Generator[_Page]]:
        """``pages`` of a slice, which is done after the last of them; in any thread."""

        def read(slice_: _Slice) -> Generator[_Page]:
            yield from pages(slice_)
            if self.even:
                with _counting:
                    self.done += 1

        return read

    @property
    def course(self) -> tuple[float, float] | None:
        """How much has been read and how much is still to come, in one measure; None where that is not known."""
        if self.over:
            return (self.read if self.ahead else self.done, 0.0)
        if self.ahead is not None:
            ahead = self.ahead()
            return None if ahead is None else (self.read, ahead)
        return None if self.total is None else (self.done, max(0, self.total - self.done))


class Tally:
    """Counts of a stream over all workspaces of a run.

    The record path adds to ``records`` alone; what each workspace has of them is worked out from where its turns begin.

    Args:
        path: Where its records are asked for.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.records = 0
        self.parts: dict[str, Part] = {}
        self.skipped: list[str] = []
        self.incomplete: list[str] = []
        self.passed_over: list[str] = []
        self.is_open = False
        self._seconds = 0.0
        self._opened = 0.0
        self._sums: tuple[int, int, int] | None = None
        self._turn: tuple[Part | None, int] = (None, 0)

    def open(self, workspaces: Iterable[Workspace]) -> None:
        """The stream is going to be read in these workspaces."""
        self.parts = {workspace.id: Part(workspace, self._path) for workspace in workspaces}
        self._turn = (None, 0)
        self._opened = time.monotonic()
        self._sums = None
        self.is_open = True

    def close(self) -> None:
        """Nothing more is read of it."""
        self._seconds = self.seconds
        self.is_open = False
        for part in self.parts.values():
            part.freeze()
        self._sums = self.sums  # once and for all, since it is asked for again and again

    def turn_to(self, workspace_id: str) -> Part:
        """What is written from here on is of that workspace; by the thread that writes."""
        part, (last, before) = self.parts[workspace_id], self._turn
        if part is not last:
            if last is not None:
                last.settled = self.records - before
            self._turn = (part, self.records - part.settled)  # at once, since a signal may ask at any moment
        return part

    def records_of(self, part: Part) -> int:
        """How many records have been written of a workspace."""
        current, before = self._turn
        return self.records - before if part is current else part.settled

    @property
    def was_read(self) -> bool:
        """Whether its turn has come."""
        return bool(self.parts)

    @property
    def requests(self) -> int:
        """Requests made, those that list parents and those tried again among them."""
        return self.sums[0]

    @property
    def unusable(self) -> int:
        """Items of lists to read by that could not be used."""
        return sum(part.unusable for part in self.parts.values())

    @property
    def read(self) -> int:
        """Records that came, also those that did not change since the bookmark."""
        return self.sums[1]

    @property
    def pages(self) -> int:
        """Answers that they came in."""
        return self.sums[2]

    @property
    def sums(self) -> tuple[int, int, int]:
        """Those three."""
        parts = self.parts.values()
        return self._sums or (
            sum(part.requests for part in parts),
            sum(part.read for part in parts),
            sum(part.pages for part in parts),
        )

    @property
    def seconds(self) -> float:
        """How long it has been read, or was."""
        return time.monotonic() - self._opened if self.is_open else self._seconds

    def skip(self, workspace_id: str, kind: str, why: str) -> None:
        """It is not to be had in a workspace, for a reason of that kind."""
        self.skipped.append(f"{workspace_id}: {kind}")
        self.parts[workspace_id].end(Outcome.SKIPPED, why)

    def break_off(self, workspace_id: str, entry: str, why: str) -> None:
        """It could not be read to its end in a workspace."""
        self.incomplete.append(entry)
        self.parts[workspace_id].end(Outcome.INCOMPLETE, why)

    def pass_over(self, workspace_id: str, entry: str) -> None:
        """Parents of a workspace were passed over, and are still there."""
        self.passed_over.append(entry)
        self.parts[workspace_id].end(Outcome.COMPLETE, entry.partition(": ")[2])

    def line(self, **oddities: int) -> str:
        """The counts on one line; oddities only where there are any."""
        return (
            f"records={self.records} requests={self.requests} seconds={self.seconds:.1f}"
            + "".join(f" {name}={count}" for name, count in {"unusable": self.unusable, **oddities}.items() if count)
            + (f" skipped=[{', '.join(self.skipped)}]" if self.skipped else "")
            + (f" incomplete=[{', '.join(self.incomplete)}]" if self.incomplete else "")
            + (f" passed_over=[{', '.join(self.passed_over)}]" if self.passed_over else "")
        )


def why_skipped(error: InstantlyAPIError, path: str, scope: str | None) -> str:
    """What a stream was refused for, and what to do.

    Args:
        error: The refusal.
        path: The stream's own path; it may have been the list of its parents that was refused.
        scope: Resource whose ``:read`` scope the stream needs.
    """
    if error.kind not in DENIED:
        return str(error)
    # The key is good, or the run would not have come this far.
    is_own = re.search(re.sub(r"\{\w+\}", "[^/]+", path) + "$", error.path)
    needed = f"{scope}:read" if scope and is_own else "that endpoint's scope"
    return str(error).removesuffix(error.advice) + f"Give the API key {needed}, or all:read, which covers all."

"""What was read of a stream in one workspace, and what became of it."""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from tap_instantly.api.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from tap_instantly.api import ErrorKind, Workspace

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


class Part(Usage):
    """What was read of a stream in one workspace, and what that took. Safe to look at from any thread.

    Requests that list parents count too; what several streams need counts for the first to ask.

    Attributes:
        workspace: Which.
        path: Where its records are asked for.
        read: Records that came, also those that did not change since the bookmark.
        pages: Answers that they came in.
        outcome: What became of it, so far.
        why: What a person has to know of that.
        failed_by: The kind of error that ended it, where one did.
        total: How many slices there are to read, or windows, where that is known; else None.
        done: How many of them have been read.
        even: Whether one takes about as long as another.
        ahead: How many records are thought to be still to come, where something can tell.
        settled: Records written in its earlier turns.
        began: When it was first asked for, on the clock of this process; None before.
    """

    # Thousands of them, where there are hundreds of workspaces.
    __slots__ = (
        "_ended",
        "ahead",
        "began",
        "done",
        "even",
        "failed_by",
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
        super().__init__()
        self.workspace = workspace
        self.path = path
        self.read = 0
        self.pages = 0
        self.outcome = Outcome.WAITING
        self.why = ""
        self.failed_by: ErrorKind | None = None
        self.total: int | None = None
        self.done = 0
        self.even = True
        self.ahead: Callable[[], float | None] | None = None
        self.settled = 0
        self.began: float | None = None
        self._ended: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has been read, or was."""
        if self.began is None:
            return 0.0
        return (time.monotonic() if self._ended is None else self._ended) - self.began

    @property
    def over(self) -> bool:
        """Whether it has come to an end of whatever kind."""
        return self.outcome not in {Outcome.WAITING, Outcome.READING}

    def begin(self) -> None:
        """Called before each request, in any thread."""
        if self.began is None:
            self.began = time.monotonic()
            self.outcome = Outcome.READING

    def end(self, outcome: Outcome, why: str = "", failed_by: ErrorKind | None = None) -> None:
        """It has come to an end."""
        self.outcome, self.why, self.failed_by, self._ended = outcome, why, failed_by, time.monotonic()

    def freeze(self) -> None:
        """Nothing more is read."""
        self.ahead = None
        if self._ended is None and self.began is not None:
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

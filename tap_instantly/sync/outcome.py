"""Progress and outcome of a partition."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tap_instantly.client.errors import DENIED, ErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_instantly.client import InstantlyAPIError


class Outcome(str, Enum):
    """Outcome of a stream in a workspace."""

    WAITING = "not started"
    READING = "interrupted"
    COMPLETE = "complete"
    SKIPPED = "skipped"
    INCOMPLETE = "incomplete"


POSSIBLY_INCOMPLETE = "possibly_incomplete"
"""Name of remarks about skipped data that may still exist."""

GAPS = (Outcome.SKIPPED.value, Outcome.INCOMPLETE.value, POSSIBLY_INCOMPLETE)
"""Names of remarks about gaps in the data."""


@dataclass(eq=False, slots=True, kw_only=True)
class Progress:
    """Progress of a partition. Any thread may read it.

    Attributes:
        records: Records written.
        received: Records received, including unchanged ones.
        pages_written: Pages that contained them.
        outcome: Outcome so far.
        why: Explanation of the outcome for the user.
        failed_by: Kind of the error that ended the partition, if one did.
        remarks: Gaps in the data: the name of each kind of gap, and a short description.
        total: Number of slices or windows to read; None if unknown.
        done: Number of them that have been read.
        even: True if all of them take about the same time.
        ahead: Returns the estimated number of records left, if that can be estimated.
        finding: Result of a check, for the summary.
        began: Monotonic time of the first request; None before it.
    """

    records: int = 0
    received: int = 0
    pages_written: int = 0
    outcome: Outcome = Outcome.WAITING
    why: str = ""
    failed_by: ErrorKind | None = None
    remarks: tuple[tuple[str, str], ...] = ()
    total: int | None = None
    done: int = 0
    even: bool = True
    ahead: Callable[[], float | None] | None = None
    finding: str = ""
    began: float | None = None
    _ended: float | None = None

    # Amount of work

    def start_clock(self) -> None:
        """Note the first request; called before each one, in any thread."""
        if self.began is None:
            self.began = time.monotonic()
            self.outcome = Outcome.READING

    def expect(self, number: int) -> None:
        """Multiply the expected slices by ``number``; called in the thread that lists them."""
        self.total = (self.total or 1) * number

    def at_window(self, done: int, total: int) -> None:
        """Set the number of finished windows, whose sizes differ."""
        self.done, self.total, self.even = done, total, False

    @property
    def seconds(self) -> float:
        """Seconds since the first request, or until the end."""
        if self.began is None:
            return 0.0
        return (time.monotonic() if self._ended is None else self._ended) - self.began

    @property
    def over(self) -> bool:
        """True once the partition has ended, with any outcome."""
        return self.outcome not in {Outcome.WAITING, Outcome.READING}

    @property
    def course(self) -> tuple[float, float] | None:
        """Amounts read and left, in the same unit; None if unknown."""
        if self.over:
            return (self.received if self.ahead else self.done, 0.0)
        if self.ahead is not None:
            ahead = self.ahead()
            return None if ahead is None else (self.received, ahead)
        return None if self.total is None else (self.done, max(0, self.total - self.done))

    def stop_clock(self) -> None:
        """Fix the seconds: the reading has ended."""
        self.ahead = None
        if self._ended is None and self.began is not None:
            self._ended = time.monotonic()

    # Outcome

    def end_possibly_incomplete(self, what: str) -> None:
        """Complete with a remark: something was skipped that may still exist."""
        self._remark(POSSIBLY_INCOMPLETE, what)
        self.end(Outcome.COMPLETE, what)

    def _remark(self, name: str, what: str) -> None:
        self.remarks = (*self.remarks, (name, what))

    def end(self, outcome: Outcome, why: str = "", failed_by: ErrorKind | None = None) -> None:
        """Set the final outcome."""
        self.outcome, self.why, self.failed_by, self._ended = outcome, why, failed_by, time.monotonic()


def why_skipped(error: InstantlyAPIError, scopes: Sequence[str]) -> str:
    """Explain the refusal of a stream, with advice.

    Args:
        error: Refusal of the stream, or of the list of its parents.
        scopes: Scopes that the stream needs.
    """
    if error.kind not in DENIED:
        return str(error)
    # The key itself is valid, or the run would have ended earlier.
    needed = " and ".join(scopes) or "that endpoint's scope"
    return str(error).removesuffix(error.advice) + f"Give the API key {needed}, or all:read, which covers all."


def why_ended(error: InstantlyAPIError) -> str:
    """Describe the error that ended a stream. For a lost key, the workspace's message gives the advice."""
    text = str(error)
    return text.removesuffix(error.advice).rstrip() if error.kind is ErrorKind.ACCESS_LOST else text

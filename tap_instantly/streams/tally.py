"""What was read of a stream, what it took, and what went wrong: over all workspaces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tap_instantly.api.errors import DENIED, ErrorKind
from tap_instantly.streams.part import Outcome, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_instantly.api import InstantlyAPIError, Workspace


class Tally:
    """Counts of a stream over all workspaces of a run.

    The record path adds to ``records`` alone; what each workspace has of them is worked out from where its turns begin.

    Args:
        path: Where its records are asked for.

    Attributes:
        parts: What was read in each workspace, by its id; some of it before it is written.
        is_open: Whether it is being written.
        was_read: Whether its turn to be written has come.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.records = 0
        self.parts: dict[str, Part] = {}
        self.skipped: list[str] = []
        self.incomplete: list[str] = []
        self.passed_over: list[str] = []
        self.is_open = False
        self.was_read = False
        self._given_up: list[Part] = []
        self._closed = 0.0
        self._sums: tuple[int, int, int, int] | None = None
        self._turn: tuple[Part | None, int] = (None, 0)

    def prepare(self, workspaces: Iterable[Workspace]) -> None:
        """The stream is going to be read in these workspaces."""
        self.parts = {workspace.id: Part(workspace, self._path) for workspace in workspaces}
        self._given_up = []
        self._turn = (None, 0)
        self._sums = None
        self.was_read = False

    def open(self, given_up: Iterable[str] = ()) -> None:
        """It is written from here on, but for workspaces that have been given up meanwhile."""
        self._given_up = [self.parts.pop(workspace_id) for workspace_id in given_up]
        self.was_read = self.is_open = True

    def close(self) -> None:
        """Nothing more is read of it."""
        self._closed = time.monotonic()
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
    def requests(self) -> int:
        """Requests made, those that list parents and those tried again among them."""
        return self.sums[0]

    @property
    def unusable(self) -> int:
        """Items of lists to read by that could not be used."""
        return self.sums[3]

    @property
    def read(self) -> int:
        """Records that came, also those that did not change since the bookmark."""
        return self.sums[1]

    @property
    def pages(self) -> int:
        """Answers that they came in."""
        return self.sums[2]

    @property
    def sums(self) -> tuple[int, int, int, int]:
        """Requests, records read, pages, and items that could not be used."""
        parts = [*self.parts.values(), *self._given_up]
        return self._sums or (
            sum(part.requests for part in parts),
            sum(part.read for part in parts),
            sum(part.pages for part in parts),
            sum(part.unusable for part in parts),
        )

    @property
    def seconds(self) -> float:
        """How long it has been read, or was: from the first request for it."""
        began = min((part.began for part in self.parts.values() if part.began is not None), default=None)
        if began is None:
            return 0.0
        return (time.monotonic() if self._sums is None else self._closed) - began

    def skip(self, workspace_id: str, kind: ErrorKind, why: str) -> None:
        """It is not to be had in a workspace, for a reason of that kind."""
        self._end(workspace_id, Outcome.SKIPPED, self.skipped, kind.value, why, kind)

    def break_off(self, workspace_id: str, what: str, why: str, kind: ErrorKind | None = None) -> None:
        """It could not be read to its end in a workspace: what of it in a few words, and why in more."""
        self._end(workspace_id, Outcome.INCOMPLETE, self.incomplete, what, why, kind)

    def pass_over(self, workspace_id: str, what: str) -> None:
        """Something of a workspace was passed over, and may still be there."""
        self._end(workspace_id, Outcome.COMPLETE, self.passed_over, what, what)

    def _end(
        self,
        workspace_id: str,
        outcome: Outcome,
        entries: list[str],
        what: str,
        why: str,
        kind: ErrorKind | None = None,
    ) -> None:
        part = self.parts[workspace_id]
        entries.append(f"{part.workspace.label}: {what}")
        part.end(outcome, why, kind)

    def line(self, **oddities: int) -> str:
        """The counts on one line; oddities only where there are any."""
        return (
            f"records={self.records} requests={self.requests} seconds={self.seconds:.1f}"
            + "".join(f" {name}={count}" for name, count in {"unusable": self.unusable, **oddities}.items() if count)
            + (f" skipped=[{', '.join(self.skipped)}]" if self.skipped else "")
            + (f" incomplete=[{', '.join(self.incomplete)}]" if self.incomplete else "")
            + (f" passed_over=[{', '.join(self.passed_over)}]" if self.passed_over else "")
        )


def why_skipped(error: InstantlyAPIError, scopes: Sequence[str]) -> str:
    """What a stream was refused for, and what to do.

    Args:
        error: The refusal; it may have been the list of the stream's parents that was refused.
        scopes: What the stream needs.
    """
    if error.kind not in DENIED:
        return str(error)
    # The key is good, or the run would not have come this far.
    needed = " and ".join(scopes) or "that endpoint's scope"
    return str(error).removesuffix(error.advice) + f"Give the API key {needed}, or all:read, which covers all."


def why_ended(error: InstantlyAPIError) -> str:
    """The error that ended a stream; what to do about a key that opens nothing is said once, of its workspace."""
    text = str(error)
    return text.removesuffix(error.advice).rstrip() if error.kind is ErrorKind.ACCESS_LOST else text

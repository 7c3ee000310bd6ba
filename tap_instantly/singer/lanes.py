"""How far a source has been read, and what of it waits to be handed on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tap_instantly.singer.sources import Source

_Page = TypeVar("_Page")


class Received(NamedTuple, Generic[_Page]):
    """A page that waits, its size in bytes, and when it came."""

    page: _Page
    size: int
    at: datetime


class Room:
    """How much waits to be handed on, and whether more may.

    Args:
        groups: How many groups there are.
        pages: Pages that may wait.
        size: Bytes that may wait.
    """

    OWN = 0.25
    """Share of it that the group which is handed on has for itself, whatever those behind it have filled."""

    def __init__(self, groups: int, pages: int, size: int) -> None:
        self._limits = pages, size
        self._of_group = [[0, 0] for _ in range(groups)]
        self.pages = 0
        self.size = 0

    def fill(self, group: int, pages: int, size: int) -> None:
        """So much more waits of a group, or less."""
        self.pages += pages
        self.size += size
        self._of_group[group][0] += pages
        self._of_group[group][1] += size

    def is_left(self, group: int, current: int, in_hands: int) -> bool:
        """Whether more of a group may be read.

        Args:
            group: Which.
            current: The one that is handed on.
            in_hands: Bytes that threads are about to add, about.
        """
        if group <= current:
            own = [count < self.OWN * limit for count, limit in zip(self._of_group[group], self._limits, strict=True)]
            return all(own) or (self.pages < self._limits[0] and self.size < self._limits[1])
        share = (1 + 1 / (1 + group - current)) / 2
        return self.pages < share * self._limits[0] and self.size + in_hands < share * self._limits[1]


@dataclass(eq=False)
class Run(Generic[_Page]):
    """A run, and those of its pages that have not been handed on."""

    iterator: Iterator[_Page]
    pages: deque[Received[_Page]] = field(default_factory=deque)
    busy: bool = False
    ended: bool = False
    error: BaseException | None = None


@dataclass(eq=False)
class Lane(Generic[_Page]):
    """A source with the runs that have been begun and not been handed on to their end.

    Attributes:
        group: Which group of sources it is of.
        number: Which source of the group.
        threads: Threads that are at it.
        waiting: Pages of it that wait to be handed on.
        page_size: Bytes of its latest page.
        error: What ended it, where that was not its own end.
        is_over: Whether it has been handed on to its end, or is not to be.
    """

    group: int
    number: int
    source: Source[_Page]
    runs: list[Run[_Page]] = field(default_factory=list)
    beginning: bool = False
    threads: int = 0
    waiting: int = 0
    page_size: int = 0
    error: BaseException | None = None
    is_over: bool = False

    @property
    def load(self) -> int:
        """Pages that wait or are being read."""
        return self.threads + self.waiting

    # What is to be handed on

    @property
    def ready(self) -> Run[_Page] | None:
        """A run with a page that can be handed on now."""
        candidates = self.runs[:1] if self.source.ordered else self.runs
        return next((run for run in candidates if run.pages), None)

    @property
    def is_handed_on(self) -> bool:
        """Whether nothing of it is left to be handed on."""
        return self.error is not None or not (self.runs or self.beginning or self.source.has_run(starving=True))

    @property
    def _only_to_be_handed_on(self) -> bool:
        """Whether nothing more is read of it, and what was read before an error is still there."""
        return all(run.ended for run in self.runs) and any(run.pages for run in self.runs)

    def clear(self) -> None:
        """Forget the runs that have been handed on to their end, and note the error that ended one."""
        for run in tuple(self.runs):
            if run.ended and not run.pages:
                if run.error is None:
                    self.runs.remove(run)
                elif self.source.ordered or not self._only_to_be_handed_on:
                    self.error = run.error
                    return
            elif self.source.ordered:
                return

    # What is to be read

    @property
    def is_read(self) -> bool:
        """Whether nothing is left to be read of it."""
        if self.threads:
            return False
        return self.error is not None or not (self._to_read() or self._may_begin(starving=True))

    def job(self, *, only_awaited: bool, starving: bool) -> tuple[Run[_Page] | None] | None:
        """What a thread can do for it now: read a run on, or begin one if there is None in its place.

        Args:
            only_awaited: Whether nothing is wanted but what has to be handed on next.
            starving: Whether none of its pages waits for the reader.
        """
        if self.error is not None:
            return None
        if (run := self._to_read(only_awaited=only_awaited)) is not None:
            return (run,)
        if only_awaited and self.runs and self.source.ordered:
            return None
        return (None,) if self._may_begin(starving=starving) else None

    def _to_read(self, *, only_awaited: bool = False) -> Run[_Page] | None:
        for run in self.runs[:1] if only_awaited and self.source.ordered else self.runs:
            if not (run.busy or run.ended):
                return run
            if run.error is not None and self.source.ordered:
                return None  # what is behind it is never handed on
        return None

    def _may_begin(self, *, starving: bool) -> bool:
        if self.beginning or (self.source.ordered and any(run.error is not None for run in self.runs)):
            return False
        return self.source.has_run(starving=starving)

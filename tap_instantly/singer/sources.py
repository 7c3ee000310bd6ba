"""What can be read in several runs side by side, and how far it has been read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Page = TypeVar("_Page")
_Page_co = TypeVar("_Page_co", covariant=True)
_Slice = TypeVar("_Slice")


class Source(Protocol[_Page_co]):
    """What can be read in several runs of pages, side by side."""

    @property
    def ordered(self) -> bool:
        """Whether the runs have to be handed on one after the other; else pages come as they arrive."""

    def has_run(self, *, starving: bool) -> bool:
        """Whether another run can be begun now; ``starving`` if no page waits for the reader. Must not block."""

    def begin_run(self) -> Iterator[_Page_co] | None:
        """The next run, or None if there is none after all. May block; called by one thread at a time."""


class Slices(Generic[_Slice, _Page]):
    """A source with a run for each of a row of slices.

    Args:
        slices: What to read; taken one by one, in a thread.
        read: Reads one slice page by page; runs in threads, one at a time.
    """

    ordered = True

    def __init__(self, slices: Iterable[_Slice], read: Callable[[_Slice], Iterable[_Page]]) -> None:
        self._slices = iter(slices)
        self._read = read
        self._exhausted = False

    def has_run(self, *, starving: bool) -> bool:  # noqa: ARG002 (as any source)
        """Whether there may be another slice."""
        return not self._exhausted

    def begin_run(self) -> Iterator[_Page] | None:
        """The pages of the next slice."""
        self._exhausted = True  # also where the slices end in an error
        for slice_ in self._slices:
            self._exhausted = False
            return iter(self._read(slice_))
        return None


@dataclass(eq=False)
class Run(Generic[_Page]):
    """A run, and those of its pages that have not been handed on."""

    iterator: Iterator[_Page]
    pages: deque[tuple[_Page, int]] = field(default_factory=deque)
    busy: bool = False
    ended: bool = False
    error: BaseException | None = None


@dataclass(eq=False)
class Lane(Generic[_Page]):
    """A source with the runs that have been begun and not been handed on to their end."""

    number: int
    source: Source[_Page]
    runs: list[Run[_Page]] = field(default_factory=list)
    beginning: bool = False
    error: BaseException | None = None

    @property
    def threads(self) -> int:
        """Threads that are at it."""
        return self.beginning + sum(run.busy for run in self.runs)

    @property
    def load(self) -> int:
        """Pages that wait or are being read."""
        return self.threads + sum(len(run.pages) for run in self.runs)

    @property
    def idle(self) -> bool:
        """Whether no thread is at it, though one could be."""
        may_be_read = self.to_read(only_awaited=False) is not None or self.source.has_run(starving=True)
        return not self.threads and may_be_read

    @property
    def ready(self) -> Run[_Page] | None:
        """A run with a page that can be handed on now."""
        candidates = self.runs[:1] if self.source.ordered else self.runs
        return next((run for run in candidates if run.pages), None)

    @property
    def over(self) -> bool:
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

    def to_read(self, *, only_awaited: bool) -> Run[_Page] | None:
        """A run that can be read on, if need be only one that the reader waits for."""
        candidates = self.runs[:1] if only_awaited and self.source.ordered else self.runs
        return next((run for run in candidates if not (run.busy or run.ended)), None)

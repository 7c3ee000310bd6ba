"""What can be read in several runs side by side."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Page = TypeVar("_Page")
_Page_co = TypeVar("_Page_co", covariant=True)
_Slice = TypeVar("_Slice")
_Group = TypeVar("_Group")

LISTED_AHEAD = 8
"""Groups of slices that are asked for before those of the first have all been begun."""


class Source(Protocol[_Page_co]):
    """What can be read in several runs of pages, side by side."""

    @property
    def ordered(self) -> bool:
        """Whether the runs have to be handed on one after the other; else pages come as they arrive."""

    def delay(self) -> float:
        """Seconds until anything can be asked for, as far as that is known. Must not block."""

    def has_run(self, *, starving: bool) -> bool:
        """Whether another run can be begun now; ``starving`` if no page of it waits for the reader. Must not block."""

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

    def delay(self) -> float:
        """No time: nothing is known of it."""
        return 0.0

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
class _Listing(Generic[_Slice]):
    """The slices of a group that are being asked for, or what came of it."""

    over: bool = False
    slices: Iterator[_Slice] | None = None
    error: BaseException | None = None


class GroupedSlices(Generic[_Group, _Slice, _Page]):
    """A source whose slices have to be asked for themselves, group by group; several groups are asked for ahead.

    An error that this ends in comes where the slices would have.

    Args:
        groups: What to ask for slices by.
        list_: Returns the slices of a group; runs in threads, for several groups at a time.
        read: Reads one slice page by page; runs in threads, one at a time.
    """

    ordered = True

    def __init__(
        self,
        groups: Iterable[_Group],
        list_: Callable[[_Group], Iterable[_Slice]],
        read: Callable[[_Slice], Iterable[_Page]],
    ) -> None:
        self._groups = deque(groups)
        self._list = list_
        self._read = read
        self._listings: deque[_Listing[_Slice]] = deque()

    def delay(self) -> float:
        """No time: nothing is known of it."""
        return 0.0

    def has_run(self, *, starving: bool) -> bool:  # noqa: ARG002 (as any source)
        """Whether a group can be asked for, or a slice of the first one may be read."""
        return self._may_list or bool(self._listings and self._listings[0].over)

    def begin_run(self) -> Iterator[_Page] | None:
        """Ask for a group, in a run without pages; or read the next slice."""
        if self._may_list:
            listing: _Listing[_Slice] = _Listing()
            self._listings.append(listing)
            return self._listed(self._groups.popleft(), listing)
        while self._listings and self._listings[0].over:
            if (error := self._listings[0].error) is not None:
                raise error
            for slice_ in self._listings[0].slices or ():
                return iter(self._read(slice_))
            self._listings.popleft()
        return None

    @property
    def _may_list(self) -> bool:
        return bool(self._groups) and len(self._listings) < LISTED_AHEAD

    def _listed(self, group: _Group, listing: _Listing[_Slice]) -> Iterator[_Page]:
        try:
            listing.slices = iter(self._list(group))
        except BaseException as error:  # noqa: BLE001 (raised where the slices would have come)
            listing.error = error
        listing.over = True
        yield from ()

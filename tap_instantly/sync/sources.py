"""Sources of pages, which are read in several concurrent chains."""

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
"""Groups of slices to request before all slices of the first group have begun."""


class Source(Protocol[_Page_co]):
    """Something to read in several concurrent chains of pages."""

    @property
    def ordered(self) -> bool:
        """True if chains must be delivered one after the other; otherwise pages are delivered as they arrive."""
        return True

    def delay(self) -> float:
        """Return the known seconds until the next request may be sent. Must not block."""
        return 0.0

    def has_chain(self, *, starving: bool) -> bool:
        """Return True if another chain can begin now; ``starving`` means that no page is queued. Must not block."""

    def begin_chain(self) -> Iterator[_Page_co] | None:
        """Return the next chain, or None if there is none after all. May block; called by one thread at a time."""


class Slices(Source[_Page], Generic[_Slice, _Page]):
    """A source with one chain for each slice.

    Args:
        slices: Slices to read; iterated in a thread.
        read: Reads one slice page by page; each slice is read by one thread at a time.
    """

    def __init__(self, slices: Iterable[_Slice], read: Callable[[_Slice], Iterable[_Page]]) -> None:
        self._slices = iter(slices)
        self._read = read
        self._exhausted = False

    def has_chain(self, *, starving: bool) -> bool:  # noqa: ARG002 (protocol)
        """Return True if there may be another slice."""
        return not self._exhausted

    def begin_chain(self) -> Iterator[_Page] | None:
        """Return the pages of the next slice."""
        self._exhausted = True  # set first, in case the slices end with an error
        for slice_ in self._slices:
            self._exhausted = False
            return iter(self._read(slice_))
        return None


@dataclass(eq=False)
class _Listing(Generic[_Slice]):
    """The requested slices of a group, or the error."""

    over: bool = False
    slices: Iterator[_Slice] | None = None
    error: BaseException | None = None


class GroupedSlices(Source[_Page], Generic[_Group, _Slice, _Page]):
    """A source whose slices are requested by group; several groups are requested ahead.

    An error of such a request is raised at the position of its slices.

    Args:
        groups: Groups to request slices for.
        list_: Returns the slices of a group; called in several threads at a time.
        read: Reads one slice page by page; each slice is read by one thread at a time.
    """

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

    def has_chain(self, *, starving: bool) -> bool:  # noqa: ARG002 (protocol)
        """Return True if a group can be requested, or the first one may have another slice."""
        return self._may_list or bool(self._listings and self._listings[0].over)

    def begin_chain(self) -> Iterator[_Page] | None:
        """Request a group, in a chain without pages, or read the next slice."""
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
        except BaseException as error:  # noqa: BLE001 (raised at the position of the slices)
            listing.error = error
        listing.over = True
        yield from ()

"""Queues of the reader: pages of a source that have been read but not delivered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tap_instantly.sync.sources import Source

_Page = TypeVar("_Page")


class Received(NamedTuple, Generic[_Page]):
    """A queued page, its size in bytes and the time at which it was received."""

    page: _Page
    size: int
    at: datetime


class Room:
    """Accounting of the queued pages and bytes, with their limits.

    Args:
        groups: Number of groups.
        pages: Maximum number of queued pages.
        size: Maximum number of queued bytes.
    """

    OWN = 0.25
    """Share of the limits reserved for the group being delivered, however much later groups have queued."""

    def __init__(self, groups: int, pages: int, size: int) -> None:
        self._limits = pages, size
        self._of_group = [[0, 0] for _ in range(groups)]
        self.pages = 0
        self.size = 0

    def fill(self, group: int, pages: int, size: int) -> None:
        """Add to the queued pages and bytes of a group, or subtract from them."""
        self.pages += pages
        self.size += size
        self._of_group[group][0] += pages
        self._of_group[group][1] += size

    def is_left(self, group: int, current: int, in_hands: int) -> bool:
        """Return True if more of a group may be read.

        Args:
            group: Index of the group.
            current: Index of the group being delivered.
            in_hands: Approximate bytes that threads are about to add.
        """
        if group <= current:
            own = [count < self.OWN * limit for count, limit in zip(self._of_group[group], self._limits, strict=True)]
            return all(own) or (self.pages < self._limits[0] and self.size < self._limits[1])
        share = (1 + 1 / (1 + group - current)) / 2
        return self.pages < share * self._limits[0] and self.size + in_hands < share * self._limits[1]


@dataclass(eq=False)
class Chain(Generic[_Page]):
    """A chain with its queued pages."""

    iterator: Iterator[_Page]
    pages: deque[Received[_Page]] = field(default_factory=deque)
    busy: bool = False
    ended: bool = False
    error: BaseException | None = None


@dataclass(eq=False)
class SourceQueue(Generic[_Page]):
    """A source with the chains that have begun and are not completely delivered.

    Attributes:
        group: Index of the source's group.
        number: Index of the source in its group.
        threads: Number of threads working on it.
        waiting: Number of queued pages.
        page_bytes: Size of the latest page.
        error: Error that ended the source, if one did.
        is_over: True once the source is completely delivered or was dropped.
    """

    group: int
    number: int
    source: Source[_Page]
    chains: list[Chain[_Page]] = field(default_factory=list)
    beginning: bool = False
    threads: int = 0
    waiting: int = 0
    page_bytes: int = 0
    error: BaseException | None = None
    is_over: bool = False

    @property
    def load(self) -> int:
        """Number of pages that are queued or being read."""
        return self.threads + self.waiting

    # Delivery

    @property
    def ready(self) -> Chain[_Page] | None:
        """A chain with a page that can be delivered now."""
        candidates = self.chains[:1] if self.source.ordered else self.chains
        return next((chain for chain in candidates if chain.pages), None)

    @property
    def is_handed_on(self) -> bool:
        """True if nothing is left to deliver."""
        return self.error is not None or not (self.chains or self.beginning or self.source.has_chain(starving=True))

    @property
    def _only_to_be_handed_on(self) -> bool:
        """True if nothing more is read, and pages from before an error are still queued."""
        return all(chain.ended for chain in self.chains) and any(chain.pages for chain in self.chains)

    def clear(self) -> None:
        """Remove completely delivered chains, and take over the error that ended one."""
        for chain in tuple(self.chains):
            if chain.ended and not chain.pages:
                if chain.error is None:
                    self.chains.remove(chain)
                elif self.source.ordered or not self._only_to_be_handed_on:
                    self.error = chain.error
                    return
            elif self.source.ordered:
                return

    # Reading

    @property
    def is_read(self) -> bool:
        """True if nothing is left to read."""
        if self.threads:
            return False
        return self.error is not None or not (self._to_read() or self._may_begin(starving=True))

    def job(self, *, only_awaited: bool, starving: bool) -> tuple[Chain[_Page] | None] | None:
        """Return a thread's next task, in a tuple: a chain to continue, or None to begin one; None if there is no task.

        Args:
            only_awaited: True to allow only the page that must be delivered next.
            starving: True if the reader has no page to deliver.
        """
        if self.error is not None:
            return None
        if (chain := self._to_read(only_awaited=only_awaited)) is not None:
            return (chain,)
        if only_awaited and self.chains and self.source.ordered:
            return None
        return (None,) if self._may_begin(starving=starving) else None

    def _to_read(self, *, only_awaited: bool = False) -> Chain[_Page] | None:
        for chain in self.chains[:1] if only_awaited and self.source.ordered else self.chains:
            if not (chain.busy or chain.ended):
                return chain
            if chain.error is not None and self.source.ordered:
                return None  # pages behind the error are never delivered
        return None

    def _may_begin(self, *, starving: bool) -> bool:
        if self.beginning or (self.source.ordered and any(chain.error is not None for chain in self.chains)):
            return False
        return self.source.has_chain(starving=starving)

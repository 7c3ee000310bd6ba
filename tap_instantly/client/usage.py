"""Counters of requests and unusable items, per client and per user of a client."""

from __future__ import annotations

import threading

_counting = threading.Lock()


class Usage:
    """Counters for one user of a workspace's client. Thread-safe.

    Args:
        also: Parent that also counts everything.

    Attributes:
        requests: Requests sent, including retries.
        unusable: List items that their reader could not use.
    """

    __slots__ = ("also", "requests", "unusable")

    def __init__(self, also: Usage | None = None) -> None:
        self.requests = 0
        self.unusable = 0
        self.also = also

    def add(self, requests: int = 0, unusable: int = 0) -> None:
        """Add to the counters, and to those of all parents."""
        usage: Usage | None = self
        with _counting:
            while usage is not None:
                usage.requests += requests
                usage.unusable += unusable
                usage = usage.also

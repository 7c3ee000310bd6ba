"""Requests sent, and items that could not be used: of a client, and of those whom it was asked for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_of_thread = threading.local()


class Usage:
    """Counts of somebody for whom requests to one workspace are made.

    Attributes:
        requests: Requests sent, those tried again among them.
        unusable: Items of lists that whoever asked for them could not use.
    """

    __slots__ = ("requests", "unusable")

    def __init__(self) -> None:
        self.requests = 0
        self.unusable = 0


class ClientUsage(Usage):
    """Counts of a client, which also counts for whoever :func:`charged_to` names. Safe to share between threads."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def add(self, requests: int = 0, unusable: int = 0) -> None:
        """Count what this thread has asked for."""
        charged: Usage | None = getattr(_of_thread, "usage", None)
        with self._lock:
            for usage in filter(None, (self, charged)):
                usage.requests += requests
                usage.unusable += unusable


@contextmanager
def charged_to(usage: Usage) -> Iterator[None]:
    """Count what this thread asks for in the meantime as that of ``usage`` too."""
    before = getattr(_of_thread, "usage", None)
    _of_thread.usage = usage
    try:
        yield
    finally:
        _of_thread.usage = before

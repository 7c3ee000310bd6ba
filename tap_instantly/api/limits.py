"""The request budget of a workspace."""

from __future__ import annotations

import threading
import time

from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate

REQUESTS_PER_SECOND = 100
"""Documented limit per workspace, over all its keys; it implies the other documented one, 6,000 a minute."""

PAUSE_AFTER_429 = 1.0
"""Seconds to hold back the workspace where the server does not say how long: the limit is counted by the second."""


class Budget:
    """Paces the requests of one workspace, and holds all of them back after a 429.

    Shared by every thread that reads the workspace. The server sends no rate headers and rarely a ``Retry-After``
    (reported), so the client has to count for itself.
    """

    def __init__(self, requests_per_second: int = REQUESTS_PER_SECOND) -> None:
        self._limiter = Limiter(InMemoryBucket([Rate(requests_per_second, Duration.SECOND)]))
        self._resume_at = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until one more request may be sent."""
        while (wait := self._resume_at - time.monotonic()) > 0:
            time.sleep(wait)
        self._limiter.try_acquire("request")

    def pause(self, seconds: float | None = None) -> None:
        """Hold back every request of the workspace: for as long as the server said, or a second."""
        with self._lock:
            self._resume_at = max(self._resume_at, time.monotonic() + (seconds or PAUSE_AFTER_429))

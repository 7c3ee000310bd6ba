"""The request budget of a workspace."""

from __future__ import annotations

import threading
import time

from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate, SingleBucketFactory

REQUESTS_PER_SECOND = 90
"""A little less than the documented limit of 100 per workspace, over all its keys: requests that leave evenly arrive
less evenly, and other tools share the key. It implies the other documented limit, 6,000 a minute."""

PAUSE_AFTER_429 = 1.0
"""Seconds to hold back the workspace where the server does not say how long: the limit is counted by the second."""

EMAILS_PATH = "/emails"
EMAILS_INTERVAL = 3.5
"""Seconds between requests for e-mails: 20 a minute are documented; 3.1 still met a 429, 3.5 did not (reported)."""

EMAILS_PAUSE_AFTER_429 = 65.0
"""Seconds: what let e-mails go on after a 429 (reported)."""


class Budget:
    """Paces the requests of one workspace, and holds all of them back after a 429.

    The list of e-mails has a limit of its own, and a 429 there concerns nothing else.

    Shared by every thread that reads the workspace. The server sends no rate headers and rarely a ``Retry-After``
    (reported), so the client has to count for itself.
    """

    def __init__(self, requests_per_second: int = REQUESTS_PER_SECOND) -> None:
        self._all = _Gate(Rate(requests_per_second, Duration.SECOND))
        self._emails = _Gate(Rate(1, int(EMAILS_INTERVAL * Duration.SECOND)))

    def acquire(self, path: str) -> None:
        """Wait until one more request to ``path`` may be sent."""
        if path.endswith(EMAILS_PATH):
            self._emails.acquire()
        self._all.acquire()

    def pause(self, path: str, seconds: float | None = None) -> None:
        """Hold back every request of the workspace after a 429 on ``path``: as long as the server said, or a while."""
        if path.endswith(EMAILS_PATH):
            self._emails.pause(max(seconds or 0, EMAILS_PAUSE_AFTER_429))
        else:
            self._all.pause(seconds or PAUSE_AFTER_429)


class _Gate:
    """A limiter that can be closed for a while."""

    def __init__(self, rate: Rate) -> None:
        self._bucket = InMemoryBucket([rate])
        # Without the library's thread that empties the bucket in the background: one more for each client.
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False))
        self._most = 2 * rate.limit
        self._resume_at = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        while (wait := self._resume_at - time.monotonic()) > 0:
            time.sleep(wait)
        self._limiter.try_acquire("request")
        if self._bucket.count() > self._most:
            self._bucket.leak(self._bucket.now())  # type: ignore[no-untyped-call]

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._resume_at = max(self._resume_at, time.monotonic() + seconds)

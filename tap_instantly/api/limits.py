"""The request budget of a workspace."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

REQUESTS_PER_SECOND = 90
"""A little less than the documented limit of 100 per workspace, over all its keys, since other tools share it. It
implies the other documented limit, 6,000 a minute."""

BURST_SECONDS = 0.1
"""Requests are spread evenly over parts of a second this long, since what leaves in a bunch arrives in a worse one."""

WAKE_UP_MS = 5
"""How late a waiting thread may look again; the library's 50 ms would leave a tenth of the budget unused (measured)."""

SPENT = 0.02
"""Seconds that requests wait on average where there are more of them at a time than the budget has a use for."""

REMEMBERED = 20
"""Requests that the average is made of, about."""

FORGOTTEN = 0.2
"""Seconds without a request in which the average halves: where there are few, nobody waits for the others."""

PAUSE_AFTER_429 = 1.0
"""Seconds to hold back the workspace where the server does not say how long: the limit is counted by the second."""

RECOVERY_SECONDS = 10.0
"""How long it takes to come back to the full rate after a pause."""

RECOVERY_START = 0.25
"""Share of the full rate to come back with."""

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

    Args:
        requests_per_second: At most so many in any second.
    """

    def __init__(self, requests_per_second: int = REQUESTS_PER_SECOND) -> None:
        burst = math.ceil(requests_per_second * BURST_SECONDS)
        bursts = [(burst, BURST_SECONDS)] if burst < requests_per_second else []  # one a second has none to spread
        self._all = _Gate(*bursts, (requests_per_second, 1.0))
        self._emails = _Gate((1, EMAILS_INTERVAL))

    def acquire(self, path: str) -> None:
        """Wait until one more request to ``path`` may be sent."""
        if path.endswith(EMAILS_PATH):
            self._emails.acquire()
        self._all.acquire()

    @property
    def spent(self) -> bool:
        """Whether hardly more requests can be made than are: one more at a time would only make the others wait."""
        return self._all.spent

    def held_back(self, path: str) -> float:
        """Seconds until requests to ``path`` go on that a 429 holds back."""
        return max(self._all.held_back, self._emails.held_back if path.endswith(EMAILS_PATH) else 0.0)

    def delay(self, path: str) -> float:
        """Seconds until a request to ``path`` can go, as far as is known: of a pause, or of the pace of e-mails."""
        return max(self.held_back(path), self._emails.due_in if path.endswith(EMAILS_PATH) else 0.0)

    def pause(self, path: str, seconds: float | None = None) -> None:
        """Hold back every request of the workspace after a 429 on ``path``: as long as the server said, or a while."""
        if path.endswith(EMAILS_PATH):
            self._emails.pause(max(seconds or 0, EMAILS_PAUSE_AFTER_429))
        else:
            self._all.pause(seconds or PAUSE_AFTER_429)


class _Queue:
    """A lock that is given in the order of asking.

    The limiter serves whoever comes by at the right moment: of many threads, some would wait for half a minute
    (measured), and with them what they read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _Gate:
    """A limiter that can be closed for a while, and opens little by little after that.

    Args:
        rates: How many at most, in how many seconds; the last counts for the pace.
    """

    def __init__(self, *rates: tuple[int, float]) -> None:
        # Imported late: a tenth of what it takes to start, and not needed before the first request.
        from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate, SingleBucketFactory  # noqa: PLC0415

        second = int(Duration.SECOND)
        self._bucket = InMemoryBucket([Rate(most, int(seconds * second)) for most, seconds in rates])
        # Without the library's thread that empties the bucket in the background: one more for each client.
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False), buffer_ms=WAKE_UP_MS)
        most, seconds = rates[-1]
        self._most = 2 * most
        self._interval = seconds / most
        self._opens_at = 0.0
        self._recovered_at = 0.0
        self._paused_until = 0.0
        self._last = -math.inf
        self._lock = threading.Lock()
        self._queue = _Queue()
        self._waited = 0.0

    @property
    def spent(self) -> bool:
        return self._average(time.monotonic()) > SPENT

    @property
    def held_back(self) -> float:
        return max(0.0, self._paused_until - time.monotonic())

    @property
    def due_in(self) -> float:
        """Seconds until the next may follow upon the last."""
        return max(0.0, self._last + self._interval - time.monotonic())

    def acquire(self) -> None:
        asked = time.monotonic()
        with self._queue:
            self._limiter.try_acquire("request")
            while (wait := self._wait()) > 0:  # last, since a pause may begin while the limiter waits
                time.sleep(wait)
            now = time.monotonic()
            average = self._average(now)
            self._waited = average + (now - asked - average) / REMEMBERED
            self._last = now
            if self._bucket.count() > self._most:
                self._bucket.leak(self._bucket.now())  # type: ignore[no-untyped-call]

    def _average(self, now: float) -> float:
        """Seconds that requests have waited of late."""
        return self._waited * 0.5 ** ((now - self._last) / FORGOTTEN) if self._waited else 0.0

    def _wait(self) -> float:
        """Seconds until this thread may look again; none if it is its turn, which is then taken."""
        with self._lock:
            now = time.monotonic()
            if now < self._opens_at:
                return self._opens_at - now
            if now < self._recovered_at:
                progress = 1 - (self._recovered_at - now) / RECOVERY_SECONDS
                self._opens_at = now + self._interval / (RECOVERY_START + (1 - RECOVERY_START) * progress)
            return 0.0

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._opens_at = max(self._opens_at, time.monotonic() + seconds)
            self._paused_until = self._opens_at
            self._recovered_at = self._opens_at + RECOVERY_SECONDS

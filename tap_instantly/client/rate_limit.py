"""Rate limit of a workspace."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

REQUESTS_PER_SECOND = 90
"""Slightly below the documented limit of 100 per workspace over all its keys, because other tools share it. It also
satisfies the other documented limit, 6,000 a minute."""

BURST_SECONDS = 0.1
"""Interval over which requests are spread evenly, because bursts grow denser on their way to the server."""

WAKE_UP_MS = 5
"""Interval at which a waiting thread checks again. The library's 50 ms would waste a tenth of the rate limit
(measured)."""

SPENT = 0.02
"""Average wait in seconds above which more concurrent requests would only wait."""

REMEMBERED = 20
"""Approximate number of requests in the average."""

FORGOTTEN = 0.2
"""Seconds without requests that halve the average: at a low rate, no request waits for others."""

PAUSE_AFTER_429 = 1.0
"""Seconds to pause the workspace if the server gives no time: the limit is counted per second."""

RECOVERY_SECONDS = 10.0
"""Seconds from a pause back to the full rate."""

RECOVERY_START = 0.25
"""Share of the full rate right after a pause."""

EMAILS_PATH = "/emails"
EMAILS_INTERVAL = 3.5
"""Seconds between requests for e-mails. The documented limit is 20 a minute; 3.1 still got a 429, 3.5 did not
(reported)."""

EMAILS_PAUSE_AFTER_429 = 65.0
"""Seconds after which e-mails worked again after a 429 (reported)."""


class Budget:
    """Rate limiter of one workspace, which pauses all its requests after a 429.

    The list of e-mails has its own limit, and a 429 there affects no other request.

    All threads that read the workspace share it. The server sends no rate headers and rarely a ``Retry-After``
    (reported), so the client has to count.

    Args:
        requests_per_second: Maximum number of requests in any second.
    """

    def __init__(self, requests_per_second: int = REQUESTS_PER_SECOND) -> None:
        burst = math.ceil(requests_per_second * BURST_SECONDS)
        bursts = [(burst, BURST_SECONDS)] if burst < requests_per_second else []  # one a second: nothing to spread
        self._all = _Gate(*bursts, (requests_per_second, 1.0))
        self._emails = _Gate((1, EMAILS_INTERVAL))

    def acquire(self, path: str) -> None:
        """Wait until a request to ``path`` may be sent."""
        if path.endswith(EMAILS_PATH):
            self._emails.acquire()
        self._all.acquire()

    @property
    def spent(self) -> bool:
        """True if the rate limit is nearly used up: another concurrent request would only make the others wait."""
        return self._all.spent

    def held_back(self, path: str) -> float:
        """Return the seconds left of a pause after a 429 that affects ``path``."""
        return max(self._all.held_back, self._emails.held_back if path.endswith(EMAILS_PATH) else 0.0)

    def delay(self, path: str) -> float:
        """Return the known seconds until ``path`` may be requested: of a pause, or of the e-mail interval."""
        return max(self.held_back(path), self._emails.due_in if path.endswith(EMAILS_PATH) else 0.0)

    def pause(self, path: str, seconds: float | None = None) -> None:
        """Pause all requests of the workspace after a 429 on ``path``, for the server's time or a default."""
        if path.endswith(EMAILS_PATH):
            self._emails.pause(max(seconds or 0, EMAILS_PAUSE_AFTER_429))
        else:
            self._all.pause(seconds or PAUSE_AFTER_429)


class _Queue:
    """First-in, first-out lock.

    The limiter serves whichever thread asks at the right moment. With many threads, some waited for half a minute
    (measured).
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
    """Rate limiter that can pause and then returns to the full rate gradually.

    Args:
        rates: Pairs of a maximum number and an interval in seconds; the last pair sets the normal interval.
    """

    def __init__(self, *rates: tuple[int, float]) -> None:
        # Imported late: it takes a tenth of the start-up time, and discovery sends no request.
        from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate, SingleBucketFactory  # noqa: PLC0415

        second = int(Duration.SECOND)
        self._bucket = InMemoryBucket([Rate(most, int(seconds * second)) for most, seconds in rates])
        # Without the library's background thread, which would add one thread per client.
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
        """Seconds until the next request may follow the last."""
        return max(0.0, self._last + self._interval - time.monotonic())

    def acquire(self) -> None:
        asked = time.monotonic()
        with self._queue:
            self._limiter.try_acquire("request")
            while (wait := self._wait()) > 0:  # checked last: a pause may begin while the limiter waits
                time.sleep(wait)
            now = time.monotonic()
            average = self._average(now)
            self._waited = average + (now - asked - average) / REMEMBERED
            self._last = now
            if self._bucket.count() > self._most:
                self._bucket.leak(self._bucket.now())  # type: ignore[no-untyped-call]

    def _average(self, now: float) -> float:
        """Return the recent average wait in seconds."""
        return self._waited * 0.5 ** ((now - self._last) / FORGOTTEN) if self._waited else 0.0

    def _wait(self) -> float:
        """Return the seconds until this thread should check again; 0 if it may proceed, which uses up the turn."""
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

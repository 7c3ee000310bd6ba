"""Threads that run one at a time, on a clock that advances only when all of them wait."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tap_instantly.client import rate_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RATES = ("PAUSE_AFTER_429", "RECOVERY_SECONDS", "EMAILS_INTERVAL", "EMAILS_PAUSE_AFTER_429")
REAL = {name: getattr(rate_limit, name) for name in RATES}
"""The real values: the other tests shorten them."""


class _Task:
    """A thread that runs from resume() until it waits."""

    def __init__(self, world: World, work: Callable[[], object]) -> None:
        self._may_run = threading.Semaphore(0)
        self._world = world
        self._work = work
        self.ended = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._may_run.acquire()
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 # raised by the world
            self.error = error
        self.ended = True
        self._world.turn_over.release()

    def wait(self) -> None:
        """Let other tasks run until this one is resumed; called by the task."""
        self._world.turn_over.release()
        self._may_run.acquire()

    def resume(self) -> None:
        """Run the task until it waits; called by the world."""
        self._may_run.release()
        self._world.turn_over.acquire()


class _Lock:
    """A replacement of ``threading.Lock`` for tasks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken = False
        self._waiting: deque[_Task] = deque()

    def acquire(self) -> None:
        while self._taken:
            self._waiting.append(self._world.current)
            self._world.current.wait()
        self._taken = True

    def release(self) -> None:
        self._taken = False
        if self._waiting:
            self._world.ready.append(self._waiting.popleft())

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class World:
    """Tasks, and a simulated clock in seconds.

    Args:
        oversleep: Extra seconds that a sleep takes; called for each sleep.
    """

    def __init__(self, oversleep: Callable[[], float] = lambda: 0.0) -> None:
        self.now = 1_000.0
        self.turn_over = threading.Semaphore(0)
        self.ready: deque[_Task] = deque()
        self.current: _Task
        self._oversleep = oversleep
        self._asleep: list[tuple[float, int, _Task]] = []
        self._order = count()

    def lock(self) -> _Lock:
        return _Lock(self)

    def sleep(self, seconds: float) -> None:
        until = self.now + max(seconds, 0.0) + self._oversleep()
        heapq.heappush(self._asleep, (until, next(self._order), self.current))
        self.current.wait()

    def run(self, *works: Callable[[], object]) -> None:
        """Run functions side by side, in this order, until all have ended."""
        tasks = [_Task(self, work) for work in works]
        self.ready.extend(tasks)
        while self.ready or self._asleep:
            if not self.ready:
                self.now, _, task = heapq.heappop(self._asleep)
                self.ready.append(task)
            self.current = self.ready.popleft()
            self.current.resume()
            if self.current.error is not None:
                raise self.current.error
        assert all(task.ended for task in tasks), "some wait for ever"


@contextmanager
def simulated_time(oversleep: Callable[[], float] = lambda: 0.0) -> Iterator[World]:
    """Patch the rate limiter's clock, sleep and locks with a world's, at the real pace."""
    world = World(oversleep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limit, "time", SimpleNamespace(monotonic=lambda: world.now, sleep=world.sleep))
        patch.setattr(rate_limit, "threading", SimpleNamespace(Lock=world.lock))
        patch.setattr("pyrate_limiter.clocks.monotonic_ns", lambda: int(world.now * 1e9))
        patch.setattr("pyrate_limiter.limiter.sleep", world.sleep)
        for name, value in REAL.items():
            patch.setattr(rate_limit, name, value)
        yield world

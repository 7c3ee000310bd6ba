"""Everything a running sandbox knows."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.areas import TABLES
from sandbox.faults import Faults
from sandbox.request_log import RequestLog
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.config import SandboxConfig


class RateLimiter:
    """Counts the admitted requests of the last second and the last minute."""

    def __init__(self) -> None:
        self._minute: deque[float] = deque()
        self._second: deque[float] = deque()

    def admits(self, per_second: int, per_minute: int) -> bool:
        """Count one more request, unless it is one too many."""
        now = time.monotonic()
        for times, span in ((self._second, 1.0), (self._minute, 60.0)):
            while times and times[0] <= now - span:
                times.popleft()
        if len(self._second) >= per_second or len(self._minute) >= per_minute:
            return False
        self._second.append(now)
        self._minute.append(now)
        return True


class State:
    """The state of a sandbox.

    Args:
        config: What it was started with, and returns to on reset.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.keys = {key.secret: key for key in config.keys}
        self.log = RequestLog()
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """Go back to the seeded state; what has not been touched need not be made again."""
        worlds: dict[str, World] = getattr(self, "worlds", {})
        untouched = {name: world for name, world in worlds.items() if not world.touched}
        self.manners = replace(self.config.manners)
        self.limiters = {key.workspace: RateLimiter() for key in self.config.keys}
        self.email_limiters = {key.workspace: RateLimiter() for key in self.config.keys}
        names = dict.fromkeys(["main", *(key.workspace for key in self.config.keys)])
        self.worlds = {name: untouched.get(name) or World(self.config, name, TABLES) for name in names}
        self.faults.clear()
        self.log.clear()

    @property
    def world(self) -> World:
        """The main workspace."""
        return self.worlds["main"]

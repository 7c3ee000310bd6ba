"""Workspaces as they are served, and admitted requests to them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from sandbox.answers import ApiError
from sandbox.config import SandboxConfig
from sandbox.world import Maker, World


class RateLimiter:
    """Counts the admitted requests of the last second and minute."""

    def __init__(self) -> None:
        self._minute: deque[float] = deque()
        self._second: deque[float] = deque()

    def admits(self, per_second: int, per_minute: int) -> bool:
        """Admit and count a request, unless it exceeds a limit."""
        now = time.monotonic()
        for times, span in ((self._second, 1.0), (self._minute, 60.0)):
            while times and times[0] <= now - span:
                times.popleft()
        if len(self._second) >= per_second or len(self._minute) >= per_minute:
            return False
        self._second.append(now)
        self._minute.append(now)
        return True


class Workspace:
    """A workspace: its behaviour and its content."""

    def __init__(self, config: SandboxConfig, name: str, makers: Mapping[str, Maker]) -> None:
        self.name = name
        self._config = config
        self._makers = makers
        self._world: World | None = None
        self.reset()

    def reset(self) -> None:
        """Return to the seeded state; an unchanged world is kept."""
        keys = [key for key in self._config.keys if key.workspace == self.name]
        self.behaviour = replace(self._config.behaviour)
        self.behaviour.paid &= not keys or any(key.paid for key in keys)
        self.limiter, self.email_limiter = RateLimiter(), RateLimiter()
        if self._world is not None and self._world.touched:
            self._world = None

    @property
    def made(self) -> bool:
        """True if its world has been created."""
        return self._world is not None

    @property
    def world(self) -> World:
        """Content of the workspace, created on first access."""
        if self._world is None:
            self._world = World(self._config, self.name, self._makers)
        return self._world

    def limit_rate(self, limiter: RateLimiter, per_second: int, per_minute: int) -> None:
        """Refuse a request beyond a rate limit, if limits are on."""
        wait = self.behaviour.retry_after
        if self.behaviour.rate_limit and not limiter.admits(per_second, per_minute):
            raise ApiError(429, "Rate limit exceeded", headers=None if wait is None else {"retry-after": str(wait)})

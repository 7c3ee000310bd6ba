"""Everything a running sandbox knows."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.areas import TABLES
from sandbox.clock import day_text, today
from sandbox.config import ApiKey
from sandbox.faults import Faults
from sandbox.group import ACCEPTED, MAIN, members_of
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


class Workspace:
    """A workspace: how it behaves at the door, and what is behind it.

    Args:
        config: What the sandbox was started with.
        name: Name of the workspace.
    """

    def __init__(self, config: SandboxConfig, name: str) -> None:
        self.name = name
        self._config = config
        self._world: World | None = None
        self.reset()

    def reset(self) -> None:
        """Go back to the seeded state; what has not been touched need not be made again."""
        keys = [key for key in self._config.keys if key.workspace == self.name]
        self.manners = replace(self._config.manners)
        self.manners.paid &= not keys or any(key.paid for key in keys)
        self.limiter, self.email_limiter = RateLimiter(), RateLimiter()
        if self._world is not None and self._world.touched:
            self._world = None

    @property
    def made(self) -> bool:
        """Whether anybody has asked for its world."""
        return self._world is not None

    @property
    def world(self) -> World:
        """What is in it; made when first asked for."""
        if self._world is None:
            self._world = World(self._config, self.name, TABLES)
        return self._world


class State:
    """The state of a sandbox.

    Args:
        config: What it was started with, and returns to on reset.
    """

    def __init__(self, config: SandboxConfig) -> None:
        # The same day for all workspaces, whenever they are made.
        self.config = replace(config, until=config.until or day_text(today()))
        self.members = members_of(config.seed, config.workspaces)
        given = {key.name for key in config.keys}
        own = [ApiKey(name, workspace=name) for name in self.members if name not in given]
        self.keys = {key.secret: key for key in (*config.keys, *own)}
        names = dict.fromkeys([MAIN, *self.members, *(key.workspace for key in config.keys)])
        self.workspaces = {name: Workspace(self.config, name) for name in names}
        self._open_to_admin = {
            member.organization: self.workspaces[name]
            for name, member in self.members.items()
            if member.status == ACCEPTED
        }
        self.log = RequestLog()
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """Go back to the seeded state."""
        for workspace in self.workspaces.values():
            workspace.reset()
        # Who starts a sandbox will ask for the first workspace, and not expect to wait for it.
        self.world = self.workspaces[MAIN].world
        self.faults.clear()
        self.log.clear()

    def entered(self, key: ApiKey, organization: str | None) -> Workspace | None:
        """Tell which workspace a key opens, alone or together with the id of a member of the group; None for none."""
        if organization is None:
            return self.workspaces[key.workspace]
        return self._open_to_admin.get(organization) if key.workspace == MAIN else None

"""State of a running sandbox."""

from __future__ import annotations

from dataclasses import replace

from sandbox.areas import API
from sandbox.clock import DAY_MS, day_text, now_ms
from sandbox.config import ApiKey, SandboxConfig
from sandbox.faults import Faults
from sandbox.group import ACCEPTED, MAIN, members_of
from sandbox.request_log import RequestLog
from sandbox.world import Workspace


class State:
    """The state of a sandbox."""

    def __init__(self, config: SandboxConfig) -> None:
        # All workspaces have the same last day, whenever they are created.
        self.config = replace(config, until=config.until or day_text(now_ms() // DAY_MS))
        self.members = members_of(config.seed, config.workspaces)
        given = {key.name for key in config.keys}
        own = [ApiKey(name, workspace=name) for name in self.members if name not in given]
        self.keys = {key.secret: key for key in (*config.keys, *own)}
        names = dict.fromkeys([MAIN, *self.members, *(key.workspace for key in config.keys)])
        self.workspaces = {name: Workspace(self.config, name, API.tables) for name in names}
        self._open_to_admin = {
            member.organization: self.workspaces[name]
            for name, member in self.members.items()
            if member.status == ACCEPTED
        }
        self.log = RequestLog()
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """Return to the seeded state."""
        for workspace in self.workspaces.values():
            workspace.reset()
        # Created early, because the first workspace is always used, and its first request would be slow.
        self.world = self.workspaces[MAIN].world
        self.faults.clear()
        self.log.clear()

    def entered(self, key: ApiKey, organization: str | None) -> Workspace | None:
        """Return the workspace that a key opens, alone or with the id of a group member; None if it opens none."""
        if organization is None:
            return self.workspaces[key.workspace]
        return self._open_to_admin.get(organization) if key.workspace == MAIN else None

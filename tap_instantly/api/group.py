"""The workspaces in the group of another."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_instantly.api.client import InstantlyClient

logger = logging.getLogger("tap-instantly.api")


def accepted_sub_workspaces(client: InstantlyClient, taken: str) -> dict[str, str]:
    """Ids of the workspaces that have joined the group of the key's own, by a name that is not ``taken`` by another.

    Raises:
        InstantlyAPIError: The key may not read them (``workspace_group_members:read``), ...
    """
    found: dict[str, str] = {}
    others = 0
    for member in client.list_sub_workspaces():
        id_, name = member.get("sub_workspace_id"), member.get("sub_workspace_name")
        if member.get("status") != "accepted" or not isinstance(id_, str) or not id_:
            others += 1
        elif not isinstance(name, str) or not name or name in {taken, *found}:
            found[f"{name or ''} ({id_})".strip()] = id_
        else:
            found[name] = id_
    if others:
        logger.info("%d members of the workspace's group have not accepted, and are not read.", others)
    return found

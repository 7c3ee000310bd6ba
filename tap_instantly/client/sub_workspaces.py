"""Lists the workspaces in a workspace's group."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_instantly.text import excerpt

if TYPE_CHECKING:
    from tap_instantly.client.client import InstantlyClient

logger = logging.getLogger("tap-instantly.api")


def accepted_sub_workspaces(client: InstantlyClient, taken: str) -> dict[str, str]:
    """Return the ids of the workspaces that have joined the key's group, keyed by labels for messages.

    Args:
        client: Client of the key.
        taken: Label that is already in use.

    Raises:
        InstantlyAPIError: The key lacks the scope ``workspace_group_members:read``, ...
    """
    found: dict[str, str] = {}
    others = 0
    for member in client.list_sub_workspaces():
        id_, own = member.get("sub_workspace_id"), member.get("sub_workspace_name")
        name = excerpt(own) if isinstance(own, str) else ""
        if member.get("status") != "accepted" or not isinstance(id_, str) or not id_:
            others += 1
        elif not name or name in {taken, *found}:
            found[f"{name} ({excerpt(id_)})".strip()] = id_
        else:
            found[name] = id_
    if others:
        logger.info("Skipping %d members of the workspace's group that have not accepted the invitation.", others)
    return found

"""The workspaces in the group of another."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_instantly.quoting import quoted

if TYPE_CHECKING:
    from tap_instantly.api.client import InstantlyClient

logger = logging.getLogger("tap-instantly.api")


def accepted_sub_workspaces(client: InstantlyClient, taken: str) -> dict[str, str]:
    """Ids of the workspaces that have joined the group of the key's own, by names for messages.

    Args:
        client: Of the key.
        taken: A name that none of them may have.

    Raises:
        InstantlyAPIError: The key may not read them (``workspace_group_members:read``), ...
    """
    found: dict[str, str] = {}
    others = 0
    for member in client.list_sub_workspaces():
        id_, own = member.get("sub_workspace_id"), member.get("sub_workspace_name")
        name = quoted(own) if isinstance(own, str) else ""
        if member.get("status") != "accepted" or not isinstance(id_, str) or not id_:
            others += 1
        elif not name or name in {taken, *found}:
            found[f"{name} ({quoted(id_)})".strip()] = id_
        else:
            found[name] = id_
    if others:
        logger.info("%d members of the workspace's group have not accepted, and are not read.", others)
    return found

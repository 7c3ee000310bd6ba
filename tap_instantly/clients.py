"""Creates one API client per configured workspace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tap_instantly.client import InstantlyClient, InstantlyError
from tap_instantly.settings import ALL
from tap_instantly.text import excerpt
from tap_instantly.validation.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("tap-instantly.api")

OWN = "of the key itself"
"""Label in messages for the key's own workspace, which lists the sub-workspaces."""


def clients_of(config: Mapping[str, Any]) -> dict[str, InstantlyClient | InstantlyError]:
    """Create the clients, keyed by workspace label; an error replaces a client that cannot be created.

    Raises:
        InstantlyAPIError: All sub-workspaces are requested, but the API does not list them.
    """
    if entries := config.get("workspaces"):
        return {entry["name"]: _client_or_error(config, entry) for entry in entries}
    client = _client(config, config["api_key"])
    if not (wanted := config.get("sub_workspaces")):
        return {OWN: client}
    if wanted not in (ALL, [ALL]):
        return {id_: _client(config, config["api_key"], id_) for id_ in wanted}
    members = _accepted_sub_workspaces(client)
    return {OWN: client, **{name: _client(config, config["api_key"], id_) for name, id_ in members.items()}}


def _accepted_sub_workspaces(client: InstantlyClient) -> dict[str, str]:
    """Return the ids of the workspaces that have joined the key's group, keyed by labels for messages.

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
        elif not name or name in {OWN, *found}:
            found[f"{name} ({excerpt(id_)})".strip()] = id_
        else:
            found[name] = id_
    if others:
        logger.info("Skipping %d members of the workspace's group that have not accepted the invitation.", others)
    return found


def _client_or_error(config: Mapping[str, Any], entry: Mapping[str, Any]) -> InstantlyClient | InstantlyError:
    try:
        return _client(config, key_of(entry))
    except InstantlyError as error:  # an invalid key affects only its own workspace
        return error


def _client(config: Mapping[str, Any], api_key: str | None, as_workspace: str | None = None) -> InstantlyClient:
    return InstantlyClient(
        api_key or "",  # settings validation checked that the variable exists
        as_workspace=as_workspace,
        api_url=config["api_url"],
        user_agent=config["user_agent"],
        page_size=config["page_size"],
        timeout=config["request_timeout"],
        max_retries=config["max_retries"],
        max_requests_per_second=config["max_requests_per_second"],
    )

"""A workspace and its API key."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_instantly.client.access import PROBES, Access, details, few_tries
from tap_instantly.client.errors import DENIED, ErrorKind, InstantlyAPIError
from tap_instantly.client.redaction import masked
from tap_instantly.client.retry import Retry
from tap_instantly.client.single_flight import SingleFlight
from tap_instantly.text import excerpt

if TYPE_CHECKING:
    from datetime import datetime

    from tap_instantly.client.client import InstantlyClient

UNKNOWN_WORKSPACE = "unknown"
"""Id of a workspace whose key can read neither the workspace nor a record with its id."""

logger = logging.getLogger("tap-instantly.api")


@dataclass(frozen=True)
class Workspace:
    """One workspace: its id, its name if the key can read it, its creation time, and its client."""

    id: str
    name: str | None
    timestamp_created: str | None
    client: InstantlyClient
    is_namesake: bool = False
    """True if another workspace of the run has the same name."""
    access: Access = field(default_factory=Access, compare=False, repr=False)
    """Distinguishes a single refusal from a key that no longer opens anything."""
    lists: SingleFlight[Any] = field(default_factory=SingleFlight, compare=False, repr=False)
    """Lists of parents, fetched once for all streams."""

    @classmethod
    def connect(cls, client: InstantlyClient, name: str | None = None) -> Workspace:
        """Check the key and identify its workspace; ``name`` overrides the name from the API.

        A key without the scope ``workspaces:read`` gets 401 or 403, like an invalid key. Other requests tell them
        apart: if one succeeds, the key is valid. The id is then the ``organization`` of the first record found, or
        :data:`UNKNOWN_WORKSPACE`.

        Raises:
            InstantlyAPIError: The key is invalid, the plan has ended, the user agent is blocked, the network is down,
                ...
        """
        try:
            found = _details(client)
        except InstantlyAPIError as error:
            if error.kind not in DENIED:
                raise
            found = {"id": _id_from_records(client, error)}
        own = found.get("name")
        known_as = name or (own if isinstance(own, str) else None)
        return cls(_sole(found["id"], client), known_as, found.get("timestamp_created"), client)

    def answers(self, client: InstantlyClient | None = None) -> bool:
        """Return True if the workspace still answers its first request, sent once by its client or another one."""
        try:
            details(client or self.client, Retry(0))
        except InstantlyAPIError as error:
            return error.kind in DENIED
        return True

    @cached_property
    def label(self) -> str:
        """Label in messages, on one line and without keys: the name, else the id, or both for a namesake."""
        name, id_ = (excerpt(masked(text)) for text in (self.name or self.id, self.id))
        return f"{name} ({id_})" if self.is_namesake else name

    @property
    def connected_at(self) -> datetime | None:
        """Server time of the key check, before any stream is read."""
        return self.client.server_time


def _sole(workspace_id: str, client: InstantlyClient) -> str:
    """Return the id of the workspace that answered, after checking that it is the requested one.

    Raises:
        InstantlyAPIError: Another workspace answered, so records would get the wrong id.
    """
    if client.as_workspace in {None, workspace_id}:
        return workspace_id
    reason = f"the response is from workspace {workspace_id}, not from {client.as_workspace}"
    raise InstantlyAPIError(None, "GET", "/workspaces/current", reason, kind=ErrorKind.MALFORMED)


def _details(client: InstantlyClient) -> dict[str, Any]:
    """Request the workspace's details, with few retries if there is no network."""
    try:
        return details(client, few_tries(client))
    except InstantlyAPIError as error:
        if not error.retryable or error.kind is ErrorKind.UNREACHABLE:
            raise
    return details(client, client.retry)


def _id_from_records(client: InstantlyClient, denied: InstantlyAPIError) -> str:
    opened = False
    for probe in PROBES:
        try:
            record = probe(client, client.retry)
        except InstantlyAPIError as error:
            if error.kind not in DENIED:
                raise
            continue
        opened = True
        workspace_id = record.get("organization") or record.get("organization_id")
        if workspace_id:
            logger.info("The API key lacks the scope workspaces:read; the workspace id is taken from its records.")
            return str(workspace_id)
    if not opened:
        raise denied
    if client.as_workspace is not None:
        return client.as_workspace
    logger.warning(
        "The API key lacks the scope workspaces:read and no record names the workspace: workspace_id will be '%s'. "
        "Grant the scope before loading several workspaces into the same tables.",
        UNKNOWN_WORKSPACE,
    )
    return UNKNOWN_WORKSPACE

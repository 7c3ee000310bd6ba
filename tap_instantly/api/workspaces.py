"""Workspaces and the keys that open them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tap_instantly.api.client import InstantlyClient
from tap_instantly.api.decode import decoded
from tap_instantly.api.errors import DENIED, ErrorKind, InstantlyAPIError
from tap_instantly.api.pagination import items, objects
from tap_instantly.api.retry import Retry

if TYPE_CHECKING:
    from datetime import datetime

    import requests

_T = TypeVar("_T")

FIRST_TRIES = 2
"""Tries after the first to reach a server that has not answered yet."""

UNKNOWN_WORKSPACE = "unknown"
"""Id of a workspace whose key may read neither the workspace nor a record that names it."""

logger = logging.getLogger("tap-instantly.api")

_Probe = Callable[[InstantlyClient], dict[str, Any]]


def _first(path: str, method: str = "GET") -> _Probe:
    def probe(client: InstantlyClient) -> dict[str, Any]:
        page = {"limit": 1}
        where: dict[str, Any] = {"json": page} if method == "POST" else {"params": page}
        records = items(client.request(method, path, repeatable=True, expect=items, **where))
        return records[0] if records else {}

    return probe


def _analytics(client: InstantlyClient) -> dict[str, Any]:
    client.campaign_analytics(exclude_total_leads_count=True)
    return {}


# Entities carry the id of their workspace as `organization`. The analytics need no scope (spec), so they answer for
# a key that may read nothing else.
_PROBES: tuple[_Probe, ...] = (
    _first("/campaigns"),
    _first("/accounts"),
    _first("/lead-lists"),
    _first("/leads/list", "POST"),
    _analytics,
)


@dataclass(frozen=True)
class Workspace:
    """One workspace: its id, its name where the key may know it, the time it was made, and its client."""

    id: str
    name: str | None
    timestamp_created: str | None
    client: InstantlyClient
    _remembered: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def remember(self, what: object, read: Callable[[], _T]) -> _T:
        """What ``read`` returned when it was first called for ``what`` in this run."""
        if what not in self._remembered:
            self._remembered[what] = read()
        return cast("_T", self._remembered[what])

    @classmethod
    def connect(cls, client: InstantlyClient) -> Workspace:
        """Check the key and find out which workspace it opens.

        A key without the scope ``workspaces:read`` gets 401 or 403 here like a wrong key does. What tells them apart
        is whether it opens anything else; then the workspace is known by the ``organization`` of the first record
        found, or by :data:`UNKNOWN_WORKSPACE`.

        Raises:
            InstantlyAPIError: The key is wrong, the plan is dead, the user agent is blocked, the network is down, ...
        """
        try:
            details = _details(client)
        except InstantlyAPIError as error:
            if error.kind not in DENIED:
                raise
            return cls(_id_from_records(client, error), None, None, client)
        return cls(details["id"], details.get("name"), details.get("timestamp_created"), client)

    @property
    def connected_at(self) -> datetime | None:
        """The server's time when the key was checked, before anything was read."""
        return self.client.server_time


def _details(client: InstantlyClient) -> dict[str, Any]:
    """The workspace as it describes itself; gives up soon where there is no network at all."""

    def ask(retry: Retry) -> dict[str, Any]:
        response = client.request("GET", "/workspaces/current", expect=_expect_workspace, retry=retry)
        return cast("dict[str, Any]", decoded(response))

    try:
        return ask(Retry(min(client.retry.max_retries, FIRST_TRIES)))
    except InstantlyAPIError as error:
        if not error.retryable or error.kind is ErrorKind.UNREACHABLE:
            raise
    return ask(client.retry)


def _expect_workspace(response: requests.Response) -> None:
    details = decoded(response)
    objects(response, [details] if isinstance(details, dict) and details.get("id") else None, "no workspace")


def _id_from_records(client: InstantlyClient, denied: InstantlyAPIError) -> str:
    opened = False
    for probe in _PROBES:
        try:
            record = probe(client)
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
    logger.warning(
        "The API key lacks the scope workspaces:read and no record names the workspace: workspace_id will be '%s'. "
        "Grant the scope before loading several workspaces into the same tables.",
        UNKNOWN_WORKSPACE,
    )
    return UNKNOWN_WORKSPACE


class Workspaces:
    """The workspaces that a configuration opens, connected on first use.

    Discovery works without a network since nothing is asked before the first stream wants to read.
    """

    def __init__(self, clients: Callable[[], list[InstantlyClient]]) -> None:
        self._clients = clients

    @cached_property
    def _by_id(self) -> dict[str, Workspace]:
        connected = [Workspace.connect(client) for client in self._clients()]
        return {workspace.id: workspace for workspace in connected}

    def __iter__(self) -> Iterator[Workspace]:
        """The workspaces in the order of the configuration."""
        return iter(self._by_id.values())

    @property
    def requests_sent(self) -> int:
        """Requests sent so far, over all of them."""
        return sum(workspace.client.requests_sent for workspace in self)

    def __getitem__(self, workspace_id: str) -> Workspace:
        """The workspace of that id."""
        return self._by_id[workspace_id]

"""A workspace and the key that opens it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tap_instantly.api.client import InstantlyClient
from tap_instantly.api.decode import decoded
from tap_instantly.api.errors import DENIED, ErrorKind, InstantlyAPIError
from tap_instantly.api.pagination import items, objects
from tap_instantly.api.retry import Retry
from tap_instantly.api.secrecy import masked
from tap_instantly.quoting import quoted

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
    is_namesake: bool = False
    """Whether another one of the run has that name too."""
    _remembered: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def remember(self, what: object, read: Callable[[], _T]) -> _T:
        """What ``read`` returned when it was first called for ``what`` in this run."""
        if what not in self._remembered:
            self._remembered[what] = read()
        return cast("_T", self._remembered[what])

    @classmethod
    def connect(cls, client: InstantlyClient, name: str | None = None) -> Workspace:
        """Check the key and find out which workspace it opens, which is called ``name`` or else as it says itself.

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
            details = {"id": _id_from_records(client, error)}
        own = details.get("name")
        known_as = name or (own if isinstance(own, str) else None)
        return cls(_sole(details["id"], client), known_as, details.get("timestamp_created"), client)

    @property
    def answers(self) -> bool:
        """Whether it still does at all: what was asked of it first is asked once more."""
        try:
            _ask(self.client, Retry(0))
        except InstantlyAPIError as error:
            return error.kind in DENIED
        return True

    @cached_property
    def label(self) -> str:
        """What messages call it, on one line and without keys: its name, or its id where it has none, or both."""
        name, id_ = (quoted(masked(text)) for text in (self.name or self.id, self.id))
        return f"{name} ({id_})" if self.is_namesake else name

    @property
    def connected_at(self) -> datetime | None:
        """The server's time when the key was checked, before anything was read."""
        return self.client.server_time


def _sole(workspace_id: str, client: InstantlyClient) -> str:
    """The id of the workspace that answered, which has to be the one that was asked for.

    Raises:
        InstantlyAPIError: It is another one: whatever is read would go under the wrong name.
    """
    if client.as_workspace in {None, workspace_id}:
        return workspace_id
    reason = f"workspace {workspace_id} answered for {client.as_workspace}"
    raise InstantlyAPIError(None, "GET", "/workspaces/current", reason, kind=ErrorKind.MALFORMED)


def _details(client: InstantlyClient) -> dict[str, Any]:
    """The workspace as it describes itself; gives up soon where there is no network at all."""
    try:
        return _ask(client, Retry(min(client.retry.max_retries, FIRST_TRIES)))
    except InstantlyAPIError as error:
        if not error.retryable or error.kind is ErrorKind.UNREACHABLE:
            raise
    return _ask(client, client.retry)


def _ask(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
    response = client.request("GET", "/workspaces/current", expect=_expect_workspace, retry=retry)
    return cast("dict[str, Any]", decoded(response))


def _expect_workspace(response: requests.Response) -> None:
    details = decoded(response)
    objects(
        response,
        [details] if isinstance(details, dict) and details.get("id") and isinstance(details["id"], str) else None,
        "no workspace",
    )


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
    if client.as_workspace is not None:
        return client.as_workspace
    logger.warning(
        "The API key lacks the scope workspaces:read and no record names the workspace: workspace_id will be '%s'. "
        "Grant the scope before loading several workspaces into the same tables.",
        UNKNOWN_WORKSPACE,
    )
    return UNKNOWN_WORKSPACE

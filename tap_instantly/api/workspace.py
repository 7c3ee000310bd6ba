"""A workspace and the key that opens it."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tap_instantly.api.access import PROBES, Access, details, few_tries
from tap_instantly.api.errors import DENIED, ErrorKind, InstantlyAPIError
from tap_instantly.api.retry import Retry
from tap_instantly.api.secrecy import masked
from tap_instantly.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tap_instantly.api.client import InstantlyClient

_T = TypeVar("_T")

UNKNOWN_WORKSPACE = "unknown"
"""Id of a workspace whose key may read neither the workspace nor a record that names it."""

logger = logging.getLogger("tap-instantly.api")


@dataclass(frozen=True)
class Workspace:
    """One workspace: its id, its name where the key may know it, the time it was made, and its client."""

    id: str
    name: str | None
    timestamp_created: str | None
    client: InstantlyClient
    is_namesake: bool = False
    """Whether another one of the run has that name too."""
    access: Access = field(init=False, compare=False, repr=False)
    """Tells a refusal of one thing from a key that opens nothing any more."""
    _remembered: dict[object, Future[Any]] = field(default_factory=dict, compare=False, repr=False)
    _remembering: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "access", Access(self.client))  # frozen

    def remember(self, what: object, read: Callable[[], _T]) -> _T:
        """What ``read`` returned when it was first called for ``what`` in this run; for any number of threads.

        Who comes while another thread reads waits for that one, and gets its error too. Who comes later reads anew.
        """
        with self._remembering:
            is_first = what not in self._remembered
            future = self._remembered.setdefault(what, Future())
        if is_first:
            try:
                future.set_result(read())
            except BaseException as error:
                del self._remembered[what]
                future.set_exception(error)
                raise
        return cast("_T", future.result())

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
            found = _details(client)
        except InstantlyAPIError as error:
            if error.kind not in DENIED:
                raise
            found = {"id": _id_from_records(client, error)}
        own = found.get("name")
        known_as = name or (own if isinstance(own, str) else None)
        return cls(_sole(found["id"], client), known_as, found.get("timestamp_created"), client)

    @property
    def answers(self) -> bool:
        """Whether it still does at all: what was asked of it first is asked once more."""
        try:
            details(self.client, Retry(0))
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

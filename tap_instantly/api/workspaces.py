"""Workspaces and the keys that open them."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tap_instantly.api.client import InstantlyClient
from tap_instantly.api.decode import decoded
from tap_instantly.api.errors import DENIED, ErrorKind, InstantlyAPIError, InstantlyError
from tap_instantly.api.pagination import items, objects
from tap_instantly.api.retry import Retry

if TYPE_CHECKING:
    from datetime import datetime

    import requests

_T = TypeVar("_T")

GIVE_UP_AFTER = 3
"""Endpoints that failed in a workspace with no stream read between, after which the run asks it for no more."""

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


def _connect(client: InstantlyClient | InstantlyError, name: str | None) -> Workspace | Exception:
    if isinstance(client, InstantlyError):
        return client
    try:
        return Workspace.connect(client, name)
    except Exception as error:  # noqa: BLE001 (raised in the thread that waits)
        return error


def _connect_all(
    clients: Mapping[str, InstantlyClient | InstantlyError], at_once: int, *, named: bool
) -> dict[str, Workspace | InstantlyError]:
    """The workspace of each client, or why it cannot be opened."""
    found: dict[str, Workspace | Exception] = {}
    names: SimpleQueue[str] = SimpleQueue()
    for name in clients:
        names.put(name)

    def connect() -> None:
        with suppress(Empty):
            while name := names.get_nowait():
                found[name] = _connect(clients[name], name if named else None)

    # Daemons: a program that is told to stop does not wait for what is tried again for minutes.
    threads = [threading.Thread(target=connect, daemon=True) for _ in range(min(at_once, len(clients)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found.values():
        if isinstance(result, Exception) and not isinstance(result, InstantlyError):
            raise result
    return {name: cast("Workspace | InstantlyError", found[name]) for name in clients}


class Workspaces:
    """The workspaces that a configuration opens, connected on first use.

    Discovery works without a network since nothing is asked before the first stream wants to read. One that cannot be
    opened is left out, with a line in the log; that none can is an error.

    Args:
        clients: Makes a client for each, by the name that messages call it, or tells why there can be none.
        at_once: How many to connect at once.
        named: Whether they are called so in records too, whatever the API calls them.
    """

    def __init__(
        self,
        clients: Callable[[], Mapping[str, InstantlyClient | InstantlyError]],
        *,
        at_once: int = 1,
        named: bool = False,
    ) -> None:
        self._clients = clients
        self._at_once = at_once
        self._named = named
        self.left_out: dict[str, InstantlyError] = {}
        """Why workspaces were not opened, or given up, by name or id."""
        self._failures: defaultdict[str, set[str]] = defaultdict(set)

    @cached_property
    def _by_id(self) -> dict[str, Workspace]:
        found = _connect_all(self._clients(), self._at_once, named=self._named)
        self.left_out = {name: result for name, result in found.items() if isinstance(result, InstantlyError)}
        if len(self.left_out) == len(found):
            raise next(iter(self.left_out.values()))
        for name, error in self.left_out.items():
            logger.error("Workspace %s is left out: %s", name, error)
        opened: dict[str, Workspace] = {}
        for name, workspace in found.items():
            if not isinstance(workspace, Workspace) or opened.setdefault(workspace.id, workspace) is workspace:
                continue
            if workspace.id == UNKNOWN_WORKSPACE:
                self.left_out[name] = InstantlyError("there is another workspace whose id is not known either")
                logger.error("Workspace %s is left out: %s. Grant workspaces:read.", name, self.left_out[name])
            else:
                logger.warning("Workspace %s is one that another key opens too; it is read once.", name)
        return opened

    def __iter__(self) -> Iterator[Workspace]:
        """The workspaces in the order of the configuration, less those that were given up."""
        return (workspace for id_, workspace in self._by_id.items() if id_ not in self.left_out)

    def note_success(self, workspace_id: str) -> None:
        """A stream was read to its end in a workspace."""
        self._failures.pop(workspace_id, None)

    def note_failure(self, workspace_id: str, error: InstantlyAPIError) -> None:
        """A stream failed in a workspace; after :data:`GIVE_UP_AFTER` endpoints in a row it is not asked any more.

        Many streams need the same list of parents, which counts once.

        Raises:
            InstantlyAPIError: There is no other workspace left.
        """
        failures = self._failures[workspace_id]
        failures.add(error.path)
        if len(failures) < GIVE_UP_AFTER:
            return
        logger.error("Workspace %s is given up for this run: %d endpoints failed.", workspace_id, len(failures))
        self.left_out[workspace_id] = error
        if not list(self):
            raise error

    @property
    def requests_sent(self) -> int:
        """Requests sent so far, over all of them."""
        return sum(workspace.client.requests_sent for workspace in self._by_id.values())

    @property
    def unusable(self) -> int:
        """Items so far of lists to read by that could not be used, over all of them."""
        return sum(workspace.client.unusable for workspace in self._by_id.values())

    def __getitem__(self, workspace_id: str) -> Workspace:
        """The workspace of that id."""
        return self._by_id[workspace_id]

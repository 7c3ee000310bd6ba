"""Workspaces of a run, and their clients."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from tap_instantly.client import InstantlyClient
from tap_instantly.client.errors import ErrorKind, InstantlyAPIError, InstantlyError, is_refused
from tap_instantly.client.redaction import without_keys
from tap_instantly.client.single_flight import SingleFlight
from tap_instantly.client.workspace import UNKNOWN_WORKSPACE, Workspace
from tap_instantly.settings import ALL
from tap_instantly.sync.concurrency import AT_ONCE
from tap_instantly.text import excerpt
from tap_instantly.validation.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_instantly.client.page import Answer

ABANDON_AFTER = 3
"""Consecutive failing endpoints, with no stream read in between, after which the run abandons a workspace."""

ABANDON_ANSWERING_AFTER = 9
"""The same limit while the workspace still answers other requests. Each failure takes minutes because of retries."""

SHARED_BYTES = 4 << 20
"""Bytes of responses cached for other streams. An evicted response is requested again."""

OWN = "of the key itself"
"""Label in messages for the key's own workspace, which lists the sub-workspaces."""

logger = logging.getLogger("tap-instantly.api")


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
    """Connect each client; the result is its workspace or the error."""
    found: dict[str, Workspace | Exception] = {}
    names: SimpleQueue[str] = SimpleQueue()
    for name in clients:
        names.put(name)

    def connect() -> None:
        with suppress(Empty):
            while name := names.get_nowait():
                found[name] = _connect(clients[name], name if named else None)

    # Daemon threads: on shutdown the program must not wait for retries that take minutes.
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
    """Workspaces of a configuration, connected on first use.

    Discovery needs no network, because the first stream that reads triggers the connections. A workspace that cannot be
    opened is skipped with an error in the log. If no workspace opens, that is an error.

    Args:
        config: Settings. Names of ``workspaces`` are also those in records, instead of the API's.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._named = bool(config.get("workspaces"))
        self.failed: dict[str, InstantlyError] = {}
        """Errors of workspaces that were not opened or were abandoned, by label."""
        self.shared: SingleFlight[Answer] = SingleFlight(attrgetter("size"), SHARED_BYTES)
        """Responses that several streams use, cached during a run."""
        self._abandoned: set[str] = set()
        self._failures: defaultdict[str, set[str]] = defaultdict(set)

    @cached_property
    def _by_id(self) -> dict[str, Workspace]:
        found = _connect_all(_clients_of(self._config), self._config.get("concurrency", AT_ONCE), named=self._named)
        self.failed = {name: result for name, result in found.items() if isinstance(result, InstantlyError)}
        if len(self.failed) == len(found):
            raise min(self.failed.values(), key=is_refused)  # the first that may pass, else the first
        for name, error in self.failed.items():
            logger.error("Workspace %s cannot be opened: %s", name, error)
        opened: dict[str, Workspace] = {}
        for name, workspace in found.items():
            if not isinstance(workspace, Workspace) or opened.setdefault(workspace.id, workspace) is workspace:
                continue
            if workspace.id == UNKNOWN_WORKSPACE:
                self.failed[name] = InstantlyError("its id is unknown, as is that of another workspace")
                logger.error("Workspace %s cannot be opened: %s. Grant workspaces:read.", name, self.failed[name])
            else:
                first = opened[workspace.id].label
                logger.warning("Workspace %s is read once, as %s, whose key opens it too: remove one.", name, first)
        named = Counter([*self.failed, *(workspace.label for workspace in opened.values())])
        return {id_: replace(one, is_namesake=named[one.label] > 1) for id_, one in opened.items()}

    def __iter__(self) -> Iterator[Workspace]:
        """Iterate over the workspaces in configuration order, without the abandoned ones."""
        return (workspace for id_, workspace in self._by_id.items() if id_ not in self._abandoned)

    @property
    def opened(self) -> dict[str, str]:
        """Known ids of the workspaces in use, by their configured names; without names, by id."""
        opened = {without_keys(one.name or "") if self._named else one.id: one.id for one in self}
        return {name: id_ for name, id_ in opened.items() if id_ != UNKNOWN_WORKSPACE}

    def is_abandoned(self, workspace_id: str) -> bool:
        """Return True if the run has abandoned the workspace."""
        return workspace_id in self._abandoned

    def note_success(self, workspace_id: str) -> None:
        """Record that a stream was read completely in a workspace."""
        self._failures.pop(workspace_id, None)

    def note_failure(self, workspace_id: str, error: InstantlyAPIError, client: InstantlyClient | None = None) -> None:
        """Record that a stream failed in a workspace, and abandon it after :data:`ABANDON_AFTER` consecutive endpoints.

        A lost key (:attr:`ErrorKind.ACCESS_LOST`) abandons the workspace immediately.
        Failures are counted by endpoint, because many streams share a list of parents. While the workspace still
        answers, the limit is :data:`ABANDON_ANSWERING_AFTER`: other endpoints may still work.

        Raises:
            InstantlyAPIError: The workspace was abandoned and no other workspace is left.
        """
        if error.kind is ErrorKind.ACCESS_LOST:
            # The run still ends normally, even without another workspace: the records already read are valid.
            self._abandon(workspace_id, error, str(error))
            return
        failures = self._failures[workspace_id]
        failures.add(error.path)
        answers = self[workspace_id].answers
        if len(failures) < ABANDON_AFTER or (len(failures) < ABANDON_ANSWERING_AFTER and answers(client)):
            return
        self._abandon(workspace_id, error, f"{len(failures)} endpoints failed.")
        if not list(self):
            raise error

    def _abandon(self, workspace_id: str, error: InstantlyAPIError, why: str) -> None:
        label = self[workspace_id].label
        logger.error("Workspace %s abandoned for this run: %s", label, why)
        self._abandoned.add(workspace_id)
        self.failed[label] = error

    @property
    def unusable(self) -> int:
        """Unusable items in parent lists so far, over all workspaces."""
        return sum(workspace.client.usage.unusable for workspace in self._by_id.values())

    def __getitem__(self, workspace_id: str) -> Workspace:
        """Return the workspace with that id."""
        return self._by_id[workspace_id]


# Clients


def _clients_of(config: Mapping[str, Any]) -> dict[str, InstantlyClient | InstantlyError]:
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

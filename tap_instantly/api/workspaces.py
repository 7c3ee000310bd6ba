"""The workspaces of a run."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, cast

from tap_instantly.api.errors import ErrorKind, InstantlyAPIError, InstantlyError
from tap_instantly.api.secrecy import without_keys
from tap_instantly.api.workspace import UNKNOWN_WORKSPACE, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_instantly.api.client import InstantlyClient

GIVE_UP_AFTER = 3
"""Endpoints that failed in a workspace with no stream read between, after which the run asks it for no more."""

GIVE_UP_AT_LAST = 9
"""The same where it still answers otherwise: each failure takes minutes, since it is tried again."""

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
        """Why workspaces were not opened, or given up, by what messages call them."""
        self._given_up: set[str] = set()
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
                first = opened[workspace.id].label
                logger.warning("Workspace %s is read once, as %s, whose key opens it too: take one out.", name, first)
        named = Counter([*self.left_out, *(workspace.label for workspace in opened.values())])
        return {id_: replace(one, is_namesake=named[one.label] > 1) for id_, one in opened.items()}

    def __iter__(self) -> Iterator[Workspace]:
        """The workspaces in the order of the configuration, less those that were given up."""
        return (workspace for id_, workspace in self._by_id.items() if id_ not in self._given_up)

    @property
    def opened(self) -> dict[str, str]:
        """The known ids of those that are read, by their names in the settings, or by themselves if there are none."""
        opened = {without_keys(one.name or "") if self._named else one.id: one.id for one in self}
        return {name: id_ for name, id_ in opened.items() if id_ != UNKNOWN_WORKSPACE}

    def is_given_up(self, workspace_id: str) -> bool:
        """Whether it is not asked for anything more."""
        return workspace_id in self._given_up

    def note_success(self, workspace_id: str) -> None:
        """A stream was read to its end in a workspace."""
        self._failures.pop(workspace_id, None)

    def note_failure(self, workspace_id: str, error: InstantlyAPIError) -> None:
        """A stream failed in a workspace; after :data:`GIVE_UP_AFTER` endpoints in a row it is not asked any more.

        Nor is it once its key opens nothing any more (:attr:`ErrorKind.ACCESS_LOST`).
        Many streams need the same list of parents, which counts once. Some endpoints may be out of order, and others,
        whose turn comes later, not: while the workspace as such answers, it is asked until :data:`GIVE_UP_AT_LAST`.

        Raises:
            InstantlyAPIError: So many endpoints failed, and there is no other workspace left.
        """
        if error.kind is ErrorKind.ACCESS_LOST:
            # The run comes to its end without it, even where it is the only one: what was read is good.
            self._give_up(workspace_id, error, str(error))
            return
        failures = self._failures[workspace_id]
        failures.add(error.path)
        if len(failures) < GIVE_UP_AFTER or (len(failures) < GIVE_UP_AT_LAST and self[workspace_id].answers):
            return
        self._give_up(workspace_id, error, f"{len(failures)} endpoints failed.")
        if not list(self):
            raise error

    def _give_up(self, workspace_id: str, error: InstantlyAPIError, why: str) -> None:
        label = self[workspace_id].label
        logger.error("Workspace %s is given up for this run: %s", label, why)
        self._given_up.add(workspace_id)
        self.left_out[label] = error

    @property
    def requests_sent(self) -> int:
        """Requests sent so far, over all of them."""
        return sum(workspace.client.usage.requests for workspace in self._by_id.values())

    @property
    def unusable(self) -> int:
        """Items so far of lists to read by that could not be used, over all of them."""
        return sum(workspace.client.usage.unusable for workspace in self._by_id.values())

    def __getitem__(self, workspace_id: str) -> Workspace:
        """The workspace of that id."""
        return self._by_id[workspace_id]

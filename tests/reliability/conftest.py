"""Two workspaces: one sound, one broken."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly import InstantlyError
from tap_instantly.__main__ import exit_code_of
from tap_instantly.tap import TapInstantly
from tests.conftest import UNTIL
from tests.support import CollectingWriter, api_keys, opening, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.reliability.table import Kind

Key = tuple[Any, ...]

SOUND, BROKEN = "main", "workspace-002"
WITNESSES = ("custom_tags", "workspaces")
"""Streams unrelated to the fault, one of them read last."""


@dataclass
class Ended:
    """Outcome of a run and its messages."""

    exit_code: int
    error: InstantlyError | None
    messages: list[dict[str, Any]]
    state: dict[str, Any]

    def keys(self, kind: Kind, workspace: str) -> set[Key]:
        return keys_of(
            [
                m["record"]
                for m in self.messages
                if m["type"] == "RECORD" and m["stream"] == kind.stream and m["record"]["workspace_id"] == workspace
            ],
            kind,
        )

    def kept(self, kind: Kind, workspace: str) -> set[Key]:
        """Return the keys that have certainly arrived: after an error, those before the last STATE."""
        if self.exit_code == 0:
            return self.keys(kind, workspace)
        last = max((at for at, m in enumerate(self.messages) if m["type"] == "STATE"), default=-1)
        return Ended(0, None, self.messages[: last + 1], {}).keys(kind, workspace)

    def parts(self, kind: Kind, workspace: str) -> list[dict[str, Any]]:
        parts = self.state.get("bookmarks", {}).get(kind.stream, {}).get("partitions", [])
        return [part for part in parts if part["context"] == {"workspace_id": workspace}]

    def bookmark(self, kind: Kind, workspace: str) -> str | None:
        return next((part.get("replication_key_value") for part in self.parts(kind, workspace)), None)


def keys_of(rows: list[dict[str, Any]], kind: Kind) -> set[Key]:
    # The API may omit the owner of figures, and then sends an empty address.
    return {tuple(row[name] or "unknown" for name in kind.key) for row in rows}


class Agency:
    """The sandbox and the settings to read its workspaces."""

    def __init__(self, server: sandbox.Server) -> None:
        self.server = server
        self.truth = cache(self._truth)
        self.id_of = cache(self._id_of)

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            **opening(self.server, api_keys(self.server, SOUND, BROKEN)),
            "max_requests_per_second": 1000,
            "page_size": 4,
            "concurrency": 4,
            "max_retries": 4,
            **more,
        }

    def _truth(self, kind: Kind, workspace: str) -> set[Key]:
        return keys_of(list(self.server.control.within(workspace).truth(kind.truth)), kind)

    def _id_of(self, workspace: str) -> str:
        return str(next(self.server.control.within(workspace).truth("workspace"))["id"])

    def state_of(self, *kinds: Kind) -> dict[str, Any]:
        """Return the state of a run from before all records."""
        bookmarks = {}
        for kind in kinds:
            if kind.bookmark is not None:
                # With these days, the first window covers all data, and meets the fault.
                value = "2026-10-10" if kind.bookmark == "date" else "2020-01-01T00:00:00.000Z"
                mark = {"replication_key": kind.bookmark, "replication_key_value": value}
                parts = [{"context": {"workspace_id": self.id_of(name)}, **mark} for name in (SOUND, BROKEN)]
                bookmarks[kind.stream] = {"partitions": parts}
        return {"bookmarks": bookmarks} if bookmarks else {}

    def run(
        self,
        *streams: str,
        state: dict[str, Any],
        on_message: Callable[[dict[str, Any]], None] | None = None,
        **settings: Any,
    ) -> Ended:
        writer = CollectingWriter()
        if on_message:
            write = writer.write_message
            writer.write_message = lambda message: (write(message), on_message(writer.messages[-1]))  # type: ignore[method-assign,assign]
        tap = TapInstantly(
            config=self.settings(**settings),
            catalog=slim_catalog(*streams),
            state=copy.deepcopy(state),
            message_writer=writer,
        )
        exit_code, error = 0, None
        try:
            tap.sync_all()
        except InstantlyError as caught:
            exit_code, error = exit_code_of(caught), caught
        states = [message["value"] for message in writer.messages if message["type"] == "STATE"]
        return Ended(exit_code, error, writer.messages, json.loads(json.dumps(states[-1] if states else state)))


@pytest.fixture(scope="session")
def shared_agency() -> Iterator[Agency]:
    config = SandboxConfig(
        workspaces=2, campaigns=13, accounts=10, leads=60, lead_lists=11, emails=40, days=20, until=UNTIL, seed=9
    )
    with sandbox.serve(config) as server:
        yield Agency(server)


@pytest.fixture
def agency(shared_agency: Agency) -> Iterator[Agency]:
    shared_agency.server.control.clear_faults()
    yield shared_agency
    shared_agency.server.control.clear_faults()

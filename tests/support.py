"""Running the tap within a test, and reading what it wrote."""

from __future__ import annotations

import base64
import copy
import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from singer_sdk.singerlib.encoding.simple import Message, SimpleSingerWriter

from sandbox import ApiKey
from sandbox.group import MAIN
from tap_instantly.tap import IncompleteError, TapInstantly
from tests.keys import look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Server

Record = dict[str, Any]


class CollectingWriter(SimpleSingerWriter):
    """Keeps every message as the JSON that the SDK's own writer would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_message(self, message: Message) -> None:
        line = self.format_message(message)
        look(line, "a message")
        self.messages.append(json.loads(line))


@dataclass
class TapRun:
    """The messages of one run, in order."""

    messages: list[dict[str, Any]]
    tap: TapInstantly = field(repr=False)
    error: IncompleteError | None = None

    def records(self, stream: str) -> list[Record]:
        return [m["record"] for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream]

    def by_key(self, stream: str) -> dict[tuple[Any, ...], Record]:
        keys = self.schema_message(stream)["key_properties"]
        return {tuple(record[key] for key in keys): record for record in self.records(stream)}

    def schema_message(self, stream: str) -> dict[str, Any]:
        return next(m for m in self.messages if m["type"] == "SCHEMA" and m["stream"] == stream)

    @property
    def state(self) -> dict[str, Any]:
        """The last state, as the next run gets it."""
        # A copy: a tap goes on writing into the state that it was given.
        return copy.deepcopy(next(m["value"] for m in reversed(self.messages) if m["type"] == "STATE"))

    def bookmark(self, stream: str) -> Any:
        (partition,) = self.state["bookmarks"][stream]["partitions"]
        return partition.get("replication_key_value")


def run_tap(
    config: dict[str, Any],
    *,
    streams: tuple[str, ...] = (),
    state: dict[str, Any] | None = None,
    everything: bool = True,
    incomplete: bool = False,
    full_table: bool = False,
) -> TapRun:
    """Run the tap: the streams named, all of them, or what is selected by default; to an incomplete end if so said."""
    writer = CollectingWriter()
    catalog = None if not streams and not everything else catalog_of(config, *streams)
    if full_table and catalog:
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
    tap = TapInstantly(config=dict(config), catalog=catalog, state=state, message_writer=writer)
    with pytest.raises(IncompleteError) if incomplete else nullcontext() as caught:
        tap.sync_all()
    return TapRun(writer.messages, tap, caught.value if caught else None)


def secret(key: str) -> str:
    """What a key of a sandbox is that is called so."""
    return ApiKey(key).secret


def api_keys(server: Server, *names: str) -> dict[str, str]:
    """The API keys of workspaces of a sandbox, by their names there."""
    return {name: server.api_key if name == MAIN else secret(name) for name in names}


def opening(server: Server, keys: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Settings with which workspaces of a sandbox are read by their keys."""
    workspaces = [{"name": name, "api_key": key} for name, key in keys.items()]
    return {"workspaces": workspaces, "api_url": f"{server.url}/api/v2", **more}


def catalog_of(config: dict[str, Any], *streams: str) -> dict[str, Any]:
    """The catalog with the streams named selected, or all of them."""
    catalog: dict[str, Any] = TapInstantly(config=dict(config), setup_mapper=False).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = not streams or entry["stream"] in streams
    return catalog


PIECE = 12
"""Characters in a row of a key that are taken for a part of it."""


def base64_of(text: str) -> set[str]:
    """What of the base64 of anything that holds ``text`` tells that it does."""
    found = set()
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + text.encode()).decode()
        found.add(digits[4 : (before + len(text.encode())) * 8 // 6])
    return found | {digits.translate(str.maketrans("+/", "-_")) for digits in found}


def traces(key: str, written: str) -> list[str]:
    """What ``written`` holds of a key: itself or a part, as it is or encoded."""
    parts = {key[start : start + PIECE] for start in range(max(1, len(key) - PIECE + 1))}
    encoded = {form for text in parts for form in (quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1])}
    encoded |= {text.replace("/", "\\/") for text in parts} | base64_of(key) | {key.encode().hex()}
    return sorted(form for form in parts | encoded if form in written)

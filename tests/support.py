"""Run the tap within a test and read its output."""

from __future__ import annotations

import base64
import copy
import json
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import settings
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib.encoding.simple import Message, SimpleSingerWriter

from sandbox import ApiKey
from sandbox.group import MAIN
from tap_instantly.sync.completeness import IncompleteError
from tap_instantly.tap import TapInstantly
from tests.keys import look
from tests.tap_process import WAIT, WAITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox import Server

Record = dict[str, Any]

FAST: dict[str, Any] = {"max_requests_per_second": 1000}
"""Settings without which long lists would take seconds: the sandbox allows any number of requests."""


def examples(number: int, **more: Any) -> settings:
    """Let hypothesis draw that many examples in the long tests, and the profile's share of them in others."""
    share = settings().max_examples / 100
    return settings(max_examples=max(1, round(number * share)), deadline=None, **more)


class CollectingWriter(SimpleSingerWriter):
    """Keep every message as JSON, as the SDK's own writer would write it."""

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
        """Return the last state as the next run receives it."""
        # A copy, since a tap keeps changing its state.
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
    """Run the tap with the named streams, all, or those selected by default; ``incomplete`` expects IncompleteError."""
    writer = CollectingWriter()
    catalog = None if not streams and not everything else json.loads(_slim(*streams))
    if full_table and catalog:
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
    tap = TapInstantly(config={**FAST, **config}, catalog=catalog, state=state, message_writer=writer)
    with pytest.raises(IncompleteError) if incomplete else nullcontext() as caught:
        tap.sync_all()
    return TapRun(writer.messages, tap, caught.value if caught else None)


def slim_catalog(*streams: str) -> dict[str, Any]:
    """Return a catalog without the columns of other streams, which cost most of the time of a short run."""
    catalog: dict[str, Any] = json.loads(_slim(*streams))
    return catalog


@cache
def _slim(*streams: str) -> str:
    catalog = catalog_of({}, *streams)
    for entry in catalog["streams"]:
        (itself,) = (item for item in entry["metadata"] if not item["breadcrumb"])
        if not itself["metadata"]["selected"]:
            entry |= {"metadata": [itself], "schema": {"type": "object", "properties": {}}}
    return json.dumps(catalog)


@contextmanager
def hurried() -> Iterator[None]:
    """Shorten backoff to milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in WAITS.items():
            for name in names:
                patch.setattr(f"tap_instantly.client.{module}.{name}", WAIT)
        yield


def secret(key: str) -> str:
    """Return the secret of a sandbox key by its name."""
    return ApiKey(key).secret


def api_keys(server: Server, *names: str) -> dict[str, str]:
    """Return the API keys of a sandbox's workspaces by their names."""
    return {name: server.api_key if name == MAIN else secret(name) for name in names}


def opening(server: Server, keys: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Return settings that read a sandbox's workspaces by their keys."""
    workspaces = [{"name": name, "api_key": key} for name, key in keys.items()]
    return {"workspaces": workspaces, "api_url": f"{server.url}/api/v2", **more}


def refusal(**settings: Any) -> str:
    """Return the line that refuses these settings."""
    with pytest.raises(ConfigurationError) as caught:
        TapInstantly(config=settings)
    said = str(caught.value)
    assert "\n" not in said
    return said


@cache
def _discovered() -> str:
    return json.dumps(TapInstantly(config={"api_key": "of nobody"}, setup_mapper=False).catalog_dict)


def catalog_of(_config: dict[str, Any], *streams: str) -> dict[str, Any]:
    """Return the catalog, which is that of any configuration, with the named streams selected, or all of them."""
    catalog: dict[str, Any] = json.loads(_discovered())
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = not streams or entry["stream"] in streams
    return catalog


PIECE = 12
"""Consecutive characters of a key that count as a part of it."""


def base64_of(text: str) -> set[str]:
    """Return the base64 fragments that any text containing ``text`` must have."""
    found = set()
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + text.encode()).decode()
        found.add(digits[4 : (before + len(text.encode())) * 8 // 6])
    return found | {digits.translate(str.maketrans("+/", "-_")) for digits in found}


def traces(key: str, written: str) -> list[str]:
    """Return the parts of a key in ``written``, plain or encoded."""
    parts = {key[start : start + PIECE] for start in range(max(1, len(key) - PIECE + 1))}
    encoded = {form for text in parts for form in (quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1])}
    encoded |= {text.replace("/", "\\/") for text in parts} | base64_of(key) | {key.encode().hex()}
    return sorted(form for form in parts | encoded if form in written)

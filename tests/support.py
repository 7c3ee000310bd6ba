"""Running the tap within a test, and reading what it wrote."""

from __future__ import annotations

import copy
import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from singer_sdk.singerlib.encoding.simple import Message, SimpleSingerWriter

from tap_instantly.tap import IncompleteError, TapInstantly

Record = dict[str, Any]


class CollectingWriter(SimpleSingerWriter):
    """Keeps every message as the JSON that the SDK's own writer would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_message(self, message: Message) -> None:
        self.messages.append(json.loads(self.format_message(message)))


@dataclass
class TapRun:
    """The messages of one run, in order."""

    messages: list[dict[str, Any]]
    tap: TapInstantly = field(repr=False)

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
) -> TapRun:
    """Run the tap: the streams named, all of them, or what is selected by default; to an incomplete end if so said."""
    writer = CollectingWriter()
    catalog = None if not streams and not everything else catalog_of(config, *streams)
    tap = TapInstantly(config=dict(config), catalog=catalog, state=state, message_writer=writer)
    with pytest.raises(IncompleteError) if incomplete else nullcontext():
        tap.sync_all()
    return TapRun(writer.messages, tap)


def catalog_of(config: dict[str, Any], *streams: str) -> dict[str, Any]:
    """The catalog with the streams named selected, or all of them."""
    catalog: dict[str, Any] = TapInstantly(config=dict(config)).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = not streams or entry["stream"] in streams
    return catalog

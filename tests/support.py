"""Running the tap within a test, and reading what it wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from singer_sdk.singerlib.encoding.simple import Message, SimpleSingerWriter

from tap_instantly.tap import TapInstantly

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
        return next(m["value"] for m in reversed(self.messages) if m["type"] == "STATE")

    def bookmark(self, stream: str) -> Any:
        (partition,) = self.state["bookmarks"][stream]["partitions"]
        return partition.get("replication_key_value")


def run_tap(config: dict[str, Any], *, streams: tuple[str, ...] = (), state: dict[str, Any] | None = None) -> TapRun:
    writer = CollectingWriter()
    tap = TapInstantly(config=dict(config), state=state, message_writer=writer)
    for name, stream in tap.streams.items():
        stream.selected = not streams or name in streams
    tap.sync_all()
    return TapRun(writer.messages, tap)

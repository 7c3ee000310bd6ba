"""Batches: the parts of the input that are loaded together."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from target_dlt.columns import columns_of
from target_dlt.errors import InputError
from target_dlt.messages import lines_of, message_of
from target_dlt.streams import Entry, Stream

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from target_dlt.messages import Message
    from target_dlt.rejects import Rejects
    from target_dlt.streams import Form, Part

RECORD_COST = 512
"""Bytes added for each record: a batch keeps its keys in memory, and small records have many keys."""

DECODED_TOGETHER = 4 << 20
"""Bytes of records decoded at once. Only these and their tables are in memory, not the whole batch."""


T = TypeVar("T")


def _given(message: Message, value: T | None) -> T:
    """Return a required member of a message.

    Raises:
        InputError: The message lacks it.
    """
    if value is None or value == msgspec.Raw():
        msg = f"The input has a {message.type} of stream {message.stream!r:.100} without content: fix the tap."
        raise InputError(msg)
    return value


@dataclass
class Batch:
    """Rows that are loaded together.

    Attributes:
        parts: Rows, a file for each table.
        versions: Current version of each stream. After the rows are loaded, rows of lesser versions are marked or
            removed.
        state: The latest state that these rows and earlier batches cover; None if there was none.
    """

    parts: list[Part] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    state: msgspec.Raw | None = None


@dataclass(frozen=True)
class Rules:
    """Rules for ending batches and for turning records into rows.

    Attributes:
        size: Bytes of records after which a batch ends.
        seconds: Age after which a batch ends, as soon as another message comes.
        metadata: True if tables have the columns ``_sdc_...``.
        upsert: True if records replace earlier ones with the same key.
        started: Start of the load, in milliseconds since 1970.
    """

    size: int
    seconds: float
    metadata: bool
    upsert: bool
    started: int


class Batches:
    """Reads messages and yields batches."""

    def __init__(self, form: Form, rules: Rules, folder: Path, rejects: Rejects, counts: Counter[str]) -> None:
        """Prepare without reading.

        Args:
            form: File format that the destination needs.
            rules: Rules for ending batches and for turning records into rows.
            folder: Folder for the files.
            rejects: Receives records that cannot be loaded.
            counts: Counts messages by type.
        """
        self._form, self._rules, self._folder, self._rejects, self._counts = form, rules, folder, rejects, counts
        self._streams: dict[str, Stream] = {}
        self._schemas: dict[str, tuple[bytes, list[str]]] = {}
        self._tables: dict[str, str] = {}
        self._files = 0
        self._begin()

    def _begin(self) -> None:
        self._batch, self._bytes, self._since = Batch(), 0, time.monotonic()

    def read(self, source: IO[Any] | None) -> Iterator[Batch]:
        """Read messages to the end of the input.

        Raises:
            InputError: A line is not a message, or precedes the SCHEMA of its stream.
            RejectedError: A record cannot be loaded, and the settings say to fail.
        """
        for line in lines_of(source):
            message = message_of(line)
            self._counts[message.type] += 1
            if message.type == "RECORD":
                stream = self._stream(message)
                stream.add(Entry(message.record, message.time_extracted, message.version))
                self._bytes += len(line) + RECORD_COST
                if stream.waiting_bytes >= DECODED_TOGETHER:
                    self._write(stream)
            elif message.type == "STATE":
                self._batch.state = _given(message, message.value)
            elif message.type == "SCHEMA":
                yield from self._take_schema(message)
            elif message.type == "ACTIVATE_VERSION":
                table, version = self._stream(message).table, _given(message, message.version)
                self._batch.versions[table] = max(version, self._batch.versions.get(table, version))
            else:
                msg = f"The input has a message of type {message.type!r:.40}, which this target does not support."
                raise InputError(msg)
            if self._bytes >= self._rules.size or time.monotonic() - self._since > self._rules.seconds:
                yield self._end()
        yield self._end()

    def _stream(self, message: Message) -> Stream:
        try:
            return self._streams[message.stream]
        except KeyError:
            msg = f"The input has a {message.type} for stream {message.stream!r:.100} before its SCHEMA."
            raise InputError(msg) from None

    def _take_schema(self, message: Message) -> Iterator[Batch]:
        name, schema, keys = message.stream, bytes(_given(message, message.schema)), message.key_properties or []
        if self._schemas.get(name) == (schema, keys):
            return
        try:
            columns = columns_of(
                msgspec.json.decode(schema),
                keys if self._rules.upsert else (),
                self._form.normalize,
                metadata=self._rules.metadata,
            )
        except (ValueError, TypeError, AttributeError, msgspec.DecodeError) as error:
            msg = f"The SCHEMA of stream {name!r:.100} is invalid: {error}"
            raise InputError(msg) from None
        table = self._form.normalize(name)
        if table.startswith("_dlt"):
            msg = f"Stream {name!r:.100} would load into a table of dlt's own: rename it in the tap."
            raise InputError(msg)
        if self._tables.setdefault(table, name) != name:
            both = f"{self._tables[table]!r:.100} and {name!r:.100}"
            msg = f"Streams {both} would load into the same table {table}: rename one of them in the tap."
            raise InputError(msg)
        if name in self._streams:
            yield self._end()  # a file has only one set of columns
        self._schemas[name] = schema, keys
        self._streams[name] = stream = Stream(name, table, columns, self._form)
        self._write(stream)  # an empty file creates the table even without records

    def _path(self, table: str) -> Path:
        self._files += 1
        return self._folder / f"{table}.{self._files}.parquet"

    def _write(self, stream: Stream) -> None:
        stream.write(self._path, self._rejects, self._rules.started)

    def _end(self) -> Batch:
        for stream in self._streams.values():
            if stream.waiting_bytes:
                self._write(stream)
        batch = self._batch
        batch.parts = [part for stream in self._streams.values() if (part := stream.close())]
        self._begin()
        return batch

"""Streams of the input: decodes and checks their records, and writes them to Parquet files."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from target_dlt import files, texts, values
from target_dlt.columns import METADATA, PYTHON, Column
from target_dlt.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from target_dlt.rejects import Rejects

ODD = re.compile(r'[\x00-\x1f"\\]')
"""Characters in names that msgspec cannot decode. Properties with such names are renamed first."""

ABSENT = msgspec.Raw(b"null")


class Entry(NamedTuple):
    """A record that waits to be decoded.

    Attributes:
        raw: The record, as JSON.
        extracted: Time at which the tap read it; ISO 8601.
        version: Table version from its RECORD message.
    """

    raw: bytes | msgspec.Raw
    extracted: str | None
    version: int | None


@dataclass(frozen=True)
class Form:
    """File format that a destination needs.

    Attributes:
        normalize: Converts a name into a valid one for the destination.
        native_json: True if Parquet files declare JSON as JSON, to be loaded as jsonb.
        no_nul: True if the destination refuses NUL in text.
        packed: True if Parquet files are compressed; not worthwhile if a local database reads them once.
    """

    normalize: Callable[[str], str]
    native_json: bool = False
    no_nul: bool = False
    packed: bool = True


@dataclass
class Part:
    """Rows of one table, in a Parquet file.

    Attributes:
        table: Name of the table.
        columns: Columns of the file, in its order.
        path: The file.
        packed: True if the file is compressed.
        rows: Number of rows.
    """

    table: str
    columns: tuple[Column, ...]
    path: Path
    packed: bool = True
    rows: int = 0
    superseded: set[int] = field(default_factory=set)

    @property
    def keys(self) -> list[Column]:
        """Columns of the key."""
        return [column for column in self.columns if column.key]


class Stream:
    """A stream since its latest SCHEMA message, with the Parquet file of its records.

    Records are decoded some thousand at a time. If several records in a file have the same key, the last one wins.
    """

    def __init__(self, name: str, table: str, columns: tuple[Column, ...], form: Form) -> None:
        """Prepare to decode records.

        Args:
            name: Name of the stream.
            table: Name of its table.
            columns: Columns of the table.
            form: File format that the destination needs.
        """
        self.name, self.table, self.columns = name, table, columns
        self.schema = pa.schema([column.arrow_field(native_json=form.native_json) for column in columns])
        self._jsonb, self._no_nul, self._packed = form.native_json, form.no_nul, form.packed
        self._own = [column for column in columns if column not in METADATA]
        self._metadata = len(columns) - len(self._own)
        self._odd = {column.field: f"property {at}" for at, column in enumerate(self._own) if ODD.search(column.field)}
        absent = {column: ABSENT if column.kind == "json" else None for column in self._own}
        kinds = [
            (
                f"f{at}",
                PYTHON[column.kind],
                msgspec.field(default=absent[column], name=self._odd.get(column.field, column.field)),
            )
            for at, column in enumerate(self._own)
        ]
        self._get = attrgetter(*(name for name, *_ in kinds)) if kinds else None
        strict = msgspec.defstruct("Record", kinds, gc=False, forbid_unknown_fields=True)
        self._strict = msgspec.json.Decoder(strict).decode
        self._lenient = msgspec.json.Decoder(msgspec.defstruct("Record", kinds, gc=False)).decode
        self._waiting: list[Entry] = []
        self.waiting_bytes = 0
        self._part: Part | None = None
        self._writer: pq.ParquetWriter | None = None
        self._rows_of: dict[Any, int] = {}

    def add(self, entry: Entry) -> None:
        """Add a record."""
        self._waiting.append(entry)
        self.waiting_bytes += len(memoryview(entry.raw))

    def write(self, path: Callable[[str], Path], rejects: Rejects, started: int) -> None:
        """Decode the waiting records and write them to the file; ``path`` names a new one.

        Raises:
            RejectedError: A record cannot be loaded, and the settings say to fail.
        """
        entries, self._waiting, self.waiting_bytes = self._waiting, [], 0
        if self._part is None or self._writer is None:
            self._part = Part(self.table, self.columns, path(self.table), self._packed)
            self._writer = files.writer(self._part.path, self.schema, packed=self._packed)
        now = time.time()
        if self._no_nul:
            entries = [self._without_nul(entry, rejects) for entry in entries]
        for table in self._tables(entries, rejects, now, started):
            self._note_keys(table)
            self._writer.write_table(table, row_group_size=len(table) or 1)
            self._part.rows += len(table)

    def _without_nul(self, entry: Entry, rejects: Rejects) -> Entry:
        raw = bytes(entry.raw)
        if texts.NUL not in raw or (mended := texts.repair(raw, nul=True)) == raw:
            return entry
        rejects.mended(self.name)
        return entry._replace(raw=mended)

    def close(self) -> Part | None:
        """Close the file and return its rows; None if :meth:`write` was not called since the last call."""
        part, writer = self._part, self._writer
        if part is None or writer is None:
            return None
        writer.close()
        if part.superseded:
            _drop_rows(part)
        self._part = self._writer = None
        self._rows_of = {}
        return part

    def _tables(self, entries: Sequence[Entry], rejects: Rejects, now: float, started: int) -> Iterator[pa.Table]:
        """Convert records to tables. If that fails, halve them until the invalid records are found."""
        try:
            table = self._table(entries, rejects, now, started)
        except (ValueError, OverflowError, RecursionError, msgspec.DecodeError) as error:
            if len(entries) > 1:
                half = len(entries) // 2
                yield from self._tables(entries[:half], rejects, now, started)
                yield from self._tables(entries[half:], rejects, now, started)
                return
            (entry,) = entries
            if (mended := texts.repair(bytes(entry.raw), nul=self._no_nul)) != bytes(entry.raw):
                rejects.mended(self.name)
                yield from self._tables([entry._replace(raw=mended)], rejects, now, started)
                return
            rejects.add(
                self.name, bytes(entry.raw), [column.field for column in self._own if column.key], one_line(error)
            )
        else:
            yield table

    def _table(self, entries: Sequence[Entry], rejects: Rejects, now: float, started: int) -> pa.Table:
        records = self._records(entries, rejects)
        rows: list[Sequence[Any]]
        if self._get is None:
            rows = []
        elif len(self._own) == 1:
            rows = [[self._get(record) for record in records]]
        else:
            rows = list(zip(*map(self._get, records), strict=True)) or [()] * len(self._own)
        arrays = []
        for column, cells in zip(self._own, rows, strict=True):
            if column.key and None in cells:
                msg = f"the key {column.field!r} has no value"
                raise ValueError(msg)
            try:
                arrays.append(values.array(column.kind, cells))
                if self._jsonb and column.kind == "json":
                    values.check_jsonb(arrays[-1])
            except ValueError as error:
                msg = f"{column.field}: {one_line(error)}"
                raise ValueError(msg) from None
        if self._metadata:
            arrays += _metadata(entries, now, started)
        fields = zip(arrays, self.schema, strict=True)
        return pa.Table.from_arrays([_as(array, part.type) for array, part in fields], schema=self.schema)

    def _records(self, entries: Sequence[Entry], rejects: Rejects) -> list[Any]:
        if self._odd:
            entries = [entry._replace(raw=self._renamed(entry.raw)) for entry in entries]
        try:
            return [self._strict(entry.raw) for entry in entries]
        except msgspec.ValidationError as error:
            if "unknown field" not in str(error):
                raise
        records = [self._lenient(entry.raw) for entry in entries]
        found = {name for entry in entries for name in msgspec.json.decode(entry.raw, type=dict[str, msgspec.Raw])}
        rejects.unknown(self.name, found - {column.field for column in self._own} - set(self._odd.values()))
        return records

    def _renamed(self, raw: bytes | msgspec.Raw) -> bytes:
        properties = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return msgspec.json.encode({self._odd.get(name, name): value for name, value in properties.items()})

    def _note_keys(self, table: pa.Table) -> None:
        """Note the positions of these keys in the file, so that only the last row of each stays."""
        part = self._part
        if part is None or not (keys := [column.name for column in part.keys]):
            return
        columns = [_plain(table.column(name)).to_pylist() for name in keys]
        for at, key in enumerate(columns[0] if len(columns) == 1 else zip(*columns, strict=True), part.rows):
            if (earlier := self._rows_of.get(key)) is not None:
                part.superseded.add(earlier)
            self._rows_of[key] = at


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with times and dates as numbers, because Python's end with the year 9999."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    return column.cast(pa.int32()) if pa.types.is_date32(column.type) else column


def _as(array: pa.Array, type_: pa.DataType) -> pa.Array:
    return array if array.type == type_ else pa.ExtensionArray.from_storage(type_, array)


def _metadata(entries: Sequence[Entry], now: float, started: int) -> Iterator[pa.Array]:
    rows = len(entries)
    noted = pa.array([datetime.fromtimestamp(now, timezone.utc).replace(tzinfo=None)] * rows, pa.timestamp("us"))
    yield values.array("timestamp", [entry.extracted for entry in entries])
    yield noted
    yield noted
    yield pa.nulls(rows, pa.timestamp("us"))
    yield pa.array(repeat(int(now * 1000), rows), pa.int64(), size=rows)
    yield pa.array([entry.version for entry in entries], pa.int64())
    yield pa.array(repeat(started, rows), pa.int64(), size=rows)


def _drop_rows(part: Part) -> None:
    """Rewrite the file without the rows that later rows of the same key replace."""
    at = 0

    def kept(table: pa.Table) -> pa.Table:
        nonlocal at
        stays = pc.invert(pc.is_in(pa.array(range(at, at + len(table))), pa.array(part.superseded)))
        at += len(table)
        return table.filter(stays)

    files.rewrite(part.path, kept, packed=part.packed)
    part.rows -= len(part.superseded)

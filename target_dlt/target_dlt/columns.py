"""Table columns, derived from the JSON Schema of a stream."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Kind = Literal["text", "bigint", "double", "bool", "timestamp", "date", "json"]
"""Column types, as dlt names them."""

SIMPLE: Mapping[str, Kind] = {"string": "text", "integer": "bigint", "number": "double", "boolean": "bool"}
FORMATS: Mapping[str, Kind] = {"date-time": "timestamp", "date": "date"}

ARROW: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),  # UTC without a zone, like other Singer loaders
    "date": pa.date32(),
    "json": pa.string(),
}

PYTHON: Mapping[Kind, Any] = {
    "text": str | None,
    "bigint": int | float | None,  # JSON Schema counts 1.0 as an integer
    "double": float | None,
    "bool": bool | None,
    "timestamp": str | None,
    "date": str | None,
    "json": msgspec.Raw,
}
"""Python types that records are decoded to."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        field: Name of the property in the records.
        name: Name in the destination.
        kind: Column type.
        key: True if it is part of the key.
    """

    field: str
    name: str
    kind: Kind
    key: bool = False

    @property
    def hints(self) -> dict[str, Any]:
        """The column as dlt's column hints."""
        hints: dict[str, Any] = {"name": self.name, "data_type": self.kind, "nullable": not self.key}
        if self.kind == "timestamp":
            hints |= {"timezone": False, "precision": 6}
        return hints | ({"primary_key": True} if self.key else {})

    def arrow_field(self, *, native_json: bool) -> pa.Field:
        """Return the column as an Arrow field. With ``native_json``, JSON columns have Arrow's JSON type."""
        type_ = pa.json_() if native_json and self.kind == "json" else ARROW[self.kind]
        return pa.field(self.name, type_, nullable=not self.key)


METADATA: Sequence[Column] = (
    Column("extracted_at", "_sdc_extracted_at", "timestamp"),
    Column("received_at", "_sdc_received_at", "timestamp"),
    Column("batched_at", "_sdc_batched_at", "timestamp"),
    Column("deleted_at", "_sdc_deleted_at", "timestamp"),
    Column("sequence", "_sdc_sequence", "bigint"),
    Column("table_version", "_sdc_table_version", "bigint"),
    Column("sync_started_at", "_sdc_sync_started_at", "bigint"),
)
"""Columns that loaders built on the Singer SDK add, with the same names and types."""

RESERVED = {column.name for column in METADATA}


def columns_of(
    schema: Mapping[str, Any], keys: Sequence[str], normalize: Callable[[str], str], *, metadata: bool
) -> tuple[Column, ...]:
    """Return the columns of a stream's table.

    Args:
        schema: JSON Schema of the stream's records.
        keys: Names of the key properties; empty if there is no key.
        normalize: Converts a name into a valid one for the destination.
        metadata: True to add the columns ``_sdc_...``.

    Raises:
        ValueError: A key is not among the properties, or is an object or array.
    """
    properties: Mapping[str, Any] = schema.get("properties") or {}
    if unknown := [key for key in keys if key not in properties]:
        msg = f"key_properties name {', '.join(map(repr, unknown))}, for which the schema has no property"
        raise ValueError(msg)
    fields = {field: normalize(field) for field in properties if not (metadata and field in RESERVED)}
    uses = Counter([*fields.values(), *(RESERVED if metadata else ())])
    names = {field: name if field == name or uses[name] == 1 else tagged(name, field) for field, name in fields.items()}
    found = [Column(field, name, kind_of(properties[field]), field in keys) for field, name in names.items()]
    if nested := [column.field for column in found if column.key and column.kind == "json"]:
        msg = f"the key {', '.join(map(repr, nested))} has no simple type"
        raise ValueError(msg)
    return (*found, *(METADATA if metadata else ()))


def tagged(name: str, field: str) -> str:
    """Return a name for ``field`` that does not depend on the other names."""
    tag = hashlib.sha256(field.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{name[:56].rstrip('_')}_{tag}"


def kind_of(definition: Any) -> Kind:  # noqa: ANN401 (any JSON)
    """Return the column type for the JSON Schema of a property.

    A property of one simple type, nullable or not, has a column of that type. Any other property is JSON. A string is
    text, even with a format, unless the format is a date or a timestamp. A decimal number written as a string is text
    too.
    """
    kinds = set(_kinds(definition))
    return kinds.pop() if len(kinds) == 1 else "json"


def _kinds(definition: Any) -> Iterator[Kind]:  # noqa: ANN401 (any JSON)
    if not isinstance(definition, dict):
        yield "json"
        return
    for word in ("anyOf", "oneOf"):
        for branch in definition.get(word) or ():
            yield from _kinds(branch)
    types = definition.get("type")
    if types is None:
        if not any(definition.get(word) for word in ("anyOf", "oneOf")):
            yield "json"
        return
    for type_ in [types] if isinstance(types, str) else types:
        if type_ == "string":
            yield FORMATS.get(definition.get("format", ""), "text")
        elif type_ != "null":
            yield SIMPLE.get(type_, "json")

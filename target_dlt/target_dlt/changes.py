"""Changed column types: fits rows to a table that already exists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from target_dlt import files
from target_dlt.columns import ARROW, Column
from target_dlt.errors import DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_dlt.columns import Kind
    from target_dlt.streams import Part

KINDS: Mapping[str, Kind] = {kind: kind for kind in ARROW}
LOSSLESS = {("decimal", "bigint"), ("decimal", "double"), ("wei", "bigint")}
"""Column types, each with a type whose values it also holds; other loaders made these columns."""


def fit(part: Part, stored: Mapping[str, str], *, json: bool = True) -> tuple[Column, ...]:
    """Return columns that rows can be loaded into without loss, given the columns of the table.

    If the type of a column has changed, a second column is added beside the first, named as dlt names variants:
    ``amount__v_double``. A text column holds any value, as text.

    Args:
        part: The rows.
        stored: Names of the table's columns and their dlt types; empty if there is no table.
        json: True if the destination has JSON columns; otherwise JSON is stored as text.

    Raises:
        DestinationError: The type of a key has changed, or the key has a column that the table lacks.
    """
    if stored and (new := [column.name for column in part.keys if column.name not in stored]):
        msg = (
            f"The key of table {part.table} has {', '.join(new)} now, which existing rows lack: rename the table, "
            "and load the stream in full."
        )
        raise DestinationError(msg)
    texts = {} if json else {column.name: "text" for column in part.columns if column.kind == "json"}
    fitted = [_fit(column, {**texts, **stored}, part) for column in part.columns]
    return (*fitted, *_other_forms(part.columns, fitted, stored))


def _other_forms(columns: Sequence[Column], fitted: Sequence[Column], stored: Mapping[str, str]) -> Iterator[Column]:
    """Yield the columns of the table that hold the same field in other types; new rows set them to null."""
    names = {column.name for column in fitted}
    for column in columns:
        for name, kind in stored.items():
            is_form = name == column.name or name.startswith(f"{column.name}__v_")
            if is_form and name not in names and kind in KINDS:
                yield Column(name, name, KINDS[kind])


def _fit(column: Column, stored: Mapping[str, str], part: Part) -> Column:
    there = stored.get(column.name)
    if there is None or there == column.kind or (there, column.kind) in LOSSLESS:
        return column
    if there == "text":
        return replace(column, kind="text")
    if column.key:
        msg = (
            f"The key {column.name} of table {part.table} is {there} and would become {column.kind}: rename the table, "
            "and load the stream in full."
        )
        raise DestinationError(msg)
    return replace(column, name=f"{column.name}__v_{column.kind}")


def rewrite(part: Part, columns: tuple[Column, ...], *, native_json: bool) -> None:
    """Rewrite the file of a part with these columns."""
    schema = pa.schema([column.arrow_field(native_json=native_json) for column in columns])

    def changed(table: pa.Table) -> pa.Table:
        new = (pa.nulls(len(table), pa.string()) for _ in range(len(schema) - len(table.columns)))
        arrays = [_cast(array, field.type) for array, field in zip([*table.columns, *new], schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    files.rewrite(part.path, changed, schema, packed=part.packed)
    part.columns = columns


def _cast(array: Any, type_: pa.DataType) -> Any:  # noqa: ANN401 (of pyarrow, which has no types)
    if array.type == type_:
        return array
    if isinstance(type_, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type_, array)
    if isinstance(array.type, pa.BaseExtensionType):
        return pa.chunked_array([chunk.storage for chunk in array.chunks], pa.string())
    if pa.types.is_timestamp(array.type):
        return pc.strftime(array, "%Y-%m-%dT%H:%M:%SZ")
    return array.cast(type_)

"""The DuckDB file that the pipeline fills."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from typing_extensions import Self

from tools.demo.tables import Key, Kind, Row, Table

SCHEMA = "instantly"
METADATA = "_sdc_"
BOOKKEEPING = "_dlt_"
"""Prefix of the loader's own tables."""

BATCHED_AT = "_sdc_batched_at"
ROWS_AT_A_TIME = 1000


class Warehouse:
    """The database, opened for reading."""

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect(str(path), read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # An open file would lock the loader out.
        self._connection.close()

    def _ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        cursor = self._connection.cursor().execute(query, values)
        while chunk := cursor.fetchmany(ROWS_AT_A_TIME):
            yield from chunk

    def tables(self) -> set[str]:
        """Return the names of the tables, without the loader's own."""
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
        return {name for (name,) in self._ask(query, SCHEMA) if not name.startswith(BOOKKEEPING)}

    def column_types(self, table: Table) -> dict[str, str]:
        """Return the types of a table's columns, without the loader's own."""
        query = (
            "SELECT column_name, data_type FROM information_schema.columns WHERE (table_schema, table_name) = (?, ?)"
        )
        return {name: kind for name, kind in self._ask(query, SCHEMA, table.name) if not name.startswith(METADATA)}

    def wrong_columns(self, table: Table) -> Iterator[str]:
        """List the differences between a table's columns and its schema."""
        found = self.column_types(table)
        for name in sorted(found.keys() - table.columns.keys()):
            yield f"column {name}: it is in the table and not in the schema"
        for name, kind in table.columns.items():
            if name not in found:
                yield f"column {name}: it is in the schema and not in the table"
            elif found[name] not in kind.value:
                yield f"column {name}: its type is {found[name]} and should be {' or '.join(kind.value)}"

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows of a table, with JSON parsed."""
        names = list(table.columns)
        documents = [name for name, kind in table.columns.items() if kind is Kind.JSON]
        days = [name for name, kind in table.columns.items() if kind is Kind.DATE]
        columns = ", ".join(f'"{name}"' for name in names)
        for values in self._ask(f'SELECT {columns} FROM "{SCHEMA}"."{table.name}"'):  # noqa: S608 - our own names
            row = dict(zip(names, values, strict=True))
            for name in documents:
                row[name] = None if row[name] is None else json.loads(row[name])
            for name in days:
                row[name] = None if row[name] is None else row[name].isoformat()
            yield row

    def loaded_at(self, table: Table) -> dict[Key, datetime]:
        """Return the load time of each row; it changes when the tap sends the row again."""
        keys = (f'cast("{name}" as text)' for name in table.keys)  # also days, as the API has them
        columns = ", ".join((*keys, f'"{BATCHED_AT}"'))
        rows = self._ask(f'SELECT {columns} FROM "{SCHEMA}"."{table.name}"')  # noqa: S608 - our own names
        return {tuple(key): when for *key, when in rows}

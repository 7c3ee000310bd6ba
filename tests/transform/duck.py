"""Create tables in DuckDB as target-dlt does; `make demo` verifies the likeness."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb

from tools.demo.tables import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.DATE: "DATE",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.JSON: "JSON",
}
SCHEMA = "instantly"


def fill(path: Path, records: Mapping[str, Iterable[Mapping[str, Any]]], loaded_at: str) -> None:
    """Create a table with each stream's records."""
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")
        for stream, rows in records.items():
            lines = path.with_suffix(f".{stream}.jsonl")
            lines.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
            columns = {name: TYPES[kind] for name, kind in Table(stream, ()).columns.items()}
            reading = f"read_json('{lines}', format='newline_delimited', columns={columns})"
            connection.execute(
                f"create table {SCHEMA}.{stream} as select *, cast('{loaded_at}' as timestamp) as _sdc_batched_at,"  # noqa: S608 (ours)
                f" null::timestamp as _sdc_deleted_at from {reading}"
            )


def move(path: Path, to: Path, schema: str) -> None:
    """Move the tables into a schema of another file."""
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(f"attach '{to}' as other; create schema other.\"{schema}\"")
        names = connection.execute("select table_name from duckdb_tables where schema_name = ?", [SCHEMA]).fetchall()
        for (name,) in names:
            connection.execute(f'create table other."{schema}".{name} as from {SCHEMA}.{name}')
        connection.execute(f"drop schema {SCHEMA} cascade")


def execute(path: Path, *statements: str) -> None:
    """Execute statements."""
    with closing(duckdb.connect(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(path: Path, query: str, **attached: Path) -> list[dict[str, Any]]:
    """Return the rows of a query; further files are attached by name, as views refer to them."""
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        for name, other in attached.items():
            connection.execute(f"attach '{other}' as {name} (read_only)")
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

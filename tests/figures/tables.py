"""Tables as loaders create them in DuckDB and in Postgres, with rows by stream."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from tests.transform import duck
from tools.demo.tables import TABLES, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.figures.world import Row
    from tests.warehouse.postgres import Postgres

POSTGRES = {
    Kind.TEXT: "text",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.BOOLEAN: "boolean",
    Kind.JSON: "jsonb",
}
FILLED = (*TABLES, Table("emails", ("id",)), Table("webhook_events", ("id",)))
"""The tables, with those of streams that are not selected by default."""
AS_TEXT = "alter table instantly.webhook_events alter column payload type text"
"""In Postgres, since some loaders write objects as text."""
TIMES = tuple(f"_sdc_{what}_at" for what in ("extracted", "batched", "deleted"))


def statements(loaded: Mapping[str, list[Row]], types: dict[Kind, str], json_type: str) -> Iterator[str]:
    """Return the SQL that creates the tables."""
    yield "create schema instantly"
    for table in FILLED:
        columns = {name: types[kind] for name, kind in table.columns.items()} | dict.fromkeys(TIMES, "timestamp")
        declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        yield f"create table instantly.{table.name} ({declared})"
        rows = loaded.get(table.name, [])
        for start in range(0, len(rows), 500):
            values = ", ".join(_values(row, columns, json_type) for row in rows[start : start + 500])
            yield f"insert into instantly.{table.name} values {values}"  # noqa: S608 (our own)


def _values(row: dict[str, Any], columns: dict[str, str], json_type: str) -> str:
    return f"({', '.join(_literal(row.get(name), is_json=kind == json_type) for name, kind in columns.items())})"


def _literal(value: Any, *, is_json: bool) -> str:
    if value is None:
        return "null"
    if value != value:  # noqa: PLR0124 - NaN
        return "'NaN'"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    text = json.dumps(value) if is_json else str(value)
    return "'" + text.replace("'", "''") + "'"


def fill_duckdb(path: Path, loaded: Mapping[str, list[Row]]) -> None:
    with closing(duckdb.connect(str(path))) as connection:
        for statement in statements(loaded, duck.TYPES, "JSON"):
            connection.execute(statement)


def fill_postgres(server: Postgres, database: str, loaded: Mapping[str, list[Row]]) -> None:
    server.execute(";\n".join((*statements(loaded, POSTGRES, "jsonb"), AS_TEXT)), database)


def loaded_in(path: Path, *streams: str) -> dict[str, list[Row]]:
    """Return rows of tables in DuckDB in the form of a world's; those without a time of extraction get the load's."""
    found = {}
    for stream in streams:
        kinds = Table(stream, ()).columns
        rows = duck.rows(path, f"from instantly.{stream}")
        found[stream] = [
            {"_sdc_extracted_at": row["_sdc_batched_at"]}
            | {name: _read(value, kinds.get(name)) for name, value in row.items()}
            for row in rows
        ]
    return found


def _read(value: Any, kind: Kind | None) -> Any:
    if kind is Kind.JSON and value is not None:
        return json.loads(value)
    return value.isoformat() if kind is Kind.DATE and isinstance(value, date) else value

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tools.demo.tables import TABLES, Kind, Table
from tools.demo.warehouse import SCHEMA, Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Row = dict[str, Any]


def table(name: str) -> Table:
    return next(candidate for candidate in TABLES if candidate.name == name)


def make_file(path: Path, table: Table, rows: list[Row], types: dict[str, str] | None = None) -> None:
    """Write rows as the loader does, with the schema's column types unless overridden."""
    kinds = {name: kind.value[0] for name, kind in table.columns.items()} | (types or {})
    lines = path.with_suffix(".jsonl")
    held = [{name: _stored(table, name, row.get(name)) for name in kinds} for row in rows]
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in held), encoding="utf-8")
    reading = f"read_json('{lines}', format='newline_delimited', columns={kinds})"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        loaded = "TIMESTAMP '2026-11-01 00:00:00' AS _sdc_batched_at"
        connection.execute(f"CREATE TABLE {SCHEMA}.{table.name} AS SELECT *, {loaded} FROM {reading}")  # noqa: S608 (ours)


def _stored(table: Table, name: str, value: Any) -> Any:
    return value.removesuffix("Z") if value and table.columns.get(name) is Kind.TIMESTAMP else value


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Callable[..., Warehouse]]:
    opened = []

    def make(table: Table, rows: list[Row], types: dict[str, str] | None = None) -> Warehouse:
        path = tmp_path / f"{len(opened)}.duckdb"
        make_file(path, table, rows, types)
        opened.append(Warehouse(path))
        return opened[-1]

    yield make
    for one in opened:
        one.__exit__(None, None, None)

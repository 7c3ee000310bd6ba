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
    with duckdb.connect(str(path)) as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(f"CREATE TABLE {SCHEMA}.{table.name} ({columns}, _sdc_batched_at TIMESTAMP)")
        places = ", ".join("?" for _ in kinds)
        for row in rows:
            values = [_stored(table, name, row.get(name)) for name in kinds]
            connection.execute(f"INSERT INTO {SCHEMA}.{table.name} VALUES ({places}, '2026-11-01 00:00:00')", values)  # noqa: S608 (ours)


def _stored(table: Table, name: str, value: Any) -> Any:
    if value is None:
        return None
    if table.columns.get(name) is Kind.TIMESTAMP:
        return value.removesuffix("Z")
    return json.dumps(value) if table.columns.get(name) is Kind.JSON else value


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

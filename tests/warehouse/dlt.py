"""Load with target-dlt and read DuckDB or Postgres in the form of ``tests.warehouse.truth``."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tests.transform import duck
from tests.warehouse.pipeline import SCHEMA, Loads
from tests.warehouse.postgres import PASSWORD
from tools.demo.tables import Kind, Row, Table

if TYPE_CHECKING:
    from tests.warehouse.postgres import Postgres
    from tests.warehouse.truth import Rows

PROGRAM = Path(__file__).parents[2] / ".venv-target-dlt" / "bin" / "target-dlt"
"""Installed by `make test`."""

HOST = "127.0.0.1"


class ByDlt(Loads):
    """Loads by target-dlt."""

    plugin = "target-dlt"

    @override
    def loader(self) -> list[str]:
        return [str(PROGRAM)]

    @abstractmethod
    def rows(self, table: str) -> list[Row]:
        """Return all rows of a stream's table."""

    def loaded_some(self) -> bool:
        """Return true once the current run has loaded something."""
        return b"Loaded " in (self.folder / "log-target").read_bytes()

    def found(self, table: Table) -> Rows:
        """Return the rows of a stream's table that are not marked as deleted."""
        rows = [_as_held(row, table) for row in self.rows(table.name) if row["_sdc_deleted_at"] is None]
        by_key = {table.key_of(row): row for row in rows}
        assert len(by_key) == len(rows), f"{table.name} has rows twice"
        return by_key

    def marked(self, table: Table) -> set[tuple[Any, ...]]:
        """Return the keys of the rows marked as deleted."""
        return {table.key_of(_as_held(row, table)) for row in self.rows(table.name) if row["_sdc_deleted_at"]}


@dataclass(frozen=True)
class IntoDuckDB(ByDlt):
    """Loads into a file."""

    file: Path
    folder: Path

    @override
    def settings(self) -> dict[str, Any]:
        return {"credentials": str(self.file), "default_target_schema": SCHEMA}

    @override
    def rows(self, table: str) -> list[Row]:
        return duck.rows(self.file, f'select * from {SCHEMA}."{table}"')  # noqa: S608 (our own names)


@dataclass(frozen=True)
class IntoPostgres(ByDlt):
    """Loads into a database of a local server."""

    postgres: Postgres
    database: str
    folder: Path

    @override
    def settings(self) -> dict[str, Any]:
        url = f"postgresql://postgres:{PASSWORD}@{HOST}:{self.postgres.port}/{self.database}"
        return {"destination": "postgres", "credentials": url, "default_target_schema": SCHEMA}

    @override
    def rows(self, table: str) -> list[Row]:
        return self.postgres.rows(f'select * from {SCHEMA}."{table}"', self.database)  # noqa: S608 (our own names)


def _as_held(row: Row, table: Table) -> Row:
    return {name: _plain(row[name], kind) for name, kind in table.columns.items()}


def _plain(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind is Kind.TIMESTAMP:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return json.loads(value) if kind is Kind.JSON and isinstance(value, str) else value

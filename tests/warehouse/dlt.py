"""Load with target-dlt into DuckDB or Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tests.transform import duck
from tests.warehouse.pipeline import SCHEMA, IntoTables
from tests.warehouse.postgres import PASSWORD

if TYPE_CHECKING:
    from tests.warehouse.postgres import Postgres
    from tools.demo.tables import Row

PROGRAM = Path(__file__).parents[2] / ".venv-target-dlt" / "bin" / "target-dlt"
"""Installed by `make test`."""

HOST = "127.0.0.1"


class ByDlt(IntoTables):
    """Loads by target-dlt."""

    plugin = "target-dlt"
    fork = PROGRAM.with_name("python"), "target_dlt.__main__:main"

    @override
    def loader(self) -> list[str]:
        return [str(PROGRAM)]

    @override
    def loaded_some(self) -> bool:
        return b"Loaded " in (self.folder / "log-target").read_bytes()


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

"""Databases for loaders: empties them, and reads their content afterwards."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

import duckdb

from tests.warehouse.postgres import PASSWORD, Postgres
from tools.demo.tables import Row

SCHEMA, DATABASE = "instantly", "bench_load"
HOST = "127.0.0.1"
ROWS_AT_A_TIME = 1000


class Database(Protocol):
    """A database that is empty at the start of each load."""

    address: str

    def empty(self) -> contextlib.AbstractContextManager[None]:
        """An empty database while the context lasts."""

    def rows(self, table: str, documents: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a table as JSON values; text in columns of ``documents`` is parsed as JSON."""


class InPostgres:
    """A database of a running server."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        # For tools that accept a port.
        self.address = f"postgresql://postgres:{PASSWORD}@{HOST}:{postgres.port}/{DATABASE}"

    @contextlib.contextmanager
    def empty(self) -> Iterator[None]:
        """Empty the database while the context lasts."""
        with self._postgres.database(DATABASE):
            # Concurrent loads that create the schema would collide.
            self._postgres.execute(f"create schema {SCHEMA}", DATABASE)
            yield

    def rows(self, table: str, documents: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a table as JSON values; text in columns of ``documents`` is parsed as JSON."""
        query = f"select row_to_json(each) from {SCHEMA}.{table} each"  # noqa: S608 (our own names)
        lines = self._postgres.execute(f"set timezone = 'UTC'; {query}", DATABASE).split("\n")
        return (_plain(line, documents) for line in lines if line)


class InDuckDB:
    """A DuckDB file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "warehouse.duckdb")

    @contextlib.contextmanager
    def empty(self) -> Iterator[None]:
        """Empty the database while the context lasts."""
        try:
            yield
        finally:
            Path(self.address).unlink(missing_ok=True)

    def rows(self, table: str, documents: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a table as JSON values; text in columns of ``documents`` is parsed as JSON."""
        with duckdb.connect(self.address, read_only=True) as warehouse:
            warehouse.execute("set TimeZone = 'UTC'")
            cursor = warehouse.execute(f"select to_json(each)::varchar from {SCHEMA}.{table} each")  # noqa: S608 (our own names)
            while found := cursor.fetchmany(ROWS_AT_A_TIME):
                yield from (_plain(line, documents) for (line,) in found)


def _plain(line: str, documents: Collection[str]) -> Row:
    row = json.loads(line).items()
    return {name: json.loads(value) if name in documents and isinstance(value, str) else value for name, value in row}

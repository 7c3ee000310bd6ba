"""Databases for loaders: empties them, and reads their content afterwards."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from tests.warehouse.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.warehouse.postgres import Postgres
    from tools.demo.tables import Row

SCHEMA, DATABASE = "instantly", "bench_load"
HOST = "127.0.0.1"
ROWS_AT_A_TIME = 1000


class Database(Protocol):
    """A database that is empty at the start of each load."""

    def empty(self) -> contextlib.AbstractContextManager[None]:
        """An empty database while the context lasts."""

    @property
    def address(self) -> str:
        """Address of the database."""

    def rows(self, table: str, documents: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a table as JSON values; text in columns of ``documents`` is parsed as JSON."""


@dataclass(frozen=True)
class InPostgres:
    """A database of a running server.

    Attributes:
        postgres: The server.
    """

    postgres: Postgres

    @contextlib.contextmanager
    def empty(self) -> Iterator[None]:
        """Empty the database while the context lasts."""
        with self.postgres.database(DATABASE):
            # Concurrent loads that create the schema would collide.
            self.postgres.execute(f"create schema {SCHEMA}", DATABASE)
            yield

    @property
    def address(self) -> str:
        """Address of the database, for tools that accept a port."""
        return f"postgresql://postgres:{PASSWORD}@{HOST}:{self.postgres.port}/{DATABASE}"

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.postgres.execute(f"select count(*) from {SCHEMA}.{table}", DATABASE))  # noqa: S608 (our own names)

    def checksum(self, table: str) -> str:
        """Return a checksum of all columns except the loader's own."""
        where = f"table_schema = '{SCHEMA}' and table_name = '{table}' and column_name not like '\\_sdc%'"
        names = f"select string_agg(quote_ident(column_name), ',') from information_schema.columns where {where}"  # noqa: S608 (our own names)
        columns = self.postgres.execute(names, DATABASE).strip()
        query = f"select md5(string_agg(md5(row({columns})::text), '' order by id)) from {SCHEMA}.{table}"  # noqa: S608 (our own names)
        return self.postgres.execute(query, DATABASE).strip()

    def rows(self, table: str, documents: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a table as JSON values; text in columns of ``documents`` is parsed as JSON."""
        query = f"select row_to_json(each) from {SCHEMA}.{table} each"  # noqa: S608 (our own names)
        lines = self.postgres.execute(f"set timezone = 'UTC'; {query}", DATABASE).split("\n")
        return (_plain(json.loads(line), documents) for line in lines if line)


@dataclass(frozen=True)
class InDuckDB:
    """A DuckDB file in a folder.

    Attributes:
        folder: The folder.
    """

    folder: Path

    @cached_property
    def file(self) -> Path:
        """The file."""
        return self.folder / "warehouse.duckdb"

    @property
    def address(self) -> str:
        """Address of the database."""
        return str(self.file)

    @contextlib.contextmanager
    def empty(self) -> Iterator[None]:
        """Empty the database while the context lasts."""
        try:
            yield
        finally:
            self.file.unlink(missing_ok=True)

    def rows(self, table: str, documents: Collection[str]) -> Iterator[Row]:
        """Yield the rows of a table as JSON values; text in columns of ``documents`` is parsed as JSON."""
        with duckdb.connect(self.address, read_only=True) as warehouse:
            warehouse.execute("set TimeZone = 'UTC'")
            cursor = warehouse.execute(f"select to_json(each)::varchar from {SCHEMA}.{table} each")  # noqa: S608 (our own names)
            while found := cursor.fetchmany(ROWS_AT_A_TIME):
                for (line,) in found:
                    yield _plain(json.loads(line), documents)


def _plain(row: Row, documents: Collection[str]) -> Row:
    return {name: _json(value) if name in documents else value for name, value in row.items()}


def _json(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    return json.loads(value) if isinstance(value, str) else value

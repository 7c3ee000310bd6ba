"""The loaders that are measured: how each is called, and what it has loaded."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import yaml

from demo.paths import ROOT
from tests.warehouse.postgres import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.warehouse.postgres import Postgres

SCHEMA, DATABASE = "instantly", "bench_load"
PLACES = {"port", "credentials", "default_target_schema", "rejects_path"}


def _plugin(loader: str) -> dict[str, Any]:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = [each for each in project["plugins"]["loaders"] if each["name"] == loader]
    return dict(plugin)


def variables(loader: str) -> dict[str, str]:
    """The environment variables that a loader has in meltano.yml."""
    return dict(_plugin(loader)["env"])


def shipped(loader: str) -> dict[str, Any]:
    """The settings that a loader has in meltano.yml, less those that say where the database is."""
    given = {setting["name"]: setting["value"] for setting in _plugin(loader)["settings"] if "value" in setting}
    return {name: value for name, value in given.items() if name not in PLACES}


class Loader(Protocol):
    """A loader, and an empty database while one is needed."""

    program: Path

    def database(self) -> contextlib.AbstractContextManager[object]:
        """An empty database for as long as the context lasts."""

    def settings(self) -> dict[str, Any]:
        """Where that is, as the loader wants to be told."""

    def count(self, table: str) -> int:
        """How many rows a table has."""

    def checksum(self, table: str) -> str:
        """Something that is the same only where all columns are but the loader's own; empty if that cannot be told."""


@dataclass(frozen=True)
class ToPostgres:
    """target-postgres, into a server that is running."""

    postgres: Postgres
    program = ENVIRONMENT / "bin" / "target-postgres"

    @contextlib.contextmanager
    def database(self) -> Iterator[None]:
        """An empty database for as long as the context lasts."""
        with self.postgres.database(DATABASE):
            # Two loads that make it at once get in each other's way.
            self.postgres.execute(f"create schema {SCHEMA}", DATABASE)
            yield

    def settings(self) -> dict[str, Any]:
        """Where that is, as the loader wants to be told."""
        return {"sqlalchemy_url": self.postgres.url(DATABASE), "default_target_schema": SCHEMA}

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.postgres.execute(f"select count(*) from {SCHEMA}.{table}", DATABASE))  # noqa: S608 (our own names)

    def checksum(self, table: str) -> str:
        """Something that is the same only where all columns are but the loader's own."""
        where = f"table_schema = '{SCHEMA}' and table_name = '{table}' and column_name not like '\\_sdc%'"
        names = f"select string_agg(quote_ident(column_name), ',') from information_schema.columns where {where}"  # noqa: S608 (our own names)
        columns = self.postgres.execute(names, DATABASE).strip()
        query = f"select md5(string_agg(md5(row({columns})::text), '' order by id)) from {SCHEMA}.{table}"  # noqa: S608 (our own names)
        return self.postgres.execute(query, DATABASE).strip()


@dataclass(frozen=True)
class ToDuckDB:
    """target-dlt as `make meltano` installs it, into a DuckDB file of a folder."""

    folder: Path
    program = ROOT / ".meltano" / "loaders" / "target-dlt" / "venv" / "bin" / "target-dlt"

    @cached_property
    def file(self) -> Path:
        """The database."""
        return self.folder / "warehouse.duckdb"

    @contextlib.contextmanager
    def database(self) -> Iterator[None]:
        """An empty database for as long as the context lasts."""
        try:
            yield
        finally:
            self.file.unlink(missing_ok=True)

    def settings(self) -> dict[str, Any]:
        """Where that is, as the loader wants to be told."""
        return {"credentials": str(self.file), "default_target_schema": SCHEMA}

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with duckdb.connect(str(self.file), read_only=True) as warehouse:
            found = warehouse.execute(f"select count(*) from {SCHEMA}.{table}").fetchone()  # noqa: S608 (our own names)
        return int(found[0]) if found else 0

    def checksum(self, table: str) -> str:  # noqa: ARG002 (of the protocol)
        """Nothing: other types write the same values otherwise."""
        return ""

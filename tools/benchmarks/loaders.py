"""Loaders of the benchmarks and their commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.warehouse.postgres import ENVIRONMENT
from tools.benchmarks.candidates import PEERS, version_of
from tools.benchmarks.databases import SCHEMA, Database
from tools.demo.paths import ROOT

PLACES = {"port", "destination", "credentials", "default_target_schema", "rejects_path"}

Place = Callable[[str], dict[str, Any]]
"""Returns the settings of a loader for the address of a database."""

POSTGRES, DUCKDB = "postgres", "duckdb"
OURS = "target-dlt"


@cache
def _plugins() -> list[dict[str, Any]]:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    return list(project["plugins"]["loaders"])


def _plugin(loader: str) -> dict[str, Any]:
    (plugin,) = [each for each in _plugins() if each["name"] == loader]
    return plugin


def variables(loader: str) -> dict[str, str]:
    """Return the environment variables of a loader in meltano.yml."""
    return dict(_plugin(loader)["env"])


def shipped(loader: str) -> dict[str, Any]:
    """Return the settings of a loader in meltano.yml, without those of the database's location."""
    given = {setting["name"]: setting["value"] for setting in _plugin(loader)["settings"] if "value" in setting}
    return {name: value for name, value in given.items() if name not in PLACES}


@dataclass(frozen=True)
class Loader:
    """A loader for one kind of database."""

    name: str
    kind: str  # of database
    distribution: str
    environment: Path  # folder of its virtual environment
    command: Sequence[str]  # the program in the folder's `bin`, with its arguments before the settings file
    place: Place
    settings: Mapping[str, Any]  # all other settings
    many_streams: bool = True  # accepts more than one

    @property
    def missing(self) -> bool:
        """True if it is not installed."""
        return not (self.environment / "bin" / self.command[0]).exists()

    def access(self, database: Database) -> dict[str, Any]:
        """Return the settings of the database's location."""
        return {**self.place(database.address), "default_target_schema": SCHEMA}

    def call(self, settings: str) -> list[str]:
        """Return the command with a settings file."""
        program, *arguments = self.command
        return [str(self.environment / "bin" / program), *arguments, "--config", settings]

    def version(self) -> str:
        """Return the version in its environment."""
        return version_of(self.distribution, self.environment / "bin" / "python")


def _in(kind: str) -> Place:
    return lambda address: {"destination": kind, "credentials": address}


def _path(address: str) -> dict[str, Any]:
    return {"path": address}


def _pipelinewise(address: str) -> dict[str, Any]:
    at = urlsplit(address)
    place = {"host": at.hostname, "port": at.port, "dbname": at.path.strip("/")}
    return {**place, "user": at.username, "password": at.password}


TARGET_POSTGRES = Loader(
    "target-postgres",
    POSTGRES,
    "meltanolabs-target-postgres",
    ENVIRONMENT,
    ("target-postgres",),
    lambda address: {"sqlalchemy_url": address.replace("postgresql://", "postgresql+psycopg://")},
    shipped("target-postgres"),
)

_DLT = ROOT / ".venv-target-dlt"
_ROWS = ("python", str(PEERS / "dlt_rows.py"))
_OLD = ROOT / ".venv-bench-target-duckdb"
# Its settings in meltano.yml while it was the DuckDB loader.
_OLD_SETTINGS = {"batch_size_rows": 100_000, "flush_all_streams": True, "add_metadata_columns": True}
_WISE = "pipelinewise-target-postgres"
_WISE_HOME = ROOT / ".venv-bench-pipelinewise"

LOADERS = (
    Loader(OURS, DUCKDB, OURS, _DLT, (OURS,), _in(DUCKDB), shipped(OURS)),
    Loader("target-duckdb", DUCKDB, "target-duckdb", _OLD, ("target-duckdb",), _path, _OLD_SETTINGS),
    Loader("dlt, plain rows", DUCKDB, "dlt", _DLT, _ROWS, _in(DUCKDB), {}, many_streams=False),
    Loader(OURS, POSTGRES, OURS, _DLT, (OURS,), _in(POSTGRES), shipped(OURS)),
    TARGET_POSTGRES,
    Loader(_WISE, POSTGRES, _WISE, _WISE_HOME, ("target-postgres",), _pipelinewise, {"add_metadata_columns": True}),
    Loader("dlt, plain rows", POSTGRES, "dlt", _DLT, _ROWS, _in(POSTGRES), {}, many_streams=False),
)

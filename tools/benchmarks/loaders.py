"""Loaders of the benchmarks and their commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from tests.warehouse.postgres import ENVIRONMENT
from tools.benchmarks.candidates import PEERS, version_of
from tools.benchmarks.databases import SCHEMA
from tools.demo.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tools.benchmarks.databases import Database

PLACES = {"port", "destination", "credentials", "default_target_schema", "rejects_path"}

POSTGRES, DUCKDB = "postgres", "duckdb"
OURS = "target-dlt"


def _plugin(loader: str) -> dict[str, Any]:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = [each for each in project["plugins"]["loaders"] if each["name"] == loader]
    return dict(plugin)


def variables(loader: str) -> dict[str, str]:
    """Return the environment variables of a loader in meltano.yml."""
    return dict(_plugin(loader)["env"])


def shipped(loader: str) -> dict[str, Any]:
    """Return the settings of a loader in meltano.yml, without those of the database's location."""
    given = {setting["name"]: setting["value"] for setting in _plugin(loader)["settings"] if "value" in setting}
    return {name: value for name, value in given.items() if name not in PLACES}


@dataclass(frozen=True)
class Loader:
    """A loader for one kind of database.

    Attributes:
        name: Name of the loader.
        kind: Kind of database.
        distribution: Its distribution.
        environment: Folder of its virtual environment.
        command: The program in the folder's `bin`, with its arguments before the settings file.
        access: Returns the settings of the database's location.
        settings: All other settings.
        many_streams: True if it accepts more than one stream.
    """

    name: str
    kind: str
    distribution: str
    environment: Path
    command: Sequence[str]
    access: Callable[[Database], dict[str, Any]]
    settings: Mapping[str, Any]
    many_streams: bool = True

    @property
    def missing(self) -> bool:
        """True if it is not installed."""
        return not (self.environment / "bin" / self.command[0]).exists()

    def call(self, settings: str) -> list[str]:
        """Return the command with a settings file."""
        program, *arguments = self.command
        return [str(self.environment / "bin" / program), *arguments, "--config", settings]

    def version(self) -> str:
        """Return the version in its environment."""
        return version_of(self.distribution, self.environment / "bin" / "python")


def _ours(database: Database) -> dict[str, Any]:
    return {"credentials": database.address, "default_target_schema": SCHEMA}


def _ours_postgres(database: Database) -> dict[str, Any]:
    return {"destination": "postgres", **_ours(database)}


def _plain_rows(kind: str) -> Callable[[Database], dict[str, Any]]:
    return lambda database: {"destination": kind, "credentials": database.address, "schema": SCHEMA}


def _target_duckdb(database: Database) -> dict[str, Any]:
    return {"path": database.address, "default_target_schema": SCHEMA}


def _target_postgres(database: Database) -> dict[str, Any]:
    address = database.address.replace("postgresql://", "postgresql+psycopg://")
    return {"sqlalchemy_url": address, "default_target_schema": SCHEMA}


def _pipelinewise(database: Database) -> dict[str, Any]:
    at = urlsplit(database.address)
    place = {"host": at.hostname, "port": at.port, "dbname": at.path.strip("/")}
    return {**place, "user": at.username, "password": at.password, "default_target_schema": SCHEMA}


TARGET_POSTGRES = Loader(
    "target-postgres",
    POSTGRES,
    "meltanolabs-target-postgres",
    ENVIRONMENT,
    ("target-postgres",),
    _target_postgres,
    shipped("target-postgres"),
)

_DLT = ROOT / ".venv-target-dlt"
_ROWS = ("python", str(PEERS / "dlt_rows.py"))
_OLD = ROOT / ".venv-bench-target-duckdb"
# Its settings in meltano.yml while it was the DuckDB loader.
_OLD_SETTINGS = {"batch_size_rows": 100_000, "flush_all_streams": True, "add_metadata_columns": True}
_PIPELINEWISE = ROOT / ".venv-bench-pipelinewise"

LOADERS = (
    Loader(OURS, DUCKDB, OURS, _DLT, (OURS,), _ours, shipped(OURS)),
    Loader("target-duckdb", DUCKDB, "target-duckdb", _OLD, ("target-duckdb",), _target_duckdb, _OLD_SETTINGS),
    Loader("dlt, plain rows", DUCKDB, "dlt", _DLT, _ROWS, _plain_rows(DUCKDB), {}, many_streams=False),
    Loader(OURS, POSTGRES, OURS, _DLT, (OURS,), _ours_postgres, shipped(OURS)),
    TARGET_POSTGRES,
    Loader(
        "pipelinewise-target-postgres",
        POSTGRES,
        "pipelinewise-target-postgres",
        _PIPELINEWISE,
        ("target-postgres",),
        _pipelinewise,
        {"add_metadata_columns": True},
    ),
    Loader("dlt, plain rows", POSTGRES, "dlt", _DLT, _ROWS, _plain_rows(POSTGRES), {}, many_streams=False),
)

"""The loaders that are measured, and how each is called."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from benchmarks.candidates import PEERS
from benchmarks.databases import SCHEMA
from demo.paths import ROOT
from tests.warehouse.postgres import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.databases import Database

PLACES = {"port", "destination", "credentials", "default_target_schema", "rejects_path"}

POSTGRES, DUCKDB = "postgres", "duckdb"
OURS = "target-dlt"


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


@dataclass(frozen=True)
class Loader:
    """A loader for one kind of database.

    Attributes:
        name: What it is called.
        kind: The kind of database.
        distribution: The package that it comes with.
        environment: The folder that this is installed in.
        command: The program, in the folder's `bin`, and its arguments up to the file of settings.
        access: Tells it where the database is.
        settings: All other settings.
        many_streams: Whether it takes more than one.
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
        """Whether it is not installed."""
        return not (self.environment / "bin" / self.command[0]).exists()

    def call(self, settings: str) -> list[str]:
        """The command with a file of settings."""
        program, *arguments = self.command
        return [str(self.environment / "bin" / program), *arguments, "--config", settings]

    def version(self) -> str:
        """Ask its environment for the version."""
        code = f"import importlib.metadata as m; print(m.version({self.distribution!r}))"
        return subprocess.check_output([str(self.environment / "bin" / "python"), "-c", code], text=True).strip()  # noqa: S603 (our own commands)


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
# What meltano.yml had for it while it was the loader for DuckDB.
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

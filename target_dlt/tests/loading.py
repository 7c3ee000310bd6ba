"""Load messages and read the destination afterwards."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import adbc_driver_postgresql.dbapi as adbc
import duckdb
from target_dlt.target import TargetDlt

from tests.forking import forks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA = "singer"
EXACT = 2**53


@dataclass(frozen=True)
class Duck:
    """A DuckDB file."""

    path: Path
    rejects: Path
    schema: str = SCHEMA

    @property
    def config(self) -> dict[str, Any]:
        """Return the settings of a load into this file."""
        return {"credentials": str(self.path), "default_target_schema": self.schema, "rejects_path": str(self.rejects)}

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; ``{}`` stands for the schema."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(query.format(self.schema)).fetchall()


@dataclass(frozen=True)
class Pg:
    """A schema of a Postgres database."""

    url: str
    schema: str
    rejects: Path

    @property
    def config(self) -> dict[str, Any]:
        """Return the settings of a load into this schema."""
        return {
            "destination": "postgres",
            "credentials": self.url,
            "default_target_schema": self.schema,
            "rejects_path": str(self.rejects),
        }

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; ``{}`` stands for the schema."""
        with adbc.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(query.format(self.schema))
            return list(cursor.fetchall())


Warehouse = Duck | Pg


def schema(stream: str, properties: Mapping[str, Any], keys: Iterable[str] = ("id",)) -> dict[str, Any]:
    """Return a SCHEMA message."""
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": list(keys)}


def record(stream: str, values: Mapping[str, Any], version: int | None = None) -> dict[str, Any]:
    """Return a RECORD message."""
    message = {
        "type": "RECORD",
        "stream": stream,
        "record": values,
        "time_extracted": "2026-01-31T23:59:59.123456+02:00",
    }
    return message | ({} if version is None else {"version": version})


def state(value: Any) -> dict[str, Any]:
    """Return a STATE message."""
    return {"type": "STATE", "value": value}


def lines(messages: Iterable[Mapping[str, Any] | bytes]) -> bytes:
    """Serialize messages as a tap writes them."""
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in messages)


def load(warehouse: Warehouse, *messages: Mapping[str, Any] | bytes, **settings: Any) -> None:
    """Load messages in this process."""
    TargetDlt(config={**warehouse.config, **settings}).listen(io.BytesIO(lines(messages)))  # type: ignore[arg-type]


def run(warehouse: Warehouse, text: bytes, folder: Path, **settings: Any) -> subprocess.CompletedProcess[bytes]:
    """Load messages in a separate process, as Meltano does."""
    config = folder / "target.json"
    config.write_text(json.dumps({**warehouse.config, **settings}), encoding="utf-8")
    return process(text, folder, str(config))


def process(text: bytes, folder: Path, config: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Load messages in a separate process with settings from a file, or from variables as ``ENV``."""
    target = forks(Path(sys.executable), "target_dlt.__main__:main")
    done = target.run("--config", config, environment=os.environ | variables, folder=folder, stdin=text)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.encode(), done.stderr.encode())


def value_of(cell: Any) -> Any:
    """Parse a cell of a JSON column. Postgres writes 1e20 as an integer: make it a float again."""
    return json.loads(cell, parse_int=_number) if isinstance(cell, str) else cell


def _number(text: str) -> int | float:
    return int(text) if abs(int(text)) <= EXACT else float(text)

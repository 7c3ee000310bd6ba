"""Write the report as a user would."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.forking import forks
from tests.transform.package import ROOT, SCHEMA
from tests.zones import EAST

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def python(environment: str) -> Path:
    found = ROOT / environment / "bin" / "python"
    if not found.exists():
        pytest.fail(f"there is no {environment}: run `make test` or `make test-report`, which make it")
    return found


def report(*arguments: str | Path, zone: str = EAST) -> subprocess.CompletedProcess[str]:
    """Run the report's command in a time zone."""
    program = forks(python(".venv-report"), "report.__main__:main", "report.charts", "duckdb", "psycopg")
    return program.run(*arguments, environment={**os.environ, "TZ": zone})


def write_page(database: str, page: Path, *options: str, zone: str = EAST) -> str:
    """Write the report over a warehouse, and return its contents."""
    done = report("--database", database, "--schema", SCHEMA, "--output", page, *options, zone=zone)
    assert done.returncode == 0, done.stderr
    return page.read_text(encoding="utf-8")

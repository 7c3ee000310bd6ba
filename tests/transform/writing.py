"""Write the report as a user would."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.transform.package import ROOT, SCHEMA
from tests.zones import EAST

if TYPE_CHECKING:
    from pathlib import Path


def python(environment: str) -> Path:
    found = ROOT / environment / "bin" / "python"
    if not found.exists():
        pytest.fail(f"there is no {environment}: run `make test` or `make test-report`, which make it")
    return found


def write_page(database: str, page: Path, *options: str, zone: str = EAST) -> str:
    """Write the report over a warehouse in a time zone, and return its contents."""
    command = [python(".venv-report"), "-m", "report", "--database", database, "--schema", SCHEMA, "--output", page]
    command += options
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return page.read_text(encoding="utf-8")

"""Writes the report from the marts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.demo import paths
from tools.demo.errors import DemoError
from tools.demo.marts import SCHEMA
from tools.demo.pipeline import run

if TYPE_CHECKING:
    from pathlib import Path

NAME = "report.html"


def write(python: Path, database: Path, folder: Path) -> Path:
    """Write the report.

    Args:
        python: Interpreter of the report's environment.
        database: The file with the marts.
        folder: Folder for the page.

    Raises:
        DemoError: The environment is missing, or the report failed.
    """
    if not python.is_file():
        message = f"no {paths.short(python)}: run `make demo`, which creates it"
        raise DemoError(message)
    log, page = folder / "report.log", folder / NAME
    command = [str(python), "-m", "report", "--database", str(database), "--schema", SCHEMA, "--output", str(page)]
    run(command, log, "the report", made=page)
    return page

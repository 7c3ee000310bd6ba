"""The report over the marts that dbt has built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo import paths
from demo.errors import DemoError
from demo.marts import SCHEMA
from demo.pipeline import run

if TYPE_CHECKING:
    from pathlib import Path

NAME = "report.html"


def write(python: Path, database: Path, folder: Path) -> Path:
    """Write the report.

    Args:
        python: Of the environment that has what the report needs.
        database: The file that has the marts.
        folder: Where the page goes.

    Raises:
        DemoError: There is no such environment, or the report failed.
    """
    if not python.is_file():
        message = f"there is no {paths.short(python)}: run `make demo`, which makes it"
        raise DemoError(message)
    log, page = folder / "report.log", folder / NAME
    command = [str(python), "-m", "report", "--database", str(database), "--schema", SCHEMA, "--output", str(page)]
    run(command, log, "the report", made=page)
    return page

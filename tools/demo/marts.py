"""Runs the dbt package on the tables of the pipeline, and the report on its marts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.demo import paths
from tools.demo.errors import DemoError
from tools.demo.pipeline import run

SCHEMA = "analytics"
UNDOCUMENTED = "instantly_known_codes_"
"""Prefix of the tests that warn of codes without a label. The sandbox sends some, like the real API."""
_FOREIGN = "DBT_"


def build(dbt: Path, database: Path, folder: Path) -> str:
    """Build the marts, run all data tests, and return a line that sums up the build.

    The package's unit tests are excluded: they use their own data, and `make test-long` runs them.

    Raises:
        DemoError: dbt is missing, or a model or test failed.
    """
    options = ["--exclude-resource-type", "unit_test", "--vars", "instantly__quality_severity: error"]
    target = _run(dbt, database, folder, "build", *options)
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    return summary(results)


def describe(dbt: Path, database: Path, folder: Path) -> Path:
    """Generate dbt's documentation of the marts as one page.

    Raises:
        DemoError: dbt failed.
    """
    # The build has already parsed the project.
    target = _run(dbt, database, folder, "docs", "generate", "--static", "--no-compile")
    return (target / "static_index.html").replace(folder / "dbt.html")


def report(python: Path, database: Path, folder: Path) -> Path:
    """Write the report with the interpreter of its environment.

    Raises:
        DemoError: The environment is missing, or the report failed.
    """
    if not python.is_file():
        message = f"no {paths.short(python)}: run `make demo`, which creates it"
        raise DemoError(message)
    page = folder / "report.html"
    command = [str(python), "-m", "report", "--database", str(database), "--schema", SCHEMA, "--output", str(page)]
    run(command, folder / "report.log", "the report", made=page)
    return page


def _run(dbt: Path, database: Path, folder: Path, *arguments: str) -> Path:
    """Run dbt and return its target directory."""
    if not dbt.is_file():
        message = f"no dbt at {dbt}: run `make demo`, which installs it, or set --dbt"
        raise DemoError(message)
    log, target = folder / "dbt.log", folder / "dbt"
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    where = ["--project-dir", str(paths.TRANSFORM), "--profiles-dir", str(paths.TRANSFORM)]
    where += ["--target-path", str(target), "--log-path", str(target), "--no-use-colors"]
    settings = own | {"DBT_DUCKDB_PATH": str(database), "DBT_SCHEMA": SCHEMA}
    run([str(dbt), *arguments, *where], log, f"`dbt {arguments[0]}`", settings)
    return target


def summary(results: list[dict[str, Any]]) -> str:
    """Summarise the results of a build."""
    kinds = [str(result["unique_id"]).partition(".")[0] for result in results]
    marts = sum(str(result["unique_id"]).startswith("model.instantly.instantly__") for result in results)
    warned = [result for result in results if result["status"] == "warn"]
    tests = kinds.count("test")
    return "\n".join([f"{marts} marts in schema {SCHEMA}, {tests} data tests passed", *map(_remark, warned)])


def _remark(result: Mapping[str, Any]) -> str:
    test = str(result["unique_id"]).split(".")[2]
    planted = "undocumented codes, which the sandbox sends on purpose"
    return f"  warning: {result['failures']} {planted if test.startswith(UNDOCUMENTED) else f'found by {test}'}"

"""The dbt package over the tables that the pipeline has filled."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from demo import paths
from demo.errors import DemoError
from demo.pipeline import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "analytics"
UNDOCUMENTED = "instantly_known_codes_"
"""Tests that warn of codes without words, in each demo: the sandbox sends some, as the real API does."""
_FOREIGN = "DBT_"


def build(dbt: Path, database: Path, folder: Path) -> str:
    """Build the marts into the database, with every test of the data and of what figures Instantly gives.

    The unit tests of the package are left out: they test its SQL on data of their own, and are run by `make test`.

    Args:
        dbt: The command.
        database: The file that the pipeline has filled.
        folder: Where dbt writes its log and what it makes of the models.

    Returns:
        What was built, in a line.

    Raises:
        DemoError: There is no dbt, or a model or test failed.
    """
    options = ["--exclude-resource-type", "unit_test", "--vars", "instantly__quality_severity: error"]
    target = _run(dbt, database, folder, "build", *options)
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    return summary(results)


def describe(dbt: Path, database: Path, folder: Path) -> Path:
    """Write dbt's documentation of what was built, as one page.

    Args:
        dbt: The command.
        database: As it was built.
        folder: Where it was built, and where the page goes.

    Raises:
        DemoError: That failed.
    """
    # What there is to document is known since the build.
    target = _run(dbt, database, folder, "docs", "generate", "--static", "--no-compile")
    return (target / "static_index.html").replace(folder / "dbt.html")


def _run(dbt: Path, database: Path, folder: Path, *arguments: str) -> Path:
    """Run dbt and tell where it wrote."""
    if not dbt.is_file():
        message = f"there is no dbt at {dbt}: run `make demo`, which installs it, or name it by --dbt"
        raise DemoError(message)
    log, target = folder / "dbt.log", folder / "dbt"
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    where = ["--project-dir", str(paths.TRANSFORM), "--profiles-dir", str(paths.TRANSFORM)]
    where += ["--target-path", str(target), "--log-path", str(target), "--no-use-colors"]
    settings = own | {"DBT_DUCKDB_PATH": str(database), "DBT_SCHEMA": SCHEMA}
    run([str(dbt), *arguments, *where], log, f"`dbt {arguments[0]}`", settings)
    return target


def summary(results: list[dict[str, Any]]) -> str:
    """Say what came of the nodes of a build."""
    kinds = [str(result["unique_id"]).partition(".")[0] for result in results]
    marts = sum(str(result["unique_id"]).startswith("model.instantly.instantly__") for result in results)
    warned = [result for result in results if result["status"] == "warn"]
    tests = kinds.count("test")
    return "\n".join([f"{marts} marts in schema {SCHEMA}, {tests} tests of the data passed", *map(_remark, warned)])


def _remark(result: Mapping[str, Any]) -> str:
    test = str(result["unique_id"]).split(".")[2]
    planted = "codes that nobody documents, which the sandbox sends on purpose"
    return f"  with a remark: {result['failures']} {planted if test.startswith(UNDOCUMENTED) else f'found by {test}'}"

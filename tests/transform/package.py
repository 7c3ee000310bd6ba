"""Run the dbt package with dbt's own program in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "transform"
DBT = ROOT / ".venv-dbt" / "bin" / "dbt"
SCHEMA = "analytics"
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
MODELS = ("--resource-type", "seed", "--resource-type", "snapshot", "--resource-type", "model")
"""Resource types for dbt to build: no tests."""

CHOSEN = "instantly__campaign_variables"
"""A mart without rows unless custom variables are chosen."""


@dataclass(frozen=True)
class Result:
    """The result of a node.

    Attributes:
        status: success, pass, warn, fail, error, skipped or no-op.
        failures: Rows that a test found.
        message: dbt's message.
    """

    status: str
    failures: int
    message: str


@dataclass(frozen=True)
class Dbt:
    """A dbt project with a database.

    Attributes:
        folder: Folder for dbt's output.
        settings: Environment variables that select the database.
        project: Folder of the project.
        profiles: Folder of its profile.
        program: The dbt program.
    """

    folder: Path
    settings: Mapping[str, str]
    project: Path = PACKAGE
    profiles: Path = PACKAGE
    program: Path = DBT

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start dbt."""
        if not self.program.is_file():
            if sys.version_info >= (3, 14):
                pytest.skip("dbt 1.11 does not run on Python 3.14")
            pytest.fail(f"there is no dbt in {self.program.parent.parent.name}: run `make test`, which installs it")
        own = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        where = ["--project-dir", self.project, "--profiles-dir", self.profiles]
        output = ["--log-path", self.folder / "logs", "--no-use-colors"]
        if arguments[0] != "deps":
            output += ["--target-path", self.folder / "target"]
        return subprocess.Popen(
            [self.program, *arguments, *where, *output],
            env={**own, **self.settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Result]:
        """Wait for dbt and return the result of each node, by kind and name.

        Raises:
            AssertionError: dbt could not start.
        """
        said, _ = process.communicate()
        assert process.returncode in (0, 1), said  # 1 if nodes fail
        results = json.loads((self.folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
        assert results, said
        return {row["unique_id"]: Result(row["status"], row["failures"] or 0, str(row["message"])) for row in results}

    def freshness(self, *arguments: str) -> dict[str, str]:
        """Return the freshness of each source that defines it, by name: pass, warn or error."""
        process = self.start("source", "freshness", *arguments)
        said, _ = process.communicate()
        assert process.returncode in (0, 1), said
        results = json.loads((self.folder / "target" / "sources.json").read_text(encoding="utf-8"))["results"]
        return {row["unique_id"].rpartition(".")[2]: row["status"] for row in results}

    def install(self) -> None:
        """Install the packages of the project."""
        process = self.start("deps")
        said, _ = process.communicate()
        assert process.returncode == 0, said

    def run(self, *arguments: str) -> dict[str, Result]:
        """Run dbt to its end; see `finish`."""
        return self.finish(self.start(*arguments))


def unsuccessful(results: Mapping[str, Result]) -> dict[str, str]:
    """Return dbt's messages on the nodes that did not succeed, warnings included."""
    fine = {"success", "pass", "no-op"}
    return {name: result.message for name, result in results.items() if result.status not in fine}


def contract() -> dict[str, dict[str, str]]:
    """Return the columns of each mart with their types, as its contract declares them."""
    models = yaml.safe_load((PACKAGE / "models/marts/_marts.yml").read_text(encoding="utf-8"))["models"]
    return {model["name"]: {row["name"]: row["data_type"] for row in model["columns"]} for model in models}


def query(mart: str) -> str:
    """Select all rows of a mart, with times as text, the only form in which databases agree."""
    columns = (
        f"cast({name} as text) as {name}" if kind in {"date", "timestamp"} else name
        for name, kind in contract()[mart].items()
    )
    return f"select {', '.join(columns)} from {SCHEMA}.{mart}"  # noqa: S608 (our own names)


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort rows by their contents."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))

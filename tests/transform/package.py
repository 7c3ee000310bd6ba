"""Run the dbt package with dbt's own program in its own environment."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.forking import forks

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from tests.forking import Run

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "transform"
DBT = ROOT / ".venv-dbt" / "bin" / "dbt"
ADAPTERS = tuple(f"dbt.adapters.{name}" for name in ("duckdb", "postgres", "snowflake"))
SCHEMA = "analytics"
PARSED, RESULTS = "partial_parse.msgpack", "results.json"
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


@cache
def _session() -> TemporaryDirectory[str]:
    """Return the folder for what dbt has parsed, which lasts as long as this process."""
    return TemporaryDirectory(prefix="dbt-")


@dataclass(frozen=True)
class Parsing:
    """A run of dbt that parses the project or knows it.

    Attributes:
        run: The run.
        folder: Folder for dbt's output.
        known: Folder for what it parses.
    """

    run: Run
    folder: Path
    known: Path

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for dbt's end, and keep what it has parsed."""
        done = self.run.finish()
        parsed = self.folder / "target" / PARSED
        if parsed.is_file():
            self.known.mkdir(exist_ok=True)
            shutil.copy(parsed, self.known)
        return done


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

    def start(self, *arguments: str) -> Parsing:
        """Start dbt; it does not parse again what it has parsed with the same settings and variables."""
        if not self.program.is_file():
            if sys.version_info >= (3, 14):
                pytest.skip("dbt 1.11 does not run on Python 3.14")
            pytest.fail(f"there is no dbt in {self.program.parent.parent.name}: run `make test`, which installs it")
        own = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        where = ["--project-dir", self.project, "--profiles-dir", self.profiles]
        output = ["--log-path", self.folder / "logs", "--no-use-colors"]
        if arguments[0] != "deps":
            output += ["--target-path", self.folder / "target"]
        (self.folder / "target" / RESULTS).unlink(missing_ok=True)
        known = self._known(arguments)
        if (parsed := known / PARSED).is_file():
            output += ["--partial-parse-file-path", parsed]
        dbt = forks(self.program.with_name("python"), "tests.transform.invoking:main", *ADAPTERS)
        return Parsing(
            dbt.start(*arguments, *where, *output, environment={**own, **self._at(known)}), self.folder, known
        )

    def _known(self, arguments: Sequence[str]) -> Path:
        """Return the folder for what dbt parses with these settings and variables."""
        variables = [value for name, value in pairwise(arguments) if name == "--vars"]
        others = {name: value for name, value in self.settings.items() if name not in {"DBT_DUCKDB_PATH", "TZ"}}
        name = Path(self.settings.get("DBT_DUCKDB_PATH", "")).name
        key = json.dumps([str(self.project), str(self.profiles), others, name, variables], sort_keys=True)
        return Path(_session().name) / sha256(key.encode()).hexdigest()

    def _at(self, known: Path) -> Mapping[str, str]:
        """Return the settings with a link to the database file, which dbt knows by the same path each time."""
        file = Path(self.settings.get("DBT_DUCKDB_PATH", ""))
        if not file.is_absolute() or not file.parent.is_dir():
            return self.settings
        link = known / file.name
        known.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(file)
        return {**self.settings, "DBT_DUCKDB_PATH": str(link)}

    def finish(self, run: Parsing) -> dict[str, Result]:
        """Wait for dbt and return the result of each node, by kind and name.

        Raises:
            AssertionError: dbt could not start.
        """
        done = run.finish()
        assert done.returncode in (0, 1), done.stdout + done.stderr  # 1 if nodes fail
        found = json.loads((self.folder / "target" / RESULTS).read_text(encoding="utf-8"))
        return {name: Result(*result) for name, result in found.items()}

    def freshness(self, *arguments: str) -> dict[str, str]:
        """Return the freshness of each source that defines it, by name: pass, warn or error."""
        results = self.run("source", "freshness", *arguments)
        return {name.rpartition(".")[2]: result.status for name, result in results.items()}

    def install(self) -> None:
        """Install the packages of the project."""
        done = self.start("deps").finish()
        assert done.returncode == 0, done.stdout

    def run(self, *arguments: str) -> dict[str, Result]:
        """Run dbt to its end; see `finish`."""
        return self.finish(self.start(*arguments))


def unsuccessful(results: Mapping[str, Result]) -> dict[str, str]:
    """Return dbt's messages on the nodes that did not succeed, warnings included."""
    fine = {"success", "pass", "no-op"}
    return {name: result.message for name, result in results.items() if result.status not in fine}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the contents of a file; the parser in C takes a tenth of the time."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 (both are safe)
    return found


@cache
def contract() -> dict[str, dict[str, str]]:
    """Return the columns of each mart with their types, as its contract declares them."""
    models = read_yaml(PACKAGE / "models/marts/_marts.yml")["models"]
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

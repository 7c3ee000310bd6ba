"""The steps of a run: load, build the marts, write the report."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrate.image.errors import FAILED, LASTING, PARTIAL, ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrate.image.destination import Destination
    from orchestrate.image.log import Log
    from orchestrate.image.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600
"""Characters of a message that stands for a whole output."""

KEYS = ("TAP_INSTANTLY_API_KEY", "TAP_INSTANTLY_WORKSPACES")


@dataclass(frozen=True)
class Steps:
    """The steps of one run.

    Attributes:
        data: The folder of data.
        scratch: The folder of this run.
        destination: The database.
        variables: The environment of every program.
        force: Meltano's database is in the folder of data, so a run that it remembers as under way was killed.
    """

    data: Path
    scratch: Path
    destination: Destination
    variables: Mapping[str, str]
    processes: Processes
    log: Log
    force: bool

    def load(self, arguments: Sequence[str]) -> int:
        """Load with Meltano; return 0, or the tap's exit code if everything except a part was loaded.

        Raises:
            ImageError: It failed.
        """
        self.log.say(f"loading into {self.destination.place} with {self.destination.loader}")
        codes: dict[str, int] = {}

        def line(text: str) -> None:
            codes.update(self.log.pass_on(text).get("exit_codes") or {})

        force = ["--force"] if self.force else []
        variables = {**self.variables, **self.destination.load, "MELTANO_CLI_LOG_FORMAT": "json"}
        command = ["meltano", "run", "--no-install", *force, *arguments, "tap-instantly", self.destination.loader]
        ended = self.processes.run(command, variables, line)
        tap = codes["extractors"] if set(codes) == {"extractors"} else FAILED
        if ended and tap not in PARTIAL:
            message = f"the load failed: {self.log.last_error or f'Meltano ended with {ended}'}"
            raise ImageError(message, tap if tap in LASTING else FAILED)
        return tap if ended else 0

    def check(self, arguments: Sequence[str]) -> int:
        """Show which streams the key can read.

        Raises:
            ImageError: None, or the tap failed.
        """
        told: list[str] = []

        def line(text: str) -> None:
            if not text.startswith('{"type":'):
                told.append(text.rpartition(" | ")[2])
                self.log.say(told[-1], name="tap-instantly")

        command = ["tap-instantly", "--config=ENV", "--test", *arguments]
        if ended := self.processes.run(command, self.variables, line):
            message = f"the key check failed: {' '.join(told[-1:])}"
            raise ImageError(message, ended if ended in LASTING else FAILED)
        return 0

    def marts(self, arguments: Sequence[str]) -> int:
        """Build the marts with dbt.

        Raises:
            ImageError: It failed, or a test of the data did.
        """
        self.log.say(f"building the marts in {self.destination.place}")
        # Unit tests are about the package and not about the data.
        command = [
            "dbt",
            "--quiet",
            "--no-use-colors",
            "build",
            "--exclude-resource-type=unit_test",
            *self._dbt_vars(),
            *arguments,
        ]
        printed = self._collected("dbt", command, {**self.variables, **self.destination.marts})
        results = _results(self.scratch / "target" / "run_results.json")
        if printed is not None:
            message = f"the marts could not be built: {_first_failure(results) or printed}"
            raise ImageError(message)
        for result in results:
            if result["status"] == "warn":
                self.log.say(_told(result), "warning", name="dbt")
        self.log.say(f"built the marts: {_counted(results)}")
        return 0

    def _dbt_vars(self) -> list[str]:
        given = self.variables.get("DBT_VARS")
        return ["--vars", given] if given else []

    def report(self, arguments: Sequence[str]) -> int:
        """Write the report.

        Raises:
            ImageError: It failed.
        """
        schema = self.variables.get("DBT_SCHEMA") or "analytics"
        options = [f"--database={self.destination.report}", f"--schema={schema}"]
        if not any(one.startswith("--over") for one in arguments):  # an overview goes into a folder instead
            options.append(f"--output={self.data / 'report.html'}")
        command = [sys.executable, "-m", "report", *options, *arguments]
        printed = self._collected("report", command, {**self.variables, **self.destination.marts})
        if printed is not None:
            message = f"the report could not be written: {printed}"
            raise ImageError(message)
        return 0

    def _collected(self, name: str, command: Sequence[str], variables: Mapping[str, str]) -> str | None:
        """Run a program that says little, and return its output as one line if it failed."""
        lines: list[str] = []

        def line(text: str) -> None:
            if text.strip():
                lines.append(text.strip())
                self.log.say(text.rstrip(), name=name)

        code = self.processes.run(command, variables, line)
        return (" ".join(lines)[-LONGEST:] or f"exit code {code}") if code else None


def _results(path: Path) -> list[dict[str, Any]]:
    """Return what dbt noted of each model and test; nothing if it did not get so far."""
    with suppress(OSError, ValueError, KeyError):
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
        return found
    return []


def _first_failure(results: Sequence[Mapping[str, Any]]) -> str:
    for result in results:
        if result["status"] in {"error", "fail", "runtime error"}:
            return _told(result)
    return ""


def _told(result: Mapping[str, Any]) -> str:
    name = result["unique_id"].split(".")[2]
    return f"{name}: {' '.join(str(result.get('message')).split())}"[:LONGEST]


def _counted(results: Sequence[Mapping[str, Any]]) -> str:
    kinds = Counter(result["unique_id"].partition(".")[0] for result in results)
    warned = sum(result["status"] == "warn" for result in results)
    tests = kinds["test"] + kinds["unit_test"]
    return f"{kinds['model']} models, {tests} tests" + (f", {warned} with a warning" if warned else "")

"""Measures the tap into target-postgres with different settings.

Writes the results to docs/postgres.md and tools/benchmarks/results/load.json.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import Control
from tests.warehouse.postgres import running
from tools.benchmarks.candidates import CANDIDATES, Job, environment
from tools.benchmarks.databases import HOST, InPostgres
from tools.benchmarks.harness import describe_machine
from tools.benchmarks.load_page import Cost, Loads, render, section
from tools.benchmarks.loaders import TARGET_POSTGRES, variables
from tools.benchmarks.pipes import cpu, peak_mb, pipe
from tools.benchmarks.results import FOLDER, write
from tools.benchmarks.scenarios import TAP, WITHOUT_LIMIT
from tools.demo.errors import DemoError
from tools.demo.paths import ROOT
from tools.demo.pipeline import sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tools.demo.pipeline import Sandbox

PAGE = ROOT / "docs" / "postgres.md"
RESULTS = FOLDER / "load.json"
LEADS, REPEATS = 40_000, 3
STREAM = "leads"


@dataclass(frozen=True)
class Case:
    """A way to load.

    Attributes:
        name: Name in the table.
        settings: Settings of the loader.
        again: True if the rows exist already, so that each is an update.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False


SHIPPED = TARGET_POSTGRES.settings
AS_SHIPPED = "as `meltano.yml` has it"
CASES = (
    Case("loader defaults"),
    Case("`use_copy: true`", {"use_copy": True}),
    Case("`validate_records: false`", {"validate_records": False}),
    Case(AS_SHIPPED, SHIPPED),
    Case("... every row an update", SHIPPED, again=True),
    Case("... 100,000 rows a batch", {**SHIPPED, "batch_size_rows": 100_000}),
)


class Bench:
    """A sandbox, a database, and a folder for files.

    Args:
        folder: The folder.
        source: The sandbox.
        database: The database.
        today: Last day to read.
    """

    def __init__(self, folder: Path, source: Sandbox, database: InPostgres, today: date) -> None:
        self._folder = folder
        self._job = Job(folder, source.api_url, source.api_key, (STREAM,), today, WITHOUT_LIMIT)
        self._command = CANDIDATES[TAP].prepare(CANDIDATES[TAP], self._job)
        self._database = database
        with Control(source.url) as control:  # makes the sandbox generate them
            self.leads = sum(1 for _ in control.truth_lines(STREAM))

    def tap_alone(self) -> Cost:
        """Return the cost of the tap alone, with leads.

        Raises:
            DemoError: The tap failed.
        """
        wall, (used,) = pipe([self._command], environment(self._folder), self._folder / "tap.log")
        return Cost(wall, self.leads, cpu(used))

    def load(self, case: Case) -> tuple[Cost, str]:
        """Load once into an empty database; return the cost and a checksum of the leads.

        Raises:
            DemoError: The load failed, or records are missing.
        """
        database = self._database
        target = self._job.file("target.json", {**TARGET_POSTGRES.access(database), **case.settings})
        environ = {**environment(self._folder), **variables(TARGET_POSTGRES.name)}
        with database.empty():
            for _ in range(2 if case.again else 1):
                commands = [self._command, TARGET_POSTGRES.call(target)]
                wall, (tap, loader) = pipe(commands, environ, self._folder / "load.log")
            rows, checksum = database.count(STREAM), database.checksum(STREAM)
        if rows != self.leads:
            message = f"{case.name}: {rows} rows, and there should be {self.leads}"
            raise DemoError(message)
        return Cost(wall, rows, cpu(tap), cpu(loader), peak_mb(loader)), checksum


def measure(leads: int, repeats: int, cases: Sequence[Case] = CASES) -> Loads:
    """Measure the cases in turn, in a sandbox with so many leads."""
    today = datetime.now(timezone.utc).date()
    checksums = set()
    with tempfile.TemporaryDirectory(prefix="tap-instantly-load-") as name, running(host=HOST) as postgres:
        folder = Path(name)
        with sandbox(folder / "sandbox.log", {"leads": leads, "campaigns": 20, "until": today}) as source:
            bench = Bench(folder, source, InPostgres(postgres), today)
            loads = Loads(today.isoformat(), describe_machine(), bench.leads)
            for _ in range(repeats):
                loads.tap_alone.append(bench.tap_alone())
                for case in cases:
                    cost, checksum = bench.load(case)
                    loads.cases.setdefault(case.name, []).append(cost)
                    checksums.add(checksum)
                    sys.stdout.write(f"{case.name:40} {cost.records / cost.wall:9,.0f} records/s  {cost}\n")
                    sys.stdout.flush()
    loads.same_rows = len(checksums) == 1
    return loads


def run(leads: int | None, repeats: int | None) -> bool:
    """Measure and write the results, by default with the documents' size; return whether all checks hold.

    Raises:
        DemoError: A program failed, or records are missing.
    """
    size = leads or LEADS
    loads = measure(size, repeats or REPEATS)
    sys.stdout.write(section(loads))
    # A partial measurement must not reach the documents.
    if size == LEADS:
        write(RESULTS, loads)
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), loads), encoding="utf-8")
    return loads.same_rows

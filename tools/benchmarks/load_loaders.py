"""Compares loaders on the same leads, from a file and in the whole pipeline.

Writes the results to docs/loaders.md and tools/benchmarks/results/loaders.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import Control
from tests.warehouse.postgres import running
from tools.benchmarks import odd_texts
from tools.benchmarks.candidates import CANDIDATES, Job, environment
from tools.benchmarks.databases import HOST, InDuckDB, InPostgres
from tools.benchmarks.harness import describe_machine
from tools.benchmarks.loaders import DUCKDB, LOADERS, POSTGRES, TARGET_POSTGRES, variables
from tools.benchmarks.loaders_page import AGAIN, FIRST, PIPE, Comparison, Took, judge, render, section
from tools.benchmarks.measure import LAUNCHER
from tools.benchmarks.pipes import pipe
from tools.benchmarks.report import check_row
from tools.benchmarks.results import FOLDER, write
from tools.benchmarks.scenarios import TAP, WITHOUT_LIMIT
from tools.demo.compare import canonical_text
from tools.demo.errors import DemoError
from tools.demo.paths import ROOT
from tools.demo.pipeline import sandbox
from tools.demo.tables import TABLES, Kind
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from tools.benchmarks.databases import Database
    from tools.benchmarks.loaders import Loader
    from tools.demo.pipeline import Sandbox
    from tools.demo.tables import Key, Row

PAGE = ROOT / "docs" / "loaders.md"
RESULTS = FOLDER / "loaders.json"
LEADS, REPEATS = 100_000, 3
TABLE = next(table for table in TABLES if table.name == "leads")
DOCUMENTS = {name for name, kind in TABLE.columns.items() if kind is Kind.JSON}


def digests(rows: Iterable[Row]) -> Iterator[tuple[Key, bytes]]:
    """Yield the key of each row, and a checksum of all columns except the loader's own."""
    return ((TABLE.key_of(row), hashlib.sha256(canonical_text(TABLE, row).encode()).digest()) for row in rows)


class Bench:
    """A sandbox, databases, and a folder for files.

    Args:
        folder: The folder.
        source: The sandbox.
        databases: The databases by kind.
        today: Last day to read.
    """

    def __init__(self, folder: Path, source: Sandbox, databases: Mapping[str, Database], today: date) -> None:
        self._folder, self._databases = folder, databases
        self._job = Job(folder, source.api_url, source.api_key, (TABLE.name,), today, WITHOUT_LIMIT)
        self._tap = CANDIDATES[TAP].prepare(CANDIDATES[TAP], self._job)
        self._environment = {**environment(folder), **variables(TARGET_POSTGRES.name)}  # UTC for all
        self.file = folder / "leads.jsonl"
        with Control(source.url) as control:
            self.truth = dict(digests(Truth(control).expected(TABLE)))

    def tap_alone(self) -> float:
        """Write the tap's output to the file and return the seconds it took.

        Raises:
            DemoError: The tap failed.
        """
        with self.file.open("wb") as file:
            wall, _ = pipe([self._tap], self._environment, self._folder / "tap.log", sink=file)
        return wall

    def load(self, loader: Loader, kinds: Sequence[str]) -> dict[str, Took]:
        """Load into an empty database in each of these ways, one after the other.

        Raises:
            DemoError: The load failed, or records are missing.
        """
        with tempfile.TemporaryDirectory(dir=self._folder) as name, self._databases[loader.kind].empty():
            return {kind: self._load(loader, kind, Path(name)) for kind in kinds}

    def odd_texts(self, loader: Loader) -> int | None:
        """Load difficult texts and return the number of streams that arrived unchanged; None if the load failed."""
        database, file = self._databases[loader.kind], self._folder / "texts.jsonl"
        file.write_text("".join(odd_texts.messages()), encoding="utf-8")
        settings = self._job.file("target.json", {**loader.access(database), **loader.settings})
        with database.empty(), file.open("rb") as source:
            try:
                pipe([loader.call(settings)], self._environment, self._folder / "texts.log", source=source)
            except DemoError:
                return None
            return odd_texts.equal(database)

    def _load(self, loader: Loader, kind: str, folder: Path) -> Took:
        """Load once, with a folder for the loader's files."""
        database, book = self._databases[loader.kind], folder / "usage.json"
        settings = self._job.file("target.json", {**loader.access(database), **loader.settings})
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(book), *loader.call(settings)]
        log = folder / "log"
        if kind == PIPE:
            wall, _ = pipe([self._tap, command], self._environment, log)
        else:
            with self.file.open("rb") as file:
                wall, _ = pipe([command], self._environment, log, source=file)
        used = json.loads(book.read_text(encoding="utf-8"))
        there = list(digests(database.rows(TABLE.name, DOCUMENTS))) if used["exit_code"] == 0 else []
        if len(there) != len(self.truth):
            message = f"{loader.name}, {kind}: exit code {used['exit_code']}, {len(there)} rows of {len(self.truth)}"
            raise DemoError(message, tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]))
        equal = len(self.truth.items() & set(there))
        return Took(wall, used["cpu"], used["peak_mb"], equal)


def measure(leads: int, repeats: int, loaders: Sequence[Loader] = LOADERS) -> Comparison:
    """Measure loaders in turn, with this many leads.

    Raises:
        DemoError: A loader is not installed or failed, or records are missing.
    """
    if missing := [loader.environment.name for loader in loaders if loader.missing]:
        message = f"not installed: {', '.join(missing)}; `make bench-load` does that"
        raise DemoError(message)
    today = datetime.now(timezone.utc).date()
    versions = {loader.distribution: loader.version() for loader in loaders}
    with tempfile.TemporaryDirectory(prefix="tap-instantly-load-") as name, running(host=HOST) as postgres:
        folder = Path(name)
        databases: dict[str, Database] = {DUCKDB: InDuckDB(folder), POSTGRES: InPostgres(postgres)}
        with sandbox(folder / "sandbox.log", {"leads": leads, "campaigns": 20, "until": today}) as source:
            bench = Bench(folder, source, databases, today)
            found = Comparison(today.isoformat(), describe_machine(), len(bench.truth), versions)
            for _ in range(repeats):
                found.tap_alone.append(bench.tap_alone())
                found.megabytes = bench.file.stat().st_size / 1e6
                for loader in loaders:
                    for kind, took in {**bench.load(loader, (FIRST, AGAIN)), **bench.load(loader, (PIPE,))}.items():
                        found.add(loader.kind, loader.name, kind, took)
                        rate = found.records / took.wall
                        sys.stdout.write(f"{loader.kind:9} {loader.name:30} {kind:6} {rate:9,.0f} rows/s  {took}\n")
                        sys.stdout.flush()
            found.odd = len(odd_texts.streams())
            for loader in loaders:
                if loader.many_streams:
                    equal = bench.odd_texts(loader)
                    found.odd_equal.setdefault(loader.kind, {})[loader.name] = equal
                    sys.stdout.write(f"{loader.kind:9} {loader.name:30} odd texts: {equal} of {found.odd}\n")
    return found


def run(leads: int | None, repeats: int | None) -> bool:
    """Measure and write the results, by default with the documents' number of leads; return whether all checks hold.

    Raises:
        DemoError: A loader is not installed or failed, or records are missing.
    """
    found = measure(leads or LEADS, repeats or REPEATS)
    sys.stdout.write(section(found))
    verdicts = judge(found)
    for verdict in verdicts:
        what, bound, value, word = check_row(verdict)
        sys.stdout.write(f"{word.strip('*').upper():12}  {what}: {value or '-'} ({bound})\n")
    # A partial measurement must not reach the documents.
    if found.records == LEADS:
        write(RESULTS, found)
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return all(verdict.passed for verdict in verdicts)

"""Runs the tap into loaders, and measures each program."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from sandbox import Control
from tests.warehouse.postgres import Postgres, running
from tools.benchmarks.candidates import CANDIDATES, Job, environment
from tools.benchmarks.databases import HOST, Database, InDuckDB, InPostgres
from tools.benchmarks.loaders import DUCKDB, POSTGRES, TARGET_POSTGRES, Loader, variables
from tools.benchmarks.measure import Usage, launched, usage_in
from tools.benchmarks.scenarios import TAP, WITHOUT_LIMIT
from tools.demo.compare import canonical_text
from tools.demo.errors import DemoError
from tools.demo.pipeline import Sandbox, sandbox
from tools.demo.tables import TABLES, Key, Kind, Row
from tools.demo.truth import Truth

TABLE = next(table for table in TABLES if table.name == "leads")
DOCUMENTS = {name for name, kind in TABLE.columns.items() if kind is Kind.JSON}
NOTHING = Path(os.devnull)


def digests(rows: Iterable[Row]) -> Iterator[tuple[Key, bytes]]:
    """Yield the key of each row, and a checksum of all columns except the loader's own."""
    return ((TABLE.key_of(row), hashlib.sha256(canonical_text(TABLE, row).encode()).digest()) for row in rows)


def pipe(
    commands: Sequence[Sequence[str]],
    environ: Mapping[str, str],
    folder: Path,
    *,
    source: Path = NOTHING,
    sink: Path = NOTHING,
) -> tuple[float, list[Usage]]:
    """Run commands as a pipe, in a folder for their files; return the seconds and each command's resource usage.

    Raises:
        DemoError: A command failed.
    """
    books = [folder / f"usage-{number}.json" for number, _ in enumerate(commands)]
    started, children, log = time.monotonic(), list[subprocess.Popen[bytes]](), folder / "log"
    with log.open("wb") as said, source.open("rb") as given, sink.open("wb") as taken:
        for command, book in zip(commands, books, strict=True):
            before = children[-1].stdout if children else given
            output = taken if command is commands[-1] else subprocess.PIPE
            child = subprocess.Popen(  # noqa: S603 (our own commands)
                launched(command, book), stdin=before, stdout=output, stderr=said, env=environ, cwd=folder
            )
            if before is not None:
                before.close()  # so that the previous process gets SIGPIPE when this one ends
            children.append(child)
        died = sum(child.wait() != 0 for child in children)  # launchers, not commands
    wall, used = time.monotonic() - started, [usage_in(book) for book in books]
    if died or any(each.exit_code for each in used):
        message = f"exit codes {[each.exit_code for each in used]} of {' | '.join(each[0] for each in commands)}"
        raise DemoError(message, tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]))
    return wall, used


class Bench:
    """The tap with a sandbox, databases, and a folder for files; ``today`` is the last day to read."""

    def __init__(self, folder: Path, source: Sandbox, postgres: Postgres, today: date) -> None:
        self._folder, self.day = folder, today.isoformat()
        self._job = Job(folder, source.api_url, source.api_key, (TABLE.name,), today, WITHOUT_LIMIT)
        self._tap = CANDIDATES[TAP].prepare(CANDIDATES[TAP], self._job)
        self._environment = {**environment(folder), **variables(TARGET_POSTGRES.name)}  # UTC for all
        self.databases: dict[str, Database] = {DUCKDB: InDuckDB(folder), POSTGRES: InPostgres(postgres)}
        self.file = folder / "leads.jsonl"
        with Control(source.url) as control:
            self.truth = dict(digests(Truth(control).expected(TABLE)))

    def tap_alone(self) -> tuple[float, Usage]:
        """Write the tap's output to the file; return the seconds and the tap's resource usage.

        Raises:
            DemoError: The tap failed.
        """
        wall, (used,) = pipe([self._tap], self._environment, self._folder, sink=self.file)
        return wall, used

    @contextlib.contextmanager
    def empty(self, loader: Loader) -> Iterator[Path]:
        """Empty a loader's database while the context lasts, which has a folder for the loader's files."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name, self.databases[loader.kind].empty():
            yield Path(name)

    def load(
        self, loader: Loader, settings: Mapping[str, Any], folder: Path, file: Path | None = None
    ) -> tuple[float, list[Usage]]:
        """Load a file, or from the tap; return the seconds, and the resource usage of each program.

        Raises:
            DemoError: The load failed.
        """
        access = loader.access(self.databases[loader.kind])
        command = loader.call(self._job.file("target.json", {**access, **settings}))
        if file:
            return pipe([command], self._environment, folder, source=file)
        return pipe([self._tap, command], self._environment, folder)

    def loaded(self, loader: Loader) -> set[tuple[Key, bytes]]:
        """Return the digests of the loaded rows.

        Raises:
            DemoError: Records are missing, or there twice.
        """
        there = list(digests(self.databases[loader.kind].rows(TABLE.name, DOCUMENTS)))
        if len(there) != len(self.truth):
            message = f"{loader.name}: {len(there)} rows of {len(self.truth)}"
            raise DemoError(message)
        return set(there)


@contextlib.contextmanager
def started(leads: int) -> Iterator[Bench]:
    """Start a sandbox with so many leads, and a Postgres server, while the context lasts."""
    today = datetime.now(timezone.utc).date()
    with tempfile.TemporaryDirectory(prefix="tap-instantly-load-") as name, running(host=HOST) as postgres:
        folder = Path(name)
        with sandbox(folder / "sandbox.log", {"leads": leads, "campaigns": 20, "until": today}) as source:
            yield Bench(folder, source, postgres, today)

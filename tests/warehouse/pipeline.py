"""Run the tap and a loader as separate processes, as users do."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from tests.forking import forks
from tests.tap_process import taps
from tests.warehouse.postgres import ENVIRONMENT
from tests.zones import EAST
from tools.benchmarks.loaders import variables
from tools.demo.tables import Kind

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

    from tests.warehouse.postgres import Postgres
    from tools.demo.tables import Key, Row, Table

SCHEMA = "instantly"
SECONDS = 120.0


@dataclass(frozen=True)
class Stop:
    """A signal to the tap or the loader after a number of records.

    Attributes:
        signal: The signal.
        records: Number of records passed on before it.
        once: If given, the signal goes to the loader once this holds; otherwise to the tap.
    """

    signal: signal.Signals
    records: int
    once: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Load:
    """The result of a run.

    Attributes:
        exit_code: Exit code of the tap as in Python: negative for an unhandled signal.
        state: Last state from the loader, or None.
        log: Log of the tap.
        loader_exit_code: Exit code of the loader.
        loader_log: Log of the loader.
    """

    exit_code: int
    state: dict[str, Any] | None
    log: str
    loader_exit_code: int
    loader_log: str


class Loads(ABC):
    """Loads into one database by any loader."""

    folder: Path
    """Folder for the programs' files."""

    ended: ClassVar[list[int]] = [0]
    """The second in which the last run of the tap ended."""

    plugin: ClassVar[str]
    """Name of the loader in meltano.yml."""

    fork: ClassVar[tuple[Path, str] | None] = None
    """The loader's Python and its function, as in tests.forking, if it can run so."""

    @abstractmethod
    def loader(self) -> list[str]:
        """Return the loader's command."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the settings that the loader needs to find the database."""

    def load(
        self,
        config: dict[str, Any],
        catalog: dict[str, Any],
        state: dict[str, Any] | None = None,
        *,
        stop: Stop | None = None,
        tap_folder: Path | None = None,
        fails: bool = False,
        **settings: Any,
    ) -> Load:
        """Run the tap into the loader, to the end of both.

        Args:
            config: Settings of the tap.
            catalog: Catalog of the tap.
            state: State to resume from.
            stop: Signal that ends one of the two early.
            tap_folder: Folder of the tap's package; None for this one.
            fails: True if the loader is expected to fail.
            settings: Further settings of the loader.

        Raises:
            AssertionError: The loader failed, or did not fail as expected.
        """
        reading = self._files(config=config, catalog=catalog, state=state)
        loading = self._files(**{"config-target": {**self.settings(), "validate_records": False, **settings}})
        own = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
        environments = {**own, "TZ": EAST}, {**own, "TZ": EAST, **variables(self.plugin)}
        while int(time.time()) == self.ended[0]:
            time.sleep(0.01)  # versions are in seconds, and each run needs a new one
        if self.fork and not stop and not tap_folder:
            load = self._forked(reading, loading, environments)
        else:
            load = self._piped(reading, loading, environments, stop, tap_folder)
        assert (load.loader_exit_code != 0) == (fails or bool(stop and stop.once)), load.loader_log[-5000:]
        return load

    def _forked(self, reading: list[str], loading: list[str], environments: tuple[dict[str, str], ...]) -> Load:
        """Run one after the other, from processes that have imported them, which takes seconds of CPU less."""
        assert self.fork
        tap = taps().run(*reading, environment=environments[0])
        self.ended[0] = int(time.time())
        text = tap.stdout.encode()
        loaded = forks(*self.fork).run(*loading, environment=environments[1], folder=self.folder, stdin=text)
        return _result(tap.returncode, loaded.stdout, tap.stderr, loaded.returncode, loaded.stderr)

    def _piped(
        self,
        reading: list[str],
        loading: list[str],
        environments: tuple[dict[str, str], ...],
        stop: Stop | None,
        tap_folder: Path | None,
    ) -> Load:
        with (self.folder / "log").open("w+b") as log, (self.folder / "log-target").open("w+b") as target_log:
            tap = [sys.executable, "-m", "tap_instantly", *reading]
            extracting = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log, env=environments[0], cwd=tap_folder)
            target = subprocess.Popen(
                [*self.loader(), *loading],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=target_log,
                env=environments[1],
                cwd=self.folder,
            )
            try:
                _pass_on(extracting, target, stop)
                extracting.wait(SECONDS)
                self.ended[0] = int(time.time())
                states, _ = target.communicate(timeout=SECONDS)
            finally:
                extracting.kill()
                target.kill()
                extracting.wait()
                target.wait()
            for file in (log, target_log):
                file.seek(0)
            said, loaders = log.read().decode(), target_log.read().decode()
            return _result(extracting.returncode, states.decode(), said, target.returncode, loaders)

    def _files(self, **contents: dict[str, Any] | None) -> list[str]:
        arguments = []
        for name, content in contents.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name.partition('-')[0]}", str(path)]
        return arguments


def _result(exit_code: int, states: str, log: str, loader_exit_code: int, loader_log: str) -> Load:
    *_, last = [None, *states.splitlines()]
    return Load(exit_code, json.loads(last) if last else None, log, loader_exit_code, loader_log)


class IntoTables(Loads):
    """Loads into tables that can be read."""

    @abstractmethod
    def rows(self, table: str) -> list[Row]:
        """Return all rows of a stream's table."""

    @abstractmethod
    def loaded_some(self) -> bool:
        """Return true once the current run has loaded some leads."""

    def found(self, table: Table) -> dict[Key, Row]:
        """Return the rows of a stream's table that are not marked as deleted."""
        rows = [_as_held(row, table) for row in self.rows(table.name) if row["_sdc_deleted_at"] is None]
        by_key = {table.key_of(row): row for row in rows}
        assert len(by_key) == len(rows), f"{table.name} has rows twice"
        return by_key

    def marked(self, table: Table) -> set[Key]:
        """Return the keys of the rows marked as deleted."""
        return {table.key_of(_as_held(row, table)) for row in self.rows(table.name) if row["_sdc_deleted_at"]}


@dataclass(frozen=True)
class Pipeline(IntoTables):
    """Loads into one database of a Postgres server.

    Attributes:
        postgres: Postgres server.
        database: Its database.
        folder: Folder for the programs' files.
    """

    postgres: Postgres
    database: str
    folder: Path
    plugin = "target-postgres"
    fork = ENVIRONMENT / "bin" / "python", "tests.warehouse.target_postgres:main"

    def loader(self) -> list[str]:
        return [str(ENVIRONMENT / "bin" / "target-postgres")]

    def settings(self) -> dict[str, Any]:
        return {"sqlalchemy_url": self.postgres.url(self.database), "default_target_schema": SCHEMA}

    def rows(self, table: str) -> list[Row]:
        return self.postgres.rows(f'select * from {SCHEMA}."{table}"', self.database)  # noqa: S608 (our own names)

    def loaded_some(self) -> bool:
        written = (self.folder / "config-target.json").stat().st_mtime  # at the start of the run
        began = datetime.fromtimestamp(written, timezone.utc).replace(tzinfo=None)
        later = f"select max(_sdc_batched_at) > '{began}' from {SCHEMA}.leads"  # noqa: S608 (ours)
        return self.postgres.execute(later, self.database).strip() == "t"


def _as_held(row: Row, table: Table) -> Row:
    return {name: _plain(row[name], kind) for name, kind in table.columns.items()}


def _plain(value: Any, kind: Kind) -> Any:
    if kind is Kind.TIMESTAMP and value is not None:
        if isinstance(value, datetime):
            return value.isoformat(timespec="microseconds")
        seconds, _, fraction = value.partition(".")
        return f"{seconds}.{fraction:0<6}"
    if isinstance(value, date):
        return value.isoformat()
    return json.loads(value) if kind is Kind.JSON and isinstance(value, str) else value


def _pass_on(extracting: subprocess.Popen[bytes], loading: subprocess.Popen[bytes], stop: Stop | None) -> None:
    """Pass the tap's output to the loader, and send the signal on the way."""
    assert extracting.stdout is not None
    assert loading.stdin is not None
    records = 0
    with extracting.stdout as lines, contextlib.suppress(BrokenPipeError):  # the loader may have ended
        for line in lines:
            loading.stdin.write(line)
            if stop and b'"type":"RECORD"' in line:
                records += 1
                if records == stop.records:
                    loading.stdin.flush()
                    _send(stop, extracting, loading)


def _send(stop: Stop, extracting: subprocess.Popen[bytes], loading: subprocess.Popen[bytes]) -> None:
    if stop.once is None:
        extracting.send_signal(stop.signal)
        return
    deadline = time.monotonic() + SECONDS
    while not stop.once():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    loading.send_signal(stop.signal)
    loading.wait(SECONDS)

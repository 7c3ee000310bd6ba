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
from typing import TYPE_CHECKING, Any, ClassVar

from tests.warehouse.postgres import ENVIRONMENT
from tests.zones import EAST
from tools.benchmarks.loaders import variables

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

    from tests.warehouse.postgres import Postgres

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
        tap = [sys.executable, "-m", "tap_instantly", *self._files(config=config, catalog=catalog, state=state)]
        target = [
            *self.loader(),
            *self._files(**{"config-target": {**self.settings(), "validate_records": False, **settings}}),
        ]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
        environment = {**own, "TZ": EAST}
        while int(time.time()) == self.ended[0]:
            time.sleep(0.01)  # versions are in seconds, and each run needs a new one
        with (self.folder / "log").open("w+b") as log, (self.folder / "log-target").open("w+b") as target_log:
            extracting = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=tap_folder)
            loading = subprocess.Popen(
                target,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=target_log,
                env={**environment, **variables(self.plugin)},
                cwd=self.folder,
            )
            try:
                _pass_on(extracting, loading, stop)
                extracting.wait(SECONDS)
                self.ended[0] = int(time.time())
                states, _ = loading.communicate(timeout=SECONDS)
            finally:
                extracting.kill()
                loading.kill()
                extracting.wait()
                loading.wait()
            target_log.seek(0)
            said = target_log.read().decode()
            assert (loading.returncode != 0) == (fails or bool(stop and stop.once)), said[-5000:]
            log.seek(0)
            *_, last = [None, *states.splitlines()]
            passed_on = json.loads(last) if last else None
            return Load(extracting.returncode, passed_on, log.read().decode(), loading.returncode, said)

    def _files(self, **contents: dict[str, Any] | None) -> list[str]:
        arguments = []
        for name, content in contents.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name.partition('-')[0]}", str(path)]
        return arguments


@dataclass(frozen=True)
class Pipeline(Loads):
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

    def loader(self) -> list[str]:
        return [str(ENVIRONMENT / "bin" / "target-postgres")]

    def settings(self) -> dict[str, Any]:
        return {"sqlalchemy_url": self.postgres.url(self.database), "default_target_schema": SCHEMA}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a stream's table."""
        return self.postgres.rows(f'select * from {SCHEMA}."{table}"', self.database)  # noqa: S608 (our own names)


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

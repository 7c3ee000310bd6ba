"""The tap and a loader, each a process of its own, as a user runs them."""

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

from benchmarks.loaders import variables
from tests.warehouse.postgres import ENVIRONMENT
from tests.zones import EAST

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

    from tests.warehouse.postgres import Postgres

SCHEMA = "instantly"
SECONDS = 120.0


@dataclass(frozen=True)
class Stop:
    """A signal to one of the two, and the number of records after which it comes.

    Attributes:
        signal: The signal.
        records: How many records have been passed on before it.
        once: If given, the signal is for the loader, and waits until this holds; otherwise it is for the tap.
    """

    signal: signal.Signals
    records: int
    once: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Load:
    """What came of a run.

    Attributes:
        exit_code: Of the tap, as Python has it: negative for a signal that it did not handle.
        state: What the loader has passed on last; None if nothing.
        log: What the tap said.
        loader_exit_code: Of the loader.
        loader_log: What the loader said.
    """

    exit_code: int
    state: dict[str, Any] | None
    log: str
    loader_exit_code: int
    loader_log: str


class Loads(ABC):
    """Loads into one database by some loader."""

    folder: Path
    """For the files that the two are given."""

    plugin: ClassVar[str]
    """Name of the loader in meltano.yml."""

    @abstractmethod
    def loader(self) -> list[str]:
        """The command of the loader."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The settings of the loader without which it finds no database."""

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
        """Run the tap into the loader, whose further settings are ``settings``, up to the end of both.

        Args:
            config: Settings of the tap.
            catalog: The tap's catalog.
            state: What the tap goes on from.
            stop: What ends one of the two on the way.
            tap_folder: Where the package of the tap lies; this one's if None.
            fails: Whether the loader is to fail.
            settings: Of the loader.

        Raises:
            AssertionError: The loader failed, or did not where it had to.
        """
        tap = [sys.executable, "-m", "tap_instantly", *self._files(config=config, catalog=catalog, state=state)]
        target = [
            *self.loader(),
            *self._files(**{"config-target": {**self.settings(), "validate_records": False, **settings}}),
        ]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
        environment = {**own, "TZ": EAST}
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
                ended = int(time.time())
                states, _ = loading.communicate(timeout=SECONDS)
            finally:
                extracting.kill()
                loading.kill()
                extracting.wait()
                loading.wait()
            target_log.seek(0)
            said = target_log.read().decode()
            assert (loading.returncode != 0) == (fails or bool(stop and stop.once)), said[-5000:]
            while int(time.time()) == ended:
                time.sleep(0.01)  # versions are in seconds, and the next run is to have another one
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
        postgres: The server.
        database: Its database.
        folder: For the files that the two are given.
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
        """All rows of the table of a stream."""
        return self.postgres.rows(f'select * from {SCHEMA}."{table}"', self.database)  # noqa: S608 (our own names)


def _pass_on(extracting: subprocess.Popen[bytes], loading: subprocess.Popen[bytes], stop: Stop | None) -> None:
    """Give the loader what the tap writes, and send one of them its signal on the way."""
    assert extracting.stdout is not None
    assert loading.stdin is not None
    records = 0
    with extracting.stdout as lines, contextlib.suppress(BrokenPipeError):  # of a loader that has ended
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

"""The tap and the loader for Postgres, each a process of its own, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.warehouse.postgres import ENVIRONMENT

if TYPE_CHECKING:
    import signal
    from pathlib import Path

    from tests.warehouse.postgres import Postgres

SCHEMA = "instantly"
SECONDS = 120.0


@dataclass(frozen=True)
class Stop:
    """A signal to the tap, and the number of records after which it comes."""

    signal: signal.Signals
    records: int


@dataclass(frozen=True)
class Load:
    """What came of a run.

    Attributes:
        exit_code: Of the tap, as Python has it: negative for a signal that it did not handle.
        state: What the loader has passed on last; None if nothing.
        log: What the tap said.
    """

    exit_code: int
    state: dict[str, Any] | None
    log: str


@dataclass(frozen=True)
class Pipeline:
    """Loads into one database.

    Attributes:
        postgres: The server.
        database: Its database.
        folder: For the files that the two are given.
    """

    postgres: Postgres
    database: str
    folder: Path

    def load(
        self,
        config: dict[str, Any],
        catalog: dict[str, Any],
        state: dict[str, Any] | None = None,
        *,
        stop: Stop | None = None,
        **settings: Any,
    ) -> Load:
        """Run the tap into the loader, whose further settings are ``settings``, up to the end of both.

        Raises:
            AssertionError: The loader failed.
        """
        tap = [sys.executable, "-m", "tap_instantly", *self._files(config=config, catalog=catalog, state=state)]
        target = [
            str(ENVIRONMENT / "bin" / "target-postgres"),
            *self._files(
                **{
                    "config-target": {
                        "sqlalchemy_url": self.postgres.url(self.database),
                        "default_target_schema": SCHEMA,
                        "validate_records": False,
                        **settings,
                    }
                }
            ),
        ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
        with (self.folder / "log").open("w+b") as log, (self.folder / "log-target").open("w+b") as target_log:
            extracting = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log, env=environment)
            loading = subprocess.Popen(
                target, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=target_log, env=environment
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
            assert loading.returncode == 0, target_log.read().decode()[-5000:]
            while int(time.time()) == ended:
                time.sleep(0.01)  # versions are in seconds, and the next run is to have another one
            log.seek(0)
            *_, last = [None, *states.splitlines()]
            return Load(extracting.returncode, json.loads(last) if last else None, log.read().decode())

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of the table of a stream."""
        return self.postgres.rows(f'select * from {SCHEMA}."{table}"', self.database)  # noqa: S608 (our own names)

    def _files(self, **contents: dict[str, Any] | None) -> list[str]:
        arguments = []
        for name, content in contents.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name.partition('-')[0]}", str(path)]
        return arguments


def _pass_on(extracting: subprocess.Popen[bytes], loading: subprocess.Popen[bytes], stop: Stop | None) -> None:
    """Give the loader what the tap writes, and send the tap its signal on the way."""
    assert extracting.stdout is not None
    assert loading.stdin is not None
    records = 0
    with extracting.stdout as lines:
        for line in lines:
            loading.stdin.write(line)
            if stop and b'"type":"RECORD"' in line:
                records += 1
                if records == stop.records:
                    extracting.send_signal(stop.signal)

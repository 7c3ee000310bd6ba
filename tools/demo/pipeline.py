"""Processes of the demo: the sandbox API and Meltano."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.demo import paths, runlog
from tools.demo.errors import DemoError

ENVIRONMENT = "demo"
TAP, TARGET = "tap-instantly", "target-dlt"
STATE_ID = f"{ENVIRONMENT}:{TAP}-to-{TARGET}"
LOOKBACK_DAYS, LOOKBACK_HOURS = 7, 6

START_SECONDS = 120.0
STOP_SECONDS = 10.0

_ANNOUNCEMENT = re.compile(r"listening on (\S+)\n.*API key (\S+)\n")
# Settings of a real pipeline must not affect the demo.
_FOREIGN = ("TAP_INSTANTLY_", "TARGET_DLT_", "MELTANO_")


@contextlib.contextmanager
def process(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command while the context lasts, then end it and its children, even after an error."""
    with log.open("ab") as output:
        # In its own session: Ctrl-C reaches only the demo, which then ends children and grandchildren.
        child = subprocess.Popen(  # noqa: S603 - this project's own commands
            command,
            cwd=paths.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        _stop(child)


def run(
    command: Sequence[str], log: Path, what: str, environment: Mapping[str, str] | None = None, made: Path | None = None
) -> None:
    """Run a command to its end.

    Raises:
        DemoError: The command failed or did not write the file that ``what`` names.
    """
    with process(command, log, environment) as child:
        failed = child.wait() != 0
    if failed or (made is not None and not made.is_file()):
        message = f"{what} failed; the end of its output is above, the full output in {paths.short(log)}"
        raise DemoError(message, tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]))


def _stop(child: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        # Children can outlive the leader of their group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
            return


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox API."""

    url: str
    api_key: str

    @property
    def api_url(self) -> str:
        """The address of the API."""
        return f"{self.url}/api/v2"


@contextlib.contextmanager
def sandbox(log: Path, options: Mapping[str, object]) -> Iterator[Sandbox]:
    """Run the sandbox API on a free port.

    Raises:
        DemoError: The sandbox does not start.
    """
    given = (text for name, value in options.items() for text in (f"--{name}", str(value)))
    with process([sys.executable, "-m", "sandbox", "--port", "0", *given], log) as child:
        deadline = time.monotonic() + START_SECONDS
        while not (announced := _ANNOUNCEMENT.search(log.read_text(encoding="utf-8"))):
            if child.poll() is not None or time.monotonic() > deadline:
                message = f"the sandbox API did not start; its output is above and in {paths.short(log)}"
                raise DemoError(message, runlog.tail(log.read_text(encoding="utf-8").splitlines()))
            time.sleep(0.02)
        yield Sandbox(*announced.groups())


class Meltano:
    """Meltano in this project, with separate settings, state and database.

    Args:
        executable: The Meltano command.
        folder: Folder for all files except the plugins' environments.
    """

    def __init__(self, executable: Path, folder: Path) -> None:
        if not executable.is_file():
            message = f"no Meltano at {executable}: run `make demo`, which installs it, or set --meltano"
            raise DemoError(message)
        self._executable = executable
        self._folder = folder
        self.database = folder / "warehouse.duckdb"
        self._no_dotenv = folder / "empty.env"
        self._no_dotenv.touch()

    def _environment(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        local = "127.0.0.1,localhost"
        outside = ",".join(filter(None, (os.environ.get("NO_PROXY", os.environ.get("no_proxy")), local)))
        return {
            **own,
            "NO_COLOR": "1",
            "NO_PROXY": outside,
            "no_proxy": outside,
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "MELTANO_CLI_LOG_FORMAT": "json",
            "MELTANO_DATABASE_URI": f"sqlite:///{self._folder / 'meltano.db'}",
            "MELTANO_ENVIRONMENT": ENVIRONMENT,
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            # The state is in the new database, so a run always starts without one.
            "MELTANO_STATE_BACKEND_URI": "systemdb",
            **(settings or {}),
        }

    def _command(self, *arguments: str) -> list[str]:
        # A .env of the project holds settings of the real pipeline.
        return [str(self._executable), "--env-file", str(self._no_dotenv), *arguments]

    def _call(self, log: Path, complaint: str, *arguments: str, settings: Mapping[str, str] | None = None) -> list[str]:
        """Run Meltano and return the lines of its log; ``complaint`` is the message if it fails."""
        with process(self._command(*arguments), log, self._environment(settings)) as child:
            failed = child.wait()
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if failed:
            raise DemoError(complaint, runlog.tail(lines))
        return lines

    def install(self) -> None:
        """Install tap and loader, each in its own environment.

        Raises:
            DemoError: The installation failed.
        """
        log = self._folder / "install.log"
        complaint = (
            f"`meltano install` failed; its output is above and in {paths.short(log)}. "
            "It needs the package index: check the network (and the proxy), then try again."
        )
        self._call(log, complaint, "install", TAP, TARGET)

    def run(self, number: int, source: Sandbox) -> dict[str, runlog.Cost]:
        """Run the pipeline once and return the cost of each stream.

        Raises:
            DemoError: The run failed or was incomplete.
        """
        log = self._folder / f"run-{number}.log"
        settings = {
            "TAP_INSTANTLY_API_KEY": source.api_key,
            "TAP_INSTANTLY_API_URL": source.api_url,
            "TAP_INSTANTLY_ANALYTICS_LOOKBACK_DAYS": str(LOOKBACK_DAYS),
            "TAP_INSTANTLY_LOOKBACK_HOURS": str(LOOKBACK_HOURS),
            "TARGET_DLT_CREDENTIALS": str(self.database),
        }
        where = paths.short(log)
        complaint = f"run {number} of the pipeline failed; the end of its log is above, the full log in {where}"
        costs = runlog.costs(self._call(log, complaint, "run", TAP, TARGET, settings=settings))
        if odd := [f"{name}: {cost.remark}" for name, cost in costs.items() if cost.remark]:
            message = f"run {number} was incomplete: see above and {where}"
            raise DemoError(message, tuple(odd))
        return costs

    def state(self) -> dict[str, Any]:
        """Return the state that Meltano keeps for the next run.

        Raises:
            DemoError: There is no state.
        """
        try:
            done = subprocess.run(  # noqa: S603 - this project's own command
                self._command("state", "get", STATE_ID),
                cwd=paths.ROOT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            )
            state: dict[str, Any] = json.loads(done.stdout)["singer_state"]
        except (subprocess.CalledProcessError, ValueError, KeyError):
            message = f"Meltano has no state for {STATE_ID}; see the log of the run in {self._folder}"
            raise DemoError(message) from None
        return state

"""Run the tap as processes that fork from one that has imported it: half a second less for each.

They wait milliseconds between tries. Where Python's own start matters, tests start the program themselves.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.keys import look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

SECONDS = 120.0
"""After these a run fails the test."""

REPORT = struct.Struct("i")
"""Numbers that the process in between reports: an id, then an exit code."""

WAITS = {
    "retry": ("FIRST_WAIT",),
    "rate_limit": ("PAUSE_AFTER_429", "RECOVERY_SECONDS", "EMAILS_INTERVAL", "EMAILS_PAUSE_AFTER_429"),
}
"""Waits by their modules in tap_instantly.client."""

WAIT = 0.001
"""Seconds instead: the tests check the retries, not the waits."""

START = "from tap_instantly.__main__ import main; main()"
"""The program of a run."""


class Forked:
    """A running tap, with what tests need of subprocess.Popen."""

    def __init__(self, reports: socket.socket) -> None:
        reports.settimeout(SECONDS)
        self._reports = reports
        self.pid = self._reported()
        self.returncode: int | None = None

    def _reported(self) -> int:
        return int(REPORT.unpack(self._reports.recv(REPORT.size))[0])

    def poll(self) -> int | None:
        """Return the exit code, or None while the tap runs."""
        if self.returncode is None and select.select([self._reports], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, _timeout: float | None = None) -> int:
        """Return the exit code; after SECONDS, fail."""
        if self.returncode is None:
            self.returncode = self._reported()
            self._reports.close()
        return self.returncode

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that the others fork from."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(number)],
            pass_fds=(number,),
            env={**os.environ, "PYTHONWARNINGS": "ignore:Python 3.10 reached its end of life"},
        )
        theirs.close()
        self._alone = threading.Lock()

    def close(self) -> None:
        self._ours.close()
        self._process.wait(SECONDS)

    def start(
        self,
        *arguments: str,
        stdout: int,
        stderr: int,
        environment: Mapping[str, str] = os.environ,
        folder: Path | None = None,
        program: str = START,
    ) -> Forked:
        """Start the tap, or another program, with exactly these variables; output goes to files by their numbers."""
        request = {
            "program": program,
            "arguments": arguments,
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
        }
        ours, theirs = socket.socketpair()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file, theirs:
            json.dump(request, file)
            file.flush()
            with self._alone:
                socket.send_fds(self._ours, [b"."], [file.fileno(), theirs.fileno(), stdout, stderr])
            theirs.close()
            return Forked(ours)  # which reads the id of a process that has read the request

    def run(
        self, *arguments: str, environment: Mapping[str, str], folder: Path | None = None, stdout: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the tap to its end; ``stdout`` is a file's number, or its output is returned."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
            to = output.fileno() if stdout is None else stdout
            exit_code = self.start(
                *arguments, environment=environment, folder=folder, stdout=to, stderr=log.fileno()
            ).wait()
            said = [_text(output), _text(log)]
        for name, text in zip(("standard output", "standard error"), said, strict=True):
            look(text, f"{name} of a process")
        return subprocess.CompletedProcess(["tap-instantly", *arguments], exit_code, *said)


class Piped:
    """A running tap with pipes for output and log."""

    def __init__(
        self, forks: Forks, program: str, arguments: Sequence[str], stack: ExitStack, *, blocking: bool = True
    ) -> None:
        (output, self._writing), (log, logging) = (
            [stack.enter_context(os.fdopen(end, mode)) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True)]
            for _ in range(2)
        )
        os.set_blocking(self._writing.fileno(), blocking)
        self._output, self.log = output, log
        self.process: Forked = forks.start(
            *arguments, program=program, stdout=self._writing.fileno(), stderr=logging.fileno()
        )
        stack.callback(lambda: (self.process.kill(), self.process.wait()))
        logging.close()

    def wait_until_stalled(self) -> None:
        """Wait until the tap has filled the pipe."""
        while select.select([], [self._writing], [], 0)[1]:
            assert self.process.poll() is None
            time.sleep(0.01)

    @property
    def output(self) -> IO[bytes]:
        """Standard output, which nobody but the tap writes to any more."""
        self._writing.close()
        return self._output


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _fork_for_each(door: socket.socket) -> dict[str, Any] | None:
    """Return a request in a process of its own, and None in this one after the last.

    Each has a process in between, which reports its id and its exit code.
    """
    while files := socket.recv_fds(door, 1, 4)[1]:
        asked, reports, *output = files
        if os.fork():
            for file in files:
                os.close(file)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            continue
        request: dict[str, Any] = json.loads(os.pread(asked, os.fstat(asked).st_size, 0))
        if not (child := os.fork()):
            for file, standard in zip(output, (1, 2), strict=True):
                os.dup2(file, standard)
            for file in files:
                os.close(file)
            return request
        for file in output:
            os.close(file)
        os.write(reports, REPORT.pack(child))
        os.write(reports, REPORT.pack(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
        os._exit(0)
    return None


def main() -> None:
    importlib.import_module("tap_instantly.__main__")  # not above: the tests' own process does without
    for module, names in WAITS.items():
        for name in names:
            setattr(importlib.import_module(f"tap_instantly.client.{module}"), name, WAIT)
    gc.collect()
    gc.freeze()  # so that a collection in a fork copies no page of what all share
    with socket.socket(fileno=int(sys.argv[1])) as door:
        request = _fork_for_each(door)
    if request is not None:
        os.environ.clear()
        os.environ.update(request["environment"])
        time.tzset()
        os.chdir(request["folder"])
        sys.argv = ["tap-instantly", *request["arguments"]]
        try:
            exec(request["program"], {"__name__": "__main__"})  # noqa: S102 (a test's own program)
        except SystemExit as end:
            _exit_at_once(end.code)
            raise


def _exit_at_once(code: object) -> None:
    """Exit as Python would, but let the system free the memory, which is quicker; return if that is not possible."""
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
        if code is None or isinstance(code, int):
            atexit._run_exitfuncs()
            os._exit(code or 0)


if __name__ == "__main__":
    main()

"""Run programs as processes that fork from one that has imported them, in this environment or another one.

Importing dbt takes three seconds of CPU, target-dlt and the report's charts two, the tap half a second. Most runs take
less. Where Python's own start matters, tests start the program themselves.
"""

from __future__ import annotations

import atexit
import gc
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.keys import look

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]

SECONDS = 120.0
"""After these a run fails the test."""

REPORT = struct.Struct("i")
"""Numbers that the process in between reports: an id, then an exit code."""

NAMES = ("standard output", "standard error")


class Forked:
    """A running program, with what tests need of subprocess.Popen."""

    def __init__(self, reports: socket.socket) -> None:
        reports.settimeout(SECONDS)
        self._reports = reports
        self.pid = self._reported()
        self.returncode: int | None = None

    def _reported(self) -> int:
        return int(REPORT.unpack(self._reports.recv(REPORT.size))[0])

    def poll(self) -> int | None:
        """Return the exit code, or None while the program runs."""
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


class Run:
    """A running program whose output is kept in files."""

    def __init__(self, arguments: list[str], process: Forked, files: ExitStack, *outputs: IO[bytes]) -> None:
        self._arguments, self._process, self._files, self._outputs = arguments, process, files, outputs

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        with self._files:
            code, said = self._process.wait(), []
            for file, name in zip(self._outputs, NAMES, strict=True):
                file.seek(0)
                said.append(file.read().decode())
                look(said[-1], f"{name} of a process")
        return subprocess.CompletedProcess(self._arguments, code, *said)


class Forks:
    """The process that the others fork from.

    Args:
        python: Python of the environment.
        program: Module and function of the program, as ``module:function``. The module's function ``prepare``, if any,
            is called once; its ``NAME`` is the program's name on the command line.
        modules: Further modules to import, as far as the environment has them.
    """

    def __init__(self, python: Path, program: str, *modules: str) -> None:
        self._ours, theirs = socket.socketpair()
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [python, "-m", "tests.forking", str(number), program, *modules],
            pass_fds=(number,),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore:Python 3.10 reached its end of life"},
        )
        theirs.close()
        atexit.register(self._close)

    def _close(self) -> None:
        self._ours.close()
        self._process.wait(SECONDS)

    def popen(
        self,
        *arguments: str | Path,
        stdout: int,
        stderr: int,
        stdin: int | None = None,
        environment: Mapping[str, str] = os.environ,
        folder: Path | None = None,
        text: str | None = None,
    ) -> Forked:
        """Start the program, or another one by its text, with these variables only; files are given as numbers."""
        told = {"arguments": [*map(str, arguments)], "environment": dict(environment), "text": text}
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as request, Path(os.devnull).open("rb") as nothing:
            request.write(json.dumps({**told, "folder": str(folder or Path.cwd())}).encode())
            request.flush()
            files = [request.fileno(), theirs.fileno(), nothing.fileno() if stdin is None else stdin, stdout, stderr]
            socket.send_fds(self._ours, [b"."], files)
        return Forked(ours)

    def start(self, *arguments: str | Path, stdin: bytes = b"", stdout: int | None = None, **more: Any) -> Run:
        """Start the program with this input, and keep its output unless there is a file for it."""
        with ExitStack() as stack:
            given, output, log = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            given.write(stdin)
            given.seek(0)
            to = output.fileno() if stdout is None else stdout
            process = self.popen(*arguments, stdin=given.fileno(), stdout=to, stderr=log.fileno(), **more)
            return Run([*map(str, arguments)], process, stack.pop_all(), output, log)

    def run(self, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run the program to its end; see :meth:`start`."""
        return self.start(*arguments, **more).finish()


@cache
def forks(python: Path, program: str, *modules: str) -> Forks:
    """Return the process for a program, which lasts as long as this one."""
    return Forks(python, program, *modules)


def _fork_for_each(requests: socket.socket) -> list[int] | None:
    """Return the files of each request in a process of its own, and None in this one after the last.

    Each has a process in between, which reports its id and its exit code.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while files := socket.recv_fds(requests, 1, 5)[1]:
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if not (child := os.fork()):
                return files
            _, reports, *standard = files
            for file in standard:
                os.close(file)
            os.write(reports, REPORT.pack(child))
            os.write(reports, REPORT.pack(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
            os._exit(0)
        for file in files:
            os.close(file)
    return None


def main(number: str, program: str, *modules: str) -> None:
    name, _, function = program.partition(":")
    module = importlib.import_module(name)
    getattr(module, "prepare", bool)()
    for each in modules:
        if importlib.util.find_spec(each):
            importlib.import_module(each)
    gc.collect()
    gc.freeze()  # so that a collection in a fork copies no page of what all share
    with socket.socket(fileno=int(number)) as requests:
        files = _fork_for_each(requests)
    if files is None:
        return
    told = json.loads(os.pread(files[0], os.fstat(files[0]).st_size, 0))
    for standard, file in enumerate(files[2:]):
        os.dup2(file, standard)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(told["environment"])
    time.tzset()
    os.chdir(told["folder"])
    sys.argv = [getattr(module, "NAME", name), *told["arguments"]]
    try:
        if told["text"] is not None:
            exec(told["text"], {"__name__": "__main__"})  # noqa: S102 (a test's own program)
            sys.exit()
        sys.exit(getattr(module, function)())
    except SystemExit as end:
        _exit_at_once(end.code)
        raise
    except Exception:  # noqa: BLE001 (as Python's end does)
        traceback.print_exc()
        _exit_at_once(1)


def _exit_at_once(code: object) -> None:
    """Exit as Python would, but let the system free the memory; return if that is not possible.

    At Python's own end, modules in C++ wait for threads that stayed behind at the fork, and abort.
    """
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
        if code is None or isinstance(code, int):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Run programs of other environments as processes that fork from one that has imported them.

Importing dbt takes three seconds of CPU, target-dlt and the report's charts two: more than most runs.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.keys import look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
REQUEST, STDIN, STDOUT, STDERR, ANSWER = range(5)
"""Places of the files that a request consists of."""


class Run:
    """A program that was started."""

    def __init__(self, arguments: Sequence[str], answer: socket.socket, *files: IO[bytes]) -> None:
        self._arguments, self._answer, self._files = arguments, answer, files

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        with self._answer:
            code = int(self._answer.recv(64))
        said = []
        for file, name in zip(self._files, ("standard output", "standard error"), strict=True):
            with file:
                file.seek(0)
                said.append(file.read().decode())
            look(said[-1], f"{name} of a process")
        return subprocess.CompletedProcess(self._arguments, code, *said)


class Forks:
    """The process that the others fork from.

    Args:
        python: Python of the environment.
        program: Module and function of the program, as ``module:function``.
        modules: Further modules to import, as far as the environment has them.
    """

    def __init__(self, python: Path, program: str, *modules: str) -> None:
        self._ours, theirs = socket.socketpair()
        number = theirs.fileno()
        command = [python, "-m", "tests.forking", str(number), program, *modules]
        self._process = subprocess.Popen(command, pass_fds=(number,), cwd=ROOT, stdin=subprocess.DEVNULL)
        theirs.close()
        atexit.register(self._close)

    def _close(self) -> None:
        self._ours.close()
        self._process.wait()

    def start(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        folder: Path = ROOT,
        text: bytes = b"",
    ) -> Run:
        """Start the program in a folder, with exactly these variables and this standard input."""
        ours, theirs = socket.socketpair()
        output, errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 (closed by the run)
        told = {"arguments": [*map(str, arguments)], "environment": dict(environment), "folder": str(folder)}
        with theirs, tempfile.TemporaryFile() as request, tempfile.TemporaryFile() as standard_input:
            for file, content in ((request, json.dumps(told).encode()), (standard_input, text)):
                file.write(content)
                file.seek(0)
            files = [file.fileno() for file in (request, standard_input, output, errors, theirs)]
            socket.send_fds(self._ours, [b"."], files)
        return Run(told["arguments"], ours, output, errors)


@cache
def forks(python: Path, program: str, *modules: str) -> Forks:
    """Return the process for a program, which lasts as long as this one."""
    return Forks(python, program, *modules)


def _fork_for_each(door: socket.socket) -> list[int] | None:
    """Return the files of each request in a process of its own, and None in this one after the last."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while files := socket.recv_fds(door, 1, 5)[1]:
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if not (child := os.fork()):
                return files
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.write(files[ANSWER], str(code).encode())
            os._exit(0)
        for file in files:
            os.close(file)
    return None


def main(number: str, program: str, *modules: str) -> None:
    module, _, function = program.partition(":")
    run = getattr(importlib.import_module(module), function)
    for name in modules:
        if importlib.util.find_spec(name):
            importlib.import_module(name)
    with socket.socket(fileno=int(number)) as door:
        files = _fork_for_each(door)
    if files is None:
        return
    with os.fdopen(files[REQUEST], encoding="utf-8") as file:
        told = json.load(file)
    for standard, place in enumerate((STDIN, STDOUT, STDERR)):
        os.dup2(files[place], standard)
    for place in (STDIN, STDOUT, STDERR, ANSWER):
        os.close(files[place])
    os.environ.clear()
    os.environ.update(told["environment"])
    time.tzset()
    os.chdir(told["folder"])
    sys.argv = [module, *told["arguments"]]
    try:
        code = run()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 (as Python's end does)
        traceback.print_exc()
        code = 1
    # Not to Python's end: modules in C++ wait there for threads that stayed behind at the fork, and abort.
    atexit._run_exitfuncs()
    for file in (sys.stdout, sys.stderr):
        file.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])

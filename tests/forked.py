"""Run the tap as processes that fork from one that has imported it: half a second less for each.

Where Python's own start matters, tests start the program themselves.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.keys import look

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 120.0
"""After these a run fails the test."""


class Forks:
    """The process that the others fork from; one run at a time."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(SECONDS)
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(number)],
            pass_fds=(number,),
            env={**os.environ, "PYTHONWARNINGS": "ignore:Python 3.10 reached its end of life"},
        )
        theirs.close()

    def close(self) -> None:
        self._ours.close()
        self._process.wait(SECONDS)

    def run(
        self, *arguments: str, environment: Mapping[str, str], folder: Path | None = None, stdout: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the tap with exactly these variables; ``stdout`` is a file's number, or its output is returned."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
            with tempfile.NamedTemporaryFile("w", encoding="utf-8") as request:
                json.dump(
                    {"arguments": arguments, "environment": dict(environment), "folder": str(folder or Path.cwd())},
                    request,
                )
                request.flush()
                files = [output.fileno() if stdout is None else stdout, log.fileno()]
                socket.send_fds(self._ours, [request.name.encode()], files)
                exit_code = int(self._ours.recv(64))
            said = [_text(output), _text(log)]
        for name, text in zip(("standard output", "standard error"), said, strict=True):
            look(text, f"{name} of a process")
        return subprocess.CompletedProcess(["tap-instantly", *arguments], exit_code, *said)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _fork_for_each(door: socket.socket) -> dict[str, Any] | None:
    """Return a request in a process of its own, and None in this one after the last."""
    while name := (received := socket.recv_fds(door, 4096, 2))[0]:
        request: dict[str, Any] = json.loads(Path(name.decode()).read_text(encoding="utf-8"))
        files = received[1]
        if not (child := os.fork()):
            for file, standard in zip(files, (1, 2), strict=True):
                os.dup2(file, standard)
                os.close(file)
            return request
        for file in files:
            os.close(file)
        door.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    return None


def main() -> None:
    from tap_instantly.__main__ import main as run_the_tap  # noqa: PLC0415 (the tests' own process does without)

    with socket.socket(fileno=int(sys.argv[1])) as door:
        request = _fork_for_each(door)
    if request is not None:
        os.environ.clear()
        os.environ.update(request["environment"])
        time.tzset()
        os.chdir(request["folder"])
        sys.argv = ["tap-instantly", *request["arguments"]]
        run_the_tap()


if __name__ == "__main__":
    main()

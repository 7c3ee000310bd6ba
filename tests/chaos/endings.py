"""Run the tap as a process and end it in various ways."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random

    from tests.forking import Forks

AT_MOST = 60.0
"""Seconds until a process that should have ended fails the test."""

SMALLEST_PIPE = 4096
BLOCK = 512
"""Bytes in the unit of `ulimit -f`."""

IMPATIENT = "from tap_instantly.sync import shutdown; shutdown.PATIENCE = 0.5; "
"""Makes the tap force its end sooner, where nobody reads."""


@dataclass(frozen=True)
class Run:
    """Result of a run, as its reader saw it.

    Attributes:
        ending: The intended ending.
        output: Bytes that the reader received.
        whole: True if the reader read to the end.
        exit_code: As in Python: negative for an unhandled signal.
        log: Standard error.
    """

    ending: str
    output: bytes
    whole: bool
    exit_code: int
    log: str

    @property
    def finished(self) -> bool:
        """Return true if the run ended by itself and the reader read all of it."""
        return self.whole and self.exit_code == 0


class Process(Protocol):
    """A running tap."""

    returncode: int | None

    def wait(self, timeout: float | None = None, /) -> int: ...
    def send_signal(self, signum: int, /) -> None: ...
    def kill(self) -> None: ...


Watch = "Callable[[Process, int, Moment], tuple[bytes, bool]]"
"""Reads from a process until it ends; returns the bytes, and true if they are the whole output."""


class Moment:
    """Time to strike: after part of the output, or some time after the start."""

    def __init__(self, random: Random, size: int) -> None:
        early = random.random() < 0.15
        self.bytes = 0 if early else int(random.uniform(0, 0.8) * size) + 1
        self.seconds = random.uniform(0, 1.2) if early else random.choice([0, random.uniform(0, 0.03)])


def read(pipe: int, most: int | None = None) -> bytes:
    """Read a number of bytes, or to the end."""
    parts, left = [], most
    while left is None or left > 0:
        assert select.select([pipe], [], [], AT_MOST)[0], "the tap neither writes nor ends"
        part = os.read(pipe, 1 << 16 if left is None else min(left, 1 << 16))
        if not part:
            break
        parts.append(part)
        left = None if left is None else left - len(part)
    return b"".join(parts)


def to_the_end(_process: Process, pipe: int, _moment: Moment) -> tuple[bytes, bool]:
    return read(pipe), True


def signalled(*signals: signal.Signals) -> Watch:
    def watch(process: Process, pipe: int, moment: Moment) -> tuple[bytes, bool]:
        output = read(pipe, moment.bytes)
        time.sleep(moment.seconds)
        for signum in signals:
            process.send_signal(signum)
        return output + read(pipe), True

    return watch


def closed_pipe(_process: Process, pipe: int, moment: Moment) -> tuple[bytes, bool]:
    return read(pipe, moment.bytes), False


def dead_target(process: Process, pipe: int, moment: Moment) -> tuple[bytes, bool]:
    with tempfile.TemporaryFile() as output:
        subprocess.run(["head", "-c", str(moment.bytes)], stdin=pipe, stdout=output, check=True, timeout=AT_MOST)  # noqa: S607
        output.seek(0)
        return output.read(), False


def stalled_target(process: Process, pipe: int, moment: Moment) -> tuple[bytes, bool]:
    output = read(pipe, moment.bytes)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.wait(AT_MOST)
    return output + read(pipe), True


STALLED_TARGET, FULL_DISK, FULL_QUOTA = "stalled target", "full disk", "full quota"

ON_PIPES: dict[str, Watch] = {
    "none": to_the_end,
    "SIGKILL": signalled(signal.SIGKILL),
    "SIGTERM": signalled(signal.SIGTERM),
    "SIGINT": signalled(signal.SIGINT),
    "SIGINT and SIGTERM": signalled(signal.SIGINT, signal.SIGTERM),
    "closed pipe": closed_pipe,
    "dead target": dead_target,
    STALLED_TARGET: stalled_target,
}

ENDINGS = {
    "SIGKILL": 6,
    "SIGTERM": 6,
    "SIGINT": 4,
    "SIGINT and SIGTERM": 3,
    "closed pipe": 4,
    "dead target": 3,
    STALLED_TARGET: 1,
    FULL_DISK: 1,
    FULL_QUOTA: 3,
}
"""The endings and their relative frequencies."""


@dataclass(frozen=True)
class Start:
    """Start of runs: by Python's own, or by a quicker fork.

    Attributes:
        program: Text of the program.
        arguments: Its arguments.
        forks: Process to fork from, or None for Python's own start.
    """

    program: str
    arguments: tuple[str, ...]
    forks: Forks | None = None

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", self.program, *self.arguments]

    def __call__(self, stdout: int, stderr: int) -> Process:
        if self.forks is None:
            return subprocess.Popen(self.command, stdout=stdout, stderr=stderr, env=_environment())
        return self.forks.popen(
            *self.arguments, text=self.program, stdout=stdout, stderr=stderr, environment=_environment()
        )


def run(start: Start, ending: str, random: Random, size: int) -> Run:
    """Run the tap until it ends or is ended; ``size`` is the full output in bytes."""
    moment = Moment(random, size)
    with tempfile.TemporaryFile() as log:
        if ending == FULL_DISK:
            with Path("/dev/full").open("wb") as full:
                output, whole, exit_code = b"", True, _on_file(start.command, full, log)
        elif ending == FULL_QUOTA:
            with tempfile.TemporaryFile() as file:
                # Not through preexec_fn, which is unsafe with threads.
                limited = ["sh", "-c", f'ulimit -f {moment.bytes // BLOCK}; exec "$@"', "sh", *start.command]
                exit_code = _on_file(limited, file, log)
                file.seek(0)
                output, whole = file.read(), True
        else:
            if ending == STALLED_TARGET:
                start = replace(start, program=IMPATIENT + start.program)
            small = random.random() < 0.5
            output, whole, exit_code = _on_pipe(start, ON_PIPES[ending], moment, log, small=small)
        log.seek(0)
        return Run(ending, output, whole, exit_code, log.read().decode())


def _environment() -> dict[str, str]:
    # Coverage's own files would exceed the quota.
    foreign = ("TAP_INSTANTLY_", "COVERAGE_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**clean, "PYTHONWARNINGS": "ignore:Python 3.10 reached its end of life"}


def _on_file(command: list[str], file: IO[bytes], log: IO[bytes]) -> int:
    return subprocess.run(command, stdout=file, stderr=log, env=_environment(), check=False, timeout=AT_MOST).returncode


def _on_pipe(start: Start, watch: Watch, moment: Moment, log: IO[bytes], *, small: bool) -> tuple[bytes, bool, int]:
    reading, writing = os.pipe()
    if small and hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)  # makes most writes wait for the reader
    process = start(writing, log.fileno())
    os.close(writing)
    try:
        output, whole = watch(process, reading, moment)
    finally:
        os.close(reading)
        try:
            process.wait(AT_MOST)
        finally:
            process.kill()
            exit_code = process.wait()
    return output, whole, exit_code

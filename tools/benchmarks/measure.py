"""Runs a process and measures its time, its memory and its output."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LAUNCHER = Path(__file__).with_name("launch.py")
CHUNK = 1 << 20
LONGEST_RUN = 3600.0
ENDED = {"wall": LONGEST_RUN, "cpu": 0.0, "peak_mb": 0.0, "exit_code": 1}
_HEAD = 24


@dataclass
class Tally:
    """Counts the JSON messages that a process writes, one a line. The start of a line shows the type of its message."""

    size: int = 0  # bytes written
    records: int = 0  # RECORD messages
    states: int = 0  # STATE messages
    state_bytes: int = 0  # their size
    state: bytes = field(default=b"", repr=False)  # the last one
    _rest: bytes = field(default=b"", repr=False)

    def feed(self, chunk: bytes) -> None:
        """Count a chunk of the output."""
        self.size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            head = line[:_HEAD]
            if b'"RECORD"' in head:
                self.records += 1
            elif b'"STATE"' in head:
                self.states += 1
                self.state_bytes += len(line) + 1
                self.state = line
            elif b'"SUMMARY"' in head:
                # A candidate that writes files prints their totals at its end, possibly over several runs.
                summary: dict[str, Any] = json.loads(line)
                self.records += summary["records"]
                self.size += summary["bytes"] - len(line) - 1


@dataclass(frozen=True)
class Usage:
    """Resource usage and output of a process."""

    wall: float  # seconds from start to end
    cpu: float  # CPU seconds, user and system
    peak_mb: float  # peak memory, in millions of bytes
    exit_code: int
    tally: Tally = field(default_factory=Tally)


def launched(command: Sequence[str], book: Path) -> list[str]:
    """Return the command that runs a command and writes its resource usage to a file."""
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(book), *command]


def usage_in(book: Path, tally: Tally | None = None) -> Usage:
    """Return the resource usage in a file; without one, the command was ended because it took too long."""
    used = json.loads(book.read_text(encoding="utf-8")) if book.exists() else ENDED
    return Usage(**used, tally=tally or Tally())


def run(command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path) -> Usage:
    """Run a command to its end and read its output like a target: through a pipe, as fast as possible."""
    tally, book = Tally(), folder / "usage.json"
    with log.open("wb") as errors:
        # In its own session, so that all its processes can be ended.
        child = subprocess.Popen(  # noqa: S603 - the candidates' own commands
            launched(command, book),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        watchdog = threading.Timer(LONGEST_RUN, _kill, [child.pid])
        watchdog.start()
        try:
            _read(child, tally)
            child.wait()
        finally:
            watchdog.cancel()
            _kill(child.pid)
    return usage_in(book, tally)


def _read(child: subprocess.Popen[bytes], tally: Tally) -> None:
    pipe = child.stdout
    if pipe is None:
        raise AssertionError
    with pipe:
        while chunk := os.read(pipe.fileno(), CHUNK):
            tally.feed(chunk)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)

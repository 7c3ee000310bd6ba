"""Running one process and measuring it: its time, its memory, and what it writes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER = Path(__file__).with_name("launch.py")
CHUNK = 1 << 20
LONGEST_RUN = 3600.0
_HEAD = 24


@dataclass
class Tally:
    """Counts what a process writes, a JSON message a line; what the message is stands at its beginning.

    Attributes:
        size: Bytes written.
        records: Lines that hold a record.
        states: Lines that hold state.
        state_bytes: Their size.
    """

    size: int = 0
    records: int = 0
    states: int = 0
    state_bytes: int = 0
    _rest: bytes = field(default=b"", repr=False)

    def feed(self, chunk: bytes) -> None:
        """Count one more piece of the output."""
        self.size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            head = line[:_HEAD]
            if b'"RECORD"' in head:
                self.records += 1
            elif b'"STATE"' in head:
                self.states += 1
                self.state_bytes += len(line) + 1
            elif b'"SUMMARY"' in head:
                # One that writes files tells in the end how much they hold, and may be run several times.
                summary: dict[str, Any] = json.loads(line)
                self.records += summary["records"]
                self.size += summary["bytes"] - len(line) - 1


@dataclass(frozen=True)
class Usage:
    """What a process took and gave.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: CPU seconds, its own and the system's on its behalf.
        peak_mb: The most memory it held at once, in millions of bytes.
        exit_code: How it ended.
        tally: What it wrote.
    """

    wall: float
    cpu: float
    peak_mb: float
    exit_code: int
    tally: Tally


def run(command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path) -> Usage:
    """Run a command to its end, reading its output as a target would: through a pipe, as fast as it comes."""
    tally, book = Tally(), folder / "usage.json"
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(book), *command]
    with log.open("wb") as errors:
        # In a session of its own, so that nothing of it is left when it has to be ended.
        child = subprocess.Popen(  # noqa: S603 - the candidates' own commands
            launcher,
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
    if not book.exists():
        return Usage(LONGEST_RUN, 0.0, 0.0, child.returncode or 1, tally)
    return Usage(**json.loads(book.read_text(encoding="utf-8")), tally=tally)


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

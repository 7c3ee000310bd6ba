"""Find and kill the processes of a running load."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 400.0
"""Seconds to wait for anything except a whole run."""


@dataclass(frozen=True)
class Process:
    """A process on this machine.

    Attributes:
        number: Process id.
        command: Command line.
        variables: Environment at the start of the process.
    """

    number: int
    command: str
    variables: str

    def kill(self) -> None:
        """Send SIGKILL."""
        kill(self.number)


def of_project(project: Path) -> list[Process]:
    """Return the processes of Meltano, tap and loader that run for a project."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            variables = (folder / "environ").read_bytes().decode(errors="replace")
            if f"MELTANO_PROJECT_ROOT={project}" in variables and _is_of_a_load(command):
                found.append(Process(int(folder.name), command, variables))
    return found


def _is_of_a_load(command: str) -> bool:
    words = command.split()[:3]
    return any(word.endswith(("/meltano", "/tap-instantly", "/target-postgres")) for word in words)


def parent_of(number: int) -> int:
    """Return the id of a process's parent."""
    (line,) = re.findall(r"^PPid:\s*(\d+)$", Path(f"/proc/{number}/status").read_text("utf-8"), flags=re.MULTILINE)
    return int(line)


def kill(number: int) -> None:
    """Send SIGKILL to a process if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def wait_for(what: Callable[[], bool], otherwise: Callable[[], str], seconds: float = SECONDS) -> None:
    """Wait for a condition; on timeout fail with the message from ``otherwise``."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)

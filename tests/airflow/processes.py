"""The processes of a load that is under way, to end them as a machine might."""

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

SECONDS = 180.0
"""How long to wait for anything, but for a whole run."""


@dataclass(frozen=True)
class Process:
    """A process of this machine.

    Attributes:
        number: Its id.
        command: Its words.
        variables: Of its environment, as they were at its start.
    """

    number: int
    command: str
    variables: str

    def kill(self) -> None:
        """End it without a warning."""
        kill(self.number)


def of_project(project: Path) -> list[Process]:
    """Meltano, the tap and the loader, as far as they run for a project."""
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
    """The id of the process that started another."""
    (line,) = re.findall(r"^PPid:\s*(\d+)$", Path(f"/proc/{number}/status").read_text("utf-8"), flags=re.MULTILINE)
    return int(line)


def kill(number: int) -> None:
    """End a process without a warning, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def wait_for(what: Callable[[], bool], otherwise: Callable[[], str], seconds: float = SECONDS) -> None:
    """Wait until something is so; what is said where it does not become so is asked for then."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)

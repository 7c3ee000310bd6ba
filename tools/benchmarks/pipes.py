"""Runs pipes of programs and measures the resource usage of each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING

from tools.demo.errors import DemoError

if TYPE_CHECKING:
    import resource
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Command = Sequence[str]


def pipe(
    commands: Sequence[Command],
    environ: Mapping[str, str],
    log: Path,
    *,
    source: IO[bytes] | int = subprocess.DEVNULL,
    sink: IO[bytes] | int = subprocess.DEVNULL,
) -> tuple[float, list[resource.struct_rusage]]:
    """Run commands as a pipe; return the seconds and each command's resource usage.

    Args:
        commands: The commands.
        environ: Their environment variables.
        log: File for their standard error.
        source: Input of the first one.
        sink: Output of the last one.

    Raises:
        DemoError: A command failed.
    """
    started, children = time.monotonic(), []
    with log.open("wb") as said:
        for command in commands:
            output = sink if command is commands[-1] else subprocess.PIPE
            child = subprocess.Popen(  # noqa: S603 (our own commands)
                command, stdin=source, stdout=output, stderr=said, env=environ, cwd=log.parent
            )
            if not isinstance(source, int):
                source.close()  # so that the previous process gets SIGPIPE when this one ends
            source = child.stdout or subprocess.DEVNULL
            children.append(child)
        ends = [os.wait4(child.pid, 0) for child in children]
    wall = time.monotonic() - started
    for child, (_, status, _) in zip(children, ends, strict=True):
        child.returncode = os.waitstatus_to_exitcode(status)
    if any(child.returncode for child in children):
        message = f"exit codes {[child.returncode for child in children]}"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise DemoError(message, tuple(lines[-20:]))
    return wall, [used for _, _, used in ends]


def cpu(used: resource.struct_rusage) -> float:
    """Return the CPU seconds, user and system."""
    return used.ru_utime + used.ru_stime


def peak_mb(used: resource.struct_rusage) -> float:
    """Return the peak memory, in millions of bytes."""
    # Linux counts kilobytes, macOS bytes.
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6

"""Pipes of programs, and what each program used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

from demo.errors import DemoError

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
    """Run commands, each one's output the next one's input: the seconds that took, and what each one used.

    Args:
        commands: The commands.
        environ: Their environment.
        log: Gets what they say.
        source: The first one's input.
        sink: Gets the last one's output.

    Raises:
        DemoError: One of them failed.
    """
    started, children = time.monotonic(), []
    with log.open("wb") as said:
        for command in commands:
            output = sink if command is commands[-1] else subprocess.PIPE
            child = subprocess.Popen(  # noqa: S603 (our own commands)
                command, stdin=source, stdout=output, stderr=said, env=environ, cwd=log.parent
            )
            if not isinstance(source, int):
                source.close()  # so that the one before sees this one's end
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


def side_by_side(
    pipes: Sequence[Sequence[Command]], environ: Mapping[str, str], folder: Path
) -> tuple[float, list[list[resource.struct_rusage]]]:
    """Run pipes at the same time: the seconds until the last has ended, and what each program of each used.

    Raises:
        DemoError: A program failed.
    """
    started = time.monotonic()
    with ThreadPoolExecutor(len(pipes)) as threads:
        logs = (folder / f"pipe-{number}.log" for number in range(len(pipes)))
        ends = list(threads.map(lambda commands, log: pipe(commands, environ, log), pipes, logs))
    return time.monotonic() - started, [used for _, used in ends]


def cpu(used: resource.struct_rusage) -> float:
    """CPU seconds."""
    return used.ru_utime + used.ru_stime


def peak_mb(used: resource.struct_rusage) -> float:
    """The most memory that was held at once, in millions of bytes."""
    # Kilobytes, except on a Mac.
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6

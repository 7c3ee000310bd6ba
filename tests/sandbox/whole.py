"""Whole workspaces as text, and sandboxes as processes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.state import State
from sandbox.truth import RESOURCES, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import SandboxConfig

ROOT = Path(__file__).resolve().parents[2]


def everything(config: SandboxConfig, name: str = "main") -> dict[str, str]:
    """Every row of a workspace as text, by resource."""
    world = State(config).workspaces[name].world
    return {resource: "\n".join(lines(world, resource)) for resource in RESOURCES}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", "--port", "0", *options]


@contextmanager
def started(*options: str) -> Iterator[subprocess.Popen[str]]:
    """A sandbox as a process."""
    with subprocess.Popen(command(*options), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()

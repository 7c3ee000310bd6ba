"""Runs child processes and forwards SIGTERM to them (PID 1)."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from orchestrate.image.errors import STOPPED, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Processes:
    """Runs one program at a time, and forwards the signals that stop the container."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[str] | None = None
        self._stopped = False
        for number in SIGNALS:
            signal.signal(number, self._stop)

    def run(self, command: Sequence[str], variables: Mapping[str, str], line: Callable[[str], object]) -> int:
        """Run a program, with each line of its output and errors for a function, and return its exit code.

        Raises:
            ImageError: Somebody stopped the container.
        """
        process = subprocess.Popen(  # noqa: S603 - programs of the image
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._running = process
        if self._stopped:
            process.terminate()
        assert process.stdout is not None  # noqa: S101 - for the types
        with process.stdout as output:
            for one in output:
                line(one.rstrip("\n"))
        code = process.wait()
        self._running = None
        if self._stopped:
            message = "stopped; loaded data is kept, and the next run resumes from there"
            raise ImageError(message, STOPPED)
        return code

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True
        if self._running is not None:
            self._running.terminate()

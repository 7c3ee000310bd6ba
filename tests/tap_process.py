"""The tap as a process of its own, forked from one that has imported it, with waits of milliseconds between tries."""

from __future__ import annotations

import importlib
import os
import select
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.forking import Forked, Forks, forks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

WAITS = {
    "retry": ("FIRST_WAIT",),
    "rate_limit": ("PAUSE_AFTER_429", "RECOVERY_SECONDS", "EMAILS_INTERVAL", "EMAILS_PAUSE_AFTER_429"),
}
"""Waits by their modules in tap_instantly.client."""

WAIT = 0.001
"""Seconds instead: the tests check the retries, not the waits."""

NAME = "tap-instantly"
"""Name of the program on its command line."""

START = "from tap_instantly.__main__ import main; main()"
"""Text of the program."""


def taps() -> Forks:
    """Return the process that taps fork from."""
    return forks(Path(sys.executable), "tests.tap_process:main")


def prepare() -> None:
    """Import the tap, and shorten its waits."""
    importlib.import_module("tap_instantly.__main__")  # not above: the tests' own process does without
    for module, names in WAITS.items():
        for name in names:
            setattr(importlib.import_module(f"tap_instantly.client.{module}"), name, WAIT)


def main() -> None:
    """Run the tap."""
    importlib.import_module("tap_instantly.__main__").main()


class Piped:
    """A running tap with pipes for output and log."""

    def __init__(self, program: str, arguments: Sequence[str], stack: ExitStack, *, blocking: bool = True) -> None:
        (output, self._writing), (log, logging) = (
            [stack.enter_context(os.fdopen(end, mode)) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True)]
            for _ in range(2)
        )
        os.set_blocking(self._writing.fileno(), blocking)
        self._output, self.log = output, log
        self.process: Forked = taps().popen(
            *arguments, text=program, stdout=self._writing.fileno(), stderr=logging.fileno()
        )
        stack.callback(lambda: (self.process.kill(), self.process.wait()))
        logging.close()

    def wait_until_stalled(self) -> None:
        """Wait until the tap has filled the pipe."""
        while select.select([], [self._writing], [], 0)[1]:
            assert self.process.poll() is None
            time.sleep(0.01)

    @property
    def output(self) -> IO[bytes]:
        """Standard output, which nobody but the tap writes to any more."""
        self._writing.close()
        return self._output

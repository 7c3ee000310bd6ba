"""Run a program on a terminal, and read its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from typing import TYPE_CHECKING, Any

from tests.tap_process import START

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.forking import Forked, Forks

AT_MOST = 60.0
"""Seconds until a program that should have ended fails the test."""

QUICK = "from tap_instantly.progress import report; report.FRAME = 0.1; " + START
"""The tap, redrawing more often than people would want."""

_PIECE = re.compile(r"\x1b\[(\d*)([A-Za-z])|(\r?\n)|(\r)|([^\x1b\r\n]+)")


def seen(written: str) -> list[str]:
    """Return the lines on a terminal of unlimited width; fail at an unknown control sequence."""
    lines, row, column = [""], 0, 0
    place = 0
    for piece in _PIECE.finditer(written):
        assert piece.start() == place, repr(written[place : place + 40])
        place = piece.end()
        number, command, newline, back, text = piece.groups()
        if newline:
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif back:
            column = 0
        elif text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif command == "A":
            row -= int(number)
            assert row >= 0
        elif command in {"J", "K"}:
            lines[row] = lines[row][:column]
            lines = lines[: row + 1] if command == "J" else lines
        else:
            raise AssertionError(piece[0])
    assert place == len(written)
    return lines


def shown(written: str) -> list[list[str]]:
    """Return the lines of each drawn frame, the output between two erasures."""
    pictures = re.split(r"\r(?:\x1b\[\d+A)?\x1b\[[JK]", written)
    return [picture.split("\r\n") for picture in pictures]


class Terminal:
    """A pseudo-terminal.

    Attributes:
        written: Output so far.
        process: The process on it, if any.
        descriptor: File descriptor for programs that write to it.
    """

    def __init__(self, columns: int = 200, lines: int = 40) -> None:
        self._master, self.descriptor = pty.openpty()
        self.process: Forked | None = None
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.settings: list[Any] = termios.tcgetattr(self.descriptor)
        self.written = ""

    def run(self, forks: Forks, arguments: Sequence[str], stdout: int, **environment: str) -> Forked:
        """Start the tap with standard error on the terminal."""
        clean = {name: value for name, value in os.environ.items() if name not in {"SINGER_SDK_LOG_CONFIG", "NO_COLOR"}}
        own = {**clean, "TERM": "xterm", **environment}
        self.process = forks.popen(*arguments, text=QUICK, stdout=stdout, stderr=self.descriptor, environment=own)
        return self.process

    def read_until(self, enough: Callable[[str], bool]) -> None:
        """Read until the condition holds, or to the end of the program's output."""
        deadline = time.monotonic() + AT_MOST
        while not enough(self.written):
            assert time.monotonic() < deadline, self.written[-2000:]
            if select.select([self._master], [], [], 0.1)[0]:
                self.written += os.read(self._master, 1 << 16).decode()
            elif self.process is None or self.process.poll() is not None:
                return

    def read_all(self) -> str:
        """Read to the end."""
        self.read_until(lambda _: False)
        return self.written

    @property
    def is_sane(self) -> bool:
        """Return true if the settings are restored, the cursor is visible, and the next input starts on a new line."""
        settings = termios.tcgetattr(self.descriptor)
        return settings == self.settings and "\x1b[?" not in self.written and not seen(self.written)[-1]

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self.descriptor)

"""Redraw lines at the bottom of a terminal, with the log above them.

The common libraries (rich, tqdm) do not fit. A signal handler could deadlock on their locks. They hide the cursor,
which a killed program cannot restore. They also erase the lines of a loader on the same terminal.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_instantly.client.redaction import log_handlers
from tap_instantly.sync.writer import write_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PATIENCE = 0.3
"""Seconds to wait for a write of another thread, which may hang, or wait for this one."""

USUAL = os.terminal_size((80, 24))

CUT = "\u2026"


class Screen:
    """Redrawable lines of a terminal. Thread-safe. Draws nothing after :meth:`close`.

    Args:
        descriptor: File descriptor of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.RLock()  # reentrant: a signal handler may close it during a draw
        self._drawn: list[str] = []
        self._closed = False

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines of the terminal."""
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:  # the terminal is closed
            return USUAL
        return os.terminal_size((size.columns or USUAL.columns, size.lines or USUAL.lines))

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the drawn lines. Lines that are too wide are cut off."""
        width = self.size.columns - 1  # some terminals wrap after a full line
        with self._lock:
            if not self._closed:
                before, self._drawn = self._erase(), [fitted(line, width) for line in lines]
                self._write(before + "\n".join(self._drawn))

    def above(self, text: str) -> None:
        """Write whole lines above the drawn ones."""
        with self._lock:
            self._write(self._erase() + text + "\n".join(self._drawn))

    def close(self) -> None:
        """Erase the lines permanently. The wait is bounded, so signal handlers may call this."""
        self._closed = True
        if self._lock.acquire(timeout=PATIENCE):
            try:
                before, self._drawn = self._erase(), []
                self._write(before)
            finally:
                self._lock.release()

    def _erase(self) -> str:
        """Return the control sequence that moves to the first drawn line and erases all of them."""
        if not self._drawn:
            return ""
        # Erase a single line only to its end: another program may have written below it.
        up, erase = len(self._drawn) - 1, "\x1b[J" if len(self._drawn) > 1 else "\x1b[K"
        return "\r" + (f"\x1b[{up}A" if up else "") + erase

    def _write(self, text: str) -> None:
        # Bypass sys.stderr: its buffer is not reentrant, so a signal handler could not write.
        write_all(self._descriptor, text.encode("utf-8", "replace"))


class _Above(io.TextIOBase):
    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @override
    def write(self, text: str) -> int:
        self._screen.above(text)
        return len(text)


class LogAbove:
    """Redirection of log handlers from standard error to the lines above a screen."""

    def __init__(self, screen: Screen) -> None:
        every = (handler for handler in log_handlers() if isinstance(handler, logging.StreamHandler))
        self._changed = [handler for handler in every if handler.stream is sys.stderr]
        for handler in self._changed:
            handler.stream = _Above(screen)

    def undo(self) -> None:
        """Restore the handlers, without ``setStream``, which would wait for a write in progress."""
        for handler in self._changed:
            handler.stream = sys.stderr


# Text in columns


def cells(text: str) -> int:
    """Return the width of a text in terminal columns."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def printable(text: str) -> str:
    """Replace control characters: workspace names are untrusted text."""
    return "".join(character if character.isprintable() else "?" for character in text)


def fitted(text: str, width: int) -> str:
    """Cut a text to one line of at most ``width`` columns."""
    text = printable(text)
    if len(text) <= width and cells(text) <= width:
        return text
    kept = text[: max(width, 1)]
    while kept and cells(kept) > width - 1:
        kept = kept[:-1]
    return kept + CUT if width > 0 else ""


def columns(rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), widest: int = 30) -> list[str]:
    """Format rows as aligned lines; the columns in ``right`` are right-aligned."""
    whole = [[fitted(cell, widest) if place < len(row) - 1 else cell for place, cell in enumerate(row)] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*whole, strict=True)]
    right = frozenset(right)
    return [
        "  ".join(
            " " * (width - cells(cell)) + cell if place in right else cell + " " * (width - cells(cell))
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in whole
    ]

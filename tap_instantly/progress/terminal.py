"""Lines that change at the bottom of a terminal, and what else is written there above them.

By hand, since the libraries for it (rich, tqdm) hold locks that a signal handler would wait for without end, hide the
cursor, which a killed program cannot bring back, and take the lines of a loader on the same terminal for their own.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly.singer.writer import write_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PATIENCE = 0.3
"""Seconds to wait for another thread to end its write; it may hang for ever, or wait for the one who waits here."""

USUAL = os.terminal_size((80, 24))

CUT = "\u2026"


class Screen:
    """The lines that change. Any thread may write; nothing is drawn any more after :meth:`close`.

    Args:
        descriptor: Of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.RLock()  # by the same thread again, where a signal handler closes what it broke into
        self._drawn: list[str] = []
        self._closed = False

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines."""
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:  # it has gone away
            return USUAL
        return os.terminal_size((size.columns or USUAL.columns, size.lines or USUAL.lines))

    def draw(self, lines: Sequence[str]) -> None:
        """Put lines in the place of those that were drawn last; what is too wide is cut off."""
        width = self.size.columns - 1  # a full line would make some terminals begin another
        with self._lock:
            if not self._closed:
                before, self._drawn = self._erase(), [fitted(line, width) for line in lines]
                self._write(before + "\n".join(self._drawn))

    def above(self, text: str) -> None:
        """Write whole lines above them."""
        with self._lock:
            self._write(self._erase() + text + "\n".join(self._drawn))

    def close(self) -> None:
        """Take the lines away, for good. Never waits long: for signal handlers too."""
        self._closed = True
        if self._lock.acquire(timeout=PATIENCE):
            try:
                before, self._drawn = self._erase(), []
                self._write(before)
            finally:
                self._lock.release()

    def _erase(self) -> str:
        """What takes the cursor back to where the drawn lines begin, and takes them away."""
        if not self._drawn:
            return ""
        # Of a single line, no more than itself: another program may have written below.
        up, erase = len(self._drawn) - 1, "\x1b[J" if len(self._drawn) > 1 else "\x1b[K"
        return "\r" + (f"\x1b[{up}A" if up else "") + erase

    def _write(self, text: str) -> None:
        # Not through sys.stderr, whose buffer a signal handler cannot enter a second time.
        write_all(self._descriptor, text.encode("utf-8", "replace"))


class _Above(io.TextIOBase):
    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @override
    def write(self, text: str) -> int:
        self._screen.above(text)
        return len(text)


class LogAbove:
    """Has what the log writes on standard error appear above a screen, as long as it is there."""

    def __init__(self, screen: Screen) -> None:
        self._changed = [handler for handler in _handlers() if handler.stream is sys.stderr]
        for handler in self._changed:
            handler.stream = _Above(screen)

    def undo(self) -> None:
        """As it was before. Not by ``setStream``, which waits for whoever writes."""
        for handler in self._changed:
            handler.stream = sys.stderr


def _handlers() -> Iterator[logging.StreamHandler[Any]]:
    others = (one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))
    for logger in (logging.root, *others):
        yield from (handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler))


# Text in columns


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def printable(text: str) -> str:
    """A text without anything that a terminal would obey: names are given by whoever made the workspace."""
    return "".join(character if character.isprintable() else "?" for character in text)


def fitted(text: str, width: int) -> str:
    """A text of one line that takes no more than so many columns."""
    text = printable(text)
    if len(text) <= width and cells(text) <= width:
        return text
    kept = text[: max(width, 1)]
    while kept and cells(kept) > width - 1:
        kept = kept[:-1]
    return kept + CUT if width > 0 else ""


def columns(rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), widest: int = 30) -> list[str]:
    """Rows as lines whose cells stand below each other; those of the columns ``right`` at their right edge."""
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

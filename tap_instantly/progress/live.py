"""Display progress and summary on a terminal. Imported only with a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tap_instantly.client.redaction import masked
from tap_instantly.progress.figures import PAUSE, at_limit, clock, held_back, share, under_way
from tap_instantly.progress.summary import wrapped
from tap_instantly.progress.terminal import LogAbove, Screen, cells, columns, fitted, printable
from tap_instantly.sync.writer import write_all

if TYPE_CHECKING:
    from tap_instantly.progress.figures import Watch
    from tap_instantly.progress.summary import Summary
    from tap_instantly.sync.partition import Partition

MOST_LINES = 10
"""Most workspaces with a line each."""

OTHERS = 6
"""Lines of the terminal reserved for other output."""


class Live:
    """Live display on the last lines of a terminal: the workspaces being read, then the run as a whole.

    Args:
        watch: Computes the figures.
        descriptor: File descriptor of the terminal.
        alone: True if no other program of the pipeline writes to the terminal. Otherwise the display is a single line:
            erasing several would erase lines of the loader.
    """

    def __init__(self, watch: Watch, descriptor: int, *, alone: bool) -> None:
        self._watch = watch
        self._screen = Screen(descriptor)
        self._alone = alone
        self._log = LogAbove(self._screen)

    def draw(self) -> None:
        """Display the current figures."""
        with contextlib.suppress(OSError):  # a closed terminal must not stop the run
            self._screen.draw(self.lines())

    def lines(self) -> list[str]:
        """Return the lines: workspaces being read, the number of further ones, and the run as a whole."""
        whole = self._watch.look().line()
        if not self._alone or (current := self._watch.current) is None:
            return [whole]
        active = under_way(list(current[1].partitions.values()))
        room = max(1, min(MOST_LINES, self._screen.size.lines - OTHERS))
        shown = active if len(active) <= room else active[: room - 1]
        rows = (
            columns((_row(current[0], part, self._watch.allowed) for part in shown), right=(2, 3, 4, 5))
            if len(active) > 1
            else []
        )
        more = [f"... and {len(active) - len(shown):,} more workspaces in progress"] if len(active) > len(shown) else []
        return [*rows, *more, whole]

    def close(self) -> None:
        """Erase the display and restore the log. Safe in signal handlers."""
        with contextlib.suppress(OSError):
            self._screen.close()
        self._log.undo()


def _row(stream: str, part: Partition, allowed: int) -> tuple[str, ...]:
    seconds = max(part.seconds, 0.001)
    waiting = "at the rate limit" if at_limit([part], allowed) else ""
    if (pause := held_back(part)) > PAUSE:
        waiting = f"pausing {clock(pause)}"
    return (
        part.workspace.label,
        stream,
        f"{part.records:,} records",
        f"{part.pages_written:,} pages",
        f"{part.received / seconds:,.0f}/s",
        share([part]),
        waiting,
    )


def show_summary(summary: Summary, descriptor: int) -> None:
    """Write the summary of a run to the terminal."""
    width = Screen(descriptor).size.columns - 1
    rows = [tuple(map(masked, row)) for row in summary.table()]
    labels = len(rows[0]) - 4
    figures = range(labels, labels + 3)
    # On a narrow terminal, shorten the names and keep the figures whole.
    taken = sum(max(cells(row[place]) for row in rows) + 2 for place in figures)
    widest = max(8, min(30, (width - taken) // labels - 2))
    lines = [fitted(line, width) for line in columns(rows, right=figures, widest=widest)]
    # Mask before wrapping, which could split a key in two.
    said = (*summary.findings(), *summary.reasons())
    reasons = [line for reason in said for line in wrapped(printable(masked(reason)), width)]
    text = "\n".join(["", *lines, *([""] if reasons else []), *reasons, ""])
    with contextlib.suppress(OSError):
        write_all(descriptor, text.encode("utf-8", "replace"))

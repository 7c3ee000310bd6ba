"""What a terminal shows of a run; imported where there is one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tap_instantly.api.secrecy import masked
from tap_instantly.progress.figures import PAUSE, at_limit, clock, held_back, share, under_way
from tap_instantly.progress.summary import wrapped
from tap_instantly.progress.terminal import LogAbove, Screen, cells, columns, fitted, printable
from tap_instantly.singer.writer import write_all

if TYPE_CHECKING:
    from tap_instantly.progress.figures import Watch
    from tap_instantly.progress.summary import Summary
    from tap_instantly.streams.part import Part
    from tap_instantly.streams.tally import Tally

MOST_LINES = 10
"""Workspaces that have a line of their own."""

OTHERS = 6
"""Lines of a terminal that are left for what else there is to read."""


class Live:
    """The last lines of a terminal: what is under way, and the run as a whole.

    Args:
        watch: Looks at the counts.
        descriptor: Of the terminal.
        alone: Whether no other program of the same pipeline writes there. With one, there is a single line, since lines
            that are taken away would take those of the loader with them.
    """

    def __init__(self, watch: Watch, descriptor: int, *, alone: bool) -> None:
        self._watch = watch
        self._screen = Screen(descriptor)
        self._alone = alone
        self._log = LogAbove(self._screen)

    def draw(self) -> None:
        """Show how far the run is now."""
        with contextlib.suppress(OSError):  # the terminal has gone away, which is none of the run's business
            self._screen.draw(self.lines())

    def lines(self) -> list[str]:
        """What is shown: workspaces that are being read, how many more there are, and the run as a whole."""
        whole = self._watch.look().line()
        if not self._alone or (current := self._watch.current) is None:
            return [whole]
        active = under_way(list(current[1].parts.values()))
        room = max(1, min(MOST_LINES, self._screen.size.lines - OTHERS))
        shown = active if len(active) <= room else active[: room - 1]
        rows = (
            columns((_row(*current, part, self._watch.allowed) for part in shown), right=(2, 3, 4, 5))
            if len(active) > 1
            else []
        )
        more = [f"... and {len(active) - len(shown):,} more workspaces under way"] if len(active) > len(shown) else []
        return [*rows, *more, whole]

    def close(self) -> None:
        """Show no more, and leave the terminal as it was. For signal handlers too."""
        with contextlib.suppress(OSError):
            self._screen.close()
        self._log.undo()


def _row(stream: str, tally: Tally, part: Part, allowed: int) -> tuple[str, ...]:
    seconds = max(part.seconds, 0.001)
    waiting = "at the limit" if at_limit([part], allowed) else ""
    if (pause := held_back(part)) > PAUSE:
        waiting = f"pausing {clock(pause)}"
    return (
        part.workspace.label,
        stream,
        f"{tally.records_of(part):,} records",
        f"{part.pages:,} pages",
        f"{part.read / seconds:,.0f}/s",
        share([part]),
        waiting,
    )


def show_summary(summary: Summary, descriptor: int) -> None:
    """Write what a run has done below what is there."""
    width = Screen(descriptor).size.columns - 1
    rows = [tuple(map(masked, row)) for row in summary.table()]
    labels = len(rows[0]) - 4
    figures = range(labels, labels + 3)
    # The names give way where the terminal is narrow; the figures are what it is about.
    taken = sum(max(cells(row[place]) for row in rows) + 2 for place in figures)
    widest = max(8, min(30, (width - taken) // labels - 2))
    lines = [fitted(line, width) for line in columns(rows, right=figures, widest=widest)]
    # Masked before a key can be broken in two.
    reasons = [line for reason in summary.reasons() for line in wrapped(printable(masked(reason)), width)]
    text = "\n".join(["", *lines, *([""] if reasons else []), *reasons, ""])
    with contextlib.suppress(OSError):
        write_all(descriptor, text.encode("utf-8", "replace"))

"""When to say what of a run, and where."""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tap_instantly import stopping
from tap_instantly.progress.figures import Watch
from tap_instantly.progress.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_instantly.api import Workspaces
    from tap_instantly.progress.live import Live
    from tap_instantly.streams import InstantlyStream

INTERVAL = 30.0
"""Seconds between lines of the log that tell how far the run is."""

FRAME = 0.5
"""Seconds between two looks at the counts on a terminal."""

OF_LATE = 5.0
"""Seconds that rates are worked out over on a terminal."""

PATIENCE = 0.5
"""Seconds to wait for a line that is just being written; who writes it may wait for the one who waits here."""

JOIN = 2.0
"""Seconds to wait for the thread at the end of a run."""

AUTO, OFF = "auto", "off"
"""Values of the setting ``progress``: what suits standard error, and nothing before the end; else lines of the log."""

logger = logging.getLogger("tap-instantly")


class Ticker:
    """Does something every so many seconds, in a thread of its own, until it is stopped, and not once after that.

    Args:
        act: What to do.
        seconds: How often.
        closed: By which the thread is told, and waits.
    """

    def __init__(self, act: Callable[[], object], seconds: float, closed: threading.Event | None = None) -> None:
        self._act = act
        self._seconds = seconds
        self._closed = closed or threading.Event()
        self._acting = threading.Lock()
        # A daemon: what hangs on standard error holds up no end.
        self._thread = threading.Thread(target=self.run, name="progress", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def run(self) -> None:
        """Do it until told otherwise."""
        while not self._closed.wait(self._seconds):
            with self._acting:
                if not self._closed.is_set():
                    self._act()

    def stop(self) -> None:
        """Do it no more. Never waits long: for signal handlers too, which may hold what the thread waits for."""
        self._closed.set()
        if self._acting.acquire(timeout=PATIENCE):
            self._acting.release()

    def join(self) -> None:
        """Wait for the end of the thread, but not for ever."""
        if self._thread.ident is not None:
            self._thread.join(JOIN)


class Report:
    """What is said of a run while it lasts, and at its end.

    Args:
        streams: Those that are selected.
        workspaces: Where they are read.
        config: The settings.
    """

    def __init__(self, streams: Sequence[InstantlyStream], workspaces: Workspaces, config: Mapping[str, Any]) -> None:
        self._streams = streams
        self._workspaces = workspaces
        self._tallies = {stream.name: stream.tally for stream in streams}
        self._began = time.monotonic()
        self._live: Live | None = None
        self._ticker: Ticker | None = None
        self._watch = Watch(self._tallies, config["max_requests_per_second"], INTERVAL)
        if config["progress"] == AUTO and (descriptor := terminal()) is not None and not is_terminal(sys.stdout):
            self._show_on(descriptor, config["max_requests_per_second"])
        elif config["progress"] != OFF:
            self._ticker = Ticker(self.say, INTERVAL)

    def _show_on(self, descriptor: int, allowed: int) -> None:
        from tap_instantly.progress.live import Live  # noqa: PLC0415 (of no use in a pipe)

        watch = Watch(self._tallies, allowed, OF_LATE)
        self._live = Live(watch, descriptor, alone=not is_pipe(sys.stdout))
        self._ticker = Ticker(self._live.draw, FRAME)
        stopping.before_force(self._live.close)

    def begin(self) -> None:
        """The run begins."""
        if self._ticker is not None:
            self._ticker.start()

    def say(self) -> None:
        """Say in the log how far the run is."""
        figures = self._watch.look()
        logger.info("Progress: %s", figures.line(), extra=figures.fields())

    def hush(self) -> None:
        """Say no more of how far the run is; for signal handlers too."""
        if self._ticker is not None:
            self._ticker.stop()
        if self._live is not None:
            self._live.close()

    def end(self) -> None:
        """The run has come to its end: sum it up."""
        self.hush()
        if self._ticker is not None:
            self._ticker.join()
        self.sum_up()

    def sum_up(self) -> None:
        """Say what the run has done, however far it came."""
        summary = Summary(self._tallies, self._workspaces.left_out, time.monotonic() - self._began)
        if (descriptor := terminal()) is not None:
            from tap_instantly.progress.live import show_summary  # noqa: PLC0415 (of no use in a pipe)

            show_summary(summary, descriptor)
            return
        for stream in self._streams:
            if stream.tally.was_read:
                stream.sum_up()
        for total in summary.workspaces():
            logger.info("Workspace %s: %s", total.name, total.line())
        for reason in summary.reasons():
            logger.info("Not complete: %s", reason)
        logger.info("In all: %s", summary.line, extra=summary.fields)


def terminal() -> int | None:
    """The descriptor of standard error, where it is a terminal that somebody looks at.

    Who says how to log has other plans for it: Meltano always does.
    """
    if "SINGER_SDK_LOG_CONFIG" in os.environ or os.environ.get("TERM", "dumb") == "dumb" or sys.platform == "win32":
        return None
    return sys.stderr.fileno() if is_terminal(sys.stderr) else None


def is_terminal(file: Any) -> bool:  # noqa: ANN401 (whatever is in the place of a standard file)
    """Whether a file is a terminal."""
    try:
        return os.isatty(file.fileno())
    except (OSError, ValueError, AttributeError):  # closed, or replaced by something in memory
        return False


def is_pipe(file: Any) -> bool:  # noqa: ANN401 (whatever is in the place of a standard file)
    """Whether somebody reads from a file who may write on the same terminal."""
    try:
        return stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return False

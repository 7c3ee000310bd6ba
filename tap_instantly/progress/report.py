"""Schedule progress and summary, and choose the terminal or the log for them."""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tap_instantly.progress.figures import Watch
from tap_instantly.progress.summary import Summary
from tap_instantly.sync import shutdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_instantly.progress.live import Live
    from tap_instantly.streams import InstantlyStream
    from tap_instantly.workspaces import Workspaces

INTERVAL = 30.0
"""Seconds between progress lines in the log."""

FRAME = 0.5
"""Seconds between updates of the terminal."""

OF_LATE = 5.0
"""Interval for rates on a terminal, in seconds."""

PATIENCE = 0.5
"""Seconds to wait for a write in progress: its thread may in turn wait for this one."""

JOIN = 2.0
"""Seconds to wait for the progress thread at the end of a run."""

AUTO, OFF = "auto", "off"
"""Values of the setting ``progress``: live display on a terminal, or summary only. Otherwise the tap logs lines."""

logger = logging.getLogger("tap-instantly")


class Ticker:
    """Timer that calls a function at an interval in its own thread, and never again after :meth:`stop`.

    Args:
        act: Function to call.
        seconds: Interval.
        closed: Event that stops the thread.
    """

    def __init__(self, act: Callable[[], object], seconds: float, closed: threading.Event | None = None) -> None:
        self._act = act
        self._seconds = seconds
        self._closed = closed or threading.Event()
        self._acting = threading.Lock()
        # A daemon: a blocked standard error must not delay the exit.
        self._thread = threading.Thread(target=self.run, name="progress", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def run(self) -> None:
        """Call the function at each interval until stopped."""
        while not self._closed.wait(self._seconds):
            with self._acting:
                if not self._closed.is_set():
                    self._act()

    def stop(self) -> None:
        """Stop the calls. The wait is bounded, so signal handlers may call this while holding a lock of the thread."""
        self._closed.set()
        if self._acting.acquire(timeout=PATIENCE):
            self._acting.release()

    def join(self) -> None:
        """Wait for the thread to end, for a bounded time."""
        if self._thread.ident is not None:
            self._thread.join(JOIN)


class Report:
    """Progress of a run, and its summary.

    Args:
        streams: Selected streams.
        workspaces: Workspaces of the run.
        config: Settings.
    """

    def __init__(self, streams: Sequence[InstantlyStream], workspaces: Workspaces, config: Mapping[str, Any]) -> None:
        self._streams = streams
        self._workspaces = workspaces
        self._counts_of = {stream.name: stream.counts for stream in streams}
        self._began = time.monotonic()
        self._live: Live | None = None
        self._ticker: Ticker | None = None
        self._watch = Watch(self._counts_of, config["max_requests_per_second"], INTERVAL)
        if config["progress"] == AUTO and (descriptor := terminal()) is not None and not is_terminal(sys.stdout):
            self._show_on(descriptor, config["max_requests_per_second"])
        elif config["progress"] != OFF:
            self._ticker = Ticker(self.say, INTERVAL)

    def _show_on(self, descriptor: int, allowed: int) -> None:
        from tap_instantly.progress.live import Live  # noqa: PLC0415 (of no use in a pipe)

        watch = Watch(self._counts_of, allowed, OF_LATE)
        self._live = Live(watch, descriptor, alone=not is_pipe(sys.stdout))
        self._ticker = Ticker(self._live.draw, FRAME)
        shutdown.before_force(self._live.close)

    def begin(self) -> None:
        """Start reporting progress."""
        if self._ticker is not None:
            self._ticker.start()

    def say(self) -> None:
        """Log the progress of the run."""
        figures = self._watch.look()
        logger.info("Progress: %s", figures.line(), extra=figures.fields())

    def silence(self) -> None:
        """Stop reporting progress. Safe in signal handlers."""
        if self._ticker is not None:
            self._ticker.stop()
        if self._live is not None:
            self._live.close()

    def end(self) -> None:
        """Stop reporting progress, and write the summary."""
        self.silence()
        if self._ticker is not None:
            self._ticker.join()
        self.sum_up()

    def sum_up(self) -> None:
        """Write the summary, also of an interrupted run."""
        summary = Summary(self._counts_of, self._workspaces.failed, time.monotonic() - self._began)
        if (descriptor := terminal()) is not None:
            from tap_instantly.progress.live import show_summary  # noqa: PLC0415 (of no use in a pipe)

            show_summary(summary, descriptor)
            return
        for stream in self._streams:
            if stream.counts.is_reached:
                stream.sum_up()
        for total in summary.workspaces():
            logger.info("Workspace %s: %s", total.name, total.line())
        for finding in summary.findings():
            logger.info("Checked: %s", finding)
        for reason in summary.reasons():
            logger.info("Not complete: %s", reason)
        logger.info("Total: %s", summary.line, extra=summary.fields)


def terminal() -> int | None:
    """Return the descriptor of standard error if it is an interactive terminal, else None.

    With ``SINGER_SDK_LOG_CONFIG`` it does not count as one: Meltano always sets it.
    """
    if "SINGER_SDK_LOG_CONFIG" in os.environ or os.environ.get("TERM", "dumb") == "dumb" or sys.platform == "win32":
        return None
    return sys.stderr.fileno() if is_terminal(sys.stderr) else None


def is_terminal(file: Any) -> bool:  # noqa: ANN401 (any file-like object)
    """Return true if the file is a terminal."""
    try:
        return os.isatty(file.fileno())
    except (OSError, ValueError, AttributeError):  # closed, or an in-memory file
        return False


def is_pipe(file: Any) -> bool:  # noqa: ANN401 (any file-like object)
    """Return true if the file is a pipe, whose reader may write to the same terminal."""
    try:
        return stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return False

"""Bounded shutdown on SIGTERM and SIGINT, even if a write is blocked."""

from __future__ import annotations

import _thread
import logging
import os
import select
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_BY_SIGNAL = 128
"""Base of the exit code after a signal, as in shells."""

PATIENCE = 4.0
"""Seconds for a normal shutdown."""

SAME = 0.5
"""Seconds within which several signals count as one: stopping a pipeline often signals its group, then each process."""

AGAIN = 0.1
"""Seconds until the main thread is woken again after a signal."""

LAST_WORDS = 0.3
"""Seconds to log the reason, if standard error is read."""

logger = logging.getLogger("tap-instantly")

_program = threading.Event()
"""Set if the tap is the process's main program."""

_last_acts: list[Callable[[], object]] = []


def install_shutdown_deadline() -> None:
    """Install a shutdown deadline of :data:`PATIENCE` seconds after SIGTERM or SIGINT; a second signal exits at once.

    Signal handlers run in the main thread, which may wait forever for a reader that has stopped reading. Call this from
    the main thread.
    """
    _program.set()
    if sys.platform == "win32":
        return  # Windows has no such signals, and cannot wait for a pipe
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The interpreter writes to it at the moment of the signal, whatever the main thread is doing.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGURG, lambda *_: None)  # a signal that nobody sends, to interrupt blocking calls
    threading.Thread(target=_watch, args=(reading,), name="stopping", daemon=True).start()


def before_force(act: Callable[[], object]) -> None:
    """Register a callback to run before a forced exit; it may be cut short."""
    _last_acts.append(act)


def end(signum: int) -> NoReturn:
    """Exit with the code of a handled signal."""
    if _program.is_set():
        # Not by an exception: the signal may arrive while a lock is held whose release is not yet guarded. Code that
        # runs during unwinding may then wait for that lock (one in a hundred runs hung, measured).
        os._exit(EXIT_BY_SIGNAL + signum)
    sys.exit(EXIT_BY_SIGNAL + signum)


def _watch(signals: int) -> None:
    signum = _next(signals, None)
    told = time.monotonic()
    while (left := told + PATIENCE - time.monotonic()) > 0:
        # A signal that arrives just before the main thread blocks does not interrupt it (one in 40 runs, measured).
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)
        if _next(signals, min(left, AGAIN)) and time.monotonic() > told + SAME:
            break
    # The blocked write may hold the logger's locks, or those that threading takes to start a thread.
    _thread.start_new_thread(_log_exit, (signal.Signals(signum).name, time.monotonic() - told))
    time.sleep(LAST_WORDS)
    os._exit(EXIT_BY_SIGNAL + signum)


def _next(signals: int, timeout: float | None) -> int:
    """Return the number of the next SIGTERM or SIGINT; 0 if none arrives in time."""
    while select.select([signals], [], [], timeout)[0]:
        (signum,) = os.read(signals, 1)
        if signum in {signal.SIGTERM, signal.SIGINT}:
            return signum
    return 0


def _log_exit(name: str, seconds: float) -> None:
    for act in _last_acts:
        act()
    logger.critical(
        "Exited %.1f s after %s without a last STATE, because standard output was blocked or the run did not stop in "
        "time. The next run resumes from the last STATE that the loader read.",
        seconds,
        name,
    )

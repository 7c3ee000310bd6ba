"""The end of a program that was told to stop, whatever it is waiting for."""

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
"""What shells add to the number of the signal that ended a program."""

PATIENCE = 4.0
"""Seconds that a program has to come to its end by itself."""

SAME = 0.5
"""Seconds within which signals are one: who stops a pipeline often tells the group and then each program of it."""

LAST_WORDS = 0.3
"""Seconds to say what happened, where standard error is read."""

logger = logging.getLogger("tap-instantly")

_program = threading.Event()
"""Set where this process is nothing but the program."""

_last_acts: list[Callable[[], object]] = []


def bound_the_stop() -> None:
    """See to it that SIGTERM and SIGINT end the program within :data:`PATIENCE` seconds, and a second one at once.

    Their handlers run in the main thread, once it gets that far: it may wait for ever for a reader who has stopped
    reading. To be called from the main thread.
    """
    _program.set()
    if sys.platform == "win32":
        return  # no such signals, and no way to wait for a pipe
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # Written by the interpreter at the moment of the signal, whatever the main thread is in.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), name="stopping", daemon=True).start()


def before_force(act: Callable[[], object]) -> None:
    """Have something done before the end by force; it may be cut short."""
    _last_acts.append(act)


def end(signum: int) -> NoReturn:
    """End with the exit code of a signal that has been handled."""
    if _program.is_set():
        # Not by an exception: the signal may have come just after a lock was taken and before the block that would give
        # it back, and whatever is unwound may ask for it (one in a hundred runs hung, measured).
        os._exit(EXIT_BY_SIGNAL + signum)
    sys.exit(EXIT_BY_SIGNAL + signum)


def _watch(signals: int) -> None:
    signum = _next(signals, None)
    told = time.monotonic()
    while (left := told + PATIENCE - time.monotonic()) > 0:
        if _next(signals, left) and time.monotonic() > told + SAME:
            break
    # The logger's locks may be held by the very write that hangs; and so may those that threading starts threads with.
    _thread.start_new_thread(_say_why, (signal.Signals(signum).name, time.monotonic() - told))
    time.sleep(LAST_WORDS)
    os._exit(EXIT_BY_SIGNAL + signum)


def _next(signals: int, timeout: float | None) -> int:
    """The number of the next signal to end the program, or 0 where there is none in time."""
    while select.select([signals], [], [], timeout)[0]:
        (signum,) = os.read(signals, 1)
        if signum in {signal.SIGTERM, signal.SIGINT}:
            return signum
    return 0


def _say_why(name: str, seconds: float) -> None:
    for act in _last_acts:
        act()
    logger.critical(
        "Ended %.1f s after %s without a last STATE, since standard output did not take what was being written, or "
        "something else would not end; the next run goes on from the last STATE that was read.",
        seconds,
        name,
    )

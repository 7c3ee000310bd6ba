"""The command line."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from singer_sdk.exceptions import ConfigurationError, SingerSDKError, StreamMapConfigError

from tap_instantly.client import InstantlyError
from tap_instantly.client.errors import is_refused
from tap_instantly.client.redaction import guard_logs
from tap_instantly.progress.quiet import quieten
from tap_instantly.sync.completeness import IncompleteError, RefusedError
from tap_instantly.sync.shutdown import install_shutdown_deadline
from tap_instantly.tap import TapInstantly

GARBAGE_COLLECTION = (50_000, 20, 100)
"""Thresholds of the garbage collector's three generations: new objects, then collections of the generation before."""


FAILED = 1
"""Exit code of a run that failed."""

INVALID = 2
"""Exit code of an invalid setting, stream map, catalog or state; also click's, for an invalid command line."""

INCOMPLETE = 3
"""Exit code of a run that ended but could not read everything."""

REFUSED = 4
"""Exit code of a run that read everything but what the key or the plan does not give, with the setting ``strict``."""

NOT_OPENED = 5
"""Exit code of a run whose keys or plans open no workspace."""


def main() -> None:
    """Run the tap. Every failure ends with one line on standard error and an exit code."""
    if sys.stdout is None or sys.stderr is None:
        # Python sets a stream to None if its descriptor is closed. The next opened file would get that descriptor.
        sys.exit("Standard output and standard error must be open.")
    install_shutdown_deadline()
    # Records contain no reference cycles. Collecting them took a tenth of the time (measured).
    gc.freeze()
    gc.set_threshold(*GARBAGE_COLLECTION)
    try:
        command = TapInstantly.cli  # sets up logging
        guard_logs()
        quieten()
        command()
    except (InstantlyError, SingerSDKError) as error:
        _fail(str(error), exit_code_of(error))
    except OSError as error:
        # The client converts network errors, and input files are read earlier: the rest comes from writing output.
        _fail(f"Cannot read or write {error.filename or 'standard output'}: {error.strerror or error}")


def exit_code_of(error: Exception) -> int:
    """Return the exit code of a run that an error ended."""
    if isinstance(error, (ConfigurationError, StreamMapConfigError)):
        return INVALID
    if isinstance(error, RefusedError):
        return REFUSED
    if isinstance(error, IncompleteError):
        return INCOMPLETE
    # A refusal ends the run only if no workspace opens.
    return NOT_OPENED if is_refused(error) else FAILED


def _fail(message: str, code: int = FAILED) -> NoReturn:
    TapInstantly.logger.critical(message)
    # At exit, Python would flush the failed output again, and print its own message or change the exit code.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(nowhere, sys.stderr.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()

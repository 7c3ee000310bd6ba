"""The command line."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from singer_sdk.exceptions import SingerSDKError

from tap_instantly.api import InstantlyError
from tap_instantly.api.secrecy import guard_logs
from tap_instantly.progress.quiet import quieten
from tap_instantly.stopping import bound_the_stop
from tap_instantly.tap import IncompleteError, TapInstantly

GARBAGE_COLLECTION = (50_000, 20, 100)
"""How seldom: after so many new objects, and so many times that, and so many times that again."""


FAILED = 1
"""Exit code of a run that could not go on."""

INCOMPLETE = 3
"""Exit code of a run that came to its end but could not read everything; 2 is for a wrong command line."""


def main() -> None:
    """Run the tap; what goes wrong ends in one line on standard error and an exit code of its own."""
    if sys.stdout is None or sys.stderr is None:
        # Python has none where its descriptor is closed, which then becomes that of the first file to be opened.
        sys.exit("Standard output and standard error have to be open.")
    bound_the_stop()
    # Records are trees, in which the collector of cycles finds nothing: it took a tenth of the time (measured).
    gc.freeze()
    gc.set_threshold(*GARBAGE_COLLECTION)
    try:
        command = TapInstantly.cli  # sets up logging
        guard_logs()
        quieten()
        command()
    except IncompleteError as error:
        _fail(str(error), INCOMPLETE)
    except (InstantlyError, SingerSDKError) as error:
        _fail(str(error))
    except OSError as error:
        # The client turns every network error into its own kind, and files are read before: what is left is output.
        _fail(f"Cannot read or write {error.filename or 'standard output'}: {error.strerror or error}")


def _fail(message: str, code: int = FAILED) -> NoReturn:
    TapInstantly.logger.critical(message)
    # Python would try once more to flush what could not be written, and end in its own words or with a code of its own.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(nowhere, sys.stderr.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()

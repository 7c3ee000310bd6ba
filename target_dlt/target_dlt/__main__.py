"""Command line of the target."""

from __future__ import annotations

import contextlib
import os
import sys

from target_dlt.errors import TargetError
from target_dlt.target import TargetDlt


def main() -> None:
    """Run the target; errors that a user can mend are one line and exit code 1."""
    try:
        TargetDlt.cli()
    except TargetError as error:
        TargetDlt.logger.critical("%s", error)
        # Of a state that could not be written, Python would try the rest once more at the end, and exit with 120.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Command line of the target."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

gc.disable()  # off while importing: imports leave no garbage, and collecting takes a fifth of the time

from target_dlt.errors import TargetError  # noqa: E402
from target_dlt.target import TargetDlt  # noqa: E402


def main() -> None:
    """Run the target. An error that the user can fix prints one line and exits with code 1."""
    try:
        TargetDlt.cli()
    except TargetError as error:
        TargetDlt.logger.critical("%s", error)
        # Otherwise Python retries writing the failed state at exit, and exits with 120.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    finally:
        gc.freeze()  # the process ends, so nothing needs collecting


if __name__ == "__main__":
    main()

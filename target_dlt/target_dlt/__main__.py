"""Command line of the target."""

from __future__ import annotations

import sys

from target_dlt.errors import TargetError
from target_dlt.target import TargetDlt


def main() -> None:
    """Run the target; errors that a user can mend are one line and exit code 1."""
    try:
        TargetDlt.cli()
    except TargetError as error:
        TargetDlt.logger.critical("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()

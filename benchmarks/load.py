"""Measures loads: python -m benchmarks.load.

Loaders side by side, for docs/loaders.md, and the settings of one of them, for docs/postgres.md.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import load_loaders, load_settings
from demo.errors import DemoError

PARTS = {"loaders": load_loaders.run, "settings": load_settings.run}


def main() -> int:
    """Measure and write down; 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Loaders, and settings of them.")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--leads", type=int, help="so many; then for a look, and not for the documents")
    parser.add_argument("--accounts", type=int, help="the same, of the settings")
    parser.add_argument("--repeats", type=int, help="so many in place of the usual")
    options = parser.parse_args()
    parts = [options.only] if options.only else [*PARTS]
    try:
        held = [PARTS[part](options.leads, options.accounts, options.repeats) for part in parts]
    except DemoError as error:
        sys.stdout.write("\n".join([*error.details, f"benchmarks: {error}", ""]))
        return 2
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())

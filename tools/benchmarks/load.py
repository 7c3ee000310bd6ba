"""Measures loads: python -m tools.benchmarks.load.

Compares loaders for docs/loaders.md, and settings of one loader for docs/postgres.md.
"""

from __future__ import annotations

import argparse
import sys

from tools.benchmarks import load_loaders, load_settings
from tools.demo.errors import DemoError

PARTS = {"loaders": load_loaders.run, "settings": load_settings.run}


def main() -> int:
    """Measure and write the results; 1 if a check does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks.load", description="Loaders, and settings of them."
    )
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--leads", type=int, help="so many; then for a look, and not for the documents")
    parser.add_argument("--repeats", type=int, help="so many in place of the usual")
    options = parser.parse_args()
    parts = [options.only] if options.only else [*PARTS]
    try:
        held = [PARTS[part](options.leads, options.repeats) for part in parts]
    except DemoError as error:
        sys.stdout.write("\n".join([*error.details, f"benchmarks: {error}", ""]))
        return 2
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())

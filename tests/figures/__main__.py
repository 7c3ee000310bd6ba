"""Compare the figures of random worlds: python -m tests.figures --worlds 10.

Exits with 1 if a figure is wrong; `--seed` with the printed seed creates the same worlds again.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.figures.comparing import Compared
from tests.figures.world import World
from tests.warehouse.postgres import running

SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.figures", description=__doc__)
    parser.add_argument("--worlds", type=int, default=5, help="number of invented workspaces (default: %(default)s)")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="seed of all random choices (default: a new one)")
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    count, failed = 0, False
    with running() as server:
        for number in range(options.worlds):
            with server.database("figures") as database, tempfile.TemporaryDirectory() as folder:
                compared = Compared(World(f"{options.seed}-{number}"), Path(folder), server, database)
                wrong = compared.wrong()
            count, failed = count + compared.count, failed or bool(wrong)
            sys.stdout.write(f"world {number}: {compared.count:,} figures, {len(wrong)} wrong\n")
            sys.stdout.writelines(f"  {line}\n" for line in wrong[:SHOWN])
    sys.stdout.write(f"{count:,} figures, each in DuckDB and in Postgres\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

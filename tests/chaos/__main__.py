"""Command line of `make chaos`, which kills more runs than the tests have time for."""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.chaos.rounds import failures, play


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make chaos", description="Kill runs of the tap at random moments, resume them, and look for lost records."
    )
    parser.add_argument(
        "--kills",
        type=int,
        default=1000,
        help="number of runs to kill, over all kinds of replication (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        default=secrets.token_hex(4),
        help="seed of all random choices, as a run prints it (default: a new one)",
    )
    chosen = parser.parse_args()
    say(f"seed {chosen.seed}")
    started = time.monotonic()
    found = play(chosen.kills, chosen.seed, say)
    say(f"{sum(figures.ended.total() for figures in found)} kills in {time.monotonic() - started:.0f} s")
    if failed := list(failures(found)):
        sys.exit("\n".join(failed))


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (for the person who runs it)


if __name__ == "__main__":
    main()

"""`make chaos`: more kills than the tests take time for."""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.chaos.rounds import failures, play


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--kills", type=int, default=1000, help="runs to end by force, over all kinds of replication")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="of all random choices, as printed by another run")
    chosen = parser.parse_args()
    say(f"seed {chosen.seed}")
    started = time.monotonic()
    found = play(chosen.kills, chosen.seed, say)
    say(f"{sum(figures.ended.total() for figures in found)} kills in {time.monotonic() - started:.0f} s")
    if failed := list(failures(found)):
        sys.exit("\n".join(failed))


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

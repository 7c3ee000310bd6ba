"""Messages of the demo."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.demo.compare import Comparison, checksum
from tools.demo.paths import short
from tools.demo.runlog import Cost
from tools.demo.tables import TABLES
from tools.demo.warehouse import SCHEMA

WIDTH = 80
NAME = 28
RUN = "{:>8}{:>9}{:>8}"
Costs = dict[str, "Cost"]


def say(text: str = "") -> None:
    """Print a line and flush."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def phase(text: str) -> Iterator[None]:
    """Announce a phase, and print its duration at the end."""
    sys.stdout.write(f"{text:.<{WIDTH - 10}} ")
    sys.stdout.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException as error:
        say("failed" if isinstance(error, Exception) else "stopped")
        raise
    say(f"{time.monotonic() - started:7.1f} s")


def identical(comparisons: Sequence[Comparison]) -> str:
    """Report that tables and API are equal."""
    rows = sum(comparison.rows for comparison in comparisons)
    total = checksum(f"{comparison.table} {comparison.checksum}" for comparison in comparisons)
    return f"identical with the API: yes ({rows:,} rows, checksum {total[:16]})"


def differences(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Format the differences."""
    lines: list[str] = []
    for comparison in comparisons:
        if not comparison.same:
            lines.append(f"{comparison.table}: {comparison.differing} differences, such as")
            lines += [f"  {example}" for example in comparison.examples]
    return tuple(lines)


def cost_table(first: Mapping[str, Cost], second: Mapping[str, Cost]) -> Iterator[str]:
    """Format the cost of each stream in both runs as a table."""
    heading = RUN.format("records", "requests", "seconds")
    yield f"{'':{NAME}}{'run 1: all data':>25} {'run 2: changes':>25}"
    yield f"{'stream':{NAME}}{heading} {heading}"
    yield "-" * (NAME + 51)
    for name in (table.name for table in TABLES):
        yield f"{name:{NAME}}{_cost(first, [name])} {_cost(second, [name])}"
    yield "-" * (NAME + 51)
    yield f"{'total':{NAME}}{_cost(first, list(first))} {_cost(second, list(second))}"


def _cost(costs: Mapping[str, Cost], names: Sequence[str]) -> str:
    chosen = [costs[name] for name in names]
    seconds = sum(cost.seconds for cost in chosen)
    return RUN.format(
        f"{sum(cost.records for cost in chosen):,}", f"{sum(cost.requests for cost in chosen):,}", f"{seconds:.1f}"
    )


def closing(database: Path, meltano: Path, *, seconds: float) -> Iterator[str]:
    """Format the closing lines: locations of the results and next steps."""
    python, path = short(Path(sys.prefix) / "bin" / "python"), short(database)
    yield f"The tables are in {path}, schema {SCHEMA}. To query them:"
    yield ""
    yield f"  {python} -c \"import duckdb; warehouse = duckdb.connect('{path}', read_only=True); warehouse.sql("
    yield f"    'from {SCHEMA}.campaign_analytics select campaign_name, emails_sent_count, reply_count').show()\""
    yield ""
    yield "To load your own workspace, use an API key (v2) with the scope all:read:"
    yield ""
    yield "  export TAP_INSTANTLY_API_KEY=..."
    yield f"  {short(meltano)} run tap-instantly target-dlt"
    yield ""
    yield f"All checks passed in {seconds:.0f} seconds. That excludes installations by make."

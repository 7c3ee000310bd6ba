"""The story: python -m demo."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import duckdb
import requests

from demo import changes, figures, increment, marts, page, report, texts
from demo.compare import Comparison, compare
from demo.errors import DemoError
from demo.paths import ROOT, short
from demo.pipeline import Meltano, Sandbox, sandbox
from demo.tables import TABLES, Key, check_that_none_is_forgotten
from demo.truth import Truth
from demo.warehouse import Warehouse
from sandbox.control import Control, ControlError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FOLDER = ROOT / "output" / "demo"
SIZES = {"leads": 5000, "campaigns": 8, "accounts": 40, "days": 120, "seed": 1}


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Load a made-up workspace into DuckDB, change it, load it again, compare."
    )
    for name, value in SIZES.items():
        parser.add_argument(
            f"--{name}", type=int, default=value, help="of the made-up workspace (default: %(default)s)"
        )
    parser.add_argument("--keep-running", action="store_true", help="keep the sandbox API running at the end")
    parser.add_argument(
        "--meltano",
        type=Path,
        default=Path(os.environ.get("DEMO_MELTANO", ROOT / ".venv-meltano" / "bin" / "meltano")),
        help="the Meltano to use (also as DEMO_MELTANO; default: .venv-meltano/bin/meltano)",
    )
    parser.add_argument(
        "--dbt",
        type=Path,
        default=Path(os.environ.get("DEMO_DBT", ROOT / ".venv-dbt" / "bin" / "dbt")),
        help="the dbt to use (also as DEMO_DBT; default: .venv-dbt/bin/dbt)",
    )
    return parser


def tell(options: argparse.Namespace) -> None:
    """Go through the whole story.

    Raises:
        DemoError: Something did not hold.
    """
    started = time.monotonic()
    check_that_none_is_forgotten()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    meltano = Meltano(options.meltano.absolute(), FOLDER)
    sizes = {name: getattr(options, name) for name in SIZES}
    report.say(f"A made-up workspace: {sizes['leads']:,} leads, {sizes['campaigns']} campaigns, {sizes['days']} days.")
    with report.phase("Installing tap and loader with Meltano"):
        meltano.install()
    yesterday = datetime.now(timezone.utc).date() - timedelta(days=1)
    with sandbox(FOLDER / "sandbox.log", {**sizes, "until": yesterday}) as source, Control(source.url) as control:
        truth = Truth(control)
        play(meltano, source, control, truth)
        with report.phase("Building and testing the marts with dbt"):
            built = marts.build(options.dbt.absolute(), meltano.database, FOLDER)
        report.say(f"  {built}")
        with report.phase("Writing the report"):
            written = page.write(ROOT / ".venv-report" / "bin" / "python", meltano.database, FOLDER)
            documented = marts.describe(options.dbt.absolute(), meltano.database, FOLDER)
        with report.phase("Counting all that it says once more, from the API"):
            same = figures.check(written, control, truth)
        report.say(f"  {same}")
        report.say(f"  {short(written)}: one page, open it in a browser")
        report.say(f"  {short(documented)}: what each mart and column means")
        report.say()
        for line in report.closing(meltano.database, options.meltano, seconds=time.monotonic() - started):
            report.say(line)
        if options.keep_running:
            wait(source)


def play(meltano: Meltano, source: Sandbox, control: Control, truth: Truth) -> None:
    """Run the pipeline, change things, run it again, and check everything."""
    with report.phase("Writing texts that hurt"):
        written = texts.write(source, control, 0)
    report.say(f"  {written}")
    with report.phase("Run 1: loading everything"):
        first = meltano.run(1, source)
    with report.phase("Comparing every row and column with the API"):
        same = check_tables(meltano.database, truth)
        loaded = load_times(meltano.database)
        increment.check({table.name: increment.due(table, truth, {}) for table in TABLES}, {}, loaded, first)
    report.say(f"  {report.identical(same)}")
    with report.phase("Reading the bookmarks that Meltano keeps"):
        state = meltano.state()
        increment.check_bookmarks(state, truth)
    with report.phase("Changing things"):
        told = [*changes.change(control, increment.last_day(state)), texts.write(source, control, 1)]
        due = {table.name: increment.due(table, truth, state) for table in TABLES}
    for line in told:
        report.say(f"  {line}")
    with report.phase("Run 2: loading what changed"):
        second = meltano.run(2, source)
    with report.phase("Comparing every row and column with the API"):
        same = check_tables(meltano.database, truth, changes.ADDED_FIELDS, due)
        increment.check(due, loaded, load_times(meltano.database), second)
    report.say(f"  {report.identical(same)}")
    report.say()
    for line in report.cost_table(first, second):
        report.say(line)
    report.say()
    report.say(report.identical(same))
    report.say()


def check_tables(
    database: Path,
    truth: Truth,
    added_fields: Mapping[str, Collection[str]] | None = None,
    carriers: Mapping[str, Collection[Key]] | None = None,
) -> list[Comparison]:
    """Compare all tables with the API.

    Raises:
        DemoError: They are not the same.
    """
    added, carry = added_fields or {}, carriers or {}
    with Warehouse(database) as warehouse:
        if odd := warehouse.tables() ^ {table.name for table in TABLES}:
            message = f"the database lacks tables, or has too many: {', '.join(sorted(odd))}"
            raise DemoError(message)
        comparisons = [
            compare(table, truth.expected(table, added.get(table.name, ()), carry.get(table.name, ())), warehouse)
            for table in TABLES
        ]
    if wrong := [comparison.table for comparison in comparisons if not comparison.same]:
        message = f"not identical with the API: {', '.join(wrong)}; the database is {short(database)}"
        raise DemoError(message, report.differences(comparisons))
    return comparisons


def load_times(database: Path) -> increment.Loaded:
    """Note when each row of each table was loaded."""
    with Warehouse(database) as warehouse:
        return {table.name: warehouse.loaded_at(table) for table in TABLES}


def wait(source: Sandbox) -> None:
    """Keep the sandbox for experiments."""
    report.say(f"The sandbox API runs at {source.api_url} (key {source.api_key}) until Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _terminated(number: int, _frame: object) -> NoReturn:
    # As an exception, so that the processes started are ended on the way out.
    raise SystemExit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 only if everything held."""
    options = make_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    try:
        tell(options)
    except KeyboardInterrupt:
        report.say("\nStopped; nothing is left running.")
        return 130
    except DemoError as error:
        for line in error.details:
            sys.stderr.write(f"  {line}\n")
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except (OSError, duckdb.Error, requests.RequestException, ControlError) as error:
        # A full disk, a file that something else holds, a sandbox that is gone.
        text = " ".join(str(error).split())
        sys.stderr.write(f"demo: {text}; what there is of logs is in {short(FOLDER)}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

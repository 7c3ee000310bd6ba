"""Command line of the demo: python -m tools.demo."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

import duckdb
import requests

from sandbox.control import Control, ControlError
from tools.demo import changes, figures, increment, marts, report, texts
from tools.demo.compare import Comparison, compare
from tools.demo.errors import DemoError
from tools.demo.paths import ROOT, short
from tools.demo.pipeline import Meltano, Sandbox, sandbox
from tools.demo.tables import TABLES, Key, check_that_none_is_forgotten
from tools.demo.truth import Truth
from tools.demo.warehouse import Warehouse

FOLDER = ROOT / "output" / "demo"
SIZES = {
    "leads": (5000, "number of leads"),
    "campaigns": (8, "number of campaigns"),
    "accounts": (40, "number of sending accounts"),
    "days": (120, "days of history"),
    "seed": (1, "seed of the invented data"),
}
PROGRAMS = {"meltano": "Meltano", "dbt": "dbt"}


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="Load an invented workspace into DuckDB, change it, load the changes, and compare with the API.",
    )
    for name, (value, about) in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{about} (default: %(default)s)")
    parser.add_argument("--keep-running", action="store_true", help="keep the sandbox API running after the demo")
    for name, title in PROGRAMS.items():
        variable, usual = f"DEMO_{name.upper()}", f".venv-{name}/bin/{name}"
        about = f"path of {title} (environment variable: {variable}; default: {usual})"
        parser.add_argument(f"--{name}", type=Path, default=Path(os.environ.get(variable, ROOT / usual)), help=about)
    return parser


def tell(options: argparse.Namespace) -> None:
    """Run the whole demo.

    Raises:
        DemoError: A check failed.
    """
    started = time.monotonic()
    check_that_none_is_forgotten()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    meltano = Meltano(options.meltano.absolute(), FOLDER)
    sizes = {name: getattr(options, name) for name in SIZES}
    report.say(
        f"An invented workspace: {sizes['leads']:,} leads, {sizes['campaigns']} campaigns, {sizes['days']} days."
    )
    with report.phase("Installing the tap and the loader with Meltano"):
        meltano.install()
    yesterday = datetime.now(timezone.utc).date() - timedelta(days=1)
    with sandbox(FOLDER / "sandbox.log", {**sizes, "until": yesterday}) as source, Control(source.url) as control:
        truth = Truth(control)
        play(meltano, source, control, truth)
        with report.phase("Building and testing the marts with dbt"):
            built = marts.build(options.dbt.absolute(), meltano.database, FOLDER)
        report.say(f"  {built}")
        with report.phase("Writing the report"):
            written = marts.report(ROOT / ".venv-report" / "bin" / "python", meltano.database, FOLDER)
            documented = marts.describe(options.dbt.absolute(), meltano.database, FOLDER)
        with report.phase("Checking the figures of the report against the API"):
            same = figures.check(written, control, truth)
        report.say(f"  {same}")
        report.say(f"  {short(written)}: the report; open it in a browser")
        report.say(f"  {short(documented)}: documentation of the marts and their columns")
        report.say()
        for line in report.closing(meltano.database, options.meltano, seconds=time.monotonic() - started):
            report.say(line)
        if options.keep_running:
            wait(source)


def play(meltano: Meltano, source: Sandbox, control: Control, truth: Truth) -> None:
    """Run the pipeline, change the workspace, run the pipeline again, and check the results."""
    with report.phase("Writing difficult texts"):
        written = texts.write(source, control, 0)
    report.say(f"  {written}")
    with report.phase("Run 1: loading all data"):
        first = meltano.run(1, source)
    with report.phase("Comparing each row and column with the API"):
        same = check_tables(meltano.database, truth)
        loaded = load_times(meltano.database)
        increment.check({table.name: increment.due(table, truth, {}) for table in TABLES}, {}, loaded, first)
    report.say(f"  {report.identical(same)}")
    with report.phase("Checking the bookmarks in Meltano's state"):
        state = meltano.state()
        increment.check_bookmarks(state, truth)
    with report.phase("Changing the workspace"):
        told = [*changes.change(control, increment.last_day(state)), texts.write(source, control, 1)]
        due = {table.name: increment.due(table, truth, state) for table in TABLES}
    for line in told:
        report.say(f"  {line}")
    with report.phase("Run 2: loading the changes"):
        second = meltano.run(2, source)
    with report.phase("Comparing each row and column with the API"):
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
        DemoError: They differ.
    """
    added, carry = added_fields or {}, carriers or {}
    with Warehouse(database) as warehouse:
        if odd := warehouse.tables() ^ {table.name for table in TABLES}:
            message = f"the database has missing or unexpected tables: {', '.join(sorted(odd))}"
            raise DemoError(message)
        comparisons = [
            compare(table, truth.expected(table, added.get(table.name, ()), carry.get(table.name, ())), warehouse)
            for table in TABLES
        ]
    if wrong := [comparison.table for comparison in comparisons if not comparison.same]:
        message = f"tables differ from the API: {', '.join(wrong)}; see above, and the database {short(database)}"
        raise DemoError(message, report.differences(comparisons))
    return comparisons


def load_times(database: Path) -> increment.Loaded:
    """Return the load time of each row of each table."""
    with Warehouse(database) as warehouse:
        return {table.name: warehouse.loaded_at(table) for table in TABLES}


def wait(source: Sandbox) -> None:
    """Keep the sandbox running for experiments."""
    report.say(f"The sandbox API runs at {source.api_url} (key {source.api_key}) until Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _terminated(number: int, _frame: object) -> NoReturn:
    # An exception, so that the child processes are ended on the way out.
    raise SystemExit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 only if every check passed."""
    options = make_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    try:
        tell(options)
    except KeyboardInterrupt:
        report.say("\nStopped. All processes of the demo have ended.")
        return 130
    except DemoError as error:
        for line in error.details:
            sys.stderr.write(f"  {line}\n")
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except (OSError, duckdb.Error, requests.RequestException, ControlError) as error:
        # A full disk, a locked file, a sandbox that has died.
        text = " ".join(str(error).split())
        sys.stderr.write(f"demo: {text}. The logs are in {short(FOLDER)}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

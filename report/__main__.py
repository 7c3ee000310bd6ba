"""Command line of the report: python -m report."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from report import writing
from report.database import opened
from report.errors import ReportError

OUTPUT = Path(__file__).resolve().parent.parent / "output"
DAYS = 28


_REPEATED = re.compile(
    r"(unrecognized arguments|ambiguous option|ignored explicit argument|invalid .+ value|invalid choice).*", re.DOTALL
)
"""Prefixes that argparse puts before a value in its messages."""


class Parser(argparse.ArgumentParser):
    """A parser whose messages repeat no value: it may be a misplaced address, or part of one that a space split."""

    def error(self, message: str) -> NoReturn:
        """Print the error in the command line and exit."""
        super().error(_REPEATED.sub(r"\1", message))


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = Parser(prog="python -m report", description="Write an HTML report from the dbt marts.")
    warehouse = (
        "DuckDB file; Postgres address, postgresql://... or postgresql+psycopg://...; snowflake, with "
        "dbt's variables, or snowflake:NAME of a connection (default: output/warehouse.duckdb)"
    )
    parser.add_argument("--database", default=str(OUTPUT / "warehouse.duckdb"), help=warehouse)
    parser.add_argument("--schema", default="analytics", help="schema of the marts (default: %(default)s)")
    period = "days up to the last full one, or a client's last whole month (default: %(default)s)"
    parser.add_argument("--period", choices=("days", "month"), default="days", help=period)
    parser.add_argument("--days", type=int, help=f"length of the period in days (default: {DAYS})")
    parser.add_argument("--workspace", metavar="NAME", help="name or ID of the workspace (default: all)")
    parser.add_argument("--title", help="title of the report (default: the name of the workspace)")
    where = parser.add_mutually_exclusive_group()
    file = "file to write (default: output/report.html)"
    where.add_argument("--output", type=Path, default=OUTPUT / "report.html", help=file)
    pages = "folder to write: a page for each workspace, and index.html with links to them"
    where.add_argument("--overview", type=Path, metavar="FOLDER", help=pages)
    return parser


def fault(options: argparse.Namespace) -> str | None:
    """Return the reason why options do not fit together."""
    if options.days is not None and options.period == "month":
        return "--days does not go with --period month"
    if options.days is not None and options.days < 1:
        return "a period has at least one day"
    if options.overview and options.workspace is not None:
        return "--workspace does not go with --overview, which is about all of them"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or the pages; 0 if they were written."""
    options = make_parser().parse_args(arguments)
    if reason := fault(options):
        sys.stderr.write(f"report: {reason}\n")
        return 2
    days = None if options.period == "month" else options.days or DAYS
    request = writing.Request(options.schema, days, options.title)
    try:
        with opened(options.database) as database:
            if options.overview:
                said = overview(writing.overview(database, request, options.overview), options.overview)
            else:
                said = single(writing.one(database, request, options.workspace), options.output)
    except (ReportError, OSError) as error:
        sys.stderr.write(f"report: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


def single(page: writing.Page, path: Path) -> str:
    """Write a page, and return a message."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.text, encoding="utf-8")
    return f"{path} ({len(page.text.encode()) / 1e6:.2f} MB), data as of {page.as_of}"


def overview(lines: Sequence[writing.Line], folder: Path) -> str:
    """Return a message on an overview."""
    written = sum(bool(line.file) for line in lines)
    missing = "" if written == len(lines) else f"; {len(lines) - written} more have no figures yet"
    return f"{folder / 'index.html'}, with the pages of {written} workspaces{missing}"


if __name__ == "__main__":
    raise SystemExit(main())

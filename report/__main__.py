"""python -m report: one page out of the marts."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from report import marts, page
from report.database import opened
from report.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


_REPEATED = re.compile(
    r"(unrecognized arguments|ambiguous option|ignored explicit argument|invalid .+ value).*", re.DOTALL
)
"""Text that argparse writes of a value, and then the value."""


class Parser(argparse.ArgumentParser):
    """One whose messages repeat no value: it may be an address in the wrong place, or a part that a space cut off."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, and end."""
        super().error(_REPEATED.sub(r"\1", message))


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = Parser(prog="python -m report", description="One page out of the marts of the dbt package.")
    parser.add_argument(
        "--database",
        default=str(ROOT / "output" / "warehouse.duckdb"),
        help="DuckDB file, or the address of a Postgres database, postgresql://... or postgresql+psycopg://... "
        "(default: output/warehouse.duckdb)",
    )
    parser.add_argument("--schema", default="analytics", help="of the marts (default: %(default)s)")
    parser.add_argument("--days", type=int, default=28, help="length of the period (default: %(default)s)")
    parser.add_argument("--title", help="whom it is about (default: the name of the workspace)")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "output" / "report.html",
        help="where the page goes (default: output/report.html)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 0 if there is one."""
    options = make_parser().parse_args(arguments)
    if options.days < 1:
        sys.stderr.write("report: a period has at least one day\n")
        return 2
    try:
        with opened(options.database) as database:
            found = marts.read(database, options.schema, options.days)
        text = page.render(found, options.title)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    except (ReportError, OSError) as error:
        sys.stderr.write(f"report: {error}\n")
        return 1
    sys.stdout.write(f"{options.output} ({len(text.encode()) / 1e6:.2f} MB), data as of {found.period.end}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Marts that are made up, in DuckDB, with the columns of their contracts."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from tests.transform.package import ROOT, SCHEMA, contract
from tests.transform.writing import python

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row = dict[str, Any]
END = date(2026, 10, 14)
LOADED = datetime(2026, 10, 15, 6)  # noqa: DTZ001 - as the marts have it
MARKUP = "\"><script>alert('x')</script>"
PATH = "../..\\up/CON"

NAMES: dict[str, str | None] = {
    "one": "Harbor",
    "two": "HARBOR",
    "it's": MARKUP,
    "../four": PATH,
    "five": "x" * 300,
    "six": "北港 \N{ZERO WIDTH SPACE}\n'; drop table x; --",
    "{seven}": None,
    "eight": "index",
}
"""Workspaces with figures, by ID."""
LATER = "later"
"""A workspace without figures."""
SILENT = "five"
"""A workspace without emails."""


def fill(path: Path, names: dict[str, str | None]) -> Path:
    """Write marts of workspaces with the same figures, and one without any."""
    rows: dict[str, list[Row]] = {mart: [] for mart in contract()}
    for number, (key, name) in enumerate(names.items()):
        own = {"workspace_id": key, "workspace_name": name}
        for stream in ("campaign_analytics_daily", "account_analytics_daily"):
            rows["instantly__data_as_of"].append({
                **own, "stream": stream, "loaded_at": LOADED, "first_date": date(2026, 6, 20),
                "complete_until": END, "loaded_until": END, "as_of_date": END,
            })  # fmt: skip
        rows["instantly__workspace_daily"] += days(own, 10 + number)
        rows["instantly__client_month"] += months(own)
        rows["instantly__threads"] += talks(own) if key != SILENT else []
    rows["instantly__data_as_of"].append({"workspace_id": LATER, "workspace_name": "Later", "stream": "campaigns"})
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(f"create schema {SCHEMA}")
        for mart, columns in contract().items():
            kinds = {name: kind.replace(" precision", "") for name, kind in columns.items()}
            declared = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            connection.execute(f"create table {SCHEMA}.{mart} ({declared})")
            if rows[mart]:  # not as parameters: for each, DuckDB looks for packages that are not there
                lines = path.with_suffix(f".{mart}.jsonl")
                lines.write_text("".join(f"{json.dumps(row, default=str)}\n" for row in rows[mart]), encoding="utf-8")
                reading = f"read_json('{lines}', format='newline_delimited', columns={kinds})"
                connection.execute(f"insert into {SCHEMA}.{mart} select * from {reading}")  # noqa: S608 (ours)
    return path


def days(own: Row, sent: int) -> list[Row]:
    """Return two full periods."""
    figures = {
        "is_complete": True, "sent_count": sent, "opportunity_count": 1, "reply_count": 2,
        "positive_reply_rate_part_count": 1, "positive_reply_rate_whole_count": sent,
        "replies_part_count": 2, "replies_whole_count": sent,
    }  # fmt: skip
    return [{**own, **figures, "date": END - timedelta(days=back)} for back in range(70)]


def months(own: Row) -> list[Row]:
    """Return a whole month, the whole one before, one whose meetings are not whole, and the running one."""
    before = {"meeting_booked_count_before": 4, "opportunity_count_before": 10, "sent_count_before": 1000}
    rate, change = "positive_reply_rate_per_sent", "change_per_before"
    whole = {"is_whole": True, "are_meetings_whole": True}
    return [
        {**own, "month": date(2026, 7, 1), "last_date": date(2026, 7, 31), "is_whole": True,
         "are_meetings_whole": False, "meeting_booked_count": 2},
        {**own, **whole, "month": date(2026, 8, 1), "last_date": date(2026, 8, 31), "meeting_booked_count": 4,
         "opportunity_count": 10, rate: 0.01, "sent_count": 1000, "median_hours_to_answer": 72},
        {**own, **whole, **before, "month": date(2026, 9, 1), "last_date": date(2026, 9, 30), "meeting_booked_count": 5,
         f"meeting_booked_{change}": 0.25, "opportunity_count": 8, f"opportunity_{change}": -0.2, rate: 0.016,
         f"{rate}_before": 0.01, f"positive_reply_rate_{change}": 0.6, "sent_count": 500, f"sent_{change}": -0.5},
        {**own, "month": date(2026, 10, 1), "last_date": END, "is_whole": False, "are_meetings_whole": False,
         "meeting_booked_count": 1, "meeting_booked_count_before": 5, "opportunity_count_before": 8},
    ]  # fmt: skip


def talks(own: Row) -> list[Row]:
    """Return threads of each interest that wait, and one that does not."""
    waits = {**own, "is_waiting": True, "lead_email": "jane@acme.com", "campaign_name": MARKUP, "subject": MARKUP}
    since = datetime(2026, 10, 1, 9, 30)  # noqa: DTZ001 - as the marts have it
    return [
        {**waits, "thread_id": "old", "waiting_since": since, "hours_waiting": 332.5},
        {**waits, "thread_id": "hot", "interest": "positive", "waiting_since": since + timedelta(days=13)},
        {**waits, "thread_id": "no", "interest": "negative", "waiting_since": since, "hours_waiting": 332.5},
        {**waits, "thread_id": "away", "interest": "neutral", "waiting_since": since, "hours_waiting": 2},
        {**waits, "thread_id": "done", "interest": "positive", "is_waiting": False},
    ]


PROGRAM = """
import contextlib, io, json, sys
from report.__main__ import main
results = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
    results.append([code, out.getvalue(), err.getvalue()])
json.dump(results, sys.stdout)
"""


def reported(database: Path, *commands: Sequence[object]) -> list[tuple[int, str, str]]:
    """Run the report's commands over a database in one process; return the exit code, output and errors of each."""
    given = [["--database", str(database), *map(str, command)] for command in commands]
    done = subprocess.run(
        [python(".venv-report"), "-c", PROGRAM], cwd=ROOT, input=json.dumps(given), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]

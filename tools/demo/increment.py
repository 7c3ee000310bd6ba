"""Computes the records that a run has to read from the expected data and the bookmarks, and compares."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tools.demo.compare import canonical
from tools.demo.errors import DemoError
from tools.demo.pipeline import LOOKBACK_DAYS, LOOKBACK_HOURS
from tools.demo.runlog import Cost
from tools.demo.tables import TABLES, Key, Table
from tools.demo.truth import Truth

SHOWN = 3
Loaded = dict[str, "dict[Key, datetime]"]


def bookmark(state: Mapping[str, Any], table: Table) -> str | None:
    """Return the bookmark of a stream in Meltano's state."""
    partitions = state.get("bookmarks", {}).get(table.name, {}).get("partitions") or [{}]
    value: str | None = partitions[0].get("replication_key_value")
    return value


def last_day(state: Mapping[str, Any]) -> str:
    """Return the last day whose figures were read."""
    return str(bookmark(state, next(table for table in TABLES if table.name == "campaign_analytics_daily")))


def check_bookmarks(state: Mapping[str, Any], truth: Truth) -> None:
    """Check that each stream's bookmark equals the newest value among its records.

    Raises:
        DemoError: A bookmark differs.
    """
    for table in TABLES:
        if name := table.replication_key:
            newest = max((row[name] for row in truth.rows(table) if row.get(name)), default=None)
            if (found := bookmark(state, table)) != newest:
                message = f"{table.name}: the bookmark is {found}, but the newest record has {newest}"
                raise DemoError(message)


def due(table: Table, truth: Truth, state: Mapping[str, Any]) -> set[Key]:
    """Return the keys of the rows that a run has to read when it starts from a state.

    Streams without a bookmark are read in full. Other streams repeat the rows from the bookmark on, and those within
    the look-back before it. Daily rows have a look-back of their own.
    """
    name, since = table.replication_key, bookmark(state, table)
    rows = truth.rows(table)
    if name is None or since is None:
        return {table.key_of(row) for row in rows}
    if name == "date":
        since = (date.fromisoformat(since) - timedelta(days=LOOKBACK_DAYS)).isoformat()
        return {table.key_of(row) for row in rows if row[name] >= since}
    kind = table.columns[name]
    earliest = datetime.fromisoformat(since.replace("Z", "+00:00")) - timedelta(hours=LOOKBACK_HOURS)
    first = canonical(earliest, kind)
    return {table.key_of(row) for row in rows if row.get(name) is None or canonical(row[name], kind) >= first}


def check(due_now: Mapping[str, set[Key]], before: Loaded, after: Loaded, costs: Mapping[str, Cost]) -> None:
    """Check that a run sent each due row exactly once and no other rows.

    Rows are due by table. The load times of rows before and after the run say which it sent; the tap logged its counts.

    Raises:
        DemoError: The rows differ.
    """
    problems = []
    for table in TABLES:
        expected, seen = due_now[table.name], before.get(table.name, {})
        sent = {key for key, when in after[table.name].items() if seen.get(key) != when}
        said = costs[table.name].records if table.name in costs else None
        if sent != expected:
            wrong = sorted(map(str, sent ^ expected))[:SHOWN]
            problems.append(
                f"{table.name}: expected {len(expected)} rows, got {len(sent)}; they differ in, e.g., {wrong}"
            )
        elif said != len(expected):
            problems.append(f"{table.name}: expected {len(expected)} rows, but the log of the tap counts {said}")
    if problems:
        message = "the run did not load exactly the expected rows: see above"
        raise DemoError(message, tuple(problems))

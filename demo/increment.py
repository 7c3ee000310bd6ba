"""What a run has to read: computed from the truth and the bookmarks, and compared with what it did read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from demo.compare import canonical
from demo.errors import DemoError
from demo.pipeline import LOOKBACK_DAYS, LOOKBACK_HOURS
from demo.tables import TABLES, Key, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.runlog import Cost
    from demo.truth import Truth

SHOWN = 3
Loaded = dict[str, "dict[Key, datetime]"]


def bookmark(state: Mapping[str, Any], table: Table) -> str | None:
    """Find how far a stream has come, in the state that Meltano keeps."""
    partitions = state.get("bookmarks", {}).get(table.name, {}).get("partitions") or [{}]
    value: str | None = partitions[0].get("replication_key_value")
    return value


def last_day(state: Mapping[str, Any]) -> str:
    """Find the last day whose figures were read."""
    return str(bookmark(state, next(table for table in TABLES if table.name == "campaign_analytics_daily")))


def check_bookmarks(state: Mapping[str, Any], truth: Truth) -> None:
    """Make sure that each stream's bookmark is the newest of its records, no more and no less.

    Raises:
        DemoError: One is not.
    """
    for table in TABLES:
        if name := table.replication_key:
            newest = max((row[name] for row in truth.rows(table) if row.get(name)), default=None)
            if (found := bookmark(state, table)) != newest:
                message = f"{table.name}: the bookmark is {found}, and the newest record is of {newest}"
                raise DemoError(message)


def due(table: Table, truth: Truth, state: Mapping[str, Any]) -> set[Key]:
    """Tell which rows a run that starts from a state has to read.

    Streams without bookmarks are read whole. Where records say when they changed, those changed since the bookmark
    are due, and once more those within the look-back before it, and of the very same millisecond. Days are due again
    for as long as their own look-back reaches.
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
    """Make sure that a run has sent what was due, all of it, once, and nothing else.

    Args:
        due_now: The rows that were due, by table.
        before: When each row was loaded last, before the run.
        after: The same after it.
        costs: What the tap says itself.

    Raises:
        DemoError: It has not.
    """
    problems = []
    for table in TABLES:
        expected, seen = due_now[table.name], before.get(table.name, {})
        sent = {key for key, when in after[table.name].items() if seen.get(key) != when}
        said = costs[table.name].records if table.name in costs else None
        if sent != expected:
            wrong = sorted(map(str, sent ^ expected))[:SHOWN]
            problems.append(f"{table.name}: {len(expected)} rows were due, {len(sent)} were sent; e.g. {wrong}")
        elif said != len(expected):
            problems.append(f"{table.name}: {len(expected)} rows were due, and the tap says that it sent {said}")
    if problems:
        message = "the run did not send exactly what was due, see above"
        raise DemoError(message, tuple(problems))

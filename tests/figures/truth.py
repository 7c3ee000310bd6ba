"""What the rows of a world amount to before anything is added up: which rows count, and which days were loaded.

Nothing here is shared with the dbt package or the report, so that a mistake would have to be made twice.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.figures.world import Row, World

DAY = timedelta(days=1)
KEYS = {
    "campaign_analytics_daily": ("campaign_id", "date"),
    "account_analytics_daily": ("workspace_id", "email_account", "date"),
    "account_warmup_daily": ("workspace_id", "email", "date"),
    "account_warmup": ("workspace_id", "email"),
    "accounts": ("workspace_id", "email"),
    "campaigns": ("id",),
    "campaign_analytics": ("campaign_id",),
    "campaign_analytics_overview": ("campaign_id",),
    "campaign_analytics_steps": ("campaign_id", "step", "variant"),
    "campaign_variants": ("campaign_id", "step", "variant"),
    "leads": ("id",),
    "lead_labels": ("id",),
    "workspaces": ("id",),
}
DATED = ("campaign_analytics_daily", "account_analytics_daily", "account_warmup_daily")
NOT_COUNTED = {"status", "warmup_status", "lt_interest_status", "interest_status"}


def total(values: Iterable[float | None]) -> Any:
    """The sum of what is known; not known where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def within(rows: list[Row], start: date, end: date) -> list[Row]:
    return [row for row in rows if start <= row["day"] <= end]


def summed(rows: list[Row] | None, name: str) -> int | None:
    """The sum of a day: 0 where it was quiet."""
    return None if rows is None else total(row.get(name) for row in rows) if rows else 0


def over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def pair(rows: Iterable[Row], part: str, whole: str) -> tuple[Any, Any]:
    """Part and whole of the rows that tell both."""
    telling = [row for row in rows if row.get(part) is not None and row.get(whole) is not None]
    return total(row[part] for row in telling), total(row[whole] for row in telling)


def why_odd(stream: str, row: Row) -> str | None:
    if stream in NOT_JUDGED:
        return None
    figures = (value for name, value in row.items() if name not in NOT_COUNTED and isinstance(value, int | float))
    if any(value < 0 for value in figures):
        return "a figure is below zero"
    if stream in DATED and row["day"] < date(2020, 1, 1):
        return "its day is before there was Instantly"
    if stream in DATED and row["day"] > row["_sdc_extracted_at"].date() + DAY:
        return "its day is after that of the load"
    return None


NOT_JUDGED = {"accounts", "campaigns", "campaign_variants", "leads", "lead_labels", "workspaces"}


@dataclass
class Loaded:
    """The days of a stream of a workspace: first, last, and the last full one that was loaded."""

    first: date | None = None
    last: date | None = None
    until: date | None = None


class Truth:
    """The rows that count, by stream; those that are odd are apart."""

    def __init__(self, world: World) -> None:
        self.odd: set[tuple[str, str, str, str]] = set()
        self._read: dict[str, list[Row]] = {}
        self.streams = {stream: self._usable(stream, world.rows.get(stream, [])) for stream in KEYS}
        self.workspaces = sorted({row["workspace_id"] for rows in world.rows.values() for row in rows})
        self.campaigns = {row["id"]: row for row in self.streams["campaigns"]}
        self._own: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._daily: dict[tuple[str, str, date], list[Row]] = defaultdict(list)
        for stream, rows in self.streams.items():
            for row in rows:
                self._own[stream, row["workspace_id"]].append(row)
                if "day" in row:
                    self._daily[stream, row["workspace_id"], row["day"]].append(row)
        read: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for stream, rows in (self.streams | {one: self._read[one] for one in KEYS if one not in DATED}).items():
            for row in rows:
                read[stream, row["workspace_id"]].append(row)
        self._loaded = {key: _loaded(rows) for key, rows in read.items()}

    def _usable(self, stream: str, raw: list[Row]) -> list[Row]:
        latest: dict[tuple[Any, ...], Row] = {}
        for row in raw:
            if row["_sdc_deleted_at"] is None:
                small = {name: row[name].lower() for name in ("email", "email_account") if row.get(name)}
                plain = {**row, **small}
                if stream in DATED:
                    plain["day"] = date.fromisoformat(row["date"])
                key = tuple(plain[name] for name in KEYS[stream])
                if key not in latest or latest[key]["_sdc_batched_at"] < row["_sdc_batched_at"]:
                    latest[key] = plain
        self._read[stream], found = list(latest.values()), []
        for row in latest.values():
            if reason := why_odd(stream, row):
                self.odd.add((row["workspace_id"], stream, _key(stream, row), reason))
            else:
                found.append(row)
        return found

    def of(self, stream: str, workspace: str) -> list[Row]:
        return self._own.get((stream, workspace), [])

    def loaded(self, stream: str, workspace: str) -> Loaded:
        return self._loaded.get((stream, workspace), Loaded())

    def as_of(self, workspace: str) -> date | None:
        ends = (self.loaded(stream, workspace).until for stream in DATED[:2])
        return min((end for end in ends if end), default=None)

    def first_day(self, workspace: str) -> date | None:
        return min((one for one in (self.loaded(stream, workspace).first for stream in DATED[:2]) if one), default=None)

    def on(self, stream: str, workspace: str, day: date) -> list[Row] | None:
        """The rows of a day: none where it was quiet, and nothing at all where it was not loaded."""
        rows = self._daily.get((stream, workspace, day), [])
        of = self.loaded(stream, workspace)
        is_there = of.first is not None and of.until is not None and of.first <= day <= of.until
        return rows if rows or is_there else None


def _loaded(rows: list[Row]) -> Loaded:
    latest = max(row["_sdc_extracted_at"] for row in rows)
    of_last = [row["_sdc_extracted_at"] for row in rows if row["_sdc_extracted_at"] >= latest - timedelta(hours=1)]
    days = [row["day"] for row in rows if "day" in row]
    return Loaded(min(days, default=None), max(days, default=None), min(of_last).date() - DAY)


def _key(stream: str, row: Row) -> str:
    subject = row.get("campaign_id") or row.get("email_account") or row.get("email")
    step = [f"step {row['step']}", f"variant {row['variant']}"] if stream == "campaign_analytics_steps" else []
    return ", ".join([str(subject), *step, *([row["date"]] if stream in DATED else [])])

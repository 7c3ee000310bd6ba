"""Rows of a world that count, and days that were loaded, before any sums.

Shares no code with the dbt package or the report, so that they cannot share a mistake.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.figures.world import Row

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
    "subsequence_analytics": ("subsequence_id",),
    "leads": ("id",),
    "lead_labels": ("id",),
    "emails": ("id",),
    "webhook_events": ("id",),
    "workspaces": ("id",),
}
ADDRESSES = ("email", "email_account", "eaccount", "lead", "lead_email", "from_address_email")
DATED = ("campaign_analytics_daily", "account_analytics_daily", "account_warmup_daily")
NOT_COUNTED = {"status", "campaign_status", "warmup_status", "lt_interest_status", "interest_status"}


def total(values: Iterable[float | None]) -> Any:
    """Sum the known values; None if there are none."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def within(rows: list[Row], start: date, end: date) -> list[Row]:
    return [row for row in rows if start <= row["day"] <= end]


def summed(rows: list[Row] | None, name: str) -> int | None:
    """Sum a day; 0 for a quiet day."""
    return None if rows is None else total(row.get(name) for row in rows) if rows else 0


def over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def pair(rows: Iterable[Row], part: str, whole: str) -> tuple[Any, Any]:
    """Sum part and whole of the rows that have both."""
    telling = [row for row in rows if row.get(part) is not None and row.get(whole) is not None]
    return total(row[part] for row in telling), total(row[whole] for row in telling)


def as_text(time: datetime | None) -> str | None:
    """Return a time as the databases write it: without zeros at the end of a fraction."""
    return None if time is None else str(time).rstrip("0") if time.microsecond else str(time)


def sender_of(lead: Row) -> str | None:
    """Return the account that last wrote to a lead, if the lead has it."""
    step = (lead.get("status_summary") or {}).get("lastStep", {})
    told = (step.get("from"), lead.get("last_step_from"), lead.get("last_contacted_from"))
    return next((text.lower() for text in told if text and "@" in text), None)


def why_odd(stream: str, row: Row, born: dict[str, date]) -> str | None:
    if stream in NOT_JUDGED:
        return None
    figures = [value for name, value in row.items() if name not in NOT_COUNTED and isinstance(value, int | float)]
    if stream in DATED and row["day"] is None:
        return "it has no day"
    if any(value < 0 for value in figures):
        return "a figure is below zero"
    if not all(value <= 1e15 for value in figures):
        return "a figure is no number that can be"
    return _why_not_then(stream, row, born) if stream in DATED else None


def _why_not_then(stream: str, row: Row, born: dict[str, date]) -> str | None:
    day = row["day"]
    if day < date(2020, 1, 1):
        return "its day is before there was Instantly"
    of = {"campaign": row.get("campaign_id"), "workspace": row["workspace_id"]}
    for what, key in of.items():
        if key in born and day < born[key] - DAY:
            return f"its day is before the {what} was created"
    return "its day is after that of the load" if day > row["_sdc_extracted_at"].date() + DAY else None


NOT_JUDGED = {
    *("accounts", "campaigns", "campaign_variants", "emails", "leads", "lead_labels", "webhook_events", "workspaces"),
}


@dataclass
class Loaded:
    """Days of a stream in a workspace: first, last and last fully loaded; and the number of rows."""

    first: date | None = None
    last: date | None = None
    until: date | None = None
    count: int = 0


class Truth:
    """The rows that count, by stream, among those that were loaded; odd rows are kept separately."""

    def __init__(self, loaded: Mapping[str, list[Row]]) -> None:
        self.odd: set[tuple[str, str, str, str]] = set()
        self._read: dict[str, list[Row]] = {}
        self._born = {
            row["id"]: row["timestamp_created"].date()
            for stream in ("campaigns", "workspaces")
            for row in loaded.get(stream, [])
            if row["_sdc_deleted_at"] is None and row.get("timestamp_created")
        }
        self.streams = {stream: self._usable(stream, loaded.get(stream, [])) for stream in KEYS}
        self.workspaces = sorted({row["workspace_id"] for rows in loaded.values() for row in rows})
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
        for workspace in self.workspaces:
            days, totals = (self._loaded.get((stream, workspace)) for stream in (DATED[0], "campaign_analytics"))
            if days and totals and self._is_idle(workspace, days):
                days.until = max(day for day in (days.until, totals.until) if day)

    def _usable(self, stream: str, raw: list[Row]) -> list[Row]:
        latest: dict[tuple[Any, ...], Row] = {}
        for row in raw:
            if row["_sdc_deleted_at"] is None:
                small = {name: row[name].lower() for name in ADDRESSES if row.get(name)}
                plain = {**row, **small}
                if stream in DATED:
                    plain["day"] = date.fromisoformat(row["date"]) if row["date"] else None
                key = tuple(plain[name] for name in KEYS[stream])
                if key not in latest or latest[key]["_sdc_batched_at"] < row["_sdc_batched_at"]:
                    latest[key] = plain
        self._read[stream], found = list(latest.values()), []
        for row in latest.values():
            if reason := why_odd(stream, row, self._born):
                self.odd.add((row["workspace_id"], stream, _key(stream, row), reason))
            else:
                found.append(row)
        return found

    def _is_idle(self, workspace: str, days: Loaded) -> bool:
        """Return true if the last senders are deleted, and all others have only sent what their days show."""
        rows = self.read("campaign_analytics", workspace)
        last = max(row["_sdc_batched_at"] for row in rows)
        there = {row["campaign_id"]: row for row in rows if row["_sdc_batched_at"] >= last - timedelta(hours=1)}
        of_last = {row["campaign_id"] for row in self.of(DATED[0], workspace) if row["day"] == days.last}
        sent = dict.fromkeys(there, 0)
        for row in self.of(DATED[0], workspace):
            if row["campaign_id"] in sent:
                sent[row["campaign_id"]] += row["sent"] or 0
        totals = {key: row["emails_sent_count"] for key, row in there.items()}
        return not of_last & there.keys() and all(
            total is not None and 0 <= total <= sent[key] for key, total in totals.items()
        )

    def of(self, stream: str, workspace: str) -> list[Row]:
        return self._own.get((stream, workspace), [])

    def read(self, stream: str, workspace: str) -> list[Row]:
        """Return the rows of a stream, odd ones included."""
        return [row for row in self._read[stream] if row["workspace_id"] == workspace]

    def loaded(self, stream: str, workspace: str) -> Loaded:
        return self._loaded.get((stream, workspace), Loaded())

    def as_of(self, workspace: str) -> date | None:
        ends = (self.loaded(stream, workspace).until for stream in DATED[:2])
        return min((end for end in ends if end), default=None)

    def knows(self, stream: str, workspace: str, start: date, end: date) -> bool:
        """Return true if any of these days is known."""
        days = (start + number * DAY for number in range((end - start).days + 1))
        return any(self.on(stream, workspace, day) is not None for day in days)

    def has_sent(self, workspace: str) -> bool:
        return any(
            row.get(name)
            for stream, name in (("campaign_analytics", "emails_sent_count"), ("campaign_analytics_steps", "sent"))
            for row in self.of(stream, workspace)
        ) or any(row.get("sent") for stream in DATED[:2] for row in self.of(stream, workspace))

    def first_day(self, workspace: str) -> date | None:
        return min((one for one in (self.loaded(stream, workspace).first for stream in DATED[:2]) if one), default=None)

    def on(self, stream: str, workspace: str, day: date) -> list[Row] | None:
        """Return the rows of a day: an empty list if quiet, None if not loaded."""
        rows = self._daily.get((stream, workspace, day), [])
        of = self.loaded(stream, workspace)
        is_there = of.first is not None and of.until is not None and of.first <= day <= of.until
        return rows if rows or is_there else None


def _loaded(rows: list[Row]) -> Loaded:
    begin, *earlier = sorted({row["_sdc_extracted_at"] for row in rows}, reverse=True)
    for time in earlier:
        if begin - time > timedelta(hours=1):
            break
        begin = time
    days = [row["day"] for row in rows if "day" in row]
    return Loaded(min(days, default=None), max(days, default=None), begin.date() - DAY, len(rows))


def _key(stream: str, row: Row) -> str:
    subject = row.get("campaign_id") or row.get("email_account") or row.get("email")
    step = [f"step {row['step']}", f"variant {row['variant']}"] if stream == "campaign_analytics_steps" else []
    return ", ".join([str(subject), *step, *([row["date"]] if stream in DATED and row["date"] else [])])

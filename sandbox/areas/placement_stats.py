"""Sums inbox placement records."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from sandbox.answers import require
from sandbox.areas.placement_data import RECEIVED, SENT
from sandbox.records import Row, compact

PLACES = ("spam", "inbox", "category")


def parse_list(body: Row, name: str) -> list[Any]:
    """Read a list from a body; a missing one is empty."""
    value: list[Any] = body.get(name, [])
    require(isinstance(value, list), f"body/{name} must be array")
    return value


def _place(row: Row) -> str | None:
    """Return the folder of an e-mail; None if it is unknown or the e-mail never arrived."""
    if row["record_type"] != RECEIVED or "is_spam" not in row:
        return None
    return "spam" if row["is_spam"] else "category" if row["has_category"] else "inbox"


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0


def _groups(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _counts(rows: Iterable[Row]) -> dict[str, int]:
    places = [_place(row) for row in rows]
    return {name: places.count(name) for name in PLACES}


def by_test(rows: list[Row]) -> list[Row]:
    """Count the e-mails with a known folder, by test."""
    found = []
    for test, own in _groups(rows, lambda row: row["test_id"]).items():
        counts = _counts(own)
        total = sum(counts.values())
        stats: Row = {"test_id": test, "count": total}
        for name, count in counts.items():
            stats |= {f"{name}_count": count, f"{name}_percent": _percent(count, total)}
        found.append(stats)
    return found


def by_date(rows: list[Row]) -> list[Row]:
    """Count sent and arrived e-mails, by day and folder."""
    days = _groups(rows, lambda row: row["timestamp_created_date"])
    return [
        {
            "timestamp_created_date": day,
            "sent_count": sum(row["record_type"] == SENT for row in days[day]),
            "received_count": sum(row["record_type"] == RECEIVED for row in days[day]),
            **{f"{name}_count": count for name, count in _counts(days[day]).items()},
        }
        for day in sorted(days)
    ]


def _shares(rows: Iterable[Row], prefix: str = "") -> Row:
    counts = _counts(rows)
    total = sum(counts.values())
    return {f"{prefix}{name}_percentage": _percent(count, total) if total else None for name, count in counts.items()}


def insights(body: Row, rows: list[Row], earlier: list[Row] | None) -> list[Row]:
    """Compare pairs of providers, and on request with an earlier time."""

    def pair(row: Row) -> tuple[int, int]:
        return row["sender_esp"], row["recipient_esp"]

    def received(some: Iterable[Row]) -> dict[Any, list[Row]]:
        return _groups((row for row in some if row["record_type"] == RECEIVED), pair)

    now, before = received(rows), received(earlier or [])
    head: Row = {"test_id": body["test_id"], "from": body.get("date_from"), "to": body.get("date_to")}
    if earlier is not None:
        head |= {"previous_from": body.get("previous_date_from"), "previous_to": body.get("previous_date_to")}
    found = []
    for esps in sorted(now):
        row = head | {"sender_esp": esps[0], "recipient_esp": esps[1]} | _shares(now[esps])
        found.append(compact(row | (_shares(before.get(esps, ()), "prev_") if earlier is not None else {})))
    return found

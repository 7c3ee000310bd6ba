"""The foot of the page, as figures: reconciliation of different parts of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from report.database import Row
from report.figures import Figure, day, figures
from report.marts import NEEDED, Marts
from report.scope import name_of

DOUBTS = 10
"""Maximum number on the page."""


@dataclass(frozen=True)
class Check:
    """A comparison of two parts of the API; some cannot be compared."""

    description: str
    compared: Figure
    not_compared: Figure
    agreeing: Figure
    largest_difference: Figure

    @property
    def holds(self) -> bool:
        """True if all compared figures agree."""
        return self.compared.value == self.agreeing.value


def checks(marts: Marts) -> list[Check]:
    """Return the reconciliation, one row per comparison."""
    columns = ("compared", "not_compared", "agreeing", "largest_difference")
    return [
        Check(row["description"], **figures(f"check.{row['check_name']}", {column: row[column] for column in columns}))
        for row in marts.rows["checks"]
    ]


def tally(marts: Marts) -> dict[str, Figure]:
    """Count the comparisons, and those that disagree."""
    found = [check for check in checks(marts) if check.compared.value]
    return {
        "checks_count": Figure("checks.count", len(found)),
        "checks_odd": Figure("checks.odd", sum(not check.holds for check in found)),
    }


def excuses(marts: Marts) -> list[tuple[str, Figure]]:
    """Return the reasons why some cannot be compared, with counts."""
    return [
        (row["reason"], Figure(f"excuse.{number}.pairs", row["pairs"]))
        for number, row in enumerate(marts.rows["excuses"], start=1)
    ]


def left_out(marts: Marts) -> dict[str, Any]:
    """Return the counts of invalid rows that no figure includes, and the outdated streams."""
    rows = marts.rows["odd_rows"]
    never = ((stream, whose, "never") for stream, whose in marts.lacking)
    stale = ((row["stream"], name_of(row), day(row["complete_until"])) for row in marts.rows["stale"])
    return {
        "odd_count": Figure("odd.count", len(rows)),
        "odd_rows": [_odd(row) for row in rows[:DOUBTS]],
        "odd_more": Figure("odd.more", max(0, len(rows) - DOUBTS)),
        "stale": [{"name": f"{stream} of {whose}", "as_of": as_of} for stream, whose, as_of in (*never, *stale)],
        "not_loaded": [stream for stream in NEEDED if not marts.is_loaded(stream)],
    }


def _odd(row: Row) -> str:
    when = f", {day(row['date'])}" if row["date"] else ""
    return f"{row['subject']}{when} ({row['stream']}): {row['reason']}"


@dataclass(frozen=True)
class Doubt:
    """Two figures of the API that disagree."""

    where: str
    description: str
    left: Figure
    right: Figure


def doubts(marts: Marts) -> list[Doubt]:
    """Return the disagreements, the largest first."""
    return [
        Doubt(
            row["campaign_name"] or row["workspace_name"] or "All campaigns",
            row["description"],
            Figure(f"doubt.{number}.left", row["left_value"]),
            Figure(f"doubt.{number}.right", row["right_value"]),
        )
        for number, row in enumerate(marts.rows["doubts"][:DOUBTS], start=1)
    ]

"""Count the sandbox's records: the basis of the report's expected figures."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scipy.stats import binomtest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Row = dict[str, Any]
Values = dict[str, "float | None"]

CODES = Path(__file__).parents[2] / "transform" / "seeds" / "instantly_codes.csv"


def labels(stream: str, field: str) -> dict[int, str]:
    """Return the labels of codes."""
    with CODES.open(encoding="utf-8") as file:
        return {
            int(row["code"]): row["label"]
            for row in csv.DictReader(file)
            if (row["stream"], row["field"]) == (stream, field)
        }


def over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def ends(hits: float, tries: float) -> tuple[float | None, float | None]:
    """Return the bounds of the 95 % score interval, by SciPy."""
    if not tries or hits > tries:
        return None, None
    low, high = binomtest(int(hits), int(tries)).proportion_ci(method="wilson")
    return float(low), float(high)


class Counting:
    """Rows of workspaces, and figures by name.

    Args:
        truths: For each workspace, a function from a resource to its rows.
        end: Last full day.
        days: Length of the period.
    """

    def __init__(self, truths: Iterable[Callable[[str], Iterable[Row]]], end: date, days: int = 28) -> None:
        self._truths = list(truths)
        self._end, self.length = end, days
        self.values: Values = {}
        self.daily = self._all("campaign_analytics_daily")
        self.accounts_daily = self._all("account_analytics_daily")
        self.accounts = self._all("accounts_with_tags")
        self.leads = self._all("leads")
        self.campaigns = {row["id"]: row for row in self._all("campaigns")}
        self.lifetime = self._all("campaign_analytics")
        self.outcomes = {row["campaign_id"]: row for row in self._all("campaign_analytics_overview")}
        self.steps = self._all("campaign_analytics_steps_with_opportunities")

    def _all(self, resource: str) -> list[Row]:
        found = []
        for number, truth in enumerate(self._truths):
            found += [{**row, "workspace": number} for row in truth(resource)]
        return found

    def _within(self, rows: Iterable[Row], start: date, end: date, **where: Any) -> list[Row]:
        return [
            row
            for row in rows
            if start <= date.fromisoformat(row["date"]) <= end
            and all(row[name] == value for name, value in where.items())
        ]

    def _back(self, days: int) -> date:
        return self._end - timedelta(days=days)

    def days_back(self, row: Row) -> int:
        return (self._end - date.fromisoformat(row["date"])).days

    def windows(self) -> tuple[tuple[date, date], tuple[date, date]]:
        return (self._back(self.length - 1), self._end), (self._back(2 * self.length - 1), self._back(self.length))

    @staticmethod
    def _change(now: float | None, before: float | None, *, relative: bool) -> float | None:
        if now is None or before is None:
            return None
        return over(now - before, before) if relative else now - before

    def _trial(
        self, name: str, counts: Mapping[str, float | None], hits: float, tries: float, prefix: str = ""
    ) -> None:
        self.values |= {f"{name}.{column}": value for column, value in counts.items()}
        low, high = ends(hits, tries)
        rates = {"rate": over(hits, tries), "low": low, "high": high}
        self.values |= {f"{name}.{prefix}{column}": value for column, value in rates.items()}

    def _tracked(self, campaign: str) -> bool:
        return bool(self.campaigns[campaign].get("open_tracking", True))

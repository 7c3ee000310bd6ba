"""What the report needs of the marts, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from report.errors import ReportError
from report.queries import ENDS, FRESHNESS, QUERIES

if TYPE_CHECKING:
    from datetime import date

    from report.database import Database, Row

WEEK = 7
TREND_WEEKS = 12


@dataclass(frozen=True)
class Period:
    """So many full days, and as many before them.

    Attributes:
        end: The last day.
        days: How many.
    """

    end: date
    days: int

    @property
    def start(self) -> date:
        """The first day."""
        return self.end - timedelta(days=self.days - 1)

    @property
    def before_start(self) -> date:
        """The first day of the period before."""
        return self.end - timedelta(days=2 * self.days - 1)

    @property
    def before_end(self) -> date:
        """The last day of the period before."""
        return self.start - timedelta(days=1)


@dataclass(frozen=True)
class Marts:
    """The rows behind the report.

    Attributes:
        period: The period that it is about.
        workspaces: The workspaces, with how current each is.
        rows: What each query found, by its name.
    """

    period: Period
    workspaces: list[Row]
    rows: dict[str, list[Row]]

    @property
    def one_workspace(self) -> bool:
        """Whether there is but one workspace, and so no need to name it in each row."""
        return len(self.workspaces) == 1

    @property
    def has_before(self) -> bool:
        """Whether the figures of any workspace reach back to the beginning of the period before."""
        return self.first_day <= self.period.before_start

    @property
    def first_day(self) -> date:
        """The first day of figures of any workspace."""
        days: list[date] = [row["date"] for row in self.rows["first_days"]]
        return min(days)

    @property
    def began(self) -> list[Row]:
        """The workspaces whose figures do not reach back that far, where those of others do: they look like growth."""
        if not self.has_before:
            return []
        return [row for row in self.rows["first_days"] if row["date"] > self.period.before_start]


def read(database: Database, schema: str, days: int) -> Marts:
    """Read the marts for a period of so many days up to the last full one.

    Raises:
        ReportError: The marts are not there, or hold no figures.
    """
    marts = database.qualified(schema)
    workspaces = database.rows(FRESHNESS.format(marts=marts))
    known = [row["as_of_date"] for row in workspaces if row["as_of_date"]]
    if not known:
        message = f"the marts in the schema {schema} hold no day of figures yet; was anything sent and loaded?"
        raise ReportError(message)
    period = Period(max(known), days)
    values = {
        "marts": marts,
        "ends": ENDS.format(marts=marts),
        "start": _literal(period.start),
        "end": _literal(period.end),
        "before": _literal(period.before_start),
        "trend": _literal(min(period.before_start, period.end - timedelta(days=WEEK * TREND_WEEKS - 1))),
    }
    return Marts(period, workspaces, {name: database.rows(query.format(**values)) for name, query in QUERIES.items()})


def _literal(day: date) -> str:
    return f"date '{day.isoformat()}'"

"""What the report needs of the marts, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from report.errors import ReportError
from report.queries import QUERIES
from report.trust import ENDS, FRESHNESS

if TYPE_CHECKING:
    from datetime import date

    from report.database import Database, Row

DATED = ("campaign_analytics_daily", "account_analytics_daily")
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
        return [row for row in self.rows["first_days"] if row["all_from"] > self.period.before_start]

    @property
    def late(self) -> list[Row]:
        """The workspaces that have sent and of which the period's last days were not loaded, with the last that was."""
        sent = {row["workspace_id"] for row in self.rows["ever_sent"] if row["sent"]}
        found = []
        for row in self.workspaces:
            known = [row[name] for name in ("as_of_date", "loaded_until") if row[name]]
            until = min(known) if row["loaded_until"] else None
            if (until is not None and until < self.period.end) or (until is None and row["workspace_id"] in sent):
                found.append({**row, "until": until})
        return found

    def compares(self, workspace: str | None = None) -> tuple[bool, bool]:
        """Tell of a workspace, or of all, whether all of the period was loaded, and whether the one before was too."""

        def among(rows: list[Row]) -> bool:
            return any(workspace in {None, row["workspace_id"]} for row in rows)

        loaded = not among(self.late)
        return loaded, loaded and not among(self.began)

    def is_loaded(self, stream: str) -> bool:
        """Tell whether any workspace has rows of a stream."""
        return any(row["stream"] == stream for row in self.rows["streams"])

    @property
    def lacking(self) -> list[tuple[str, str]]:
        """Give streams with days that workspaces lack which have sent, and others have: the stream, and whose it is."""
        sent = {row["workspace_id"] for row in self.rows["ever_sent"] if row["sent"]}
        there = {(row["stream"], row["workspace_id"]) for row in self.rows["streams"]}
        return [
            (stream, row["workspace_name"] or "Unnamed workspace")
            for stream in DATED
            for row in self.workspaces
            if row["workspace_id"] in sent and self.is_loaded(stream) and (stream, row["workspace_id"]) not in there
        ]


def read(database: Database, schema: str, days: int) -> Marts:
    """Read the marts for a period of so many days up to the last full one.

    Raises:
        ReportError: The marts are not there, or hold no figures.
    """
    marts = database.qualified(schema)
    workspaces = database.rows(FRESHNESS.format(marts=marts))
    known = [row["as_of_date"] for row in workspaces if row["as_of_date"] and row["loaded_until"]]
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

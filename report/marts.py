"""Reads the data of the report from the marts, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from report.database import Database, Row
from report.errors import NoFiguresError
from report.queries import QUERIES
from report.scope import Scope, name_of
from report.trust import ENDS, FRESHNESS

NEEDED = (
    *("campaigns", "campaign_analytics", "campaign_analytics_daily", "campaign_analytics_overview"),
    *("campaign_analytics_steps", "accounts", "account_analytics_daily", "leads"),
)
"""Streams without which figures of the page are unknown."""
WEEK = 7
TREND_WEEKS = 12


@dataclass(frozen=True)
class Period:
    """A number of full days, compared with as many days before them."""

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
    """The rows behind the report."""

    period: Period
    workspaces: list[Row]  # the workspaces, with the freshness of each
    rows: dict[str, list[Row]]  # rows of each query, by its name

    @property
    def one_workspace(self) -> bool:
        """True if there is only one workspace, so that rows do not need to name it."""
        return len(self.workspaces) == 1

    @property
    def has_before(self) -> bool:
        """True if any workspace has figures from the start of the period before."""
        return self.first_day <= self.period.before_start

    @property
    def first_day(self) -> date:
        """First day with figures of any workspace."""
        days: list[date] = [row["date"] for row in self.rows["first_days"]]
        return min(days)

    @property
    def began(self) -> list[Row]:
        """Workspaces whose figures start later than those of others, and so look like growth."""
        if not self.has_before:
            return []
        return [row for row in self.rows["first_days"] if row["all_from"] > self.period.before_start]

    @property
    def late(self) -> list[Row]:
        """Workspaces that have sent but lack the period's last days, with the last day loaded."""
        sent = {row["workspace_id"] for row in self.rows["ever_sent"] if row["sent"]}
        found = []
        for row in self.workspaces:
            known = [row[name] for name in ("as_of_date", "loaded_until") if row[name]]
            until = min(known) if row["loaded_until"] else None
            if (until is not None and until < self.period.end) or (until is None and row["workspace_id"] in sent):
                found.append({**row, "until": until})
        return found

    def compares(self, workspace: str | None = None) -> tuple[bool, bool]:
        """Return whether all of the period was loaded, and the one before too, of a workspace or of all."""

        def among(rows: list[Row]) -> bool:
            return any(workspace in {None, row["workspace_id"]} for row in rows)

        loaded = not among(self.late)
        return loaded, loaded and not among(self.began)

    def is_loaded(self, stream: str) -> bool:
        """Return whether any workspace has rows of a stream."""
        return any(row["stream"] == stream for row in self.rows["streams"])

    @property
    def lacking(self) -> list[tuple[str, str]]:
        """Streams that a sending workspace lacks and others have, each with the workspace."""
        sent = {row["workspace_id"] for row in self.rows["ever_sent"] if row["sent"]}
        there = {(row["stream"], row["workspace_id"]) for row in self.rows["streams"]}
        return [
            (stream, name_of(row))
            for stream in NEEDED
            for row in self.workspaces
            if row["workspace_id"] in sent and self.is_loaded(stream) and (stream, row["workspace_id"]) not in there
        ]


def read(database: Database, schema: str, days: int, workspace: str | None = None) -> Marts:
    """Read the marts for a period of some days up to the last full day, of all workspaces or of the one with an ID.

    Raises:
        ReportError: The marts are missing, or hold no figures.
    """
    scope = Scope(database.qualified(schema), workspace)
    workspaces = database.rows(scope.query(FRESHNESS))
    known = [row["as_of_date"] for row in workspaces if row["as_of_date"] and row["loaded_until"]]
    if not known:
        message = (
            f"the marts in the schema {schema} have no daily figures: "
            "load campaign_analytics_daily, then run `make transform`"
        )
        raise NoFiguresError(message)
    period = Period(max(known), days)
    values = {
        "start": _literal(period.start),
        "end": _literal(period.end),
        "before": _literal(period.before_start),
        "trend": _literal(min(period.before_start, period.end - timedelta(days=WEEK * TREND_WEEKS - 1))),
    }
    values["ends"] = scope.query(ENDS, **values)
    return Marts(
        period, workspaces, {name: database.rows(scope.query(query, **values)) for name, query in QUERIES.items()}
    )


def _literal(day: date) -> str:
    return f"date '{day.isoformat()}'"

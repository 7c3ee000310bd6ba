"""The monthly page of a client: meetings and positive replies first, each month beside the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from report.database import Database, Row
from report.errors import NoFiguresError
from report.figures import Change, Figure, Kind, Verdict, day
from report.page import filled
from report.queries import QUERIES
from report.scope import Scope, id_of, name_of
from report.sections import Tile
from report.threads import threads

MONTHS = 13
"""Maximum number of months on the page: a year, and the same month of the year before."""

MONTHLY = """
select *
from {marts}.instantly__client_month
order by month desc
"""

AT_LEAST = " At least so many: builds did not watch the leads all month."

COMPARED = (
    ("meeting_booked", "Meetings booked", "Leads first known this month to have a meeting booked, held or won."),
    ("opportunity", "Positive replies", "Opportunities, on the day they arose."),
    ("positive_reply_rate", "Positive replies per email sent", "Of the days that have both."),
    ("sent", "Emails sent", "By all campaigns."),
)
"""Name, title and hint of what has the month before beside it."""

COLUMNS = (
    ("meeting_booked_count", "Meetings", Kind.COUNT),
    ("opportunity_count", "Positive", Kind.COUNT),
    ("positive_reply_rate_per_sent", "Positive per sent", Kind.RATE),
    ("sent_count", "Sent", Kind.COUNT),
    ("new_leads_contacted_count", "New leads", Kind.COUNT),
    ("reply_count", "Replies", Kind.COUNT),
    ("replies_per_sent", "Replies per sent", Kind.RATE),
    ("bounce_rate_per_sent", "Bounce rate", Kind.RATE),
    ("replied_thread_count", "Threads with a reply", Kind.COUNT),
    ("answered_thread_count", "Answered by hand", Kind.COUNT),
    ("median_hours_to_answer", "Median time to answer", Kind.HOURS),
)
"""Column, title and format of the table of months."""


@dataclass(frozen=True)
class Month:
    """A row of the table of months."""

    key: str
    name: str
    note: str
    figures: Sequence[Figure]


@dataclass(frozen=True)
class Months:
    """The months of a workspace, latest first."""

    workspace: Row  # the workspace with its freshness
    rows: Sequence[Row]
    talks: Mapping[str, Sequence[Row]]  # rows of the queries on threads, by name

    @property
    def shown(self) -> Row:
        """The month of the page: the last whole one, or the latest if none is whole."""
        return next((row for row in self.rows if row["is_whole"]), self.rows[0])

    @property
    def as_of(self) -> date:
        """The last day of that month that is counted."""
        last: date = self.shown["last_date"]
        return last

    def tiles(self) -> list[Tile]:
        """Return the figures of the month beside those of the month before, if that is whole."""
        row, found = self.shown, []
        for name, title, hint in COMPARED:
            names = [f"month.{name}.{which}" for which in ("now", "before", "change")]
            column, kind = (f"{name}_per_sent", Kind.RATE) if name.endswith("_rate") else (f"{name}_count", Kind.COUNT)
            now, before = row[column], row[f"{column}_before"]
            if kind is Kind.RATE:
                both = row["is_whole"] and None not in {now, before}
                change = Figure(names[2], now - before if both else None, Kind.POINTS)
            else:
                change = Figure(names[2], row[f"{name}_change_per_before"], Kind.CHANGE)
            doubt = AT_LEAST if name == "meeting_booked" and not row["are_meetings_whole"] else ""
            pair = Figure(names[0], now, kind), Figure(names[1], before, kind)
            found.append(Tile(title, hint + doubt, *pair, Change(change, Verdict.PLAIN)))
        return found

    def table(self) -> list[Month]:
        """Return the rows of the table of months."""
        return [_month(row) for row in self.rows[:MONTHS]]


def _month(row: Row) -> Month:
    key = f"month.{row['month']:%Y-%m}"
    notes = [] if row["is_whole"] else [f"not whole, to {day(row['last_date'])}"]
    notes += [] if row["are_meetings_whole"] else ["meetings: at least"]
    figures = [Figure(f"{key}.{column}", row[column], kind) for column, _, kind in COLUMNS]
    return Month(key, f"{row['month']:%B %Y}", "; ".join(notes), figures)


def read(database: Database, schema: str, workspace: Row) -> Months:
    """Read the months of a workspace.

    Raises:
        ReportError: The marts are missing, or have no month of it.
    """
    scope = Scope(database.qualified(schema), id_of(workspace))
    rows = database.rows(scope.query(MONTHLY))
    if not rows:
        message = f"the marts in the schema {schema} hold no month of the workspace yet; was anything sent and loaded?"
        raise NoFiguresError(message)
    talks = {name: database.rows(scope.query(QUERIES[name])) for name in ("threads", "threads_loaded")}
    return Months(workspace, rows, talks)


def render(months: Months, title: str | None = None) -> str:
    """Render the page of a client; the title is the workspace's name by default."""
    shown, loaded = months.shown, months.workspace["loaded_at"]
    return filled(
        "month.html",
        title=title or name_of(months.workspace),
        month=f"{shown['month']:%B %Y}",
        is_whole=shown["is_whole"],
        end=day(months.as_of),
        end_iso=months.as_of.isoformat(),
        loaded=f"{day(loaded)}, {loaded:%H:%M}" if loaded else "",
        tiles=months.tiles(),
        columns=[name for _, name, _ in COLUMNS],
        months=months.table(),
        more=Figure("months.more", max(0, len(months.rows) - MONTHS)),
        threads=threads(months.talks),
    )

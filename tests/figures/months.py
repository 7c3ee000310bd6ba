"""Expected months of a client."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.figures.expected import ACCOUNTS, CAMPAIGNS, workspace_days
from tests.figures.truth import DAY, over, pair, total

if TYPE_CHECKING:
    from tests.figures.events import Events
    from tests.figures.expected import Figures
    from tests.figures.truth import Truth
    from tests.figures.world import Row

SUMS = (
    "opportunity_count",
    "reply_count",
    "automatic_reply_count",
    "sent_count",
    "new_leads_contacted_count",
    "bounced_count",
)
COMPARED = {
    "opportunity_count": "opportunity",
    "positive_reply_rate_per_sent": "positive_reply_rate",
    "sent_count": "sent",
}


def figures(truth: Truth, events: Events, threads: dict[tuple[str, str], Row]) -> Figures:
    """Return the expected columns of each month."""
    found: Figures = {}
    for workspace in truth.workspaces:
        months = _months(truth, events, threads, workspace)
        for month, row in months.items():
            earlier = months.get((month - DAY).replace(day=1), {})
            key = ("instantly__client_month", workspace, month.isoformat())
            found |= {(*key, name): value for name, value in (row | _compared(row, earlier)).items()}
    return found


def _compared(row: Row, earlier: Row) -> Row:
    found: Row = {"meeting_booked_count_before": None, "meeting_booked_change_per_before": None}
    for value, name in COMPARED.items():
        before = earlier.get(value) if earlier.get("is_whole") else None
        is_told = row["is_whole"] and row[value] is not None and before is not None
        found[f"{value}_before"] = before
        found[f"{name}_change_per_before"] = over(row[value] - before, before) if is_told else None
    return found


def _end(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - DAY


def _months(truth: Truth, events: Events, threads: dict[tuple[str, str], Row], workspace: str) -> dict[date, Row]:
    as_of = truth.as_of(workspace)
    days: dict[date, list[tuple[date, Row]]] = defaultdict(list)
    for day, row in workspace_days(truth, workspace):
        if as_of and day <= as_of:
            days[day.replace(day=1)].append((day, row))
    met = _meetings(events, workspace, as_of)
    replied: dict[date, list[Row]] = defaultdict(list)
    for (own, _), thread in threads.items():
        at = thread["first_replied_at"]
        if own == workspace and at and (not as_of or at.date() <= as_of):
            replied[at.date().replace(day=1)].append(thread)
    return {
        month: _month(truth, workspace, month, as_of)
        | _sums(truth, workspace, days[month])
        | _met(truth, workspace, month, met)
        | _answers(replied.get(month))
        for month in sorted({*days, *met, *replied})
    } | {}


def _month(truth: Truth, workspace: str, month: date, as_of: date | None) -> Row:
    first = truth.loaded(CAMPAIGNS, workspace).first
    return {
        "last_date": min(filter(None, (_end(month), as_of))).isoformat(),
        "is_whole": bool(first and as_of and first <= month and as_of >= _end(month)),
        # Builds began to watch with the only load of the world.
        "are_meetings_whole": False,
    }


def _sums(truth: Truth, workspace: str, days: list[tuple[date, Row]]) -> Row:
    found: Row = {name: total(row[name] for _, row in days) for name in SUMS}
    campaigns = [row for day, _ in days for row in truth.on(CAMPAIGNS, workspace, day) or []]
    accounts = [row for day, _ in days for row in truth.on(ACCOUNTS, workspace, day) or []]
    found["positive_reply_rate_per_sent"] = over(*pair(campaigns, "opportunities", "sent"))
    found["replies_per_sent"] = over(*pair(campaigns, "replies", "sent"))
    found["bounce_rate_per_sent"] = over(*pair(accounts, "bounced", "sent"))
    found["emails_per_opportunity"] = over(found["sent_count"], found["opportunity_count"])
    return found


def _meetings(events: Events, workspace: str, as_of: date | None) -> Counter[date]:
    """Count each lead in the month in which it is first known to have been at a meeting or beyond."""
    first: dict[str, date] = {}
    for (own, key), event in events.rows.items():
        is_met = event["event_type"] == "meeting" or event["code"] == 4
        if own == workspace and is_met:
            day = event["at"].date()
            lead = key.partition(":")[0]
            first[lead] = min(day, first.get(lead, day))
    return Counter(day.replace(day=1) for day in first.values() if not as_of or day <= as_of)


def _met(truth: Truth, workspace: str, month: date, met: Counter[date]) -> dict[str, Any]:
    until = truth.loaded("leads", workspace).until
    return {"meeting_booked_count": met[month] or (0 if until and until >= month else None)}


def _answers(threads: list[Row] | None) -> Row:
    hours = [thread["hours_to_answer"] for thread in threads or [] if thread["hours_to_answer"] is not None]
    return {
        "replied_thread_count": len(threads) if threads else None,
        "answered_thread_count": len(hours) if threads else None,
        "median_hours_to_answer": median(hours) if hours else None,
    }

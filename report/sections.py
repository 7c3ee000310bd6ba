"""The upper half of the page, as figures: results, weekly trend and funnel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from report.chance import RARE
from report.database import Row
from report.figures import (
    NOT_KNOWN,
    Change,
    Figure,
    Kind,
    as_far_as_loaded,
    change_of_count,
    change_of_rate,
    day,
    share,
    wilson,
)
from report.marts import TREND_WEEKS, WEEK, Marts
from report.weeks import course

COUNTS = (
    *("sent", "new_leads", "positive"),
    *("rate_positive", "rate_sent", "rate_replies", "rate_replied_sent", "rate_bounced", "rate_account_sent"),
)
"""Columns summed over the days of a period; for rates, their part and whole."""
CONTACTED, OPENED = 2, 3


@dataclass(frozen=True)
class Tile:
    """A figure of the period beside that of the period before."""

    title: str
    hint: str  # definition of the figure
    now: Figure
    before: Figure  # value in the period before; unknown if the figures start later
    change: Change


def total(rows: Iterable[Row], name: str) -> int | None:
    """Sum the known values; None if none is known."""
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def _sums(marts: Marts) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """Sum the period and the one before it."""
    period = marts.period
    found = []
    for start, end in ((period.start, period.end), (period.before_start, period.before_end)):
        days = [row for row in marts.rows["days"] if start <= row["date"] <= end]
        # Leads that had a meeting in the period before and have moved on are no longer counted there.
        found.append({name: total(days, name) for name in COUNTS} | {"meetings": None})
    now, before = found
    (row,) = marts.rows["meetings"]
    now["meetings"] = row["meetings"] if row["meetings"] or row["is_loaded"] else None
    return now, before if marts.has_before else dict.fromkeys(before)


PARTIAL = " At least so many: the leads of a workspace were not loaded to the end of the period."


LESS_IS_BETTER = {"bounce_rate"}
_TILES: tuple[tuple[str, str, str, str | tuple[str, str]], ...] = (
    (
        "positive_rate",
        "Positive replies per email sent",
        "Positive replies are those that Instantly counts as opportunities.",
        ("rate_positive", "rate_sent"),
    ),
    ("positive", "Positive replies", "Opportunities, on the day they arose.", "positive"),
    (
        "meetings",
        "Meetings booked",
        "Leads with a meeting booked, held or won, on the day their interest last changed. They move on: not compared.",
        "meetings",
    ),
    (
        "reply_rate",
        "Replies per email sent",
        "Every reply counts, also several of one lead. Instantly does not say whether automatic ones do.",
        ("rate_replies", "rate_replied_sent"),
    ),
    ("sent", "Emails sent", "By all campaigns.", "sent"),
    ("new_leads", "New leads contacted", "Leads that got their first email.", "new_leads"),
    ("bounce_rate", "Bounce rate", "Bounces per email sent; under 3% is fine.", ("rate_bounced", "rate_account_sent")),
)
"""Name, title, hint and source columns: a count, or part and whole."""


def tiles(marts: Marts) -> list[Tile]:
    """Return the figures of the period, the primary one first."""
    now, before = _sums(marts)
    found = []
    for name, title, hint, parts in _TILES:
        names = [f"period.{name}.{which}" for which in ("now", "before", "change")]
        if isinstance(parts, str):
            pair = (Figure(names[0], now[parts]), Figure(names[1], before[parts]))
            change = change_of_count(names[2], now[parts], before[parts])
        else:
            part, whole = parts
            ours, theirs = (now[part], now[whole]), (before[part], before[whole])
            pair = (Figure(names[0], share(*ours), Kind.RATE), Figure(names[1], share(*theirs), Kind.RATE))
            is_clear = course(marts.rows["days"], part, whole, marts.period).chance < RARE
            more = name not in LESS_IS_BETTER
            change = change_of_rate(names[2], ours, theirs, more_is_better=more, is_clear=is_clear)
        is_partial = name == "meetings" and pair[0].value is not None and not marts.rows["meetings"][0]["is_whole"]
        found.append(Tile(title, hint + PARTIAL * is_partial, *pair, as_far_as_loaded(change, *marts.compares())))
    return found


def length(marts: Marts) -> Figure:
    """Return the length of the period in days."""
    return Figure("period.days", marts.period.days)


def emails_per_positive(hero: Tile) -> Figure:
    """Return the emails sent per positive reply; unknown if there is no positive reply."""
    return Figure("period.emails_per_positive", 1 / hero.now.value if hero.now.value else None)


def without_positive(marts: Marts, hero: Tile) -> str:
    """Explain a missing number of emails per positive reply."""
    sent = _sums(marts)[0]["sent"]
    if sent is None or (sent and hero.now.value is None):
        return "Unknown: its stream campaign_analytics_daily was not loaded."
    return "No email led to a positive reply." if sent else "No email was sent."


@dataclass(frozen=True)
class Week:
    """Seven days that end a number of weeks before the end of the period."""

    name: str  # prefix of its figures' names
    start: str
    end: str
    which: str  # its period: this one, the one before, or an earlier one
    sent: Figure
    positive: Figure
    rate: Figure  # positive replies per email sent
    low: Figure  # lower bound of the rate's 95 % interval
    high: Figure  # upper bound


def weeks(marts: Marts) -> list[Week]:
    """Return the trend, oldest week first, without weeks before the first figures."""
    found = []
    for back in reversed(range(TREND_WEEKS)):
        end = marts.period.end - timedelta(days=WEEK * back)
        start = end - timedelta(days=WEEK - 1)
        if start < marts.first_day:
            continue
        days = [row for row in marts.rows["days"] if start <= row["date"] <= end]
        part, whole = total(days, "rate_positive"), total(days, "rate_sent")
        low, high = wilson(part, whole)
        name = f"week.{end.isoformat()}"
        found.append(
            Week(
                name,
                day(start),
                day(end),
                _which(marts, back),
                Figure(f"{name}.sent", total(days, "sent")),
                Figure(f"{name}.positive", total(days, "positive")),
                Figure(f"{name}.rate", share(part, whole), Kind.RATE),
                Figure(f"{name}.low", low, Kind.RATE),
                Figure(f"{name}.high", high, Kind.RATE),
            )
        )
    return found


def _which(marts: Marts, weeks_back: int) -> str:
    oldest = WEEK * (weeks_back + 1)
    if oldest <= marts.period.days:
        return "this period"
    return "period before" if WEEK * weeks_back >= marts.period.days and oldest <= 2 * marts.period.days else "earlier"


@dataclass(frozen=True)
class Stage:
    """A stage of the funnel."""

    name: str
    reached: Figure  # leads that ever reached it
    per_contacted: Figure  # share of the contacted leads that reached it, in campaigns that report both
    contacted: Figure | None  # contacted leads of the campaigns that report both, if not all do


def funnel(marts: Marts) -> list[Stage]:
    """Return the stages of the funnel since the beginning, from Contacted on."""
    rows = [row for row in marts.rows["funnel"] if row["stage_number"] >= CONTACTED]
    everyone = next((row["reached"] for row in rows if row["stage_number"] == CONTACTED), None)
    found = []
    for row in rows:
        name, known = f"funnel.{row['stage_number']}", row["reached"] is not None
        missing = NOT_KNOWN if row["stage_number"] != OPENED else "in part" if known else "not tracked"
        partly = row["contacted"] is not None and row["contacted"] != everyone
        found.append(
            Stage(
                row["stage"],
                Figure(f"{name}.reached", row["reached"], missing=missing),
                Figure(f"{name}.per_contacted", share(row["known"], row["contacted"]), Kind.RATE, missing),
                Figure(f"{name}.contacted", row["contacted"]) if partly and known else None,
            )
        )
    return found


def note_of_leads(marts: Marts) -> Figure:
    """Return the number of leads of all campaigns that ever sent."""
    rows: list[dict[str, Any]] = [row for row in marts.rows["funnel"] if row["stage_number"] < CONTACTED]
    return Figure("funnel.1.reached", rows[0]["reached"] if rows else None)

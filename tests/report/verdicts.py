"""What the report has to say of changes: better, worse, or within chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.report.chance import by_chance, told, weeks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report.chance import Weeks
    from tests.report.counting import Row
    from tests.report.expected import Expected

RATES = {
    "positive_rate": ("daily", "opportunities"),
    "reply_rate": ("daily", "replies"),
    "bounce_rate": ("accounts_daily", "bounced"),
}
"""The rates of the period that have a verdict, and what they are shares of emails sent of."""


def verdicts(expected: Expected) -> Iterator[tuple[str, str]]:
    """Each by its name; of campaigns all are looked at at once."""
    for name, (source, hits) in RATES.items():
        change = expected.values[f"period.{name}.change"]
        if change is not None:
            clear = by_chance(_weeks(expected, getattr(expected, source), hits)) < 0.05
            yield f"period.{name}.change", _word(change, clear=clear, better=name != "bounce_rate")
    courses = {
        f"campaign.{row['campaign_id']}.change": _weeks(
            expected, [day for day in expected.daily if day["campaign_id"] == row["campaign_id"]], "opportunities"
        )
        for row in expected.lifetime
    }
    others = list(courses.values())
    sent = {
        name: found for name, found in courses.items() if all(sum(tries for _, tries in part) for part in found[:2])
    }
    clear = told({name: by_chance(found, others) for name, found in sent.items()})
    for name in sent:
        change = expected.values[name]
        if change is not None:
            yield name, _word(change, clear=name in clear, better=True)


def _weeks(expected: Expected, rows: list[Row], hits: str) -> Weeks:
    days = [(expected.days_back(row), row[hits], row["sent"]) for row in rows]
    (first, last), _ = expected.windows()
    return weeks(days, (last - first).days + 1)


def _word(change: float, *, clear: bool, better: bool) -> str:
    return ("better" if (change > 0) == better else "worse") if clear else "within chance"

"""Expected verdicts on changes: better, worse or within chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.report.chance import Days, by_chance, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report.counting import Row
    from tests.report.expected import Expected

RATES = {
    "positive_rate": ("daily", "opportunities"),
    "reply_rate": ("daily", "replies"),
    "bounce_rate": ("accounts_daily", "bounced"),
}
"""The rates with a verdict: source and numerator; the denominator is emails sent."""


def verdicts(expected: Expected, began: set[int]) -> Iterator[tuple[str, str]]:
    """Return the verdicts by name; campaigns are judged together.

    Args:
        expected: Figures.
        began: Numbers of the workspaces that began after the previous period's start, so that changes mean nothing.
    """
    for name, (source, hits) in RATES.items():
        change = expected.values[f"period.{name}.change"]
        if change is not None and not began:
            clear = by_chance(_days(expected, getattr(expected, source), hits)) < 0.05
            yield f"period.{name}.change", _word(change, clear=clear, better=name != "bounce_rate")
    courses = {
        f"campaign.{row['campaign_id']}.change": _days(
            expected, [day for day in expected.daily if day["campaign_id"] == row["campaign_id"]], "opportunities"
        )
        for row in expected.lifetime
    }
    others = list(courses.values())
    length = expected.length
    of = {f"campaign.{row['campaign_id']}.change": row["workspace"] for row in expected.lifetime}
    sent = {
        name: found
        for name, found in courses.items()
        if of[name] not in began
        and all(any(row[2] and row[0] // length == which for row in found.rows) for which in (0, 1))
    }
    confirmed = told({name: by_chance(found, others) for name, found in sent.items()})
    for name in sent:
        change = expected.values[name]
        if change is not None:
            yield name, _word(change, clear=name in confirmed, better=True)


def _days(expected: Expected, rows: list[Row], hits: str) -> Days:
    found = [(expected.days_back(row), row[hits], row["sent"]) for row in rows]
    return Days([row for row in found if 0 <= row[0] < max(2 * expected.length, 84)], expected.length)


def _word(change: float, *, clear: bool, better: bool) -> str:
    return ("better" if (change > 0) == better else "worse") if clear else "within chance"

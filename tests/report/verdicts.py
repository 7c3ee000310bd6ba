"""Expected verdicts on changes: better, worse or within chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.report.chance import Days, verdicts

if TYPE_CHECKING:
    from tests.report.counting import Row
    from tests.report.expected import Expected

RATES = {
    "positive_rate": ("daily", "opportunities"),
    "reply_rate": ("daily", "replies"),
    "bounce_rate": ("accounts_daily", "bounced"),
}
"""The rates with a verdict: source and numerator; the denominator is emails sent."""


def of_changes(expected: Expected, began: set[int]) -> dict[str, str]:
    """Return the verdicts by name.

    Args:
        expected: Figures.
        began: Numbers of the workspaces that began after the previous period's start, so that changes mean nothing.
    """
    rates = {
        f"period.{name}.change": _days(expected, getattr(expected, source), hits)
        for name, (source, hits) in RATES.items()
    }
    campaigns = {
        f"campaign.{row['campaign_id']}.change": _days(
            expected, [day for day in expected.daily if day["campaign_id"] == row["campaign_id"]], "opportunities"
        )
        for row in expected.lifetime
    }
    left_out = {f"campaign.{row['campaign_id']}.change" for row in expected.lifetime if row["workspace"] in began}
    return verdicts(expected.values, {} if began else rates, campaigns, left_out)


def _days(expected: Expected, rows: list[Row], hits: str) -> Days:
    found = [(expected.days_back(row), row[hits], row["sent"]) for row in rows]
    return Days([row for row in found if 0 <= row[0] < max(2 * expected.length, 84)], expected.length)

"""What happens in the workspace between the two runs."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.tables import Row
    from sandbox.control import Control

NEW_FIELD = "reply_sentiment"
NEW_VALUE = {"label": "positive", "score": 0.93}
ADDED_FIELDS = {"leads": (NEW_FIELD,)}
"""By table, the fields that the API sends from now on and that no schema knows."""

NEW_NAME = 'Autumn, "second wave": 50% off; näher dran'
DAYS_LATE = 3


def change(control: Control, last_day: str) -> list[str]:
    """Change the workspace, and say what was changed.

    Args:
        control: The sandbox's control plane.
        last_day: The last day with activity (YYYY-MM-DD).
    """
    first, second, third, late = _contacted(control, 4)
    campaign = _first_of(control, "campaigns")
    account = _first_of(control, "accounts")
    day = (date.fromisoformat(last_day) - timedelta(days=DAYS_LATE)).isoformat()
    # The field comes first, so that all changed leads carry it.
    control.add_field("leads", NEW_FIELD, NEW_VALUE)
    control.open(first["id"])
    control.open(second["id"])
    control.reply(third["id"])
    control.reply(late["id"], at=f"{day}T12:00:00.000Z")
    # The reply is booked on its day; that the lead has changed now is a matter of the present.
    control.open(late["id"])
    control.add_leads(1, campaign=campaign["id"])
    control.update_campaign(campaign["id"], name=NEW_NAME)
    control.pause_account(account["email"])
    return [
        "2 leads opened a mail, 1 replied, 1 was added",
        f"1 reply came in late, for {day}, a day that run 1 has read",
        f"a campaign was renamed: {NEW_NAME}",
        f"a sending account was paused: {account['email']}",
        f"leads have a new field, {NEW_FIELD}, that no schema knows",
    ]


def _contacted(control: Control, count: int) -> list[Row]:
    """Find leads that have been written to: others can neither open nor reply."""
    leads: Iterator[Row] = (row for row in control.truth("leads") if "campaign" in row and row.get("last_step_id"))
    found = list(islice(leads, count))
    if len(found) < count:
        message = "too few leads have been written to: take more of them with --leads"
        raise DemoError(message)
    return found


def _first_of(control: Control, resource: str) -> Row:
    """Find a campaign or an account that is active."""
    found = next((row for row in control.truth(resource) if row.get("status") == 1), None)
    if found is None:
        message = f"none of the {resource} is active: take more of them with --{resource}"
        raise DemoError(message)
    return found

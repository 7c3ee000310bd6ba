"""Changes the workspace between the two runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from sandbox.control import Control
from tools.demo.errors import DemoError
from tools.demo.tables import Row

NEW_FIELD = "reply_sentiment"
NEW_VALUE = {"label": "positive", "score": 0.93}
ADDED_FIELDS = {"leads": (NEW_FIELD,)}
"""Fields that the changed API sends and no schema declares, by table."""

NEW_NAME = 'Autumn, "second wave": 50% off; näher dran'
DAYS_LATE = 3


def change(control: Control, last_day: str) -> list[str]:
    """Change a workspace whose last activity was on a day (YYYY-MM-DD), and return a description of the changes."""
    first, second, third, late = _contacted(control, 4)
    campaign = _first_of(control, "campaigns")
    account = _first_of(control, "accounts")
    day = (date.fromisoformat(last_day) - timedelta(days=DAYS_LATE)).isoformat()
    # Add the field first, so that all changed leads have it.
    control.add_field("leads", NEW_FIELD, NEW_VALUE)
    control.open(first["id"])
    control.open(second["id"])
    control.reply(third["id"])
    control.reply(late["id"], at=f"{day}T12:00:00.000Z")
    # The reply counts on the day it came, but the lead has changed now.
    control.open(late["id"])
    control.add_leads(1, campaign=campaign["id"])
    control.update_campaign(campaign["id"], name=NEW_NAME)
    control.pause_account(account["email"])
    return [
        "2 leads opened an e-mail, 1 replied, 1 was added",
        f"1 late reply was added to {day}, which run 1 has already read",
        f"a campaign was renamed: {NEW_NAME}",
        f"a sending account was paused: {account['email']}",
        f"leads have a new field, {NEW_FIELD}, which is not in the schema",
    ]


def _contacted(control: Control, count: int) -> list[Row]:
    """Find contacted leads; only these can open or reply."""
    leads: Iterator[Row] = (row for row in control.truth("leads") if "campaign" in row and row.get("last_step_id"))
    found = list(islice(leads, count))
    if len(found) < count:
        message = "too few leads were contacted: increase --leads"
        raise DemoError(message)
    return found


def _first_of(control: Control, resource: str) -> Row:
    """Find an active campaign or account."""
    found = next((row for row in control.truth(resource) if row.get("status") == 1), None)
    if found is None:
        message = f"none of the {resource} is active: increase --{resource}"
        raise DemoError(message)
    return found

"""Expected threads of e-mails."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.figures.expected import is_positive
from tests.figures.truth import as_text

if TYPE_CHECKING:
    from datetime import datetime

    from tests.figures.events import Events
    from tests.figures.expected import Figures
    from tests.figures.truth import Truth
    from tests.figures.world import Row


def threads(events: Events) -> dict[tuple[str, str], Row]:
    """Return the threads in which something was received."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in events.emails:
        groups[one["workspace_id"], one["thread_id"]].append(one)
    loaded = {
        workspace: max(one["_sdc_batched_at"] for one in events.emails if one["workspace_id"] == workspace)
        for workspace in {one["workspace_id"] for one in events.emails}
    }
    return {
        key: _thread(sorted(rows, key=lambda one: (one["at"], one["id"])), loaded[key[0]])
        for key, rows in groups.items()
        if any(one["received"] for one in rows)
    }


def _thread(emails: list[Row], loaded: datetime) -> Row:
    sent = [one["at"] for one in emails if not one["received"]]
    by_hand = [one["at"] for one in emails if one["by_hand"]]
    replies = [one for one in emails if one["received"] and not one["automatic"]]
    first = replies[0] if replies else {"at": None, "from": None, "account": None, "subject": None}
    before = [at for at in sent if first["at"] and at <= first["at"]]
    answer = min((at for at in by_hand if first["at"] and at >= first["at"]), default=None)
    waiting = [one["at"] for one in replies if not by_hand or one["at"] > by_hand[-1]]
    lead = max((one["lead_email"] for one in emails if one["lead_email"]), default=None)
    return {
        "lead_id": max((one["lead_id"] for one in emails if one["lead_id"]), default=None),
        "lead_email": lead,
        "campaign_id": max((one["campaign_id"] for one in emails if one["campaign_id"]), default=None),
        "sender_email": first["account"],
        "subject": first["subject"],
        "emails_count": len(emails),
        "sent_count": len(sent),
        "sent_by_hand_count": len(by_hand),
        "reply_count": len(replies),
        "automatic_reply_count": sum(bool(one["automatic"]) for one in emails),
        "first_sent_at": min(sent, default=None),
        "last_sent_at": max(sent, default=None),
        "first_replied_at": first["at"],
        "first_replied_by": first["from"],
        "is_replied_by_lead": first["from"] == lead if first["from"] and lead else None,
        "hours_to_reply": _hours(max(before, default=None), first["at"]),
        "first_answered_at": answer,
        "hours_to_answer": _hours(first["at"], answer),
        "last_replied_at": replies[-1]["at"] if replies else None,
        "is_waiting": bool(waiting),
        "waiting_since": waiting[0] if waiting else None,
        "hours_waiting": _hours(waiting[0], loaded) if waiting else None,
    }


def _hours(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() / 3600 if start and end else None


def figures(truth: Truth, found: dict[tuple[str, str], Row]) -> Figures:
    """Return the expected columns of each thread."""
    leads = {row["id"]: row for row in truth.streams["leads"]}
    expected: Figures = {}
    for key, thread in found.items():
        lead = leads.get(thread["lead_id"])
        row = {name: as_text(value) if name.endswith(("_at", "_since")) else value for name, value in thread.items()}
        row["interest_status_code"] = lead["lt_interest_status"] if lead else None
        if lead and is_positive(truth, lead):
            row["interest"] = "positive"
        expected |= {("instantly__threads", *key, name): value for name, value in row.items()}
    return expected

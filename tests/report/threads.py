"""Threads that wait for an answer, counted from the sandbox's emails."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

from tests.report.words import day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.report.counting import Row, Values

BY_HAND, RECEIVED = 3, 2


def at(email: Row) -> datetime:
    return datetime.fromisoformat(email["timestamp_email"].replace("Z", "+00:00")).replace(tzinfo=None)


def waiting(
    emails: Iterable[Row], leads: Iterable[Row], campaigns: Mapping[str, Row], loaded_at: datetime
) -> tuple[Values, dict[str, str]]:
    """Return the figures and words of the threads that wait, by name.

    Args:
        emails: Emails of all workspaces, each with the workspace's name as `workspace`.
        leads: Leads of all workspaces.
        campaigns: Campaigns by their id.
        loaded_at: Time of the load.
    """
    interest = {row["id"]: row.get("lt_interest_status") for row in leads}
    threads: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for email in emails:
        threads[email["organization_id"], email["thread_id"]].append(email)
    values: Values = {"threads.waiting": 0, "threads.more": 0}
    words: dict[str, str] = {}
    for (workspace, thread), rows in threads.items():
        answered = max((at(one) for one in rows if one["ue_type"] == BY_HAND), default=datetime.min)  # noqa: DTZ901
        replies = sorted((one for one in rows if one["ue_type"] == RECEIVED and one.get("is_auto_reply") != 1), key=at)
        since = [at(one) for one in replies if at(one) > answered]
        status = next((interest.get(one["lead_id"]) for one in rows if one.get("lead_id")), None)
        if not since or (status or 0) < 0:
            continue
        name = f"thread.{workspace}.{thread}"
        values["threads.waiting"] = (values["threads.waiting"] or 0) + 1
        values[f"{name}.hours"] = (loaded_at - since[0]).total_seconds() / 3600
        words |= {
            f"{name}.lead": rows[0]["lead"],
            f"{name}.workspace": rows[0]["workspace"],
            f"{name}.interest": "not marked" if status is None else "positive" if status > 0 else "neutral",
            f"{name}.subject": replies[0]["subject"],
            f"{name}.campaign": campaigns[rows[0]["campaign_id"]]["name"],
            f"{name}.since": f"{day(since[0])}, {since[0]:%H:%M}",
        }
    return values, words

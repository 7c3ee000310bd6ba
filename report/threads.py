"""Threads of emails that wait for an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from report.database import Row
from report.figures import Figure, Kind, day
from report.scope import name_of

SHOWN = 25
"""Maximum number on the page."""


@dataclass(frozen=True)
class Thread:
    """A thread whose last replies nobody has answered by hand; `key` names its words and figure."""

    key: str
    lead: str
    workspace: str
    interest: str
    subject: str
    campaign: str
    since: str
    hours: Figure


@dataclass(frozen=True)
class Threads:
    """The threads that wait."""

    are_loaded: bool  # true if any reply was loaded; otherwise nothing is known of threads
    waiting: Figure  # number of threads that wait
    shown: Sequence[Thread]
    more: Figure  # number of the others


def threads(rows: Mapping[str, Sequence[Row]]) -> Threads:
    """Return the threads that wait, from the rows of the queries by name."""
    (loaded,) = rows["threads_loaded"]
    waiting = len(rows["threads"]) if loaded["threads"] else None
    return Threads(
        bool(loaded["threads"]),
        Figure("threads.waiting", waiting),
        [_thread(row) for row in rows["threads"][:SHOWN]],
        Figure("threads.more", max(0, len(rows["threads"]) - SHOWN)),
    )


def _thread(row: Row) -> Thread:
    key = f"thread.{row['workspace_id']}.{row['thread_id']}"
    return Thread(
        key,
        row["lead_email"] or "Unknown",
        name_of(row),
        row["interest"] or "not marked",
        row["subject"] or "",
        row["campaign_name"] or "",
        f"{day(row['waiting_since'])}, {row['waiting_since']:%H:%M}",
        Figure(f"{key}.hours", row["hours_waiting"], Kind.HOURS),
    )

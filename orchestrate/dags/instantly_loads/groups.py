"""Streams and states of each run of Meltano."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

LOADER = os.environ.get("INSTANTLY_LOADER") or "target-postgres"
ENVIRONMENT = os.environ.get("MELTANO_ENVIRONMENT") or "prod"

TOGETHER, APART = "together", "apart"
MODE = os.environ.get("INSTANTLY_LOADS") or TOGETHER
"""Mode: one run loads all workspaces, or each workspace and group of streams has a run of its own."""

if MODE not in {TOGETHER, APART}:
    message = f"INSTANTLY_LOADS must be {TOGETHER} or {APART}"
    raise ValueError(message)

LONGEST_PART = 100
"""Characters of a workspace in a state id. Meltano makes folders of state ids, whose names have 255 bytes at most."""


@dataclass(frozen=True)
class Group:
    """Streams that one run reads.

    Attributes:
        name: Part of the state id; renaming a group restarts it from the beginning.
        requests: Requests a second to one workspace. The groups of a workspace run at the same time with one key, and
            the API allows 100 in all.
        streams: Patterns of stream names, matched against the streams that the project selects. A group without
            patterns reads the selected streams that no other group reads.
        pool: Airflow pool. Its slots limit these runs across all workspaces.
    """

    name: str
    requests: int
    streams: tuple[str, ...] = ()
    pool: str = "instantly"


GROUPS = (
    Group("leads", 50, ("leads",)),
    Group(
        "analytics", 20, ("campaign_analytics*", "subsequence_analytics*", "account_analytics_daily", "account_warmup*")
    ),
    Group("lists", 15),
)
EMAILS = Group("emails", 5, ("emails",), pool="instantly_emails")
"""The API returns 20 pages of e-mails a minute, so the first load takes hours. A separate DAG loads them, so that
neither the models nor the next run of the main DAG wait."""

BY_NAME = {group.name: group for group in (*GROUPS, EMAILS)}

UNITS = {"all": GROUPS} if MODE == TOGETHER else {group.name: (group,) for group in GROUPS}
"""Groups that the main DAG loads in one run, by the name of the run."""


def filters(groups: Sequence[Group]) -> list[str]:
    """Return the Meltano options that select the streams of these groups and keep the project's column selection."""
    if all(group.streams for group in groups):
        return [f"--select={stream}" for group in groups for stream in group.streams]
    return [f"--exclude={stream}" for other in BY_NAME.values() if other not in groups for stream in other.streams]


def state_id(unit: str, workspace: str = "") -> str:
    """Return the state id of a load: of one workspace, or of all.

    Another environment or loader is another warehouse, so it starts from scratch.
    """
    parts = [ENVIRONMENT, LOADER, *([_short(workspace)] if workspace else []), unit]
    return ":".join(parts)


def _short(workspace: str) -> str:
    """Return a workspace as part of a state id, without a colon and not too long."""
    quoted = quote(workspace, safe="")
    if len(quoted) <= LONGEST_PART:
        return quoted
    return f"{quoted[: LONGEST_PART // 2]}~{hashlib.sha256(workspace.encode()).hexdigest()[:16]}"

"""The audit log: the only trace that deletions leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.clock import stamp, uuid7
from sandbox.entities import compact

if TYPE_CHECKING:
    from random import Random

    from sandbox.paging import Row
    from sandbox.world import World

LOGIN, LEAD_DELETION, CAMPAIGN_DELETION, LAUNCH, PAUSE, ACCOUNT_ADDITION, ACCOUNT_DELETION = range(1, 8)
LEAD_MOVED, LEAD_ADDED, LEAD_MERGED, CAMPAIGN_UPDATE, SUBSEQUENCE_UPDATE = range(8, 13)
WEBHOOK_CREATED, WEBHOOK_UPDATED, WEBHOOK_ERROR, WEBHOOK_RESUMED = range(18, 22)
# What else the documentation knows, and no one would want to tell apart here.
OTHERS = (22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40, 41, 42, 43, 44, 45)

AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Sandbox/1.0", "sandbox-client/2.3")
USER_NAMES = ("Ada Aldermoor", "Ivo Larkspur", "Tilda Wintergreen")


def entry(world: World, rng: Random, moment: int, activity: int, **about: Any) -> Row:
    """Make one entry; `about` names what it is about."""
    turn = rng.randrange(len(world.users))
    from_api = bool(about.pop("from_api", False))
    return compact(
        {
            "id": uuid7(rng, moment),
            "timestamp": stamp(moment),
            "organization_id": world.organization,
            "activity_type": activity,
            "user_agent": AGENTS[from_api],
            "user_id": None if from_api else world.users[turn],
            # The range is kept for documentation.
            "ip_address": f"203.0.113.{rng.randrange(1, 255)}",
            "from_api": from_api,
            "user_name": None if from_api else USER_NAMES[turn],
            **about,
        }
    )


def record(world: World, activity: int, at: int | None = None, **about: Any) -> None:
    """Write down something that is being done to the workspace."""
    row = entry(world, world.rng(f"audit:{world.mutations}:{activity}"), world.moment(at), activity, **about)
    world.collection("audit_logs")[row["id"]] = row

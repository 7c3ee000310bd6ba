"""Workspaces of a sandbox. The first has the others in its group, like the admin workspace of an agency.

Members follow from the seed alone, so that listing them creates no workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from sandbox.clock import DAY_MS, uuid4
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS

MAIN, MAIN_TITLE = "main", "Harbor & Loom"
ACCEPTED, PENDING, REJECTED = "accepted", "pending", "rejected"
STATUSES = (ACCEPTED, ACCEPTED, PENDING, ACCEPTED, REJECTED)
# Even the last of many members does not join in the future.
JOINING_DAYS = 450


@dataclass(frozen=True)
class Member:
    """A workspace in the group of another."""

    id: str
    organization: str
    title: str
    status: str
    invited: int


def random_of(seed: int, workspace: str, purpose: str) -> Random:
    """Return a separate source of randomness for each purpose of each workspace."""
    return Random(f"{seed}:{workspace}:{purpose}")


def draw_member(rng: Random, number: int) -> Member:
    """Invent a member of a group."""
    invited = (30 + 9 * number % JOINING_DAYS) * DAY_MS + rng.randrange(DAY_MS)
    ids = uuid4(rng), uuid4(rng)
    title = f"{rng.choice(COMPANY_STEMS)} {rng.choice(COMPANY_KINDS)}"
    return Member(*ids, title, STATUSES[number % len(STATUSES)], invited)


@lru_cache(maxsize=16)
def members_of(seed: int, workspaces: int) -> Mapping[str, Member]:
    """Return all workspaces but the first, by name, as members of its group."""
    rng = random_of(seed, MAIN, "workspace_group_members")
    return {
        name: replace(draw_member(rng, number), organization=uuid4(random_of(seed, name, "workspace")))
        for number, name in enumerate(f"workspace-{place:03d}" for place in range(2, workspaces + 1))
    }

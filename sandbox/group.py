"""The workspaces of a sandbox: one that has the others in its group, as the admin workspace of an agency does.

Who they are follows from the seed alone, so that nobody needs to make a workspace to know of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from sandbox.clock import DAY_MS, uuid4
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN = "main"
MAIN_TITLE = "Harbor & Loom"
ACCEPTED, PENDING, REJECTED = "accepted", "pending", "rejected"
STATUSES = (ACCEPTED, ACCEPTED, PENDING, ACCEPTED, REJECTED)
# However many members there are, none joins in the future.
JOINING_DAYS = 450


@dataclass(frozen=True)
class Member:
    """A workspace in the group of another.

    Attributes:
        id: Id of the membership.
        organization: Id of the workspace.
        title: What the workspace is called.
        status: What became of the invitation.
        invited: When it was invited, in milliseconds since the admin workspace was made.
    """

    id: str
    organization: str
    title: str
    status: str
    invited: int


def random_of(seed: int, workspace: str, purpose: str) -> Random:
    """Give a source of randomness of its own to each purpose of each workspace."""
    return Random(f"{seed}:{workspace}:{purpose}")


def draw_member(rng: Random, number: int) -> Member:
    """Invent a member of a group."""
    return Member(
        invited=(30 + 9 * number % JOINING_DAYS) * DAY_MS + rng.randrange(DAY_MS),
        id=uuid4(rng),
        organization=uuid4(rng),
        title=f"{rng.choice(COMPANY_STEMS)} {rng.choice(COMPANY_KINDS)}",
        status=STATUSES[number % len(STATUSES)],
    )


@lru_cache(maxsize=16)
def members_of(seed: int, workspaces: int) -> Mapping[str, Member]:
    """Give all workspaces but the first, by name, as the first one knows them."""
    rng = random_of(seed, MAIN, "workspace_group_members")
    return {
        name: replace(draw_member(rng, number), organization=uuid4(random_of(seed, name, "workspace")))
        for number, name in enumerate(f"workspace-{place:03d}" for place in range(2, workspaces + 1))
    }

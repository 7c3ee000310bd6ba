"""What subsequences did.

A campaign's counts include those of its subsequences, so these are a fixed share of them, and they move when the
campaign's do. Steps and variants are counted from zero here, where campaigns count steps from one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.ledger import EVER, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.ledger import Counts, Step
    from sandbox.paging import Row
    from sandbox.world import World

ONE_IN = 8
METRICS = {
    "sent": "sent",
    "opened": "opened",
    "unique_opened": "unique_opened",
    "replies": "replies",
    "unique_replies": "unique_replies",
    "replies_automatic": "automatic",
    "unique_replies_automatic": "unique_automatic",
    "clicks": "clicks",
    "unique_clicks": "unique_clicks",
}


def _place(world: World, row: Row) -> int:
    """Tell the place of a subsequence among those of its campaign; the first takes the largest share."""
    rows = world.collection("subsequences").values()
    return sorted(other["id"] for other in rows if other["parent_campaign"] == row["parent_campaign"]).index(row["id"])


def _from_zero(step: Step) -> Row:
    number, variant = step
    return {"step": None if number is None else str(int(number) - 1), "variant": variant}


def step_rows(world: World, row: Row, window: Window = EVER) -> Iterator[Row]:
    """Show each step and variant in which anything happened."""
    part = ONE_IN * (1 + _place(world, row))
    counts: Counts
    for step, counts in world.ledger(row["parent_campaign"]).by_step(window).items():
        shares = {name: counts[source] // part for name, source in METRICS.items()}
        if any(shares.values()):
            yield _from_zero(step) | shares


def totals(world: World, row: Row) -> Row:
    """Sum the steps up, under the names the overview has for them."""
    steps = list(step_rows(world, row))
    names = {"emails_sent": "sent", "unique_opens": "unique_opened", "unique_replies": "unique_replies"}
    return {"subsequence_id": row["id"]} | {name: sum(step[of] for step in steps) for name, of in names.items()}

"""Every row there is, as the lists would render it: what a copy of the workspace must equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.analytics import campaign_rows, daily_rows, overview, step_rows
from sandbox.answers import dumps
from sandbox.areas import TRUTH
from sandbox.ledger import EVER
from sandbox.listings import LISTINGS, whole_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.paging import Row
    from sandbox.world import World


def _listed(world: World, resource: str, **query: str) -> Iterator[Row]:
    listing = LISTINGS[resource]
    return (listing.present(row, query) for row in listing.select(world.rows(resource), {}))


def _overview(world: World) -> Iterator[Row]:
    """Give the overview of each campaign that ever sent, with the campaign it does not name itself."""
    for row in campaign_rows(world):
        campaign = world.campaigns[row["campaign_id"]]
        yield {"campaign_id": row["campaign_id"], **overview(world, [campaign], EVER, expand=False)}


def _daily(world: World) -> Iterator[Row]:
    """Give the daily rows of each campaign, with the campaign they do not name themselves."""
    for campaign in world.campaigns:
        for row in daily_rows(world, [world.ledger(campaign)]):
            yield {"campaign_id": campaign, **row}


def _steps(world: World, *, opportunities: bool) -> Iterator[Row]:
    for campaign in world.campaigns:
        for row in step_rows(world, [world.ledger(campaign)], opportunities=opportunities):
            yield {"campaign_id": campaign, **row}


RESOURCES = {
    "workspace": lambda world: world.rows("workspace"),
    "campaigns": lambda world: _listed(world, "campaigns"),
    "accounts": lambda world: _listed(world, "accounts"),
    "accounts_with_tags": lambda world: _listed(world, "accounts", include_tags="true"),
    "account_details": lambda world: map(whole_account, world.rows("accounts")),
    "lead_lists": lambda world: _listed(world, "lead_lists"),
    "leads": None,
    "campaign_analytics": campaign_rows,
    "campaign_analytics_overview": _overview,
    "campaign_analytics_daily": _daily,
    "campaign_analytics_steps": lambda world: _steps(world, opportunities=False),
    "campaign_analytics_steps_with_opportunities": lambda world: _steps(world, opportunities=True),
    "workspace_analytics_daily": lambda world: daily_rows(world, world.ledgers() + world.ghosts),
    **TRUTH,
}


def lines(world: World, resource: str) -> Iterable[str]:
    """Give the rows of a resource as JSON, one by one."""
    source = RESOURCES[resource]
    return world.leads.rows() if source is None else map(dumps, source(world))

"""Subsequences with their analytics.

A campaign's counts include those of its subsequences, so these are a fixed share of them and change with the
campaign's. Steps and variants are counted from zero; campaigns count steps from one.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from sandbox.answers import not_found, reply
from sandbox.api import Area, each, get, resource, update
from sandbox.areas.analytics import STEPS, read_days, rename
from sandbox.areas.campaigns import make_schedule, make_sequences
from sandbox.clock import DAY_MS, parse_stamp, stamp, uuid4
from sandbox.ledger import EVER, Window
from sandbox.lists import Listing, contains, equals
from sandbox.records import Row, at_every
from sandbox.workspaces import ApiRequest
from sandbox.world import World

ONE_IN = 8
CONDITIONS: tuple[Row, ...] = (
    {"crm_status": [1, 2]},
    {"lead_activity": [2, 4]},
    {"reply_contains": "later"},
    {"crm_status": [7001], "lead_activity": [91]},
)


def _make(world: World) -> Iterator[Row]:
    """Create a subsequence for every campaign whose leads name one, and further ones for some."""
    rng = world.rng("subsequences")
    ids = [
        (group.id, subsequence)
        for number, group in enumerate(group for group in world.leads.groups if group.is_campaign)
        for subsequence in (group.step_ids[0], *(uuid4(rng) for _ in range(number % 3 // 2)))
    ]
    for number, (campaign_id, subsequence_id) in enumerate(ids):
        campaign = world.campaigns[campaign_id]
        created = parse_stamp(campaign["timestamp_created"]) + rng.randrange(DAY_MS)
        mode = ("inherit", "custom", "unlimited")[number % 3]
        variants = tuple(1 + number % 2 for _ in range(1 + number % 2))
        yield {
            "id": subsequence_id,
            "timestamp_created": stamp(created),
            "parent_campaign": campaign_id,
            "workspace": world.organization,
            "status": campaign["status"],
            "timestamp_leads_updated": stamp(min(world.horizon, created + rng.randrange(20 * DAY_MS))),
            "name": f"{campaign['name']}: after the reply" + (f" ({number})" if number % 2 else ""),
            "conditions": CONDITIONS[number % len(CONDITIONS)],
            "subsequence_schedule": at_every(number, 2, make_schedule(number, created // DAY_MS)),
            "sequences": at_every(number // 5, 2, make_sequences(rng, variants)),
            "auto_variant_select": at_every(number, 4, {"trigger": "click_rate"}, 1),
            "daily_limit_mode": mode,
            "daily_limit": 20 + number if mode == "custom" else None,
            "ignore_account_daily_limit": at_every(number, 3, value=number % 2 == 0),
        }


SUBSEQUENCES = Listing(
    "subsequences",
    filters={
        "parent_campaign": equals("parent_campaign"),
        "parent_campaign_not": equals("parent_campaign", negate=True),
        "search": contains("name"),
    },
)


def _siblings(world: World, campaign_id: str) -> list[str]:
    return sorted(row["id"] for row in world.children("subsequences", "parent_campaign", campaign_id))


def _shares(world: World, key: str, window: Window = EVER) -> Iterator[Row]:
    """Yield each step and variant with any events; the first subsequence of a campaign has the largest share."""
    campaign_id = world.collection("subsequences")[key]["parent_campaign"]
    part = ONE_IN * (1 + _siblings(world, campaign_id).index(key))
    for (step, variant), counts in world.ledger(campaign_id).by_step(window).items():
        shares = {name: count // part for name, count in rename(counts, STEPS).items()}
        if any(shares.values()):
            yield {"step": None if step is None else str(int(step) - 1), "variant": variant} | shares


def _totals(world: World, campaign_id: str) -> Iterator[Row]:
    """Yield the sums of the steps of each subsequence of a campaign, with the names of the overview."""
    names = {"emails_sent": "sent", "unique_opens": "unique_opened", "unique_replies": "unique_replies"}
    for key in _siblings(world, campaign_id):
        steps = list(_shares(world, key))
        sums = {name: sum(step[of] for step in steps) for name, of in names.items()}
        yield {"subsequence_id": key} | sums | world.extra["subsequence_analytics"]


def _get_analytics(request: ApiRequest) -> Response:
    campaign_id = request.required("campaign_id")
    if campaign_id not in request.world.campaigns:
        raise not_found()
    return reply(list(_totals(request.world, campaign_id)))


def _steps(world: World, key: str, window: Window = EVER) -> Iterator[Row]:
    return (step | world.extra["subsequence_analytics_steps"] for step in _shares(world, key, window))


def _get_steps(request: ApiRequest) -> Response:
    key = request.row("subsequences")["id"]
    return reply(list(_steps(request.world, key, read_days(request.query))))


def _update(world: World, id: str, at: int | None = None, **fields: object) -> Row:  # noqa: A002 - the API's name for it
    return {"subsequence": update(world, "subsequences", id, at, "timestamp_leads_updated", **fields)}


AREA = resource("/subsequences", SUBSEQUENCES, _make) + Area(
    endpoints=(
        get("/subsequences/analytics", _get_analytics, "subsequences:read"),
        get("/subsequences/{key}/analytics/steps", _get_steps, "subsequences:read"),
    ),
    truth={
        "subsequence_analytics": each("campaigns", "campaign_id", _totals),
        "subsequence_analytics_steps": each("subsequences", "subsequence_id", _steps),
    },
    mutations={"update_subsequence": _update},
)

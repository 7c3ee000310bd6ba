"""Subsequences with their analytics, why something is not sending, and how many campaigns were launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.answers import invalid, not_found, reply
from sandbox.api_analytics import read_days
from sandbox.api_lists import get_list, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.clock import DAY_MS, parse_stamp, stamp, uuid4
from sandbox.entities import DRAFT, at_every, compact, make_schedule, make_sequences
from sandbox.ledger import EVER, Window
from sandbox.listings import contains, equals
from sandbox.mutations import instant
from sandbox.paging import Listing, id_cursor
from sandbox.sending import sending_status
from sandbox.subsequence_stats import step_rows, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row
    from sandbox.world import World

CONDITIONS: tuple[Row, ...] = (
    {"crm_status": [1, 2]},
    {"lead_activity": [2, 4]},
    {"reply_contains": "later"},
    {"crm_status": [7001], "lead_activity": [91]},
)


def _make(world: World) -> dict[str, Row]:
    """Make one for every campaign with leads, which name it, and further ones for some."""
    rng, rows = world.rng("subsequences"), {}
    ids = [
        (box.id, subsequence)
        for number, box in enumerate(box for box in world.leads.boxes if box.is_campaign)
        for subsequence in (box.step_ids[0], *(uuid4(rng) for _ in range(number % 3 // 2)))
    ]
    for number, (campaign_id, subsequence_id) in enumerate(ids):
        campaign = world.campaigns[campaign_id]
        created = parse_stamp(campaign["timestamp_created"]) + rng.randrange(DAY_MS)
        mode = ("inherit", "custom", "unlimited")[number % 3]
        variants = tuple(1 + number % 2 for _ in range(1 + number % 2))
        row = compact(
            {
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
        )
        rows[row["id"]] = row
    return rows


SUBSEQUENCES = Listing(
    resource="subsequences",
    scope="subsequences",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "parent_campaign": equals("parent_campaign", str),
        "parent_campaign_not": equals("parent_campaign", str, negate=True),
        "search": contains("name"),
    },
)


def _of_campaign(world: World, campaign_id: str) -> Iterator[Row]:
    rows = world.collection("subsequences").values()
    for row in sorted((row for row in rows if row["parent_campaign"] == campaign_id), key=lambda row: str(row["id"])):
        yield totals(world, row) | world.extra["subsequence_analytics"]


def _get_analytics(call: Call) -> Response:
    campaign_id = call.query.get("campaign_id")
    if not campaign_id:
        message = "querystring must have required property 'campaign_id'"
        raise invalid(message)
    if campaign_id not in call.world.campaigns:
        raise not_found()
    return reply(list(_of_campaign(call.world, campaign_id)))


def _steps(world: World, row: Row, window: Window = EVER) -> Iterator[Row]:
    return (step | world.extra["subsequence_analytics_steps"] for step in step_rows(world, row, window))


def _get_steps(call: Call) -> Response:
    row = call.world.collection("subsequences").get(call.path["key"])
    if row is None:
        raise not_found()
    return reply(list(_steps(call.world, row, read_days(call.query))))


def _get_status(resource: str) -> Callable[[Call], Response]:
    def handler(call: Call) -> Response:
        row = call.world.collection(resource).get(call.path["key"])
        if row is None:
            raise not_found()
        return reply(sending_status(call.world, row, advice=call.query.get("with_ai_summary") == "true"))

    return handler


def _statuses(resource: str, name: str) -> Callable[[World], Iterator[Row]]:
    """Give the status of each, with the id of what it is about."""

    def rows(world: World) -> Iterator[Row]:
        return ({name: row["id"], **sending_status(world, row)} for row in world.collection(resource).values())

    return rows


def _launched(world: World) -> Row:
    """Count what was launched; that this means everything but drafts is a guess."""
    return {"count": sum(row["status"] != DRAFT for row in world.campaigns.values())}


def _all_analytics(world: World) -> Iterator[Row]:
    for campaign_id in world.campaigns:
        for row in _of_campaign(world, campaign_id):
            yield {"campaign_id": campaign_id, **row}


def _all_steps(world: World) -> Iterator[Row]:
    for row in world.collection("subsequences").values():
        for step in _steps(world, row):
            yield {"subsequence_id": row["id"], **step}


def _touch(world: World, id: str, at: str | None = None, **fields: object) -> Row:  # noqa: A002 - the API's name for it
    rows = world.collection("subsequences")
    known(rows, id)
    world.mutation_rng()
    rows[id] = compact(rows[id] | {"timestamp_leads_updated": stamp(world.moment(instant(at)))} | fields)
    return {"subsequence": rows[id]}


AREA = Area(
    operations=(
        Operation("GET", "/subsequences", get_list(SUBSEQUENCES), "subsequences:read"),
        Operation("GET", "/subsequences/analytics", _get_analytics, "subsequences:read"),
        Operation("GET", "/subsequences/{key}", get_one("subsequences"), "subsequences:read"),
        Operation("GET", "/subsequences/{key}/analytics/steps", _get_steps, "subsequences:read"),
        Operation("GET", "/subsequences/{key}/sending-status", _get_status("subsequences"), "subsequences:read"),
        Operation("GET", "/campaigns/{key}/sending-status", _get_status("campaigns"), "campaigns:read"),
        Operation("GET", "/campaigns/count-launched", lambda call: reply(_launched(call.world)), "campaigns:read"),
    ),
    tables={"subsequences": _make},
    truth={
        "subsequences": listed(SUBSEQUENCES),
        "subsequence_analytics": _all_analytics,
        "subsequence_analytics_steps": _all_steps,
        "subsequence_sending_status": _statuses("subsequences", "subsequence_id"),
        "campaign_sending_status": _statuses("campaigns", "campaign_id"),
        "campaigns_launched": lambda world: [_launched(world)],
    },
    changes={"update_subsequence": _touch},
)

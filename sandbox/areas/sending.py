"""Subsequences with their analytics, and the sending status of campaigns and subsequences.

A campaign's counts include those of its subsequences, so these are a fixed share of them and change with the
campaign's. Steps and variants are counted from zero; campaigns count steps from one. Sending status spells nulls out.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.answers import existing
from sandbox.api import ApiRequest, Area, changes, figures, get, resource, single, truth, update
from sandbox.areas.analytics import STEPS, read_days, rename
from sandbox.areas.campaigns import DRAFT, make_schedule, make_sequences
from sandbox.clock import DAY_MS, parse_stamp, stamp, uuid4
from sandbox.ledger import EVER, Window
from sandbox.lists import Listing, equals, fields
from sandbox.records import Data, Row
from sandbox.world import World

ONE_IN = 8
DATA = Data(__file__)


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
        variants = tuple(1 + number % 2 for _ in range(1 + number % 2))
        updated = min(world.horizon, created + rng.randrange(20 * DAY_MS))
        values: Row = {"key": subsequence_id, "campaign": campaign, "created": created, "updated": updated}
        values["name"] = f"{campaign['name']}: after the reply" + (f" ({number})" if number % 2 else "")
        values["schedule"] = make_schedule(number, created // DAY_MS)
        sequences = make_sequences(rng, variants)
        values |= {"sequences": None if number // 5 % 2 else sequences, "limit": 20 + number}
        yield DATA.make("subsequence", number, world=world, **values)


FILTERS = fields(texts="parent_campaign", search="name")
FILTERS |= {"parent_campaign_not": equals("parent_campaign", negate=True)}
SUBSEQUENCES = Listing("subsequences", filters=FILTERS)


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


def _get_analytics(request: ApiRequest) -> object:
    campaign_id = request.required("campaign_id")
    existing(request.world.campaigns.get(campaign_id))
    return list(_totals(request.world, campaign_id))


# Status of a campaign -> the reason and its text; `slow` are reasons that slow down an active campaign.
REASONS, SLOW = DATA["reasons"], DATA["slow"]


def _status(world: World, row: Row, *, advice: bool = False) -> Row:
    """Return the sending status, all null for drafts."""
    status, message = REASONS[str(row["status"])]
    number = int(row["id"][:4], 16)
    if status == "healthy":
        status, message = SLOW[number % len(SLOW)]
    if status is None:
        return {"diagnostics": None, "summary": None}
    healthy, updated = status == "healthy", row.get("timestamp_updated") or row["timestamp_leads_updated"]
    sent_on = None if status == "waiting_for_leads" else stamp(parse_stamp(updated) // 1000 * 1000)
    campaign = world.campaigns[row.get("parent_campaign") or row["id"]]
    values: Row = {"status": status, "message": message, "updated": updated, "sent_on": sent_on, "campaign": campaign}
    values |= {"since": None if healthy else updated, "loops": 0 if healthy else 1 + number % 9, "advice": advice}
    values |= {"is_subsequence": "parent_campaign" in row, "in_schedule": status != "out_of_schedule"}
    found = DATA.make("status", row=row, **values)
    # Outside its schedule, the API reports no further reasons.
    found["diagnostics"] |= {} if status == "out_of_schedule" else _limits(world, campaign, status, number)
    return found


def _limits(world: World, campaign: Row, status: str, number: int) -> Row:
    day = world.ledger(campaign["id"]).total(Window(world.until, world.until + 1))
    senders, most = len(campaign.get("email_list", ())), campaign.get("daily_max_leads")
    gone, limited = min(senders, number % 2), most is not None
    values = {"senders": senders, "available": senders - gone, "gone": gone, "limit": campaign.get("daily_limit", 0)}
    values |= {"limited": limited, "most": most, "most_hit": most is not None and day["new"] >= most}
    values |= {"limit_hit": status == "daily_limit_met", "waiting": status == "waiting_for_leads"}
    values |= {"wait": number if number % 12 else None, "routing": "provider_routing_rules" in campaign}
    return DATA.make("limits", number, day=day, **values)


def _statuses(resource: str, name: str) -> Area:
    def handler(request: ApiRequest) -> object:
        return _status(request.world, request.row(resource), advice=request.flag("with_ai_summary"))

    def rows(world: World, key: str) -> list[Row]:
        return [_status(world, world.collection(resource)[key])]

    endpoint = get(f"/{resource}/{{key}}/sending-status", handler, f"{resource}:read")
    return endpoint + truth(f"{name}_sending_status", rows, resource, f"{name}_id")


def _launched(world: World) -> Row:
    """Count the launched campaigns; that these are all but drafts is a guess."""
    return {"count": sum(row["status"] != DRAFT for row in world.campaigns.values())}


def _update_subsequence(world: World, id: str, at: int | None = None, **changes: object) -> Row:
    return {"subsequence": update(world, "subsequences", id, at, "timestamp_leads_updated", **changes)}


STEPS_PATH, OF = "/subsequences/{key}/analytics/steps", ("subsequences", "subsequence_id")
AREA = (
    resource("/subsequences", SUBSEQUENCES, _make)
    + figures(STEPS_PATH, "subsequence_analytics_steps", _shares, OF, "subsequences:read", read_days)
    + single("/campaigns/count-launched", "campaigns_launched", _launched, "campaigns:read")
    + _statuses("subsequences", "subsequence")
    + _statuses("campaigns", "campaign")
    + get("/subsequences/analytics", _get_analytics, "subsequences:read")
    + truth("subsequence_analytics", _totals, "campaigns", "campaign_id")
    + changes(_update_subsequence)
)

"""Campaigns and lead lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from sandbox.answers import require
from sandbox.api import ApiRequest, Handler, changes, post, resource
from sandbox.areas import journal
from sandbox.clock import DAY_MS, HOUR_MS, uuid4
from sandbox.ledger import CampaignPlan
from sandbox.lists import BY_TIME, Listing, equals, fields, parse_number, tagged
from sandbox.records import Data, Row
from sandbox.words import BODIES, CAMPAIGN_NAMES, LIST_NAMES, SUBJECTS, named
from sandbox.world import World

DRAFT, ACTIVE, PAUSED, COMPLETED = 0, 1, 2, 3
DATA = Data(__file__)
STATUSES = DATA["statuses"]
# Campaigns that will send again, and so have activity up to the last day.
RUNNING = frozenset({1, 4, -1})


def make_schedule(number: int, first_day: int) -> Row:
    """Create a sending schedule for working days."""
    return DATA.make("schedule", number, first=first_day * DAY_MS)


def make_sequences(rng: Random, variants: Sequence[int]) -> list[Row]:
    """Create the e-mail texts: one sequence, because only the first counts."""
    steps = []
    for step, count in enumerate(variants):
        copies: list[Row] = [{"subject": rng.choice(SUBJECTS), "body": rng.choice(BODIES)} for _ in range(count)]
        if count > 1:
            copies[-1]["v_disabled"] = bool(step)
        steps.append({"type": "email", "delay": 2 + step, "delay_unit": "days", "variants": copies})
    steps[0] |= {"pre_delay": 0, "pre_delay_unit": "days"}
    return [{"steps": steps}]


def _plan(world: World, rng: Random, number: int) -> CampaignPlan:
    status = STATUSES[number % len(STATUSES)]
    days = world.until - world.first_day
    first = world.first_day + (int(days * 0.6 * rng.random()) if number > 1 else 0)
    last = world.until if status in RUNNING else first + int((world.until - first) * rng.uniform(0.5, 0.95))
    created = first * DAY_MS - rng.randrange(2 * DAY_MS, 20 * DAY_MS)
    variants = tuple(rng.randint(1, 3) for _ in range(rng.randint(2, 4)))
    progress = 0.0 if status == DRAFT else 1.0 if status == COMPLETED else rng.uniform(0.6, 0.95)
    # Many careful senders do not track opens.
    return CampaignPlan(created, first, last, variants, progress, opens=number % 4 != 1, clicks=number % 3 != 1)


def _make_campaigns(world: World) -> Iterator[Row]:
    rng, agent, senders = world.rng("campaigns"), None, sorted(world.accounts)
    for number in range(world.config.campaigns):
        plan = _plan(world, rng, number)
        updated = max(plan.created, plan.last * DAY_MS + rng.randrange(20 * HOUR_MS))
        row = _make_campaign(world, rng, number, plan, updated, senders)
        if number % 9 == 4 and agent:
            # Sales agents run more than one campaign.
            row["ai_sdr_id"] = agent
        agent = row.get("ai_sdr_id") or agent
        world.plans[row["id"]] = plan
        yield row


def _make_campaign(world: World, rng: Random, number: int, plan: CampaignPlan, updated: int, senders: list[str]) -> Row:
    bare = STATUSES[number % len(STATUSES)] == DRAFT and number % 2 == 1
    values: Row = {"key": uuid4(rng), "name": named(CAMPAIGN_NAMES, number, "({})"), "updated": updated}
    values["schedule"] = {} if bare else make_schedule(number, plan.first)
    values["sequences"] = None if bare else make_sequences(rng, plan.variants)
    values["senders"] = [] if bare else sorted(rng.sample(senders, min(len(senders), 3)))
    values |= {"tags": [tag["id"] for tag in world.tags[: number % 3]], "agent": uuid4(rng)}
    return DATA.make("campaign", number, world=world, plan=plan, **values)


def _make_list(world: World, rng: Random, number: int, created: int) -> Row:
    return DATA.make("lead_list", number, rng, world=world, created=created, name=named(LIST_NAMES, number))


def _make_lists(world: World) -> Iterator[Row]:
    rng = world.rng("lists")
    for number in range(world.config.lead_lists):
        turn = number // 2 if world.config.list_ties else number
        yield _make_list(world, rng, number, world.born + 20 * DAY_MS + turn * 37 * HOUR_MS + turn % 997)


FILTERS = fields(numbers="status", search="name") | {"ai_sales_agent_id": equals("ai_sdr_id")}
FILTERS |= {"exclude_status": equals("status", parse_number, negate=True)}
FILTERS |= {"tag_ids": tagged(lambda row: set(row.get("email_tag_list", ())))}
CAMPAIGNS = Listing("campaigns", filters=FILTERS)
LEAD_LISTS = Listing("lead_lists", BY_TIME, filters=fields(flags="has_enrichment_task", search="name"))


def create_campaign(world: World, fields: Row, at: int | None = None) -> Row:
    """Create a draft."""
    rng, moment = world.mutation_rng(), world.time(at)
    lists: Row = {name: [] for name in ("email_list", "email_tag_list", "cc_list", "bcc_list")}
    defaults = {"pl_value": None, "is_evergreen": False, **lists, "open_tracking": True}
    users = dict.fromkeys(("owned_by", "created_by"), world.users[0])
    fixed = {"id": uuid4(rng), "status": DRAFT, "timestamp_created": moment, "timestamp_updated": moment}
    return world.insert("campaigns", defaults | users | fields | fixed | {"organization": world.organization})


def _set_campaign(world: World, campaign_id: str, fields: Row, at: int | None = None) -> Row:
    world.mutation_rng()
    row = world.insert("campaigns", world.campaigns[campaign_id] | fields | {"timestamp_updated": world.time(at)})
    activity = {ACTIVE: journal.LAUNCH, PAUSED: journal.PAUSE}.get(fields.get("status", -1), journal.CAMPAIGN_UPDATE)
    journal.record(world, activity, at, campaign_id=campaign_id)
    return row


def _post_campaign(request: ApiRequest) -> object:
    body = request.json()
    for name in ("name", "campaign_schedule"):
        require(name in body, f"body must have required property '{name}'")
    return create_campaign(request.world, body) | request.world.extra["campaigns"]


def _post_status(status: int) -> Handler:
    return lambda request: _set_campaign(request.world, request.row("campaigns")["id"], {"status": status})


def _add_campaign(world: World, name: str = "Made up on the spot", at: int | None = None) -> Row:
    return {"campaign": create_campaign(world, {"name": name, "campaign_schedule": {}}, at)}


def _update_campaign(world: World, id: str, at: int | None = None, **fields: object) -> Row:
    world.known("campaigns", id)
    return {"campaign": _set_campaign(world, id, fields, at)}


def _delete_campaign(world: World, id: str, at: int | None = None) -> Row:
    """Delete a campaign with its leads; the workspace's daily totals keep its counts."""
    world.known("campaigns", id)
    world.mutation_rng()
    world.deleted_ledgers.append(world.ledger(id))
    row = world.campaigns.pop(id)
    subsequences = world.collection("subsequences")
    for child in world.children("subsequences", "parent_campaign", id):
        del subsequences[child["id"]]
    journal.record(world, journal.CAMPAIGN_DELETION, at, campaign_id=id, affected_count=1)
    return {"campaign": {"id": id, "name": row["name"], "leads": world.leads.close(id)}}


def _send(world: World, id: str, count: int = 1, at: int | None = None) -> Row:
    world.known("campaigns", id)
    world.mutation_rng()
    world.ledger(id).add(world.moment(at) // DAY_MS, ("1", "0"), sent=count, new=count)
    return {"campaign_id": id, "sent": count}


def _add_lead_list(world: World, name: str | None = None, at: int | None = None) -> Row:
    row = _make_list(world, world.mutation_rng(), len(world.lead_lists), world.moment(at))
    return {"lead_list": world.insert("lead_lists", row | {"name": name or row["name"]})}


AREA = (
    resource("/campaigns", CAMPAIGNS, _make_campaigns)
    + resource("/lead-lists", LEAD_LISTS, _make_lists)
    + post("/campaigns", _post_campaign, "campaigns:create")
    + post("/campaigns/{key}/activate", _post_status(ACTIVE), "campaigns:update")
    + post("/campaigns/{key}/pause", _post_status(PAUSED), "campaigns:update")
    + changes(_add_campaign, _update_campaign, _delete_campaign, _send, _add_lead_list)
)

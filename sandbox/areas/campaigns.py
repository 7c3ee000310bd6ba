"""Campaigns and lead lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from starlette.responses import Response

from sandbox.answers import reply, require
from sandbox.api import Area, Handler, known, post, resource
from sandbox.areas import audit
from sandbox.clock import DAY_MS, HOUR_MS, day_text, stamp, uuid4
from sandbox.lists import BY_TIME, Listing, contains, equals, parse_bool, parse_number, tagged
from sandbox.records import Row, at_every
from sandbox.words import BODIES, CAMPAIGN_NAMES, LIST_NAMES, SUBJECTS, TIMEZONES
from sandbox.workspaces import ApiRequest
from sandbox.world import CampaignPlan, World

DRAFT, ACTIVE, PAUSED, COMPLETED = 0, 1, 2, 3
STATUSES = (1, 2, 1, 0, 3, 1, 4, 1, -1, 1, 0, -2, 1, 3, -99)
# Campaigns that will send again, and so have activity up to the last day.
RUNNING = frozenset({1, 4, -1})


def weekdays() -> dict[str, bool]:
    """Return the working days of a schedule."""
    return {str(day): 0 < day < 6 for day in range(7)}  # noqa: PLR2004 - Monday to Friday


def make_schedule(number: int, first_day: int) -> Row:
    """Create a sending schedule for working days."""
    zone = TIMEZONES[number % len(TIMEZONES)]
    timing = {"from": "09:00", "to": "17:30"}
    dates = {
        "start_date": at_every(number, 2, day_text(first_day)),
        "end_date": at_every(number, 4, day_text(first_day + 180)),
    }
    return {name: day for name, day in dates.items() if day} | {
        "schedules": [{"name": "Working hours", "timing": timing, "days": weekdays(), "timezone": zone}]
    }


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
        row = _make_campaign(world, rng, number, plan, senders) | {"timestamp_updated": stamp(updated)}
        if number % 9 == 4 and agent:  # noqa: PLR2004 - every n-th
            # Sales agents run more than one campaign.
            del row["ai_sdr_id"]
            row["ai_sdr_id"] = agent
        agent = row["ai_sdr_id"] or agent
        world.plans[row["id"]] = plan
        yield row


def _make_campaign(world: World, rng: Random, number: int, plan: CampaignPlan, senders: list[str]) -> Row:
    status = STATUSES[number % len(STATUSES)]
    lap, name = divmod(number, len(CAMPAIGN_NAMES))
    bare = status == DRAFT and number % 2 == 1
    limit = {"mode": "custom", "daily_limit": 3, "scope": "per_campaign"}
    rule = {"action": "send", "recipient_esp": ["google"], "sender_esp": ["google", "outlook"]}
    return {
        "id": uuid4(rng),
        "name": CAMPAIGN_NAMES[name] + (f" ({lap + 1})" if lap else ""),
        "pl_value": at_every(number, 3, 150 + 50 * (number % 7)),
        "status": status,
        "is_evergreen": at_every(number, 2, number % 4 == 0),
        "campaign_schedule": {} if bare else make_schedule(number, plan.first),
        "sequences": None if bare else make_sequences(rng, plan.variants),
        "timestamp_created": stamp(plan.created),
        "timestamp_updated": None,
        "email_gap": 10 + number % 5,
        "random_wait_max": at_every(number, 2, 10),
        "text_only": number % 5 == 1,
        "first_email_text_only": at_every(number, 3, value=True),
        "email_list": [] if bare else sorted(rng.sample(senders, min(len(senders), 3))),
        "daily_limit": 40 + 10 * (number % 4),
        "stop_on_reply": True,
        "email_tag_list": [tag["id"] for tag in world.tags[: number % 3]],
        "link_tracking": plan.clicks,
        "open_tracking": plan.opens,
        "stop_on_auto_reply": at_every(number, 2, number % 4 == 0),
        "daily_max_leads": at_every(number, 3, 100, 1),
        "prioritize_new_leads": at_every(number, 4, value=True),
        "auto_variant_select": at_every(number, 5, {"trigger": "reply_rate"}),
        "match_lead_esp": at_every(number, 4, False, 1),  # noqa: FBT003 - a value, not a flag
        "not_sending_status": at_every(number, 6, (1, 2, 3, 4, 99)[number % 5], 1),
        "stop_for_company": at_every(number, 3, False, 2),  # noqa: FBT003 - a value, not a flag
        "core_variables": at_every(number, 7, {"firstName": "", "companyName": ""}),
        "custom_variables": at_every(number, 5, {"industry": "", "headcount": ""}, 2),
        "insert_unsubscribe_header": at_every(number, 2, True, 1),  # noqa: FBT003 - a value, not a flag
        "allow_risky_contacts": at_every(number, 3, value=False),
        "disable_bounce_protect": at_every(number, 4, value=False),
        "limit_emails_per_company_override": at_every(number, 4, limit, 2),
        "cc_list": ["archive@harbor-loom.example"] if number % 6 == 0 else [],
        "bcc_list": ["crm@harbor-loom.example"] if number % 6 == 1 else [],
        "organization": world.organization,
        "owned_by": world.users[number % len(world.users)],
        "created_by": at_every(number, 2, world.users[0]),
        "ai_sdr_id": at_every(number, 9, uuid4(rng), 2),
        "provider_routing_rules": at_every(number, 4, [rule]),
    }


def _make_list(world: World, rng: Random, number: int, created: int) -> Row:
    lap, name = divmod(number, len(LIST_NAMES))
    return {
        "id": uuid4(rng),
        "organization_id": world.organization,
        "has_enrichment_task": at_every(number, 2, number % 4 == 0),
        "owned_by": at_every(number, 2, world.users[number % len(world.users)]),
        "name": LIST_NAMES[name] + (f" {lap + 1}" if lap else ""),
        "timestamp_created": stamp(created),
    }


def _make_lists(world: World) -> Iterator[Row]:
    rng = world.rng("lists")
    for number in range(world.config.lead_lists):
        turn = number // 2 if world.config.list_ties else number
        yield _make_list(world, rng, number, world.born + 20 * DAY_MS + turn * 37 * HOUR_MS + turn % 997)


CAMPAIGNS = Listing(
    "campaigns",
    filters={
        "status": equals("status", parse_number),
        "exclude_status": equals("status", parse_number, negate=True),
        "search": contains("name"),
        "tag_ids": tagged(lambda row: set(row.get("email_tag_list", ()))),
        "ai_sales_agent_id": equals("ai_sdr_id"),
    },
)
LEAD_LISTS = Listing(
    "lead_lists",
    BY_TIME,
    filters={"has_enrichment_task": equals("has_enrichment_task", parse_bool), "search": contains("name")},
)


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
    activity = {ACTIVE: audit.LAUNCH, PAUSED: audit.PAUSE}.get(fields.get("status", -1), audit.CAMPAIGN_UPDATE)
    audit.record(world, activity, at, campaign_id=campaign_id)
    return row


def _post_campaign(request: ApiRequest) -> Response:
    body = request.json()
    for name in ("name", "campaign_schedule"):
        require(name in body, f"body must have required property '{name}'")
    return reply(create_campaign(request.world, body) | request.world.extra["campaigns"])


def _post_status(status: int) -> Handler:
    return lambda request: reply(_set_campaign(request.world, request.row("campaigns")["id"], {"status": status}))


def _add_campaign(world: World, name: str = "Made up on the spot", at: int | None = None) -> Row:
    return {"campaign": create_campaign(world, {"name": name, "campaign_schedule": {}}, at)}


def _update_campaign(world: World, id: str, at: int | None = None, **fields: object) -> Row:  # noqa: A002 - the API's name for it
    return {"campaign": _set_campaign(world, known(world.campaigns, id), fields, at)}


def _delete_campaign(world: World, id: str, at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    """Delete a campaign with its leads; the workspace's daily totals keep its counts."""
    known(world.campaigns, id)
    world.mutation_rng()
    world.deleted_ledgers.append(world.ledger(id))
    row = world.campaigns.pop(id)
    subsequences = world.collection("subsequences")
    for child in world.children("subsequences", "parent_campaign", id):
        del subsequences[child["id"]]
    audit.record(world, audit.CAMPAIGN_DELETION, at, campaign_id=id, affected_count=1)
    return {"campaign": {"id": id, "name": row["name"], "leads": world.leads.close(id)}}


def _send(world: World, id: str, count: int = 1, at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    """Let a campaign send first e-mails."""
    known(world.campaigns, id)
    world.mutation_rng()
    world.ledger(id).add(world.moment(at) // DAY_MS, ("1", "0"), sent=count, new=count)
    return {"campaign_id": id, "sent": count}


def _add_lead_list(world: World, name: str | None = None, at: int | None = None) -> Row:
    row = _make_list(world, world.mutation_rng(), len(world.lead_lists), world.moment(at))
    return {"lead_list": world.insert("lead_lists", row | {"name": name or row["name"]})}


AREA = (
    resource("/campaigns", CAMPAIGNS, _make_campaigns)
    + resource("/lead-lists", LEAD_LISTS, _make_lists)
    + Area(
        endpoints=(
            post("/campaigns", _post_campaign, "campaigns:create"),
            post("/campaigns/{key}/activate", _post_status(ACTIVE), "campaigns:update"),
            post("/campaigns/{key}/pause", _post_status(PAUSED), "campaigns:update"),
        ),
        mutations={
            "add_campaign": _add_campaign,
            "update_campaign": _update_campaign,
            "delete_campaign": _delete_campaign,
            "send": _send,
            "add_lead_list": _add_lead_list,
        },
    )
)

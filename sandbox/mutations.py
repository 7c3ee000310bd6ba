"""Changes to a workspace: what people do to it between two syncs.

Each function tells what changed. Times come from the caller or, failing that, from the clock; ids come from the
seed and the number of changes before, so a repeated experiment repeats exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import audit, entities
from sandbox.clock import DAY_MS, as_uuid7, parse_stamp, stamp, uuid4, uuid_text
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS, FIRST_NAMES, JOB_TITLES, LAST_NAMES, plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from sandbox.ledger import Step
    from sandbox.paging import Row
    from sandbox.world import World

LEAD_TEXTS = (
    *("email", "personalization", "website", "last_name", "first_name", "company_name", "job_title", "phone"),
    *("pl_value_lead", "assigned_to"),
)
EVENTS = {
    # what happens: (the lead's counter, its timestamp, its step and variant, the ledger's name)
    "open": ("email_open_count", "timestamp_last_open", "email_opened", "opened"),
    "click": ("email_click_count", "timestamp_last_click", "email_clicked", "clicks"),
    "reply": ("email_reply_count", "timestamp_last_reply", "email_replied", "replies"),
}


def instant(at: str | None) -> int | None:
    """Read the time a caller gives."""
    return None if at is None else parse_stamp(at)


def lead_event(world: World, kind: str, lead_id: str, at: int | None = None, *, automatic: bool = False) -> Row | None:
    """Let a lead open, click or reply; None if there is no such lead."""
    lead = world.leads.get(lead_id)
    if lead is None:
        return None
    world.mutation_rng()
    moment = world.moment(at)
    counter, last, place, source = EVENTS[kind]
    step = (str(lead.get(f"{place}_step", 1)), str(lead.get(f"{place}_variant", 0)))
    # An automatic answer is counted apart, by campaigns and by nobody else.
    source = "automatic" if automatic else source
    before = lead[counter]
    same_day = last in lead and parse_stamp(lead[last]) // DAY_MS == moment // DAY_MS
    when = stamp(moment)
    lead |= {counter: before + 1, last: when, f"{place}_step": int(step[0]), f"{place}_variant": int(step[1])}
    # What is late in coming is new all the same.
    lead |= {"timestamp_updated": max(when, lead["timestamp_updated"]), "timestamp_last_touch": when}
    world.leads.change(lead)
    if "campaign" in lead:
        counts = {source: 1}
        if not same_day:
            counts |= {f"unique_{source}": 1, f"repeat_{source}": int(before > 0)}
        world.ledger(lead["campaign"]).add(moment // DAY_MS, step, **counts)
    return world.leads.get(lead_id)


def add_lead(world: World, fields: Row, at: int | None = None) -> Row:
    """Add one lead to a campaign or a list."""
    rng, moment = world.mutation_rng(), world.moment(at)
    lead_id = uuid_text(as_uuid7(moment, rng.getrandbits(80)))
    email = fields.get("email") or ""
    lead: dict[str, Any] = {
        "id": lead_id,
        "timestamp_created": stamp(moment),
        "timestamp_updated": stamp(moment),
        "organization": world.organization,
        "campaign": fields.get("campaign"),
        "list_id": fields.get("list_id") if not fields.get("campaign") else None,
        "status": 1 if fields.get("campaign") else 0,
        "email_open_count": 0,
        "email_reply_count": 0,
        "email_click_count": 0,
        "status_summary": {},
        "company_domain": email.partition("@")[2],
        **{name: fields.get(name) for name in LEAD_TEXTS},
        "lt_interest_status": fields.get("lt_interest_status"),
        "payload": _payload(fields),
        "uploaded_by_user": world.users[0],
        "upload_method": "api",
        "is_website_visitor": False,
    }
    world.leads.add(entities.compact(lead))
    found = world.leads.get(lead_id)
    assert found is not None  # noqa: S101 - it was just added
    return found


def _payload(fields: Row) -> Row:
    names = {"firstName": "first_name", "lastName": "last_name", "companyName": "company_name", "jobTitle": "job_title"}
    known = {name: fields.get(source) for name, source in names.items()}
    known |= {name: fields.get(name) for name in ("website", "phone", "personalization")}
    return entities.compact(known) | dict(fields.get("custom_variables") or {})


def invent_person(rng: Random) -> Row:
    """Invent somebody to add."""
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    stem, kind = rng.choice(COMPANY_STEMS), rng.choice(COMPANY_KINDS)
    local = f"{plain(first)}.{plain(last)}"
    return {
        "first_name": first,
        "last_name": last,
        "email": f"{local}.{rng.getrandbits(32):08x}@{stem}-{kind}.example".lower(),
        "company_name": f"{stem} {kind}",
        "job_title": rng.choice(JOB_TITLES),
    }


def add_leads(
    world: World, number: int = 1, campaign: str | None = None, list_id: str | None = None, at: int | None = None
) -> list[Row]:
    """Add invented leads; without a place they go to the first campaign."""
    if campaign is None and list_id is None:
        campaign = next(iter(world.campaigns), None)
    rng = world.mutation_rng()
    return [add_lead(world, invent_person(rng) | {"campaign": campaign, "list_id": list_id}, at) for _ in range(number)]


def delete_leads(world: World, ids: Iterable[str], at: int | None = None) -> list[str]:
    """Delete leads and give the ids of those that were there."""
    world.mutation_rng()
    gone = [lead_id for lead_id in ids if world.leads.delete(lead_id)]
    audit.record(world, audit.LEAD_DELETION, at, affected_count=len(gone))
    return gone


def create_campaign(world: World, fields: Row, at: int | None = None) -> Row:
    """Create a draft."""
    rng, moment = world.mutation_rng(), world.moment(at)
    defaults: Row = {
        "pl_value": None,
        "is_evergreen": False,
        "email_list": [],
        "email_tag_list": [],
        "cc_list": [],
        "bcc_list": [],
        "open_tracking": True,
        "owned_by": world.users[0],
        "created_by": world.users[0],
    }
    fixed = {
        "id": uuid4(rng),
        "status": entities.DRAFT,
        "timestamp_created": stamp(moment),
        "timestamp_updated": stamp(moment),
        "organization": world.organization,
    }
    row = entities.compact({**defaults, **fields, **fixed})
    world.campaigns[row["id"]] = row
    return row


def set_campaign(world: World, campaign_id: str, fields: Row, at: int | None = None) -> Row:
    """Change members of a campaign."""
    world.mutation_rng()
    row = world.campaigns[campaign_id] | fields | {"timestamp_updated": stamp(world.moment(at))}
    world.campaigns[campaign_id] = entities.compact(row)
    activity = {entities.ACTIVE: audit.LAUNCH, entities.PAUSED: audit.PAUSE}.get(fields.get("status", -1))
    audit.record(world, activity or audit.CAMPAIGN_UPDATE, at, campaign_id=campaign_id)
    return row


def delete_campaign(world: World, campaign_id: str, at: int | None = None) -> Row:
    """Delete a campaign with its leads; the workspace's daily totals remember what it did."""
    world.mutation_rng()
    world.ghosts.append(world.ledger(campaign_id))
    row = world.campaigns.pop(campaign_id)
    subsequences = world.collection("subsequences")
    for key in [key for key, child in subsequences.items() if child["parent_campaign"] == campaign_id]:
        del subsequences[key]
    audit.record(world, audit.CAMPAIGN_DELETION, at, campaign_id=campaign_id, affected_count=1)
    return {"id": row["id"], "name": row["name"], "leads": world.leads.close(campaign_id)}


def add_account(world: World, email: str | None = None, at: int | None = None) -> Row:
    """Connect one more sending account."""
    rng, moment = world.mutation_rng(), world.moment(at)
    number = len(world.accounts) + world.mutations
    row = entities.make_account(
        rng,
        number,
        organization=world.organization,
        users=world.users,
        tags=world.tags,
        created=moment,
        last=moment,
    )
    # Nobody has tagged it yet.
    row |= {"email": email or row["email"], "status": 1, "tags": []}
    row.pop("status_message", None)
    world.accounts[row["email"]] = row
    audit.record(world, audit.ACCOUNT_ADDITION, at, affected_count=1)
    return row


def pause_account(world: World, email: str, at: int | None = None) -> Row:
    """Pause a sending account."""
    world.mutation_rng()
    world.accounts[email] |= {"status": entities.PAUSED, "timestamp_updated": stamp(world.moment(at))}
    return world.accounts[email]


def delete_account(world: World, email: str, at: int | None = None) -> Row:
    """Remove a sending account; its ties to tags stay."""
    world.mutation_rng()
    audit.record(world, audit.ACCOUNT_DELETION, at, affected_count=1, audit_metadata={"emails": [email]})
    return {"email": world.accounts.pop(email)["email"]}


def add_lead_list(world: World, name: str | None = None, at: int | None = None) -> Row:
    """Add an empty lead list."""
    rng, number = world.mutation_rng(), len(world.lead_lists)
    row = entities.make_lead_list(
        rng, number, organization=world.organization, users=world.users, created=world.moment(at)
    )
    row["name"] = name or row["name"]
    world.lead_lists[row["id"]] = row
    return row


def add_field(world: World, resource: str, name: str, value: Any) -> Row:  # noqa: ANN401 - any JSON value
    """Let every record of a resource carry a field that no schema knows."""
    world.mutation_rng()
    world.extra[resource][name] = value
    if resource == "leads":
        world.leads.carry(world.extra["leads"])
    return {"resource": resource, "name": name, "value": value}


def send_mails(world: World, campaign_id: str, number: int, at: int | None = None, step: Step = ("1", "0")) -> Row:
    """Let a campaign send first mails."""
    world.mutation_rng()
    day = world.moment(at) // DAY_MS
    world.ledger(campaign_id).add(day, step, sent=number, new=number if step[0] == "1" else 0)
    return {"campaign_id": campaign_id, "sent": number}

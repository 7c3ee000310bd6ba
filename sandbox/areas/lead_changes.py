"""Changes to leads between two syncs, by campaigns and people.

Each change is recorded in the workspace's journal: the lead, the kind and the time. So a test knows the changes that a
reader has to find.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from sandbox.answers import ApiError
from sandbox.api import Area, changes, truth
from sandbox.areas import journal
from sandbox.clock import DAY_MS, stamp, uuid7, uuid_text
from sandbox.ledger import Counts
from sandbox.makers.mailbox import receive
from sandbox.records import Data, Row, compact
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS, FIRST_NAMES, JOB_TITLES, LAST_NAMES, plain
from sandbox.world import World

DATA = Data(__file__)
# Event -> the lead's counter, its timestamp, what its step and variant begin with, and the ledger's name.
EVENTS: dict[str, dict[str, str]] = DATA["events"]
# Event that ends a sequence -> the lead's status, and the ledger's name.
ENDS: dict[str, tuple[int, str]] = DATA["ends"]
# Members that a contact sets to its time.
CONTACTED = ("timestamp_last_contact", "timestamp_last_touch", "last_step_timestamp_executed")


def _note(world: World, lead_id: str, kind: str, moment: int) -> None:
    world.lead_journal.append({"id": lead_id, "kind": kind, "at": stamp(moment)})


Changed = Callable[[Row, str], Row]


def _change(
    world: World,
    kind: str,
    lead_id: str,
    at: int | None,
    changed: Changed,
    counts: Counts | None = None,
    place: str = "",
) -> Row:
    """Change a lead by `changed`, given the lead and the time, and count the event for its campaign.

    The members with the step and the variant of the counts begin with `place`; without, the first ones count.
    """
    lead = world.leads.get(lead_id)
    if lead is None:
        raise ApiError(404, "No such lead")
    world.mutation_rng()
    moment = world.moment(at)
    when = stamp(moment)
    # A change in the past must not move the update time back.
    lead |= {**changed(lead, when), "timestamp_updated": max(when, lead["timestamp_updated"])}
    world.leads.put(compact(lead))
    if counts and "campaign" in lead:
        step = (str(lead.get(f"{place}_step", 1)), str(lead.get(f"{place}_variant", 0)))
        world.ledger(lead["campaign"]).add(moment // DAY_MS, step, **counts)
    _note(world, lead_id, kind, moment)
    return world.leads.get(lead_id) or {}


def _event(world: World, lead_id: str, at: int | None = None, *, automatic: bool = False, kind: str) -> Row:
    """Let a lead open, click or reply; a reply arrives as an e-mail."""
    counter, last, place, source = EVENTS[kind].values()
    # Only campaigns count automatic replies, and separately.
    source = "automatic" if automatic else source
    counts = {source: 1}

    def changed(lead: Row, when: str) -> Row:
        if last not in lead or lead[last][:10] != when[:10]:
            counts.update({f"unique_{source}": 1, f"repeat_{source}": int(lead[counter] > 0)})
        places = {f"{place}_step": lead.get(f"{place}_step", 1), f"{place}_variant": lead.get(f"{place}_variant", 0)}
        return {counter: lead[counter] + 1, last: when, **places, "timestamp_last_touch": when}

    lead = _change(world, kind, lead_id, at, changed, counts, place)
    return {"lead": lead} | (receive(world, lead, at, automatic=automatic) if kind == "reply" else {})


def _contact(world: World, lead_id: str, at: int | None = None) -> Row:
    def changed(_lead: Row, when: str) -> Row:
        places = dict.fromkeys(("last_contacted_from", "last_step_from"), "campaign")
        return {**dict.fromkeys(CONTACTED, when), **places, "status": 1}

    return {"lead": _change(world, "contact", lead_id, at, changed, {"sent": 1, "new": 1})}


def _end(world: World, lead_id: str, at: int | None = None, *, kind: str) -> Row:
    status, source = ENDS[kind]
    return {"lead": _change(world, kind, lead_id, at, lambda _lead, _when: {"status": status}, {source: 1})}


def _label(world: World, lead_id: str, interest: int, at: int | None = None) -> Row:
    def changed(_lead: Row, when: str) -> Row:
        return {"lt_interest_status": interest, "timestamp_last_interest_change": when}

    return {"lead": _change(world, "label", lead_id, at, changed)}


def _edit_lead(world: World, lead_id: str, at: int | None = None, **fields: Any) -> Row:
    return {"lead": _change(world, "edit", lead_id, at, lambda _lead, _when: fields)}


def _move_lead(
    world: World, lead_id: str, campaign: str | None = None, list_id: str | None = None, at: int | None = None
) -> Row:
    if (campaign is None) == (list_id is None):
        message = "give a campaign or a list_id"
        raise ValueError(message)
    world.known("campaigns" if campaign else "lead_lists", str(campaign or list_id))
    moved = _change(world, "move", lead_id, at, lambda _lead, _when: {"campaign": campaign, "list_id": list_id})
    journal.record(world, journal.LEAD_MOVED, at, affected_count=1)
    return {"lead": moved}


def _change_leads(world: World, kind: str, every: int, offset: int = 0, at: int | None = None) -> Row:
    """Change every n-th lead alike, with one of the changes that need only the lead."""
    details = {"interest": 2} if kind == "label" else {}
    leads = [uuid_text(world.leads.raw(position)) for position in world.leads.seeded[offset::every]]
    for lead_id in leads:
        CHANGES[kind](world, lead_id, at=at, **details)
    return {"leads": len(leads)}


def add_lead(world: World, fields: Row, at: int | None = None) -> Row:
    """Add a lead to a campaign or a list."""
    rng, moment = world.mutation_rng(), world.moment(at)
    campaign, email = fields.get("campaign"), fields.get("email") or ""
    payload = compact(DATA.make("payload", fields=fields)) | dict(fields.get("custom_variables") or {})
    values = {"key": uuid7(rng, moment), "at": moment, "campaign": campaign, "status": 1 if campaign else 0}
    values |= {"domain": email.partition("@")[2], "payload": payload}
    lead = DATA.make("lead", world=world, fields=fields, **values)
    world.leads.put(compact(lead))
    _note(world, lead["id"], "create", moment)
    return world.leads.get(lead["id"]) or {}


def _invent_person(rng: Random) -> Row:
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    stem, kind = rng.choice(COMPANY_STEMS), rng.choice(COMPANY_KINDS)
    email = f"{plain(f'{first}.{last}')}.{rng.getrandbits(32):08x}@{stem}-{kind}.example".lower()
    names = {"first_name": first, "last_name": last, "email": email, "company_name": f"{stem} {kind}"}
    return names | {"job_title": rng.choice(JOB_TITLES)}


def _add_leads(
    world: World, count: int = 1, campaign: str | None = None, list_id: str | None = None, at: int | None = None
) -> Row:
    """Add invented leads, to the first campaign by default."""
    if campaign is not None:
        world.known("campaigns", campaign)
    if list_id is not None:
        world.known("lead_lists", list_id)
    elif campaign is None:
        campaign = next(iter(world.campaigns), None)
    rng, place = world.mutation_rng(), {"campaign": campaign, "list_id": list_id}
    return {"leads": [add_lead(world, _invent_person(rng) | place, at) for _ in range(count)]}


def _delete_leads(world: World, ids: list[str], at: int | None = None) -> Row:
    """Delete leads and return the ids that existed."""
    world.mutation_rng()
    gone = [lead_id for lead_id in ids if world.leads.delete(lead_id)]
    for lead_id in gone:
        _note(world, lead_id, "delete", world.moment(at))
    journal.record(world, journal.LEAD_DELETION, at, affected_count=len(gone))
    return {"ids": gone}


CHANGES: dict[str, Callable[..., Row]] = {
    **{kind: partial(_event, kind=kind) for kind in EVENTS},
    **{kind: partial(_end, kind=kind) for kind in ENDS},
    "contact": _contact,
    "label": _label,
}

AREA = (
    Area(mutations=CHANGES)
    + changes(_edit_lead, _move_lead, _change_leads, _add_leads, _delete_leads)
    + truth("lead_changes", lambda world: world.lead_journal)
)

"""Leads: the list that is a POST, single leads, and imports."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sandbox.answers import ApiError, dumps, existing, raw_reply, require
from sandbox.api import ApiRequest, get, post
from sandbox.areas.lead_changes import add_lead
from sandbox.clock import uuid_bytes, uuid_text
from sandbox.lead_queries import read_queries
from sandbox.leads import LeadStore, Selection
from sandbox.lists import envelope, parse_limit
from sandbox.records import Row
from sandbox.world import World

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOST_LEADS = 1000
SHOWN = ("id", "email", "first_name", "last_name", "phone")
TALLY = ("duplicated_leads", "skipped_count", "invalid_email_count", "incomplete_count", "duplicate_email_count")
# Options that skip a lead which exists, and where it counts.
SKIPS = {"skip_if_in_workspace": {}, "skip_if_in_campaign": {"in_campaign": True}, "skip_if_in_list": {"in_list": True}}


def _found(wanted: str, row: Row) -> bool:
    text = f"{row.get('first_name', '')} {row.get('last_name', '')} {row.get('email', '')}"
    return str(wanted).casefold() in text.casefold()


# Filters in the body. Other keys are ignored, so a misspelt filter lists everything.
TESTS: dict[str, Callable[[Any, Row], bool]] = {
    "campaign": lambda wanted, row: row.get("campaign") == wanted,
    "list_id": lambda wanted, row: row.get("list_id") == wanted,
    "in_campaign": lambda wanted, row: ("campaign" in row) == wanted,
    "in_list": lambda wanted, row: ("list_id" in row) == wanted,
    "ids": lambda wanted, row: row["id"] in wanted,
    "excluded_ids": lambda wanted, row: row["id"] not in wanted,
    "contacts": lambda wanted, row: row.get("email") in wanted,
    "search": _found,
    "is_website_visitor": lambda wanted, row: row.get("is_website_visitor", False) == wanted,
    "enrichment_status": lambda wanted, row: row.get("enrichment_status") == wanted,
}
INDEXED = ("ids", "contacts", "campaign", "list_id", "in_campaign", "in_list")


def _positions(leads: LeadStore, name: str, wanted: Any) -> Sequence[int]:  # noqa: ANN401 - any JSON value
    if name == "ids":
        known = (leads.position(raw) for raw in map(_id_or_nothing, wanted))
        return sorted({position for position in known if position is not None})
    if name == "contacts":
        return leads.positions_of(map(str, wanted))
    if name in {"campaign", "list_id"}:
        return leads.positions_in(str(wanted))
    return leads.positions_of_kind(campaigns=bool(wanted) == (name == "in_campaign"))


def _id_or_nothing(text: object) -> bytes:
    try:
        return uuid_bytes(str(text))
    except ValueError:
        return b""


def _select(world: World, body: Row) -> Selection:
    """Return the leads that a body selects. Results of tests that inspect each lead are cached."""
    wanted = {name: body[name] for name in TESTS if body.get(name) is not None}
    index = next((name for name in INDEXED if name in wanted), None)
    positions = world.leads.seeded if index is None else _positions(world.leads, index, wanted[index])
    rest = {name: value for name, value in wanted.items() if name != index}
    if rest:
        positions = world.leads.sift(dumps(wanted), positions, partial(_accepts, rest))
    return Selection(positions, partial(_accepts, wanted))


def _accepts(wanted: Row, row: Row) -> bool:
    return all(TESTS[name](value, row) for name, value in wanted.items())


def _queried(request: ApiRequest, selection: Selection, body: Row) -> Selection:
    behaviour, world = request.workspace.behaviour, request.world
    if not (queries := read_queries(body, behaviour)):
        return selection
    together = any if behaviour.lead_queries == "any" else all
    found = [set(query.positions(world.leads, world.lead_moments)) for query in queries]
    positions = (set.union if together is any else set.intersection)(*found)
    if selection.positions != world.leads.seeded:
        positions &= set(selection.positions)
    return Selection(
        sorted(positions), lambda row: selection.accepts(row) and together(query.accepts(row) for query in queries)
    )


def _list(request: ApiRequest) -> object:
    """Answer with a page. Cursor and limit are in the body; the query string is ignored."""
    body, leads = request.json(), request.world.leads
    limit = parse_limit(body.get("limit"), "body")
    selection = _queried(request, _select(request.world, body), body)
    cursor = body.get("starting_after") or None
    size = request.size("leads", limit, cursor)
    if body.get("distinct_contacts") is True:
        texts, last = leads.contacts(selection, None if cursor is None else str(cursor), size)
        return raw_reply(envelope(texts, last))
    after = None if cursor is None else _id_or_nothing(cursor)
    require(after != b"", 'body/starting_after must match format "uuid"')
    page = leads.page(selection, after, size)
    return raw_reply(envelope([leads.text(raw) for raw in page], uuid_text(page[-1]) if page else None))


def find_lead(world: World, email: str, **narrower: Any) -> Row | None:
    """Return the first lead with an address."""
    page = world.leads.page(_select(world, {"contacts": [email], **narrower}), None, 1)
    return world.leads.get(uuid_text(page[0])) if page else None


def _skipped(world: World, body: Row, email: str) -> Row | None:
    """Return the existing lead that makes a new one be skipped."""
    found = (find_lead(world, email, **narrower) for name, narrower in SKIPS.items() if body.get(name))
    return next((lead for lead in found if lead), None)


def _post(request: ApiRequest) -> object:
    """Add a lead; one that is skipped because it exists is returned unchanged."""
    body = request.json()
    _require_place(request.world, body.get("campaign"), body.get("list_id"))
    email = body.get("email")
    require(not email or EMAIL.fullmatch(str(email)), "Invalid email address")
    known = _skipped(request.world, body, str(email)) if email else None
    return known or add_lead(request.world, body)


def _require_place(world: World, campaign: str | None, list_id: str | None) -> None:
    if campaign and campaign not in world.campaigns:
        raise ApiError(404, "Campaign not found")
    if list_id and list_id not in world.lead_lists:
        raise ApiError(404, "List not found")


def _post_many(request: ApiRequest) -> object:
    body, world = request.json(), request.world
    campaign, list_id = body.get("campaign_id"), body.get("list_id")
    if bool(campaign) == bool(list_id):
        raise ApiError(400, "Either campaign_id or list_id is required, but not both")
    leads = request.items("leads", MOST_LEADS)
    _require_place(world, campaign, list_id)
    place = {"campaign": campaign} if campaign else {"list_id": list_id}
    tally = dict.fromkeys(TALLY, 0)
    created: list[Row] = []
    known, seen = {row.get("email", "").lower() for row in world.leads.within(str(campaign or list_id))}, set[str]()
    for index, lead in enumerate(leads):
        if obstacle := _obstacle(world, body, lead, known=known, seen=seen):
            tally[obstacle] += 1
        else:
            row = add_lead(world, lead | place)
            created.append({"index": index, **{name: row[name] for name in SHOWN if name in row}})
    head = {"status": "success", "total_sent": len(leads), "leads_uploaded": len(created), "in_blocklist": 0}
    tail = {"remaining_in_plan": 1_000_000 if campaign else None, "created_leads": created}
    return {**head, "blocklist_used": None, **tally, **tail}


def _obstacle(world: World, body: Row, lead: Row, *, known: set[str], seen: set[str]) -> str | None:
    """Return the counter for a lead that is not added; None if it is added."""
    email = str(lead.get("email") or "").lower()
    if not email:
        named = lead.get("first_name") or lead.get("last_name")
        return "invalid_email_count" if body.get("campaign_id") else None if named else "incomplete_count"
    if not EMAIL.fullmatch(email):
        return "invalid_email_count"
    if email in seen:
        return "duplicate_email_count"
    seen.add(email)
    if email in known:
        return "duplicated_leads"
    return "skipped_count" if _skipped(world, body, email) else None


AREA = (
    post("/leads/list", _list, "leads:read")
    + post("/leads", _post, "leads:create")
    + post("/leads/add", _post_many, "leads:create")
    + get("/leads/{key}", lambda request: existing(request.world.leads.get(request.path["key"])), "leads:read")
)

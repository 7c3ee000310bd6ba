"""Leads: the list that is a POST, single leads, and imports."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.answers import ApiError, dumps, invalid, not_found, raw_reply, reply
from sandbox.api_lists import read_body
from sandbox.clock import uuid_bytes, uuid_text
from sandbox.leads import Selection
from sandbox.mutations import add_lead
from sandbox.paging import envelope, parse_limit, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.responses import Response

    from sandbox.leads import LeadStore
    from sandbox.manners import Call
    from sandbox.paging import Row
    from sandbox.world import World

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOST_LEADS = 1000
NO_CAMPAIGN = not_found("Campaign not found")
NO_LIST = not_found("List not found")


def _found(wanted: str, row: Row) -> bool:
    text = f"{row.get('first_name', '')} {row.get('last_name', '')} {row.get('email', '')}"
    return str(wanted).casefold() in text.casefold()


# Body keys that narrow the list. Whatever is not among them is ignored, so a misspelt filter lists everything.
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


def _positions(leads: LeadStore, name: str, wanted: Any) -> Sequence[int]:  # noqa: ANN401 - as it came
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


def select(world: World, body: Row) -> Selection:
    """Find the leads a body asks for; what needs a look at each lead is looked at once and remembered."""
    wanted = {name: body[name] for name in TESTS if body.get(name) is not None}
    accepts = partial(_accepts, wanted)
    lead_index = next((name for name in INDEXED if name in wanted), None)
    positions = world.leads.seeded if lead_index is None else _positions(world.leads, lead_index, wanted[lead_index])
    rest = {name: value for name, value in wanted.items() if name != lead_index}
    if rest:
        positions = world.leads.sift(dumps(wanted), positions, partial(_accepts, rest))
    return Selection(positions, accepts)


def _accepts(wanted: Row, row: Row) -> bool:
    return all(TESTS[name](value, row) for name, value in wanted.items())


def list_leads(call: Call) -> Response:
    """Answer POST /leads/list. Paging lives in the body; the query string is not looked at."""
    body = read_body(call)
    limit = parse_limit(body.get("limit"), "body")
    selection = select(call.world, body)
    cursor = body.get("starting_after") or None
    size = shorten(limit, call.workspace.manners.short_pages, call.world.config.seed, "leads", cursor)
    leads = call.world.leads
    if body.get("distinct_contacts") is True:
        texts, last = leads.contacts(selection, None if cursor is None else str(cursor), size)
        return raw_reply(envelope(texts, last))
    try:
        after = None if cursor is None else uuid_bytes(str(cursor))
    except ValueError:
        message = 'body/starting_after must match format "uuid"'
        raise invalid(message) from None
    page = leads.page(selection, after, size)
    return raw_reply(envelope([leads.text(raw) for raw in page], uuid_text(page[-1]) if page else None))


def get_lead(call: Call) -> Response:
    """Answer GET /leads/{id}."""
    row = call.world.leads.get(call.path["key"])
    if row is None:
        raise not_found()
    return reply(row)


def _exists(world: World, email: str, **narrower: Any) -> Row | None:
    found = select(world, {"contacts": [email], **narrower})
    page = world.leads.page(found, None, 1)
    return world.leads.get(uuid_text(page[0])) if page else None


def _skipped(world: World, body: Row, email: str) -> Row | None:
    """Find the lead because of which one is not added."""
    places = {
        "skip_if_in_workspace": {},
        "skip_if_in_campaign": {"in_campaign": True},
        "skip_if_in_list": {"in_list": True},
    }
    for name, narrower in places.items():
        if body.get(name) and (known := _exists(world, email, **narrower)):
            return known
    return None


def post_lead(call: Call) -> Response:
    """Answer POST /leads; a lead that is skipped because it exists is answered as it is."""
    body = read_body(call)
    _require_place(call.world, body.get("campaign"), body.get("list_id"))
    email = body.get("email")
    if email and not EMAIL.fullmatch(str(email)):
        message = "Invalid email address"
        raise invalid(message)
    known = _skipped(call.world, body, str(email)) if email else None
    return reply(known or add_lead(call.world, body))


def _require_place(world: World, campaign: str | None, list_id: str | None) -> None:
    if campaign and campaign not in world.campaigns:
        raise NO_CAMPAIGN
    if list_id and list_id not in world.lead_lists:
        raise NO_LIST


def post_leads(call: Call) -> Response:
    """Answer POST /leads/add: up to a thousand leads into one campaign or one list."""
    body = read_body(call)
    campaign, list_id, leads = body.get("campaign_id"), body.get("list_id"), body.get("leads")
    if bool(campaign) == bool(list_id):
        raise ApiError(400, "Either campaign_id or list_id is required, but not both")
    if not isinstance(leads, list) or not 1 <= len(leads) <= MOST_LEADS:
        message = f"body/leads must have between 1 and {MOST_LEADS} items"
        raise invalid(message)
    _require_place(call.world, campaign, list_id)
    place = {"campaign": campaign} if campaign else {"list_id": list_id}
    tally = dict.fromkeys(("duplicated_leads", "skipped_count", "invalid_email_count", "incomplete_count"), 0)
    tally["duplicate_email_count"] = 0
    created: list[Row] = []
    known: set[str] = call.world.leads.emails_in(str(campaign or list_id))
    seen: set[str] = set()
    for index, lead in enumerate(leads):
        obstacle = _obstacle(call.world, body, lead, known=known, seen=seen)
        if obstacle:
            tally[obstacle] += 1
            continue
        row = add_lead(call.world, lead | place)
        summary: Row = {name: row[name] for name in ("id", "email", "first_name", "last_name", "phone") if name in row}
        created.append({"index": index, **summary})
    return reply(
        {
            "status": "success",
            "total_sent": len(leads),
            "leads_uploaded": len(created),
            "in_blocklist": 0,
            "blocklist_used": None,
            **tally,
            "remaining_in_plan": 1_000_000 if campaign else None,
            "created_leads": created,
        }
    )


def _obstacle(world: World, body: Row, lead: Row, *, known: set[str], seen: set[str]) -> str | None:
    """Tell which counter a lead that is not added goes to."""
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

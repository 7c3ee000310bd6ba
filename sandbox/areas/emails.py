"""E-mails: the only list with its own, tight rate limit, and one of few that can be filtered by time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sandbox.answers import dumps, raw_reply
from sandbox.api import ApiRequest, changes, deletion, get, get_one, table, truth, update
from sandbox.areas.lead_changes import CHANGES
from sandbox.clock import uuid_bytes, uuid_text
from sandbox.lists import (
    Filter,
    Predicate,
    envelope,
    equals,
    fields,
    flag,
    id_cursor,
    only,
    options,
    parse_choice,
    parse_limit,
    parse_time,
    shorten,
)
from sandbox.makers.mailbox import MANUAL, RECEIVED, SCHEDULED, SENT, Mailbox, receive
from sandbox.records import Row, without
from sandbox.world import World

TYPES = {"received": RECEIVED, "sent": SENT, "manual": MANUAL}


def _search(text: str) -> Predicate:
    """Search for a lead's address, or for a thread."""
    if text.startswith("thread:"):
        return equals("thread_id")(text.removeprefix("thread:"))
    return equals("lead")(text)


# Other parameters, such as `ue_type`, are ignored.
FILTERS: dict[str, Filter] = {
    **fields(numbers="i_status", texts="campaign_id list_id lead", lists="eaccount"),
    "is_unread": flag(lambda row: bool(row.get("is_unread"))),
    "has_reminder": flag(lambda row: "reminder_ts" in row),
    "mode": options(
        "mode",
        {
            "emode_focused": lambda row: row.get("is_focused", 1) == 1,
            "emode_others": lambda row: row.get("is_focused", 1) == 0,
            "emode_all": lambda _row: True,
        },
    ),
    "scheduled_only": only(lambda row: bool(row["ue_type"] == SCHEDULED)),
    "company_domain": lambda text: lambda row: str(row.get("lead", "")).endswith(f"@{text}"),
    "search": _search,
}


def _mailbox(world: World) -> Mailbox:
    emails = world.collection("emails")
    assert isinstance(emails, Mailbox)  # noqa: S101 - this module creates the table
    return emails


def _moment(request: ApiRequest, name: str) -> int | None:
    text = request.query.get(name)
    return parse_time(text, name, 'match format "date-time"') if text else None


def _latest(world: World) -> set[str]:
    """Return the ids of the last e-mail of each thread."""
    return set({row.get("thread_id", key): key for key, row in world.collection("emails").items()}.values())


def _selected(request: ApiRequest) -> Iterator[tuple[bytes, Row]]:
    """Yield the e-mails that the query selects, after its cursor; rendering is lazy."""
    query, emails = request.query, _mailbox(request.world)
    kind = TYPES[parse_choice(query, "email_type", TYPES, "")] if "email_type" in query else None
    ascending = parse_choice(query, "sort_order", ("asc", "desc"), "desc") == "asc"
    tests = [make(query[name]) for name, make in FILTERS.items() if name in query]
    if kind is not None:
        tests.append(lambda row: bool(row.get("ue_type") == kind))
    if request.flag("latest_of_thread"):
        latest = request.world.cached("latest_of_thread", _latest)
        tests.append(lambda row: row["id"] in latest)
    cursor = query.get("starting_after")
    after = uuid_bytes(str(id_cursor(cursor)[0])) if cursor else None
    # Both bounds are documented as exclusive ("after", "before"), but not verified.
    first, last = _moment(request, "min_timestamp_created"), _moment(request, "max_timestamp_created")
    for raw in emails.after(after, first, last, ascending=ascending):
        if kind is not None and emails.kind(raw) not in {None, kind}:
            continue
        row = emails.row(raw)
        if all(test(row) for test in tests):
            yield raw, row


def _list(request: ApiRequest) -> object:
    workspace, query = request.workspace, request.query
    allowed = workspace.behaviour.emails_per_minute
    workspace.limit_rate(workspace.email_limiter, allowed, allowed)
    limit, probability = parse_limit(query.get("limit")), workspace.behaviour.short_pages
    size = shorten(limit, probability, request.world.config.seed, "emails", query.get("starting_after"))
    page = list(islice(_selected(request), size))
    rows = [row | request.world.extra["emails"] for _, row in page]
    if request.flag("preview_only"):
        rows = [without(row, "body") for row in rows]
    return raw_reply(envelope([dumps(row) for row in rows], uuid_text(page[-1][0]) if page else None))


def _unread(world: World) -> Row:
    return {"count": sum(row.get("is_unread", 0) for row in world.collection("emails").values())}


def _newest_first(world: World) -> Iterator[Row]:
    emails, extra = _mailbox(world), world.extra["emails"]
    return (emails.row(raw) | extra for raw in emails.after(None, None, None, ascending=False))


def _receive_email(world: World, lead_id: str | None = None, at: int | None = None, *, automatic: bool = False) -> Row:
    """Let an e-mail arrive: a reply that also changes its lead, or an e-mail from a stranger."""
    if lead_id is None:
        world.mutation_rng()
        return receive(world, {}, at, automatic=automatic)
    return {"email": CHANGES["reply"](world, lead_id, at, automatic=automatic)["email"]}


def _read_email(world: World, id: str, *, unread: bool = False) -> Row:
    return {"email": update(world, "emails", id, is_unread=int(unread))}


def _mark_email(world: World, id: str, i_status: float | None = 1) -> Row:
    return {"email": update(world, "emails", id, i_status=i_status)}


AREA = (
    get("/emails", _list, "emails:read")
    + get("/emails/unread/count", lambda request: request.world.cached("unread", _unread), "emails:read")
    + get("/emails/{key}", get_one("emails"), "emails:read")
    + table("emails", Mailbox)
    + truth("emails", _newest_first)
    + truth("emails_unread", lambda world: [_unread(world)])
    + changes(_receive_email, _read_email, _mark_email, deletion("emails", "email"))
)

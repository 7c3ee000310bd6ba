"""E-mails: the only list with its own, tight rate limit, and one of few that can be filtered by time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sandbox.answers import dumps, raw_reply
from sandbox.api import ApiRequest, changes, deletion, get, get_one, table, truth, update
from sandbox.areas.lead_changes import CHANGES
from sandbox.clock import uuid_bytes, uuid_text
from sandbox.lists import envelope, equals, fields, flag, id_cursor, matching, only, parse_choice, parse_limit
from sandbox.makers.mailbox import MANUAL, RECEIVED, SCHEDULED, SENT, Mailbox, receive
from sandbox.records import Row, without
from sandbox.world import World

TYPES = {"received": RECEIVED, "sent": SENT, "manual": MANUAL}


# Modes, and whether their e-mails are focused.
MODES = {"emode_focused": (1,), "emode_others": (0,), "emode_all": (0, 1)}
# Other parameters, such as `ue_type`, are ignored. A search is for a lead's address, or for a thread.
FILTERS = fields(numbers="i_status", texts="campaign_id list_id lead", lists="eaccount") | {
    "is_unread": flag(lambda row: bool(row.get("is_unread"))),
    "has_reminder": flag(lambda row: "reminder_ts" in row),
    "mode": matching(
        lambda text: MODES[parse_choice({}, "mode", MODES, text)], lambda row, modes: row.get("is_focused", 1) in modes
    ),
    "scheduled_only": only(lambda row: bool(row["ue_type"] == SCHEDULED)),
    "company_domain": lambda text: lambda row: str(row.get("lead", "")).endswith(f"@{text}"),
    "search": lambda text: equals("thread_id" if text.startswith("thread:") else "lead")(text.removeprefix("thread:")),
}


def _mailbox(world: World) -> Mailbox:
    emails = world.collection("emails")
    assert isinstance(emails, Mailbox)  # noqa: S101 - this module creates the table
    return emails


def _selected(request: ApiRequest) -> Iterator[tuple[bytes, Row]]:
    """Yield the e-mails that the query selects, after its cursor; rendering is lazy."""
    query, emails = request.query, _mailbox(request.world)
    kind = TYPES[parse_choice(query, "email_type", TYPES, "")] if "email_type" in query else None
    ascending = parse_choice(query, "sort_order", ("asc", "desc"), "desc") == "asc"
    tests = [make(query[name]) for name, make in FILTERS.items() if name in query]
    if kind is not None:
        tests.append(lambda row: bool(row.get("ue_type") == kind))
    if request.flag("latest_of_thread"):
        threads = request.world.cached(
            "latest_of_thread", lambda _: {row.get("thread_id", key): key for key, row in emails.items()}
        )
        latest = set(threads.values())
        tests.append(lambda row: row["id"] in latest)
    cursor = query.get("starting_after")
    after = uuid_bytes(str(id_cursor(cursor)[0])) if cursor else None
    # Both bounds are documented as exclusive ("after", "before"), but not verified.
    names = ("min_timestamp_created", "max_timestamp_created")
    first, last = (request.moment(name, 'match format "date-time"') for name in names)
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
    size = request.size("emails", parse_limit(query.get("limit")), query.get("starting_after"))
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

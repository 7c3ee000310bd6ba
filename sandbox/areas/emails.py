"""E-mails: the one list with its own, tight limit, and one of the few that can be narrowed by time."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.answers import ApiError, dumps, invalid, raw_reply, reply
from sandbox.api_lists import get_one
from sandbox.area import Area, Operation, known
from sandbox.clock import parse_stamp, uuid_bytes, uuid_text
from sandbox.email_text import MANUAL, RECEIVED, SCHEDULED, SENT
from sandbox.entities import compact
from sandbox.listings import equals
from sandbox.mailbox import Mailbox, make_mailbox, receive
from sandbox.mutations import instant, lead_event
from sandbox.paging import envelope, id_cursor, parse_bool, parse_limit, parse_number, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Predicate, Row
    from sandbox.world import World

TYPES = {"received": RECEIVED, "sent": SENT, "manual": MANUAL}
MODES = {"emode_focused": 1, "emode_others": 0, "emode_all": None}


def _flag(name: str) -> Callable[[str], Predicate]:
    """Filter by a member that is 0, 1 or absent."""

    def make(text: str) -> Predicate:
        wanted = parse_bool(text)
        return lambda row: bool(row.get(name)) == wanted

    return make


def _there(name: str) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        wanted = parse_bool(text)
        return lambda row: (name in row) == wanted

    return make


def _of_account(text: str) -> Predicate:
    wanted = set(text.split(","))
    return lambda row: row["eaccount"] in wanted


def _search(text: str) -> Predicate:
    """Search for a lead's address, or for a thread."""
    if text.startswith("thread:"):
        return equals("thread_id", str)(text.removeprefix("thread:"))
    return equals("lead", str)(text)


def _of_mode(text: str) -> Predicate:
    if text not in MODES:
        message = "querystring/mode must be equal to one of the allowed values"
        raise invalid(message)
    wanted = MODES[text]
    return lambda row: wanted is None or row.get("is_focused", 1) == wanted


def _scheduled(text: str) -> Predicate:
    only = parse_bool(text)
    return lambda row: not only or row["ue_type"] == SCHEDULED


def _of_domain(text: str) -> Predicate:
    return lambda row: str(row.get("lead", "")).endswith(f"@{text}")


# What is not here, `ue_type` for instance, is ignored.
FILTERS: Mapping[str, Callable[[str], Predicate]] = {
    "campaign_id": equals("campaign_id", str),
    "list_id": equals("list_id", str),
    "lead": equals("lead", str),
    "eaccount": _of_account,
    "i_status": equals("i_status", parse_number),
    "is_unread": _flag("is_unread"),
    "has_reminder": _there("reminder_ts"),
    "mode": _of_mode,
    "scheduled_only": _scheduled,
    "company_domain": _of_domain,
    "search": _search,
}


def _mailbox(world: World) -> Mailbox:
    emails = world.collection("emails")
    assert isinstance(emails, Mailbox)  # noqa: S101 - this module said so
    return emails


def _moment(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    try:
        return parse_stamp(text) if text else None
    except ValueError:
        message = f'querystring/{name} must match format "date-time"'
        raise invalid(message) from None


def _choice(call: Call, name: str, allowed: Mapping[str, int], usual: str | None = None) -> str | None:
    found = call.query.get(name, usual)
    if found is not None and found not in allowed:
        message = f"querystring/{name} must be equal to one of the allowed values"
        raise invalid(message)
    return found


def _latest(world: World) -> set[str]:
    """Collect the last e-mail of each thread."""
    found: dict[str, str] = {}
    for key, row in world.collection("emails").items():
        found[row.get("thread_id", key)] = key
    return set(found.values())


def _selected(call: Call) -> Iterator[tuple[bytes, Row]]:
    """Go through what the query asks for, from its cursor on; nothing is written that is not looked at."""
    query, emails = dict(call.query), _mailbox(call.world)
    kind = _choice(call, "email_type", TYPES)
    ascending = _choice(call, "sort_order", {"asc": 1, "desc": 0}, "desc") == "asc"
    tests = [make(query[name]) for name, make in FILTERS.items() if name in query]
    if kind is not None:
        tests.append(lambda row: bool(row.get("ue_type") == TYPES[kind]))
    if query.get("latest_of_thread") == "true":
        latest = call.world.remembered("latest_of_thread", _latest)
        tests.append(lambda row: row["id"] in latest)
    cursor = query.get("starting_after")
    after = uuid_bytes(str(id_cursor(cursor)[0])) if cursor else None
    # Both times are said to be exclusive ("after", "before"); nobody has looked.
    first, last = _moment(call, "min_timestamp_created"), _moment(call, "max_timestamp_created")
    for raw in emails.after(after, first, last, ascending=ascending):
        if kind is not None and emails.kind(raw) not in {None, TYPES[kind]}:
            continue
        row = emails.row(raw)
        if all(test(row) for test in tests):
            yield raw, row


def _list_emails(call: Call) -> Response:
    """Answer GET /emails."""
    manners = call.workspace.manners
    allowed = manners.emails_per_minute
    if manners.rate_limit and not call.workspace.email_limiter.admits(allowed, allowed):
        wait = {"retry-after": str(manners.retry_after)} if manners.retry_after is not None else None
        raise ApiError(429, "Rate limit exceeded", headers=wait)
    limit = parse_limit(call.query.get("limit"))
    size = shorten(limit, manners.short_pages, call.world.config.seed, "emails", call.query.get("starting_after"))
    extra, brief = call.world.extra["emails"], call.query.get("preview_only") == "true"
    page = list(islice(_selected(call), size))
    shown = [row | extra for _, row in page]
    texts = [dumps({name: value for name, value in row.items() if name != "body"} if brief else row) for row in shown]
    return raw_reply(envelope(texts, uuid_text(page[-1][0]) if page else None))


def _unread(world: World) -> Row:
    return {"count": sum(row.get("is_unread", 0) for row in world.collection("emails").values())}


def _get_unread(call: Call) -> Response:
    return reply(call.world.remembered("unread", _unread))


def _newest_first(world: World) -> Iterator[Row]:
    emails, extra = _mailbox(world), world.extra["emails"]
    return (emails.row(raw) | extra for raw in emails.after(None, None, None, ascending=False))


def _receive(world: World, lead_id: str | None = None, at: str | None = None, *, automatic: bool = False) -> Row:
    """Let an e-mail arrive: a lead's answer, which the lead knows of too, or a stranger's."""
    lead: Row | None = {}
    if lead_id is None:
        world.mutation_rng()
    else:
        lead = lead_event(world, "reply", lead_id, instant(at), automatic=automatic)
    if lead is None:
        raise ApiError(404, "No such lead")
    rng = world.rng(f"email:{world.mutations}")
    return {"email": receive(world, lead, world.moment(instant(at)), rng, automatic=automatic)}


def _change(world: World, key: str, **members: Any) -> Row:
    emails = world.collection("emails")
    known(emails, key)
    world.mutation_rng()
    emails[key] = compact(emails[key] | members)
    return {"email": emails[key]}


def _read(world: World, id: str, *, unread: bool = False) -> Row:  # noqa: A002 - the API's name for it
    return _change(world, id, is_unread=int(unread))


def _mark(world: World, id: str, i_status: float | None = 1) -> Row:  # noqa: A002 - the API's name for it
    return _change(world, id, i_status=i_status)


def _delete(world: World, id: str) -> Row:  # noqa: A002 - the API's name for it
    emails = world.collection("emails")
    known(emails, id)
    world.mutation_rng()
    return {"email": emails.pop(id)}


AREA = Area(
    operations=(
        Operation("GET", "/emails", _list_emails, "emails:read"),
        Operation("GET", "/emails/unread/count", _get_unread, "emails:read"),
        Operation("GET", "/emails/{key}", get_one("emails"), "emails:read"),
    ),
    tables={"emails": make_mailbox},
    truth={"emails": _newest_first, "emails_unread": lambda world: [_unread(world)]},
    changes={"receive_email": _receive, "read_email": _read, "mark_email": _mark, "delete_email": _delete},
)

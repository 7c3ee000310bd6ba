"""Webhooks, what was delivered through them, and the sums of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.answers import invalid, reply
from sandbox.api_lists import get_list, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.clock import day_text, parse_day, stamp
from sandbox.listings import equals
from sandbox.mutations import instant
from sandbox.paging import Listing, Predicate, id_cursor, parse_bool
from sandbox.webhook_data import EVENT_TYPES, event_types, make_event, make_events, make_webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row
    from sandbox.world import World


def _day_bound(name: str, *, lower: bool) -> Callable[[str], Predicate]:
    """Filter by a day that belongs to the range itself."""

    def make(text: str) -> Predicate:
        try:
            day = day_text(parse_day(text))
        except ValueError:
            message = f"querystring/{name} must be a date"
            raise invalid(message) from None
        if lower:
            return lambda row: bool(row["timestamp_created_date"] >= day)
        return lambda row: bool(row["timestamp_created_date"] <= day)

    return make


def _exactly(text: str) -> Predicate:
    return lambda row: text in {row["webhook_url"], row.get("lead_email")}


WEBHOOKS = Listing(
    resource="webhooks",
    scope="webhooks",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={"campaign": equals("campaign", str), "event_type": equals("event_type", str)},
    at_end="absent",
)

# The order is a guess: newest first, by ids that carry the time.
WEBHOOK_EVENTS = Listing(
    resource="webhook_events",
    scope="webhook_events",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "success": equals("success", parse_bool),
        "from": _day_bound("from", lower=True),
        "to": _day_bound("to", lower=False),
        "search": _exactly,
    },
)


def _chosen(world: World, query: Mapping[str, str]) -> list[Row]:
    dates = {name: query[name] for name in ("from", "to") if name in query}
    return WEBHOOK_EVENTS.select(world.collection("webhook_events").values(), dates)


def _sums(events: list[Row]) -> Row:
    good = sum(row["success"] for row in events)
    share = 100 * good / len(events) if events else 0
    return {
        "total_events": len(events),
        "successful_events": good,
        "failed_events": len(events) - good,
        "success_rate": round(share, 2),
    }


def _summary(world: World, query: Mapping[str, str]) -> Row:
    sums = _sums(_chosen(world, query))
    return {**sums, "failure_rate": round(100 - sums["success_rate"], 2) if sums["total_events"] else 0}


def _by_date(world: World, query: Mapping[str, str]) -> list[Row]:
    days: dict[str, list[Row]] = {}
    for row in reversed(_chosen(world, query)):
        days.setdefault(row["timestamp_created_date"], []).append(row)
    return [{"date": day, **_sums(days[day])} | world.extra["webhook_events_by_date"] for day in sorted(days)]


def _get_summary(call: Call) -> Response:
    return reply(_summary(call.world, call.query) | call.world.extra["webhook_events_summary"])


def _get_by_date(call: Call) -> Response:
    return reply({"items": _by_date(call.world, call.query)})


def _get_types(call: Call) -> Response:
    return reply({"event_types": event_types(call.world)})


def _types(world: World) -> Iterable[Row]:
    return event_types(world)


def _deliver(
    world: World, event_type: str = "reply_received", lead_id: str | None = None, at: str | None = None
) -> Row:
    if event_type not in EVENT_TYPES:
        message = f"unknown event type: {event_type}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    lead = world.leads.get(lead_id) if lead_id else None
    hook = next(iter(world.collection("webhooks").values()))
    row = make_event(world, rng, moment, event_type, lead or {}, hook)
    world.collection("webhook_events")[row["id"]] = row
    return {"webhook_event": row}


def _retried(world: World, id: str) -> Row:  # noqa: A002 - the API's name for it
    """Let what was to be tried again succeed; nothing in the event tells when it changed."""
    rows = world.collection("webhook_events")
    known(rows, id)
    world.mutation_rng()
    row = {name: value for name, value in rows[id].items() if name != "timestamp_next_retry"}
    rows[id] = row | {"will_retry": False, "retry_successful": True, "retry_count": row["retry_count"] + 1}
    return {"webhook_event": rows[id]}


def _break(world: World, id: str, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    rows = world.collection("webhooks")
    known(rows, id)
    world.mutation_rng()
    rows[id] = rows[id] | {"status": -1, "timestamp_error": stamp(world.moment(instant(at)))}
    return {"webhook": rows[id]}


AREA = Area(
    operations=(
        # The documentation names no scope for the list, the types and the sums.
        Operation("GET", "/webhooks", get_list(WEBHOOKS)),
        Operation("GET", "/webhooks/event-types", _get_types),
        Operation("GET", "/webhooks/{key}", get_one("webhooks"), "webhooks:read"),
        Operation("GET", "/webhook-events", get_list(WEBHOOK_EVENTS), "webhook_events:read"),
        Operation("GET", "/webhook-events/summary", _get_summary),
        Operation("GET", "/webhook-events/summary-by-date", _get_by_date),
        Operation("GET", "/webhook-events/{key}", get_one("webhook_events"), "webhook_events:read"),
    ),
    tables={"webhooks": make_webhooks, "webhook_events": make_events},
    truth={
        "webhooks": listed(WEBHOOKS),
        "webhook_event_types": _types,
        "webhook_events": listed(WEBHOOK_EVENTS),
        "webhook_events_summary": lambda world: [_summary(world, {}) | world.extra["webhook_events_summary"]],
        "webhook_events_by_date": lambda world: _by_date(world, {}),
    },
    changes={"deliver_webhook": _deliver, "retry_webhook": _retried, "break_webhook": _break},
)

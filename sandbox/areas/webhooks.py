"""Webhooks, their deliveries of lead events, and sums of these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from random import Random

from sandbox.api import changes, get, get_list, get_one, resource, table, truth, update
from sandbox.clock import DAY_MS, HOUR_MS, day_text, parse_day, parse_stamp, stamp, uuid4, uuid7
from sandbox.lists import Listing, bound, fields, parsed
from sandbox.records import Data, Row
from sandbox.world import World

DATA = Data(__file__)
EVENT_TYPES: list[str] = DATA["event_types"]
# Timestamps of a lead and the event of each.
MOMENTS: dict[str, str] = DATA["moments"]
LEADS_TOLD_OF = 150


def _make_webhooks(world: World) -> Iterator[Row]:
    """Create the webhooks. The API returns headers unmasked, so a copy of the list may contain passwords."""
    rng, hooked = world.rng("webhooks"), DATA["hooked"]
    campaign = next(iter(world.campaigns), None)
    for number, event in enumerate(hooked):
        created = world.born + (15 + 12 * number) * DAY_MS + rng.randrange(DAY_MS)
        broken = number == len(hooked) - 1
        values = {"at": created, "event": event, "broken": broken, "status": -1 if broken else 1}
        values |= {"key": uuid7(rng, created), "secret": f"{rng.getrandbits(64):016x}"}
        yield DATA.make("webhook", number, world=world, campaign=campaign, **values)


def _event_types(world: World) -> Iterable[Row]:
    """Return the event types for subscriptions: the standard types, and the workspace's labels."""
    rows = [{"id": name, "label": name.replace("_", " ").title(), "type": "standard"} for name in EVENT_TYPES]
    labels = sorted(world.collection("lead_labels").values(), key=lambda row: int(row["interest_status"]))
    rows += [{"id": str(row["interest_status"]), "label": row["label"], "type": "custom"} for row in labels]
    return [row | world.extra["webhook_event_types"] for row in rows]


def _event(world: World, rng: Random, moment: int, kind: str, lead: Row, hook: Row) -> Row:
    # Some events have different names in payloads and in subscriptions.
    told_as = "link_clicked" if kind == "email_link_clicked" else kind
    values = {"campaign": world.campaigns.get(lead.get("campaign", ""), {}), "lead": lead, "hook": hook, "at": moment}
    return DATA.make("event", 0, rng, world=world, told_as=told_as, **values)


def _make_events(world: World) -> Iterator[Row]:
    """Create the deliveries: every seventh failed at first, and some of these permanently."""
    rng, positions = world.rng("webhook_events"), world.leads.positions_of_kind(campaigns=True)
    hooks = list(world.collection("webhooks").values())
    sample = positions[:: max(1, len(positions) // LEADS_TOLD_OF)]
    moments = [
        (parse_stamp(lead[member]), kind, lead)
        for lead in (json.loads(world.leads.text(world.leads.raw(position))) for position in sample)
        for member, kind in MOMENTS.items()
        if member in lead
    ]
    for number, (moment, kind, lead) in enumerate(sorted(moments, key=lambda told: told[0])):
        hook = hooks[number % len(hooks)]
        row = _event(world, rng, moment, kind, lead, hook)
        if number % 7 == 3:
            row |= _failure(rng, moment, number // 7)
            if row.get("retry_successful"):
                again = _event(world, rng, min(world.horizon, moment + HOUR_MS), kind, lead, hook)
                yield again | {"retry_count": 1, "retry_group_id": row["retry_group_id"], "retry_successful": True}
        yield row


def _failure(rng: Random, moment: int, number: int) -> Row:
    failed: Row = {"success": False, "retry_group_id": uuid4(rng), **DATA["failures"][number % 3]}
    return failed | ({"timestamp_next_retry": stamp(moment + HOUR_MS)} if failed["will_retry"] else {})


def _day(name: str, text: str) -> str:
    return day_text(parsed(parse_day, text, f"querystring/{name} must be a date"))


WEBHOOKS = Listing("webhooks", filters=fields(texts="campaign event_type"), at_end="absent")
FILTERS = fields(flags="success") | {
    name: bound("timestamp_created_date", partial(_day, name), lower=name == "from") for name in ("from", "to")
}
FILTERS["search"] = lambda text: lambda row: text in {row["webhook_url"], row.get("lead_email")}
# Newest first, by time-ordered ids, is a guess.
EVENTS = Listing("webhook_events", filters=FILTERS)


def _chosen(world: World, query: Mapping[str, str]) -> list[Row]:
    dates = {name: query[name] for name in ("from", "to") if name in query}
    return EVENTS.select(world.collection("webhook_events").values(), dates)


def _sums(events: list[Row]) -> Row:
    good = sum(row["success"] for row in events)
    share = 100 * good / len(events) if events else 0
    sums = {"total_events": len(events), "successful_events": good, "failed_events": len(events) - good}
    return sums | {"success_rate": round(share, 2)}


def _summary(world: World, query: Mapping[str, str]) -> Row:
    sums = _sums(_chosen(world, query))
    failures = round(100 - sums["success_rate"], 2) if sums["total_events"] else 0
    return {**sums, "failure_rate": failures, **world.extra["webhook_events_summary"]}


def _by_date(world: World, query: Mapping[str, str]) -> list[Row]:
    days: dict[str, list[Row]] = {}
    for row in _chosen(world, query):
        days.setdefault(row["timestamp_created_date"], []).append(row)
    return [{"date": day, **_sums(days[day])} | world.extra["webhook_events_by_date"] for day in sorted(days)]


def _deliver_webhook(
    world: World, event_type: str = "reply_received", lead_id: str | None = None, at: int | None = None
) -> Row:
    if event_type not in EVENT_TYPES:
        message = f"unknown event type: {event_type}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    lead = world.leads.get(lead_id) if lead_id else None
    hook = next(iter(world.collection("webhooks").values()))
    return {"webhook_event": world.insert("webhook_events", _event(world, rng, moment, event_type, lead or {}, hook))}


def _retry_webhook(world: World, id: str) -> Row:
    """Let a retry succeed; no field of the event says when it changed."""
    count = world.known("webhook_events", id)["retry_count"] + 1
    changes: Row = {"will_retry": False, "retry_successful": True, "retry_count": count, "timestamp_next_retry": None}
    return {"webhook_event": update(world, "webhook_events", id, **changes)}


def _break_webhook(world: World, id: str, at: int | None = None) -> Row:
    return {"webhook": update(world, "webhooks", id, at, "timestamp_error", status=-1)}


AREA = (
    resource("/webhook-events", EVENTS, _make_events)
    + table(WEBHOOKS, _make_webhooks)
    # The documentation names no scope for the list, the types and the sums.
    + get("/webhooks", get_list(WEBHOOKS))
    + get("/webhooks/event-types", lambda request: {"event_types": _event_types(request.world)})
    + get("/webhooks/{key}", get_one("webhooks"), "webhooks:read")
    + get("/webhook-events/summary", lambda request: _summary(request.world, request.query))
    + get("/webhook-events/summary-by-date", lambda request: {"items": _by_date(request.world, request.query)})
    + truth("webhook_event_types", _event_types)
    + truth("webhook_events_summary", lambda world: [_summary(world, {})])
    + truth("webhook_events_by_date", lambda world: _by_date(world, {}))
    + changes(_deliver_webhook, _retry_webhook, _break_webhook)
)

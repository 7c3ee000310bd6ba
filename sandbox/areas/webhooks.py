"""Webhooks, their deliveries of lead events, and sums of these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from random import Random

from sandbox.answers import reply
from sandbox.api import Area, get, get_list, get_one, known, listed, resource, update
from sandbox.clock import DAY_MS, HOUR_MS, day_text, parse_day, parse_stamp, stamp, uuid4, uuid7
from sandbox.lists import Filter, Listing, Predicate, equals, parse_bool, parsed
from sandbox.records import Row, at_every
from sandbox.world import World

EVENT_TYPES = (
    *("all_events", "email_sent", "email_opened", "email_link_clicked", "reply_received", "email_bounced"),
    *("lead_unsubscribed", "campaign_completed", "account_error", "lead_neutral", "lead_interested"),
    *("lead_not_interested", "lead_meeting_booked", "lead_meeting_completed", "lead_closed", "lead_out_of_office"),
    *("lead_wrong_person", "lead_no_show", "supersearch_enrichment_completed"),
)
HOOKED = ("all_events", "reply_received", "lead_interested", None, "email_bounced", "lead_meeting_booked")
# Timestamps of a lead and the event of each.
MOMENTS = {
    "timestamp_last_contact": "email_sent",
    "timestamp_last_open": "email_opened",
    "timestamp_last_click": "email_link_clicked",
    "timestamp_last_reply": "reply_received",
}
LEADS_TOLD_OF = 150


def _make_webhooks(world: World) -> Iterator[Row]:
    """Create the webhooks; their ids are time-ordered."""
    rng = world.rng("webhooks")
    campaign = next(iter(world.campaigns), None)
    for number, event in enumerate(HOOKED):
        created = world.born + (15 + 12 * number) * DAY_MS + rng.randrange(DAY_MS)
        broken = number == len(HOOKED) - 1
        yield {
            "id": uuid7(rng, created),
            "organization": world.organization,
            "campaign": at_every(number, 3, campaign, 1),
            "name": at_every(number, 2, f"Hook {number + 1}"),
            "target_hook_url": f"https://hooks.harbor-loom.example/in/{number + 1}",
            "event_type": event,
            "custom_interest_value": 7001 if event is None else None,
            # The API returns headers unmasked, so a copy of the list may contain passwords.
            "headers": at_every(number, 2, {"Authorization": f"Bearer not-a-real-token-{rng.getrandbits(64):016x}"}),
            "timestamp_created": stamp(created),
            "status": -1 if broken else at_every(number, 3, None, 2) or 1,
            "timestamp_error": stamp(created + 30 * DAY_MS) if broken else None,
        }


def _event_types(world: World) -> Iterable[Row]:
    """Return the event types for subscriptions: the standard types, and the workspace's labels."""
    rows = [{"id": name, "label": name.replace("_", " ").title(), "type": "standard"} for name in EVENT_TYPES]
    labels = sorted(world.collection("lead_labels").values(), key=lambda row: int(row["interest_status"]))
    rows += [{"id": str(row["interest_status"]), "label": row["label"], "type": "custom"} for row in labels]
    return [row | world.extra["webhook_event_types"] for row in rows]


def _sample(world: World) -> Iterator[Row]:
    """Yield some leads, spread over all."""
    positions = world.leads.positions_of_kind(campaigns=True)
    for at in range(0, len(positions), max(1, len(positions) // LEADS_TOLD_OF)):
        yield json.loads(world.leads.text(world.leads.raw(positions[at])))


def _event(world: World, rng: Random, moment: int, kind: str, lead: Row, hook: Row) -> Row:
    """Create a successful delivery."""
    campaign = world.campaigns.get(lead.get("campaign", ""), {})
    payload = {
        "timestamp": stamp(moment),
        # Some events have different names in payloads and in subscriptions.
        "event_type": "link_clicked" if kind == "email_link_clicked" else kind,
        "workspace": world.organization,
        "campaign_id": campaign.get("id"),
        "campaign_name": campaign.get("name"),
        "lead_email": lead.get("email"),
        "step": 1,
        "variant": 1,
    }
    return {
        "id": uuid7(rng, moment),
        "timestamp_created": stamp(moment),
        "timestamp_created_date": day_text(moment // DAY_MS),
        "organization_id": world.organization,
        "payload": payload,
        "success": True,
        "retry_count": 0,
        "will_retry": False,
        "webhook_url": hook["target_hook_url"],
        "status_code": 200,
        "lead_email": lead.get("email"),
        "response_time_ms": 40 + rng.randrange(400),
    }


def _make_events(world: World) -> Iterator[Row]:
    """Create the deliveries: every seventh failed at first, and some of these permanently."""
    rng = world.rng("webhook_events")
    hooks = list(world.collection("webhooks").values())
    moments = [
        (parse_stamp(lead[member]), kind, lead)
        for lead in _sample(world)
        for member, kind in MOMENTS.items()
        if member in lead
    ]
    for number, (moment, kind, lead) in enumerate(sorted(moments, key=lambda told: told[0])):
        hook = hooks[number % len(hooks)]
        row = _event(world, rng, moment, kind, lead, hook)
        if number % 7 == 3:  # noqa: PLR2004 - every n-th
            row |= _failure(rng, moment, number // 7)
            if row.get("retry_successful"):
                again = _event(world, rng, min(world.horizon, moment + HOUR_MS), kind, lead, hook)
                yield again | {"retry_count": 1, "retry_group_id": row["retry_group_id"], "retry_successful": True}
        yield row


def _failure(rng: Random, moment: int, number: int) -> Row:
    """Return a failed delivery and its retry."""
    failed: Row = {
        "success": False,
        "retry_group_id": uuid4(rng),
        "error_message": "Request failed with status code 503",
    }
    failed |= {"status_code": 503, "retry_count": number % 3}
    if number % 3 == 0:
        return failed | {"will_retry": True, "timestamp_next_retry": stamp(moment + HOUR_MS)}
    if number % 3 == 1:
        return failed | {"will_retry": False, "retry_successful": True}
    return failed | {"will_retry": False, "retry_successful": False, "error_message": "Connection timeout"}


def _day_bound(name: str, *, lower: bool) -> Filter:
    """Filter by a day, which the range includes."""

    def make(text: str) -> Predicate:
        day = day_text(parsed(parse_day, text, f"querystring/{name} must be a date"))
        if lower:
            return lambda row: bool(row["timestamp_created_date"] >= day)
        return lambda row: bool(row["timestamp_created_date"] <= day)

    return make


WEBHOOKS = Listing(
    "webhooks", filters={"campaign": equals("campaign"), "event_type": equals("event_type")}, at_end="absent"
)
# Newest first, by time-ordered ids, is a guess.
EVENTS = Listing(
    "webhook_events",
    filters={
        "success": equals("success", parse_bool),
        "from": _day_bound("from", lower=True),
        "to": _day_bound("to", lower=False),
        "search": lambda text: lambda row: text in {row["webhook_url"], row.get("lead_email")},
    },
)


def _chosen(world: World, query: Mapping[str, str]) -> list[Row]:
    dates = {name: query[name] for name in ("from", "to") if name in query}
    return EVENTS.select(world.collection("webhook_events").values(), dates)


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
    failures = round(100 - sums["success_rate"], 2) if sums["total_events"] else 0
    return {**sums, "failure_rate": failures, **world.extra["webhook_events_summary"]}


def _by_date(world: World, query: Mapping[str, str]) -> list[Row]:
    days: dict[str, list[Row]] = {}
    for row in _chosen(world, query):
        days.setdefault(row["timestamp_created_date"], []).append(row)
    return [{"date": day, **_sums(days[day])} | world.extra["webhook_events_by_date"] for day in sorted(days)]


def _deliver(
    world: World, event_type: str = "reply_received", lead_id: str | None = None, at: int | None = None
) -> Row:
    if event_type not in EVENT_TYPES:
        message = f"unknown event type: {event_type}"
        raise ValueError(message)
    rng, moment = world.mutation_rng(), world.moment(at)
    lead = world.leads.get(lead_id) if lead_id else None
    hook = next(iter(world.collection("webhooks").values()))
    return {"webhook_event": world.insert("webhook_events", _event(world, rng, moment, event_type, lead or {}, hook))}


def _retry(world: World, id: str) -> Row:  # noqa: A002 - the API's name for it
    """Let a retry succeed; no field of the event says when it changed."""
    rows = world.collection("webhook_events")
    count = rows[known(rows, id)]["retry_count"] + 1
    changes: Row = {"will_retry": False, "retry_successful": True, "retry_count": count, "timestamp_next_retry": None}
    return {"webhook_event": update(world, "webhook_events", id, **changes)}


def _break(world: World, id: str, at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    return {"webhook": update(world, "webhooks", id, at, "timestamp_error", status=-1)}


AREA = resource("/webhook-events", EVENTS, _make_events) + Area(
    endpoints=(
        # The documentation names no scope for the list, the types and the sums.
        get("/webhooks", get_list(WEBHOOKS)),
        get("/webhooks/event-types", lambda request: reply({"event_types": _event_types(request.world)})),
        get("/webhooks/{key}", get_one("webhooks"), "webhooks:read"),
        get("/webhook-events/summary", lambda request: reply(_summary(request.world, request.query))),
        get(
            "/webhook-events/summary-by-date", lambda request: reply({"items": _by_date(request.world, request.query)})
        ),
    ),
    tables={"webhooks": _make_webhooks},
    truth={
        "webhooks": listed(WEBHOOKS),
        "webhook_event_types": _event_types,
        "webhook_events_summary": lambda world: [_summary(world, {})],
        "webhook_events_by_date": lambda world: _by_date(world, {}),
    },
    mutations={"deliver_webhook": _deliver, "retry_webhook": _retry, "break_webhook": _break},
)

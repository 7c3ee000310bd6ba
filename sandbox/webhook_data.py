"""Webhooks and deliveries, generated: what leads did, told to somebody's server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.clock import DAY_MS, HOUR_MS, day_text, parse_stamp, stamp, uuid4, uuid7
from sandbox.entities import at_every, compact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from sandbox.paging import Row
    from sandbox.world import World

EVENT_TYPES = (
    *("all_events", "email_sent", "email_opened", "email_link_clicked", "reply_received", "email_bounced"),
    *("lead_unsubscribed", "campaign_completed", "account_error", "lead_neutral", "lead_interested"),
    *("lead_not_interested", "lead_meeting_booked", "lead_meeting_completed", "lead_closed", "lead_out_of_office"),
    *("lead_wrong_person", "lead_no_show", "supersearch_enrichment_completed"),
)
HOOKED = ("all_events", "reply_received", "lead_interested", None, "email_bounced", "lead_meeting_booked")
# Which moment of a lead is told as what.
MOMENTS = {
    "timestamp_last_contact": "email_sent",
    "timestamp_last_open": "email_opened",
    "timestamp_last_click": "email_link_clicked",
    "timestamp_last_reply": "reply_received",
}
LEADS_TOLD_OF = 150


def make_webhooks(world: World) -> dict[str, Row]:
    """Make the webhooks; ids carry their time."""
    rng, rows = world.rng("webhooks"), {}
    campaigns = list(world.campaigns)
    for number, event in enumerate(HOOKED):
        created = world.born + (15 + 12 * number) * DAY_MS + rng.randrange(DAY_MS)
        broken = number == len(HOOKED) - 1
        row = compact(
            {
                "id": uuid7(rng, created),
                "organization": world.organization,
                "campaign": at_every(number, 3, campaigns[0] if campaigns else None, 1),
                "name": at_every(number, 2, f"Hook {number + 1}"),
                "target_hook_url": f"https://hooks.harbor-loom.example/in/{number + 1}",
                "event_type": event,
                "custom_interest_value": 7001 if event is None else None,
                # The API shows these as they are, so a copy of the list is a copy of somebody's password.
                "headers": at_every(
                    number, 2, {"Authorization": f"Bearer not-a-real-token-{rng.getrandbits(64):016x}"}
                ),
                "timestamp_created": stamp(created),
                "status": -1 if broken else at_every(number, 3, None, 2) or 1,
                "timestamp_error": stamp(created + 30 * DAY_MS) if broken else None,
            }
        )
        rows[row["id"]] = row
    return rows


def event_types(world: World) -> list[Row]:
    """List what can be subscribed to: the standard types, and the workspace's own labels."""
    rows = [
        {"id": name, "label": name.replace("_", " ").title(), "type": "standard"} | world.extra["webhook_event_types"]
        for name in EVENT_TYPES
    ]
    labels = sorted(world.collection("lead_labels").values(), key=lambda row: int(row["interest_status"]))
    rows += [
        {"id": str(row["interest_status"]), "label": row["label"], "type": "custom"}
        | world.extra["webhook_event_types"]
        for row in labels
    ]
    return rows


def _sample(world: World) -> Iterator[Row]:
    """Take some leads, spread over all."""
    positions = world.leads.positions_of_kind(campaigns=True)
    for at in range(0, len(positions), max(1, len(positions) // LEADS_TOLD_OF)):
        yield json.loads(world.leads.text(world.leads.raw(positions[at])))


def make_event(world: World, rng: Random, moment: int, kind: str, lead: Row, hook: Row) -> Row:
    """Make one delivery that went well."""
    campaign = world.campaigns.get(lead.get("campaign", ""), {})
    payload = {
        "timestamp": stamp(moment),
        # Payloads call some events by other names than subscriptions do.
        "event_type": "link_clicked" if kind == "email_link_clicked" else kind,
        "workspace": world.organization,
        "campaign_id": campaign.get("id"),
        "campaign_name": campaign.get("name"),
        "lead_email": lead.get("email"),
        "step": 1,
        "variant": 1,
    }
    return compact(
        {
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
    )


def make_events(world: World) -> dict[str, Row]:
    """Make the deliveries: every seventh failed at first, and some of these for good."""
    rng, rows = world.rng("webhook_events"), {}
    hooks = list(world.collection("webhooks").values())
    moments = [
        (parse_stamp(lead[member]), kind, lead)
        for lead in _sample(world)
        for member, kind in MOMENTS.items()
        if member in lead
    ]
    for number, (moment, kind, lead) in enumerate(sorted(moments, key=lambda told: told[0])):
        row = make_event(world, rng, moment, kind, lead, hooks[number % len(hooks)])
        if number % 7 == 3:  # noqa: PLR2004 - a turn
            row |= _failure(rng, moment, number // 7)
            if row.get("retry_successful"):
                again = make_event(
                    world, rng, min(world.horizon, moment + HOUR_MS), kind, lead, hooks[number % len(hooks)]
                )
                again |= {"retry_count": 1, "retry_group_id": row["retry_group_id"], "retry_successful": True}
                rows[again["id"]] = again
        rows[row["id"]] = row
    return rows


def _failure(rng: Random, moment: int, number: int) -> Row:
    """Tell how a delivery failed, and what comes of it."""
    group = uuid4(rng)
    failed: Row = {"success": False, "retry_group_id": group, "error_message": "Request failed with status code 503"}
    failed |= {"status_code": 503, "retry_count": number % 3}
    if number % 3 == 0:
        return failed | {"will_retry": True, "timestamp_next_retry": stamp(moment + HOUR_MS)}
    if number % 3 == 1:
        return failed | {"will_retry": False, "retry_successful": True}
    return failed | {"will_retry": False, "retry_successful": False, "error_message": "Connection timeout"}

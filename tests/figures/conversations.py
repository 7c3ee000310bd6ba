"""Conversations of a world's leads: the same events as seen by leads, e-mails and webhook deliveries.

Each of them tells a part, at a slightly different time. Deliveries are repeated, clocks are wrong, and some addresses
are leads of two campaigns.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.figures.world import Row, World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SENT, RECEIVED, BY_HAND, SCHEDULED = 1, 2, 3, 4
HOOKS = ("https://hooks.example/all", "https://hooks.example/replies")
MARKS = {
    0: "lead_out_of_office",
    1: "lead_interested",
    2: "lead_meeting_booked",
    3: "lead_meeting_completed",
    4: "lead_closed",
    -1: "lead_not_interested",
    7001: "LABEL 2",
    7002: "Label 1",
}
STAMPS = {
    "opened": "timestamp_last_open",
    "clicked": "timestamp_last_click",
    "replied": "timestamp_last_reply",
}


class Conversations:
    """Adds the rows of a world's e-mails and webhook events, and the traces of both in its leads."""

    def __init__(self, world: World) -> None:
        self._world, self._random = world, random.Random(f"{world.seed} conversations")
        self._copies: dict[str, list[Row]] = {}
        for row in world.rows.get("leads", []):
            self._copies.setdefault(row["id"], []).append(row)
        self._count = 0
        self._load: dict[str, Any] = {}
        self._whose: Row = {}
        for number, key in enumerate(sorted(self._copies)):
            self._converse(number, key)
        for row in list(world.rows.get("leads", []))[:3]:
            self._strangers(row)

    def _converse(self, number: int, key: str) -> None:
        lead = self._copies[key][0]
        self._whose = {name: lead[name] for name in ("workspace_id", "workspace_name")}
        self._load = {name: lead[name] for name in ("_sdc_extracted_at", "_sdc_batched_at")} | {"_sdc_deleted_at": None}
        email = None if number % 13 == 5 else f"Buyer.{number - number % 9 // 8}@Shop.example"
        told: dict[str, Any] = {"email": email}
        if contact := lead["timestamp_last_contact"]:
            told |= self._journey({**lead, "email": email}, contact)
        elif changed := lead["timestamp_last_interest_change"]:
            self._mark({**lead, "email": email}, changed)
        for row in self._copies[key]:
            row.update(told)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _journey(self, lead: Row, contact: datetime) -> Row:
        """Add the events of a contacted lead; return the times of the last ones."""
        told: Row = {"timestamp_last_contact": contact + self._random.randint(0, 59) * timedelta(seconds=1)}
        steps = self._random.randint(1, 3)
        for step in range(steps):
            at = contact - (steps - 1 - step) * 3 * DAY
            self._event(lead, "email_sent", at, kind=SENT, step=step)
        for name, type_, share in (("opened", "email_opened", 0.5), ("clicked", "link_clicked", 0.2)):
            if self._chance(share):
                for at in self._times(contact):
                    told[STAMPS[name]] = at
                    self._hook(lead, type_, at)
        if self._chance(0.4):
            told[STAMPS["replied"]] = self._replies(lead, contact)
        for status, type_ in ((-1, "email_bounced"), (-2, "lead_unsubscribed")):
            if lead["status"] == status and self._chance(0.5):
                self._hook(lead, type_, contact + HOUR)
        if lead["timestamp_last_interest_change"]:
            self._mark(lead, lead["timestamp_last_interest_change"])
        return told

    def _replies(self, lead: Row, contact: datetime) -> datetime:
        """Add replies and answers; return the time of the last reply."""
        times = self._times(contact)
        for at in times:
            automatic = self._chance(0.3)
            type_ = "auto_reply_received" if automatic else "reply_received"
            self._event(lead, type_, at, kind=RECEIVED, automatic=automatic)
            if self._chance(0.5):
                self._email(lead, at + self._random.randint(0, 40) * HOUR, kind=BY_HAND)
            if self._chance(0.2):
                self._email(lead, at + DAY, kind=SCHEDULED)
        return times[-1]

    def _times(self, contact: datetime) -> list[datetime]:
        """Return some times, oldest first, now and then so close that they look like one."""
        gaps = self._random.choices((3 * MINUTE, 8 * MINUTE, 2 * HOUR, 30 * HOUR), k=self._random.randint(1, 3))
        found, at = [], contact + HOUR
        for gap in gaps:
            at += gap
            found.append(at)
        return found

    def _mark(self, lead: Row, changed: datetime) -> None:
        """Let webhooks report a status, and others before it."""
        code = lead["lt_interest_status"]
        for back in range(self._random.randint(0, 2), 0, -1):
            other = self._random.choice([*MARKS.values(), "lead_neutral", "Call me"])
            self._hook(lead, other, changed - back * self._random.choice((4 * MINUTE, DAY)))
        if code in MARKS:
            self._hook(lead, MARKS[code], changed)

    def _event(self, lead: Row, type_: str, at: datetime, *, kind: int, step: int = 0, automatic: bool = False) -> None:
        email_id = None
        if self._chance(0.8):
            email_id = self._email(lead, at, kind=kind, step=step, automatic=automatic)
        self._hook(lead, type_, at, email_id=email_id if self._chance(0.5) else None, step=step)

    def _email(self, lead: Row, at: datetime, *, kind: int, step: int = 0, automatic: bool = False) -> str:
        self._count += 1
        created = at + self._random.randint(0, 240) * timedelta(seconds=1)
        other = (datetime(1970, 1, 1), created + 40 * DAY, None)  # noqa: DTZ001 - as loaders write it
        sent = (
            self._random.choice(other) if self._chance(0.1) else created - self._random.randint(0, 99) * timedelta(0, 1)
        )
        account, received = "Sender.1@home.example", kind == RECEIVED
        from_ = (lead["email"] if self._chance(0.9) else "Colleague@Shop.example") if received else account
        row = {"id": f"email-{self._count}", "timestamp_created": created, "timestamp_email": sent, "ue_type": kind}
        row |= {"thread_id": None if self._chance(0.03) else f"thread of {lead['id']}", "lead": lead["email"]}
        row |= {"lead_id": lead["id"] if self._chance(0.7) else None, "eaccount": account, "from_address_email": from_}
        row |= {"campaign_id": lead["campaign"] if self._chance(0.8) else None, "subject": f"It's about {step}"}
        if kind == SENT:
            row["step"] = self._random.choice((f"0_{step}_1", None, "step-123"))
        if received:
            row["is_auto_reply"] = int(automatic) if self._chance(0.9) else None
        self._add("emails", row)
        return row["id"]

    def _hook(self, lead: Row, type_: str, at: datetime, *, email_id: str | None = None, step: int = 0) -> None:
        """Deliver an event to one address or to two, some of them again after an hour, and some not at all."""
        for url in HOOKS[: self._random.choice((0, 1, 1, 2))]:
            told = at + self._random.randint(-59, 59) * timedelta(seconds=1)
            payload = {"event_type": type_, "timestamp": self._random.choice(list(_written(told)))}
            payload |= {"campaign_id": lead["campaign"], "email_account": "SENDER.1@home.example", "email_id": email_id}
            payload |= {"step": step + 1, "variant": 2, "lead_email": lead["email"] if self._chance(0.5) else None}
            group = f"retry-{self._count}" if self._chance(0.2) else None
            for attempt in range(2 if group else 1):
                self._count += 1
                row = {"id": f"hook-{self._count:06}", "timestamp_created": told + MINUTE + attempt * HOUR}
                row |= {"payload": payload, "success": attempt > 0, "webhook_url": url, "retry_group_id": group}
                self._add("webhook_events", row | {"lead_email": payload["lead_email"] or lead["email"]})

    def _strangers(self, lead: Row) -> None:
        """Add what is of no lead, or of one that nobody knows."""
        self._whose = {name: lead[name] for name in ("workspace_id", "workspace_name")}
        nobody = dict.fromkeys(("id", "email", "campaign"))
        unknown = {"id": None, "email": "Nobody@Knows.example", "campaign": "gone"}
        for who in (nobody, unknown):
            self._email(who, datetime(2026, 6, 1, 8), kind=RECEIVED)  # noqa: DTZ001 - as loaders write it
            for type_ in ("campaign_completed", "lead_meeting_booked"):
                self._hook(who, type_, datetime(2026, 6, 2, 8))  # noqa: DTZ001 - as loaders write it

    def _add(self, stream: str, row: Row) -> None:
        rows = self._world.rows.setdefault(stream, [])
        rows.append({**row, **self._whose, **self._load})
        if self._chance(0.05):
            earlier = self._load["_sdc_batched_at"] - 9 * HOUR
            rows.append({**rows[-1], "_sdc_batched_at": earlier, "is_auto_reply": 1})
        if self._chance(0.02):
            gone = {"id": f"gone-{row['id']}", "_sdc_deleted_at": self._load["_sdc_batched_at"]}
            rows.append({**rows[-1], **gone})


def _written(at: datetime) -> Iterator[str | None]:
    """Write a time in various ways, and in ways that are none."""
    yield from (f"{at.isoformat()}.000Z", f"{at.isoformat()}Z", at.isoformat())
    yield f"{(at + 5.5 * HOUR).isoformat()}+05:30"
    yield f"{(at - 3 * HOUR).isoformat()}-03:00"
    yield from (None, "yesterday", "2026-13-45T99:00:00Z", f"{at.replace(year=2031).isoformat()}Z")

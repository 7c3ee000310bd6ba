"""All e-mails of a workspace: ids in order of time, the parameters of each, and changes since the seed.

A lead, a kind and a turn determine an e-mail, together with the seed. So a large number of e-mails costs little more
memory than their ids.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, MutableMapping
from itertools import count, islice
from math import gcd
from typing import NamedTuple

from sandbox.clock import DAY_MS, HOUR_MS, as_uuid7, parse_stamp, stamp, uuid7, uuid_bytes, uuid_text
from sandbox.records import Data, Row, compact
from sandbox.world import World

SENT, RECEIVED, MANUAL, SCHEDULED = 1, 2, 3, 4
SECOND_MS = 1000
NOBODY = "desk@harbor-loom.example"
OUT_OF_OFFICE = 0
DATA = Data(__file__)

FOLLOW_UP_MS, STRIDE = 3 * DAY_MS, 7919
# One in so many contacted leads has an automatic reply.
AWAY = 40
LIST_LETTERS = 20
# One in so many leads without a reply is planned together with those that replied.
FEW = 4
CONTACT, CREATED, STEP, REPLY = (
    re.compile(f'"{name}":"([^"]+)"')
    for name in ("timestamp_last_contact", "timestamp_created", "last_step_id", "timestamp_last_reply")
)


class Plan(NamedTuple):
    """Position of an e-mail's lead, its `ue_type`, and its step or its turn in the conversation."""

    position: int
    kind: int
    turn: int


Planned = tuple[int, Plan]


class Conversation(NamedTuple):
    """Conversation of a campaign and a lead: their positions and times, and the current step of the campaign."""

    position: int
    created: int
    contact: int
    reply: int | None
    step: int


def whole_second(ms: int) -> int:
    """Drop the milliseconds: times of e-mails have none."""
    return ms // SECOND_MS * SECOND_MS


class Mailbox(MutableMapping[str, Row]):
    """The e-mails by id, oldest first."""

    def __init__(self, world: World) -> None:
        self._leads, self._horizon, self._organization = world.leads, world.horizon, world.organization
        self._accounts = tuple(sorted(world.accounts))
        campaigns = world.campaigns.items()
        self._senders = {key: tuple(row.get("email_list", ())) or self._accounts for key, row in campaigns}
        self._agents = {key: row["ai_sdr_id"] for key, row in campaigns if "ai_sdr_id" in row}
        self._steps = {step: number for group in world.leads.groups for number, step in enumerate(group.step_ids)}
        self._plans: dict[bytes, Plan] = {}
        self._rows: dict[bytes, Row] = {}
        rng = world.rng("emails")
        for moment, plan in islice(self._planned(), world.config.emails):
            self._plans[as_uuid7(moment, rng.getrandbits(80))] = plan
        self._order = sorted(self._plans)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[str]:
        return map(uuid_text, list(self._order))

    def __getitem__(self, key: str) -> Row:
        try:
            return self.row(uuid_bytes(key))
        except ValueError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, row: Row) -> None:
        raw = uuid_bytes(key)
        if raw not in self._rows and raw not in self._plans:
            insort(self._order, raw)
        self._rows[raw] = row

    def __delitem__(self, key: str) -> None:
        raw = uuid_bytes(key)
        self._order.remove(raw)
        self._plans.pop(raw, None)
        self._rows.pop(raw, None)

    def row(self, raw: bytes) -> Row:
        """Return an e-mail."""
        changed = self._rows.get(raw)
        if changed is not None:
            return changed
        plan = self._plans[raw]
        return self._render(raw, plan, self._seeded(plan.position))

    def _seeded(self, position: int) -> Row:
        lead: Row = json.loads(self._leads.seeded_text(position))
        return lead

    def _sender(self, lead: Row) -> str:
        senders = self._senders.get(lead.get("campaign", ""), self._accounts)
        return senders[zlib.crc32(lead.get("id", "").encode()) % len(senders)] if senders else NOBODY

    def _render(self, raw: bytes, plan: Plan, lead: Row) -> Row:
        created, noise, key = whole_second(int.from_bytes(raw[:6], "big")), zlib.crc32(raw), uuid_text(raw)
        automatic = plan.kind == RECEIVED and "timestamp_last_reply" not in lead
        # The mail server's time is earlier, except for e-mails sent by hand.
        sent = created - (0 if plan.kind == MANUAL else SECOND_MS * (1 + noise % 90))
        row = self.letter(lead, plan.kind, automatic=automatic, noise=noise)
        row |= {"id": key, "timestamp_created": stamp(created), "timestamp_email": stamp(sent)}
        row |= {"message_id": f"<{key[-12:]}.{noise:08x}@mail.harbor-loom.example>"}
        if plan.kind == SENT:
            variant = lead.get("email_opened_variant", lead.get("email_replied_variant", 0))
            row |= {"step": f"0_{plan.turn}_{variant}", "is_unread": 0}
        elif plan.kind == RECEIVED:
            row |= {"is_unread": int(noise % 3 == 0), "is_auto_reply": int(automatic)}
        return compact(row)

    def letter(self, lead: Row, kind: int, *, automatic: bool = False, noise: int = 0) -> Row:
        """Render the fields that do not depend on time: sender, recipients and content."""
        account, address = self._sender(lead), lead.get("email") or "someone@elsewhere.example"
        incoming, sender = kind == RECEIVED, account.split(".")[0].title()
        first, company = lead.get("first_name", "you"), lead.get("company_name", "us")
        source, target = (address, account) if incoming else (account, address)
        content = DATA.make(str(kind), first=first, company=company, sender=sender)
        text = DATA["away"] if automatic else content["text"]
        body = {"text": text, "html": f"<div>{text}</div>".replace("\n", "<br/>")}
        if noise % 5 < 2:
            # Two letters in five have one of the two only.
            body.pop(("text", "html")[noise % 5])
        values: Row = {"account": account, "source": source, "target": target, "writer": first if incoming else sender}
        values |= {"subject": content["subject"], "body": body, "preview": text[:60].replace("\n", " "), "kind": kind}
        values |= {"incoming": incoming, "value": noise % 100 / 100, "organization": self._organization}
        values |= {"conversing": kind != SENT, "focused": int(not automatic)}
        values["interest"] = OUT_OF_OFFICE if automatic else lead.get("lt_interest_status")
        raw = uuid_bytes(lead["id"]) if "id" in lead else b"\0"
        # Not a UUID, unlike the documentation's example.
        thread = base64.b64encode(raw + raw[-2:], altchars=b"xq").decode()[:23]
        values["thread"] = f"{10 + raw[-1] % 50}-{thread}" if "id" in lead else None
        values["agent"] = self._agents.get(lead.get("campaign", "")) if kind == SENT else None
        return DATA.make("letter", noise, lead=lead, **values)

    def kind(self, raw: bytes) -> int | None:
        """Return the kind of an e-mail without rendering it, if possible."""
        plan = self._plans.get(raw)
        return None if plan is None or raw in self._rows else plan.kind

    def after(self, cursor: bytes | None, after: int | None, before: int | None, *, ascending: bool) -> Iterator[bytes]:
        """Yield the ids after a cursor, between two times that are excluded."""
        start = 0 if after is None else bisect_right(self._order, _id_after(after))
        end = len(self._order) if before is None else bisect_left(self._order, _id_after(before - 1))
        if cursor is not None and ascending:
            start = max(start, bisect_right(self._order, cursor))
        elif cursor is not None:
            end = min(end, bisect_left(self._order, cursor))
        places = range(start, end) if ascending else range(end - 1, start - 1, -1)
        return (self._order[at] for at in places)

    def _planned(self) -> Iterator[Planned]:
        """Plan lead after lead in a scattered order; leads that replied precede most others.

        Once all leads have had a turn, their conversations continue.
        """
        # First, e-mails by hand to some leads outside campaigns.
        for position in self._leads.positions_of_kind(campaigns=False)[::LIST_LETTERS]:
            if "email" in (lead := self._seeded(position)):
                yield min(self._horizon, parse_stamp(lead["timestamp_created"]) + DAY_MS), Plan(position, MANUAL, 0)
        positions = self._leads.positions_of_kind(campaigns=True)
        conversations: list[Conversation] = []
        later: list[Conversation] = []
        for place in _scattered(len(positions)):
            conversation = self._conversation_of(positions[place])
            if conversation is None:
                continue
            conversations.append(conversation)
            if conversation.reply is None and conversation.position % FEW:
                later.append(conversation)
            else:
                yield from self._conversation(conversation)
        for conversation in later:
            yield from self._conversation(conversation)
        for lap in count(1) if conversations else ():
            for conversation in conversations:
                room = max(1, self._horizon - conversation.contact)
                kind = RECEIVED if lap % 2 and conversation.reply is not None else MANUAL
                yield conversation.contact + lap * 5 * HOUR_MS % room, Plan(conversation.position, kind, lap)

    def _conversation_of(self, position: int) -> Conversation | None:
        """Return the history of a campaign and a lead; None if there is none. Parsing a whole lead takes too long."""
        text = self._leads.seeded_text(position)
        contact = CONTACT.search(text)
        if contact is None:
            return None
        created, step, reply = CREATED.search(text), STEP.search(text), REPLY.search(text)
        return Conversation(
            position,
            parse_stamp(created[1]) if created else 0,
            parse_stamp(contact[1]),
            None if reply is None else parse_stamp(reply[1]),
            self._steps.get(step[1], 0) if step else 0,
        )

    def _conversation(self, conversation: Conversation) -> Iterator[Planned]:
        for turn in range(conversation.step + 1):
            moment = conversation.contact - (conversation.step - turn) * FOLLOW_UP_MS
            if moment >= conversation.created:
                yield moment, Plan(conversation.position, SENT, turn)
        position, reply = conversation.position, conversation.reply
        if reply is None:
            if position % AWAY == 0:
                yield min(self._horizon, conversation.contact + position % 40 * 1000), Plan(position, RECEIVED, 0)
            return
        yield reply, Plan(position, RECEIVED, 0)
        if position % 2:
            yield min(self._horizon, reply + (1 + position % 20) * HOUR_MS), Plan(position, MANUAL, 1)
        if position % 5 == 0:
            yield min(self._horizon, reply + HOUR_MS // 2), Plan(position, SCHEDULED, 2)


def _scattered(size: int) -> Iterator[int]:
    """Yield a range in leaps, so that the first few are spread over all of it."""
    leap = STRIDE
    while size and gcd(leap, size) > 1:
        leap += 2
    return (at * leap % size for at in range(size))


def _id_after(ms: int) -> bytes:
    """Return a bound after all ids of a second and before the next one's."""
    return (whole_second(ms) + 999).to_bytes(6, "big") + b"\xff" * 10


def receive(world: World, lead: Row, at: int | None, *, automatic: bool = False) -> Row:
    """Let an e-mail from a lead arrive."""
    emails = world.collection("emails")
    assert isinstance(emails, Mailbox)  # noqa: S101 - created by this module
    moment = world.moment(at)
    key, time = uuid7(world.rng(f"email:{world.mutations}"), moment), stamp(whole_second(moment))
    row = emails.letter(lead, RECEIVED, automatic=automatic)
    row |= {"id": key, "timestamp_created": time, "message_id": f"<{key}@mail.example>", "timestamp_email": time}
    return {"email": world.insert("emails", row | {"is_unread": 1, "is_auto_reply": int(automatic)})}

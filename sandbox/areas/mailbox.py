"""All e-mails of a workspace: ids in order of time, the parameters of each, and changes since the seed."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, MutableMapping
from itertools import count, islice
from math import gcd
from typing import NamedTuple

from sandbox.areas.email_text import MANUAL, RECEIVED, SCHEDULED, SENT, EmailText, Plan, read_lead, whole_second
from sandbox.clock import DAY_MS, HOUR_MS, as_uuid7, parse_stamp, stamp, uuid7, uuid_bytes, uuid_text
from sandbox.records import Row
from sandbox.world import World

FOLLOW_UP_MS = 3 * DAY_MS
STRIDE = 7919
# One in so many contacted leads has an automatic reply.
AWAY = 40
LIST_LETTERS = 20

# One in so many leads without a reply is planned together with those that replied.
FEW = 4
CONTACT, CREATED, STEP, REPLY = (
    re.compile(f'"{name}":"([^"]+)"')
    for name in ("timestamp_last_contact", "timestamp_created", "last_step_id", "timestamp_last_reply")
)

Planned = tuple[int, Plan]


class Conversation(NamedTuple):
    """Conversation of a campaign and a lead: their positions and times, and the current step of the campaign."""

    position: int
    created: int
    contact: int
    reply: int | None
    step: int


class Mailbox(MutableMapping[str, Row]):
    """The e-mails by id, oldest first."""

    def __init__(self, world: World, size: int) -> None:
        self._leads = world.leads
        self._horizon = world.horizon
        self.text = EmailText(world.organization, dict(world.campaigns), world.leads.groups, sorted(world.accounts))
        self._plans: dict[bytes, Plan] = {}
        self._rows: dict[bytes, Row] = {}
        rng = world.rng("emails")
        for moment, plan in islice(self._planned(world), size):
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
        return self.text.render(raw, plan, read_lead(self._leads.seeded_text(plan.position)))

    def kind(self, raw: bytes) -> int | None:
        """Return the kind of an e-mail without rendering it, if possible."""
        plan = self._plans.get(raw)
        return None if plan is None or raw in self._rows else plan.kind

    def after(self, cursor: bytes | None, after: int | None, before: int | None, *, ascending: bool) -> Iterator[bytes]:
        """Yield the ids after a cursor, between two times that are excluded."""
        start = 0 if after is None else bisect_right(self._order, _last_of(after))
        end = len(self._order) if before is None else bisect_left(self._order, _first_of(before))
        if cursor is not None and ascending:
            start = max(start, bisect_right(self._order, cursor))
        elif cursor is not None:
            end = min(end, bisect_left(self._order, cursor))
        places = range(start, end) if ascending else range(end - 1, start - 1, -1)
        return (self._order[at] for at in places)

    def _planned(self, world: World) -> Iterator[Planned]:
        """Plan lead after lead in a scattered order; leads that replied precede most others.

        Once all leads have had a turn, their conversations continue.
        """
        yield from self._to_lists(world)
        positions = world.leads.positions_of_kind(campaigns=True)
        conversations: list[Conversation] = []
        later: list[Conversation] = []
        for place in _scattered(len(positions)):
            conversation = self._conversation_of(world, positions[place])
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

    def _to_lists(self, world: World) -> Iterator[Planned]:
        """Plan e-mails by hand to some leads outside campaigns."""
        positions = world.leads.positions_of_kind(campaigns=False)
        for position in positions[::LIST_LETTERS]:
            lead = read_lead(world.leads.seeded_text(position))
            if "email" in lead:
                yield min(self._horizon, parse_stamp(lead["timestamp_created"]) + DAY_MS), Plan(position, MANUAL, 0)

    def _conversation_of(self, world: World, position: int) -> Conversation | None:
        """Return the history of a campaign and a lead; None if there is none. Parsing a whole lead takes too long."""
        text = world.leads.seeded_text(position)
        contact = CONTACT.search(text)
        if contact is None:
            return None
        created, step, reply = CREATED.search(text), STEP.search(text), REPLY.search(text)
        return Conversation(
            position,
            parse_stamp(created[1]) if created else 0,
            parse_stamp(contact[1]),
            None if reply is None else parse_stamp(reply[1]),
            self.text.steps.get(step[1], 0) if step else 0,
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


def _first_of(ms: int) -> bytes:
    """Return the smallest id of a second."""
    return whole_second(ms).to_bytes(6, "big") if ms == whole_second(ms) else _first_of(whole_second(ms) + 1000)


def _last_of(ms: int) -> bytes:
    """Return a bound after all ids of a second and before the next one's."""
    return (whole_second(ms) + 999).to_bytes(6, "big") + b"\xff" * 10


def make_mailbox(world: World) -> Mailbox:
    """Create the e-mails of a workspace."""
    return Mailbox(world, world.config.emails)


def receive(world: World, lead: Row, at: int | None, *, automatic: bool = False) -> Row:
    """Let an e-mail from a lead arrive."""
    emails = world.collection("emails")
    assert isinstance(emails, Mailbox)  # noqa: S101 - created by this module
    moment = world.moment(at)
    key, time = uuid7(world.rng(f"email:{world.mutations}"), moment), stamp(whole_second(moment))
    row = emails.text.letter(lead, RECEIVED, automatic=automatic)
    row |= {"id": key, "timestamp_created": time, "message_id": f"<{key}@mail.example>", "timestamp_email": time}
    return {"email": world.insert("emails", row | {"is_unread": 1, "is_auto_reply": int(automatic)})}

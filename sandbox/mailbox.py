"""All e-mails of a workspace: ids in the order of time, what decides each, and what was changed since the seed."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, MutableMapping
from itertools import count, islice
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from sandbox.clock import DAY_MS, HOUR_MS, as_uuid7, parse_stamp, stamp, uuid7, uuid_bytes, uuid_text
from sandbox.email_text import MANUAL, RECEIVED, SCHEDULED, SENT, EmailText, Plan, read_lead, whole_second
from sandbox.entities import compact
from sandbox.paging import Row

if TYPE_CHECKING:
    from random import Random

    from sandbox.world import World

FOLLOW_UP_MS = 3 * DAY_MS
STRIDE = 7919
# One contacted lead in so many is away and lets its mailbox answer.
AWAY = 40
LIST_LETTERS = 20

# Of those who did not answer, one in so many comes before the others.
FEW = 4
CONTACT, CREATED, STEP, REPLY = (
    re.compile(f'"{name}":"([^"]+)"')
    for name in ("timestamp_last_contact", "timestamp_created", "last_step_id", "timestamp_last_reply")
)

Planned = tuple[int, Plan]


class Talk(NamedTuple):
    """What there was between a campaign and a lead.

    Attributes:
        position: Position of the lead.
        created: When the lead was made.
        contact: When it was last written to.
        reply: When it last answered.
        step: The step of the campaign it has come to.
    """

    position: int
    created: int
    contact: int
    reply: int | None
    step: int


class Mailbox(MutableMapping[str, Row]):
    """The e-mails by id, oldest first.

    Args:
        world: The workspace as it was seeded.
        size: How many there should be; fewer only if nobody was ever written to.
    """

    def __init__(self, world: World, size: int) -> None:
        self._leads = world.leads
        self._horizon = world.horizon
        self.text = EmailText(world.organization, dict(world.campaigns), world.leads.boxes, sorted(world.accounts))
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
        """Give one e-mail."""
        changed = self._rows.get(raw)
        if changed is not None:
            return changed
        plan = self._plans[raw]
        return self.text.render(raw, plan, read_lead(self._leads.seeded_text(plan.position)))

    def kind(self, raw: bytes) -> int | None:
        """Tell the kind of an e-mail without writing it, where that can be told."""
        plan = self._plans.get(raw)
        return None if plan is None or raw in self._rows else plan.kind

    def after(self, cursor: bytes | None, after: int | None, before: int | None, *, ascending: bool) -> Iterator[bytes]:
        """Go through the ids behind a cursor, within times that themselves are left out."""
        start = 0 if after is None else bisect_right(self._order, _last_of(after))
        end = len(self._order) if before is None else bisect_left(self._order, _first_of(before))
        if cursor is not None and ascending:
            start = max(start, bisect_right(self._order, cursor))
        elif cursor is not None:
            end = min(end, bisect_left(self._order, cursor))
        places = range(start, end) if ascending else range(end - 1, start - 1, -1)
        return (self._order[at] for at in places)

    def _planned(self, world: World) -> Iterator[Planned]:
        """Plan lead after lead, in no order anyone would notice, and those who answered before most others.

        Once all have had their turn, they go on talking.
        """
        yield from self._to_lists(world)
        positions = world.leads.positions_of_kind(campaigns=True)
        talks: list[Talk] = []
        later: list[Talk] = []
        for place in _scattered(len(positions)):
            talk = self._talk(world, positions[place])
            if talk is None:
                continue
            talks.append(talk)
            if talk.reply is None and talk.position % FEW:
                later.append(talk)
            else:
                yield from self._conversation(talk)
        for talk in later:
            yield from self._conversation(talk)
        for lap in count(1) if talks else ():
            for talk in talks:
                room = max(1, self._horizon - talk.contact)
                kind = RECEIVED if lap % 2 and talk.reply is not None else MANUAL
                yield talk.contact + lap * 5 * HOUR_MS % room, Plan(talk.position, kind, lap)

    def _to_lists(self, world: World) -> Iterator[Planned]:
        """Plan letters by hand to some leads that no campaign writes to."""
        positions = world.leads.positions_of_kind(campaigns=False)
        for position in positions[::LIST_LETTERS]:
            lead = read_lead(world.leads.seeded_text(position))
            if "email" in lead:
                yield min(self._horizon, parse_stamp(lead["timestamp_created"]) + DAY_MS), Plan(position, MANUAL, 0)

    def _talk(self, world: World, position: int) -> Talk | None:
        """Tell what there was between a campaign and a lead; None if nothing. Reading a lead whole takes too long."""
        text = world.leads.seeded_text(position)
        contact = CONTACT.search(text)
        if contact is None:
            return None
        created, step, reply = CREATED.search(text), STEP.search(text), REPLY.search(text)
        return Talk(
            position,
            parse_stamp(created[1]) if created else 0,
            parse_stamp(contact[1]),
            None if reply is None else parse_stamp(reply[1]),
            self.text.steps.get(step[1], 0) if step else 0,
        )

    def _conversation(self, talk: Talk) -> Iterator[Planned]:
        for turn in range(talk.step + 1):
            moment = talk.contact - (talk.step - turn) * FOLLOW_UP_MS
            if moment >= talk.created:
                yield moment, Plan(talk.position, SENT, turn)
        position, reply = talk.position, talk.reply
        if reply is None:
            if position % AWAY == 0:
                yield min(self._horizon, talk.contact + position % 40 * 1000), Plan(position, RECEIVED, 0)
            return
        yield reply, Plan(position, RECEIVED, 0)
        if position % 2:
            yield min(self._horizon, reply + (1 + position % 20) * HOUR_MS), Plan(position, MANUAL, 1)
        if position % 5 == 0:
            yield min(self._horizon, reply + HOUR_MS // 2), Plan(position, SCHEDULED, 2)


def _scattered(size: int) -> Iterator[int]:
    """Go through a range with leaps, so that the first few are from all over it."""
    leap = STRIDE
    while size and gcd(leap, size) > 1:
        leap += 2
    return (at * leap % size for at in range(size))


def _first_of(ms: int) -> bytes:
    """Give the least id of a second."""
    return whole_second(ms).to_bytes(6, "big") if ms == whole_second(ms) else _first_of(whole_second(ms) + 1000)


def _last_of(ms: int) -> bytes:
    """Give what is greater than all ids of a second and less than the next one's."""
    return (whole_second(ms) + 999).to_bytes(6, "big") + b"\xff" * 10


def make_mailbox(world: World) -> Mailbox:
    """Make the e-mails of a workspace."""
    return Mailbox(world, world.config.emails)


def receive(world: World, lead: Row, moment: int, rng: Random, *, automatic: bool = False) -> Row:
    """Let an e-mail of a lead's arrive."""
    emails = world.collection("emails")
    assert isinstance(emails, Mailbox)  # noqa: S101 - this module made it
    email_id = uuid7(rng, moment)
    row = emails.text.letter(lead, RECEIVED, automatic=automatic)
    row |= {
        "id": email_id,
        "timestamp_created": stamp(whole_second(moment)),
        "message_id": f"<{email_id}@mail.example>",
    }
    row |= {"timestamp_email": stamp(whole_second(moment)), "is_unread": 1, "is_auto_reply": int(automatic)}
    emails[email_id] = compact(row)
    return emails[email_id]

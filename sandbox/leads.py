"""All leads of a workspace: sorted ids, an index by campaign and list, and changes since the seed."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from random import Random
from typing import NamedTuple

from sandbox.answers import dumps
from sandbox.clock import as_uuid4, as_uuid7, uuid_bytes
from sandbox.lead_text import LeadText
from sandbox.lists import Predicate
from sandbox.records import Row

ID_BYTES, REMEMBERED = 16, 16
_CHUNK = 1 << 16
_EMAIL = re.compile('"email":"([^"]*)"')


def make_ids(rng: Random, count: int, old_share: float, new: tuple[int, int]) -> bytes:
    """Draw sorted lead ids: random ones for the old share, for the rest time-ordered ones between two instants."""
    old, start, span = round(count * old_share), new[0], max(1, new[1] - new[0])
    ids: list[bytes] = []
    for begin in range(0, count, _CHUNK):
        size = min(_CHUNK, count - begin)
        blob = rng.randbytes(ID_BYTES * size)
        for at in range(size):
            noise = int.from_bytes(blob[ID_BYTES * at : ID_BYTES * at + ID_BYTES], "big")
            ids.append(as_uuid4(noise) if begin + at < old else as_uuid7(start + (noise >> 80) % span, noise))
    ids.sort()
    return b"".join(ids)


def _group_of(row: Row) -> str:
    """Return the id of a lead's campaign or list; empty if it has none."""
    return str(row.get("campaign") or row.get("list_id") or "")


class Selection(NamedTuple):
    """The leads of a request: positions of seeded ones, ascending, and a test for added and changed ones."""

    positions: Sequence[int]
    accepts: Predicate


class LeadStore:
    """The leads."""

    def __init__(self, ids: bytes, text: LeadText) -> None:
        self._ids, self._text, self.groups = ids, text, text.groups
        self._changed: dict[bytes, Row] = {}
        self._order: list[bytes] = []
        self._deleted, self._closed = set[bytes](), set[int]()
        self._growth: Counter[str] = Counter()
        self._added: Row = {}
        self._suffix = ""
        self._sifted: dict[str, array[int]] = {}

    @property
    def seeded(self) -> range:
        """Positions of all seeded leads."""
        return range(len(self._ids) // ID_BYTES)

    def raw(self, position: int) -> bytes:
        """Return the id at a position."""
        return self._ids[ID_BYTES * position : ID_BYTES * position + ID_BYTES]

    @cached_property
    def _index(self) -> dict[str, array[int]]:
        parts = [array("I") for _ in self.groups]
        raw, number = self.raw, self._text.group_number
        for position in self.seeded:
            parts[number(raw(position))].append(position)
        return {group.id: part for group, part in zip(self.groups, parts, strict=True)}

    def positions_in(self, group_id: str) -> Sequence[int]:
        """Return the positions of the leads in a campaign or list."""
        return self._index.get(group_id, array("I"))

    def positions_of_kind(self, *, campaigns: bool) -> Sequence[int]:
        """Return the positions of all leads in campaigns, or of all in lists."""
        return self._by_kind[campaigns]

    @cached_property
    def _by_kind(self) -> list[array[int]]:
        kinds = (
            [self._index[group.id] for group in self.groups if group.is_campaign is kind] for kind in (False, True)
        )
        return [array("I", sorted(chain.from_iterable(parts))) for parts in kinds]

    def positions_of(self, emails: Iterable[str]) -> Sequence[int]:
        """Return the positions of the leads with these addresses."""
        return sorted({position for email in emails for position in self._by_email.get(email, ())})

    @cached_property
    def _by_email(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position in self.seeded:
            match = _EMAIL.search(self._text.render(self.raw(position)))
            if match:
                found.setdefault(match[1], []).append(position)
        return found

    def position(self, raw: bytes) -> int | None:
        """Find a seeded lead by id."""
        at = bisect_left(self.seeded, raw, key=self.raw)
        return at if at < len(self.seeded) and self.raw(at) == raw else None

    def count(self, group_id: str) -> int:
        """Count the leads of a campaign or list."""
        return len(self.positions_in(group_id)) + self._growth[group_id]

    def _is_as_seeded(self, raw: bytes) -> bool:
        if raw in self._changed or raw in self._deleted:
            return False
        return not self._closed or self._text.group_number(raw) not in self._closed

    def page(self, selection: Selection, after: bytes | None, limit: int) -> list[bytes]:
        """Return the next ids after a cursor, which does not have to exist."""
        positions = selection.positions
        start = 0 if after is None else bisect_right(positions, after, key=self.raw)
        ids = map(self.raw, map(positions.__getitem__, range(start, len(positions))))
        untouched = not (self._changed or self._deleted or self._closed)
        picked = list(islice(ids if untouched else filter(self._is_as_seeded, ids), limit))
        if self._order:
            begin = 0 if after is None else bisect_right(self._order, after)
            later = map(self._order.__getitem__, range(begin, len(self._order)))
            found = islice((raw for raw in later if selection.accepts(self._changed[raw])), limit)
            picked = sorted([*picked, *found])[:limit]
        return picked

    def text(self, raw: bytes) -> str:
        """Render a lead as JSON."""
        changed = self._changed.get(raw) if self._changed else None
        text = self._text.render(raw) if changed is None else dumps(changed)
        return text[:-1] + self._suffix if self._suffix else text

    def seeded_text(self, position: int) -> str:
        """Render a lead as seeded, regardless of later changes."""
        return self._text.render(self.raw(position))

    def get(self, lead_id: str) -> Row | None:
        """Look a lead up by its id."""
        try:
            raw = uuid_bytes(lead_id)
        except ValueError:
            return None
        if raw not in self._changed and (self.position(raw) is None or not self._is_as_seeded(raw)):
            return None
        row: Row = json.loads(self.text(raw))
        return row

    def put(self, row: Row) -> None:
        """Add a lead, or replace one."""
        raw, before = uuid_bytes(row["id"]), self.get(row["id"])
        if before is not None:
            self._growth[_group_of(before)] -= 1
        self._growth[_group_of(row)] += 1
        if raw not in self._changed:
            insort(self._order, raw)
        self._changed[raw] = {name: value for name, value in row.items() if name not in self._added}

    def delete(self, lead_id: str) -> bool:
        """Remove a lead without a trace; false if it does not exist."""
        row = self.get(lead_id)
        if row is None:
            return False
        self._growth[_group_of(row)] -= 1
        self._remove(uuid_bytes(lead_id))
        return True

    def _remove(self, raw: bytes) -> None:
        self._deleted.add(raw)
        if self._changed.pop(raw, None) is not None:
            del self._order[bisect_left(self._order, raw)]

    def close(self, group_id: str) -> int:
        """Remove all leads of a campaign or list and return their number."""
        number = self.count(group_id)
        for raw in [raw for raw, row in self._changed.items() if _group_of(row) == group_id]:
            self._remove(raw)
        self._closed |= {at for at, group in enumerate(self.groups) if group.id == group_id}
        self._growth[group_id] = -len(self.positions_in(group_id))
        return number

    def add_members(self, fields: Row) -> None:
        """Add fields to every lead."""
        self._added = dict(fields)
        self._suffix = "," + dumps(fields)[1:] if fields else ""

    def sift(self, name: str, positions: Sequence[int], accepts: Predicate) -> Sequence[int]:
        """Keep the positions whose seeded leads pass a test; the latest results are cached."""
        if name not in self._sifted:
            while len(self._sifted) >= REMEMBERED:
                del self._sifted[next(iter(self._sifted))]
            texts = ((at, self.seeded_text(at)) for at in positions)
            self._sifted[name] = array("I", (at for at, text in texts if accepts(json.loads(text))))
        return self._sifted[name]

    def contacts(self, selection: Selection, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """Render the next leads in the order of their addresses, each address once."""
        found: dict[str, str] = {}
        for text in self.rows(selection):
            found.setdefault(json.loads(text).get("email", ""), text)
        page = sorted(email for email in found if email > (after or ""))[:limit]
        return [found[email] for email in page], page[-1] if page else None

    def within(self, group_id: str) -> Iterator[Row]:
        """Yield the leads of a campaign or list."""
        positions = self.positions_in(group_id)
        chosen = Selection(positions, lambda row: group_id in (row.get("campaign"), row.get("list_id")))
        return map(json.loads, self.rows(chosen))

    def rows(self, selection: Selection | None = None) -> Iterator[str]:
        """Render all leads, or the selected ones, in the order of their ids."""
        chosen = selection or Selection(self.seeded, lambda _row: True)
        after: bytes | None = None
        while page := self.page(chosen, after, 1000):
            yield from map(self.text, page)
            after = page[-1]

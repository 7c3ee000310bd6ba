"""All leads of a workspace: sorted ids, an index by campaign and list, and what was changed since the seed."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox.answers import dumps
from sandbox.clock import as_uuid4, as_uuid7, uuid_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from sandbox.lead_text import Box, LeadText
    from sandbox.paging import Predicate, Row

ID_BYTES = 16
_CHUNK = 1 << 16
REMEMBERED = 16
_EMAIL = re.compile('"email":"([^"]*)"')


def make_ids(rng: Random, count: int, old_share: float, new: tuple[int, int]) -> bytes:
    """Draw lead ids, sorted: random ones for the old share, time-ordered ones for the rest.

    Args:
        rng: Source of randomness.
        count: How many.
        old_share: Share of the leads from before ids carried a time.
        new: First and last instant of the others.
    """
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


class Selection:
    """Which leads a request is about.

    Args:
        positions: Positions of seeded leads, ascending.
        accepts: Whether a lead added later belongs to it too.
    """

    def __init__(self, positions: Sequence[int], accepts: Predicate) -> None:
        self.positions = positions
        self.accepts = accepts


class LeadStore:
    """The leads.

    Args:
        ids: Sorted ids, sixteen bytes each.
        text: Renders a seeded lead from its id.
    """

    def __init__(self, ids: bytes, text: LeadText) -> None:
        self._ids = ids
        self._text = text
        self._changed: dict[bytes, Row] = {}
        self._added: list[bytes] = []
        self._deleted: set[bytes] = set()
        self._closed: set[int] = set()
        self._growth: Counter[str] = Counter()
        self._carried: Row = {}
        self._suffix = ""
        self._sifted: dict[tuple[int, str], array[int]] = {}
        self.version = 0

    @property
    def boxes(self) -> Sequence[Box]:
        """Give the campaigns and lists that leads were made for."""
        return self._text.boxes

    @property
    def seeded(self) -> range:
        """Positions of all seeded leads."""
        return range(len(self._ids) // ID_BYTES)

    def raw(self, position: int) -> bytes:
        """Give the id at a position."""
        return self._ids[ID_BYTES * position : ID_BYTES * position + ID_BYTES]

    @cached_property
    def _index(self) -> dict[str, array[int]]:
        boxes = self._text.boxes
        groups = [array("I") for _ in boxes]
        raw, number = self.raw, self._text.box_number
        for position in self.seeded:
            groups[number(raw(position))].append(position)
        return {box.id: group for box, group in zip(boxes, groups, strict=True)}

    def positions_in(self, box_id: str) -> Sequence[int]:
        """Give the positions of a campaign's or list's leads."""
        return self._index.get(box_id, array("I"))

    def positions_of_kind(self, *, campaigns: bool) -> Sequence[int]:
        """Give the positions of all leads in campaigns, or of all in lists."""
        return self._by_kind[campaigns]

    @cached_property
    def _by_kind(self) -> dict[bool, array[int]]:
        groups = {True: array("I"), False: array("I")}
        kinds = [box.is_campaign for box in self._text.boxes]
        for position in self.seeded:
            groups[kinds[self._text.box_number(self.raw(position))]].append(position)
        return groups

    def positions_of(self, emails: Iterable[str]) -> Sequence[int]:
        """Give the positions of the leads with some addresses."""
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

    def count(self, box_id: str) -> int:
        """Count the leads of a campaign or list."""
        return len(self.positions_in(box_id)) + self._growth[box_id]

    def _is_gone(self, raw: bytes) -> bool:
        return raw in self._deleted or (bool(self._closed) and self._text.box_number(raw) in self._closed)

    def page(self, selection: Selection, after: bytes | None, limit: int) -> list[bytes]:
        """Give the ids of the next leads behind a cursor, which need not exist."""
        positions = selection.positions
        start = 0 if after is None else bisect_right(positions, after, key=self.raw)
        picked: list[bytes] = []
        for at in range(start, len(positions)):
            raw = self.raw(positions[at])
            if (self._deleted or self._closed) and self._is_gone(raw):
                continue
            picked.append(raw)
            if len(picked) == limit:
                break
        if self._added:
            begin = 0 if after is None else bisect_right(self._added, after)
            extra = (raw for raw in self._added[begin:] if selection.accepts(self._changed[raw]))
            picked = sorted([*picked, *(raw for raw, _ in zip(extra, range(limit), strict=False))])[:limit]
        return picked

    def text(self, raw: bytes) -> str:
        """Write a lead as JSON."""
        changed = self._changed.get(raw) if self._changed else None
        text = self._text.render(raw) if changed is None else dumps(changed)
        return text[:-1] + self._suffix if self._suffix else text

    def seeded_text(self, position: int) -> str:
        """Write a lead as it was seeded, whatever has become of it."""
        return self._text.render(self.raw(position))

    def get(self, lead_id: str) -> Row | None:
        """Look a lead up by its id."""
        try:
            raw = uuid_bytes(lead_id)
        except ValueError:
            return None
        if not self._is_added(raw) and (self.position(raw) is None or self._is_gone(raw)):
            return None
        row: Row = json.loads(self.text(raw))
        return row

    def _is_added(self, raw: bytes) -> bool:
        at = bisect_left(self._added, raw)
        return self._added[at : at + 1] == [raw]

    def change(self, row: Row) -> None:
        """Replace a lead."""
        kept = {name: value for name, value in row.items() if name not in self._carried}
        self._changed[uuid_bytes(row["id"])] = kept
        self.version += 1

    def add(self, row: Row) -> None:
        """Add a lead."""
        insort(self._added, uuid_bytes(row["id"]))
        self._growth[row.get("campaign") or row.get("list_id") or ""] += 1
        self.change(row)

    def delete(self, lead_id: str) -> bool:
        """Remove a lead without leaving a trace; false if there is none."""
        row = self.get(lead_id)
        if row is None:
            return False
        raw = uuid_bytes(lead_id)
        if self._is_added(raw):
            self._added.remove(raw)
        else:
            self._deleted.add(raw)
        self._changed.pop(raw, None)
        self._growth[row.get("campaign") or row.get("list_id") or ""] -= 1
        self.version += 1
        return True

    def close(self, box_id: str) -> int:
        """Remove all leads of a campaign or list and tell how many there were."""
        number = self.count(box_id)
        for raw in [raw for raw, row in self._changed.items() if box_id in (row.get("campaign"), row.get("list_id"))]:
            del self._changed[raw]
        self._added = [raw for raw in self._added if raw in self._changed]
        self._closed |= {at for at, box in enumerate(self._text.boxes) if box.id == box_id}
        self._growth[box_id] = -len(self.positions_in(box_id))
        self.version += 1
        return number

    def carry(self, fields: Row) -> None:
        """Let every lead have further fields."""
        self._carried = dict(fields)
        self._suffix = "," + dumps(fields)[1:] if fields else ""

    def sift(self, name: str, positions: Sequence[int], accepts: Predicate) -> Sequence[int]:
        """Keep the positions whose leads pass a test; the last few answers are remembered until a lead changes."""
        key = (self.version, name)
        if key not in self._sifted:
            while len(self._sifted) >= REMEMBERED:
                del self._sifted[next(iter(self._sifted))]
            texts = ((at, self.text(self.raw(at))) for at in positions)
            self._sifted[key] = array("I", (at for at, text in texts if accepts(json.loads(text))))
        return self._sifted[key]

    def contacts(self, selection: Selection, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """Write the next leads in the order of their addresses, each address once."""
        found: dict[str, str] = {}
        for text in self.rows(selection):
            found.setdefault(json.loads(text).get("email", ""), text)
        page = sorted(email for email in found if email > (after or ""))[:limit]
        return [found[email] for email in page], page[-1] if page else None

    def emails_in(self, box_id: str) -> set[str]:
        """Collect the addresses of a campaign's or list's leads."""
        chosen = Selection(self.positions_in(box_id), lambda row: box_id in (row.get("campaign"), row.get("list_id")))
        return {json.loads(text).get("email", "").lower() for text in self.rows(chosen)}

    def rows(self, selection: Selection | None = None) -> Iterator[str]:
        """Write all leads, or the selected ones, in the order of their ids."""
        chosen = selection or Selection(self.seeded, lambda _row: True)
        after: bytes | None = None
        while page := self.page(chosen, after, 1000):
            yield from map(self.text, page)
            after = page[-1]

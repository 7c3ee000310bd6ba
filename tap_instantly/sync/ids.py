"""Ids of records: UUIDs as numbers, and the order in which a list returns them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZE = 1 << 128

FORM_MASK = 0xF << 76 | 0x3 << 62
FORM = 0x7 << 76 | 0x2 << 62
"""Variant and version bits of a UUID of version 7."""

VERSION_AT = 14
"""Index of the version's digit in the text of a UUID."""

TIME_ORDERED_SINCE = datetime(2025, 10, 15, tzinfo=timezone.utc)
"""Date from which new leads have ids that begin with the time (spec). Older ids are random."""

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_uuid(record_id: str) -> bool:
    """Return True if the id is a UUID in its usual form."""
    return _CANONICAL.fullmatch(record_id) is not None


def number(record_id: str) -> int:
    """Return the number of a UUID. Ids sort as texts like their numbers.

    Raises:
        ValueError: The id is not a UUID in its usual form.
    """
    if not is_uuid(record_id):
        raise ValueError(record_id)
    return int(record_id.replace("-", ""), 16)


def text(value: int) -> str:
    """Return the UUID of a number."""
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def id_of_time(moment: datetime) -> str:
    """Return the smallest id that begins with a time."""
    return text(int(moment.timestamp() * 1000) << 80 | FORM)


class PremiseError(Exception):
    """The list does not meet the premise of a scan: ascending by id, with any id as a cursor."""


def ascending(records: Sequence[Mapping[str, Any]], after: str | None) -> list[str]:
    """Return the ids of records, after checking that they are UUIDs and ascend from ``after``.

    Raises:
        PremiseError: They are not, or do not.
    """
    ids: list[str] = [record_id for record in records if isinstance(record_id := record.get("id"), str)]
    if len(ids) < len(records):
        reason = "a record has no id"
        raise PremiseError(reason)
    if not all(map(is_uuid, ids)):
        reason = "its ids are not UUIDs"
        raise PremiseError(reason)
    if any(low >= high for low, high in pairwise(ids if after is None else [after, *ids])):
        reason = "its ids are not in ascending order"
        raise PremiseError(reason)
    return ids

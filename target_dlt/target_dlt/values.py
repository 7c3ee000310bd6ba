"""Converts values of records to Arrow arrays."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from target_dlt.columns import ARROW

LARGE = r"\d[eE][+-]?\d{4,}\s*(?:[,}\]]|$)"
"""A JSON number that may be too large or too precise for jsonb. The pattern also matches inside strings."""

NUMBER = re.compile(r"-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")

BEFORE, BEHIND = 131_072, 16_383
"""Maximum digits of a jsonb number, before and after the decimal point."""

FINER = re.compile(r"(\.\d{6})\d+")
"""Digits of a second beyond the microseconds."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_dlt.columns import Kind


def array(kind: Kind, values: Sequence[Any]) -> pa.Array:
    """Return the values of a column as an Arrow array.

    Raises:
        ValueError: A value does not fit the type of the column.
    """
    if kind == "json":
        return _json(values)
    if kind == "timestamp":
        return _timestamps(values)
    if kind == "date":
        return _dates(values)
    if kind == "bigint" and float in set(map(type, values)):
        values = [_whole(value) if isinstance(value, float) else value for value in values]
    try:
        return pa.array(values, ARROW[kind])
    except OverflowError:
        msg = "a whole number has more than 64 bits"
        raise ValueError(msg) from None


def _whole(value: float) -> int:
    if not value.is_integer():
        msg = f"{value} is not a whole number"
        raise ValueError(msg)
    return int(value)


def _json(values: Sequence[Any]) -> pa.Array:
    texts = [None if value is None or (text := bytes(value)) == b"null" else text for value in values]
    return pa.array(texts, pa.binary()).cast(pa.string())


def check_jsonb(texts: pa.Array) -> None:
    """Check for numbers that Postgres cannot store.

    Raises:
        ValueError: There is one.
    """
    suspect = pc.or_(pc.match_substring_regex(texts, LARGE), pc.greater(pc.binary_length(texts), BEHIND))
    for text in texts.filter(suspect).to_pylist():
        json.loads(text, parse_int=_check_number, parse_float=_check_number)


def _check_number(text: str) -> None:
    if match := NUMBER.fullmatch(text):
        whole, fraction, exponent = match[1], match[2] or "", int((match[3] or "0")[:8])
        digits = len((whole + fraction).lstrip("0"))
        before, behind = digits - len(fraction) + exponent, len(fraction) - exponent
        if (digits and before > BEFORE) or behind > BEHIND or abs(exponent) > 10**6:
            msg = (
                f"Postgres cannot store the number {text[:20]}: over {BEFORE} digits before the point or {BEHIND} after"
            )
            raise ValueError(msg)


def _timestamps(values: Sequence[str | None]) -> pa.Array:
    texts = pa.array(values, pa.string())
    try:
        found = pc.cast(texts, pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid:  # some have no zone, or too many digits: parse one by one
        found = pa.array([None if text is None else _moment(text) for text in values], pa.timestamp("us", tz="UTC"))
    return found.cast(pa.timestamp("us"))


def _moment(text: str) -> datetime:
    """Parse a time. Without a zone it is UTC; digits beyond microseconds are cut off."""
    try:
        found = msgspec.convert(FINER.sub(r"\1", text.strip().replace(" ", "T", 1)), datetime)
    except msgspec.ValidationError:
        try:
            found = datetime.combine(date.fromisoformat(text), datetime.min.time())
        except ValueError:
            msg = f"{text[:40]!r} is not a date-time"
            raise ValueError(msg) from None
    return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found


def _dates(values: Sequence[str | None]) -> pa.Array:
    texts = pa.array(values, pa.string())
    try:
        return pc.cast(texts, pa.date32())
    except pa.ArrowInvalid:
        return pa.array([None if text is None else _day(text) for text in values], pa.date32())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10]) if text[10:] in {"", "T00:00:00", "T00:00:00Z"} else _refuse(text)
    except ValueError:
        return _refuse(text)


def _refuse(text: str) -> date:
    msg = f"{text[:40]!r} is not a date"
    raise ValueError(msg)

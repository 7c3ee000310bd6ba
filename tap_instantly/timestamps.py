"""Timestamps, all of them UTC and of one form, so that they compare as text and load into one column type."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timezone

import msgspec

CANONICAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
"""The API's own form of a timestamp."""

LENGTH = 24
"""Characters of it."""

_MARKS = {number * LENGTH: "T" * number + "." * number + "Z" * number for number in range(100)}


def are_canonical(texts: str) -> bool:
    """Whether timestamps, up to a hundred, put together into one text, are all of the API's own form.

    They have to be valid ones with a zone (``2026-01-31T00:00:00+0100`` has as many characters). To match each with a
    pattern takes three times as long, and leads have four to ten of them (measured).
    """
    return texts[10::LENGTH] + texts[19::LENGTH] + texts[23::LENGTH] == _MARKS.get(len(texts))


def parse(value: str) -> datetime:
    """``value``, an ISO 8601 date or timestamp, as an aware datetime in UTC; without a zone it is taken as UTC.

    Raises:
        ValueError: It is neither.
    """
    try:
        moment = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        moment = datetime.combine(msgspec.convert(value, date), time())
    try:
        return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except OverflowError as error:  # the year 1 or 9999, moved out of the calendar
        raise ValueError(value) from error


def is_day(value: object) -> bool:
    """Whether a value is a date, or a timestamp, of the calendar."""
    try:
        return isinstance(value, str) and bool(parse(value))
    except ValueError:
        return False


def text(moment: datetime) -> str:
    """The API's own form, ``2026-01-31T00:00:00.000Z``; microseconds are kept where there are any."""
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def floor_text(moment: datetime) -> str:
    """A text that every timestamp at or after ``moment``, cut to its millisecond, compares greater than or equal to.

    It is :func:`text` without the Z: of two timestamps in one millisecond the one with microseconds would otherwise
    compare less, as a digit is less than Z.
    """
    return text(moment.replace(microsecond=moment.microsecond // 1000 * 1000))[:-1]


def canonical(value: str) -> str:
    """``value`` in the one form of :func:`text`; nearly all the API's timestamps have it already.

    Raises:
        ValueError: It is no timestamp.
    """
    if not CANONICAL.fullmatch(value):
        return text(parse(value))
    msgspec.convert(value, datetime)  # there is no 30th of February
    return value

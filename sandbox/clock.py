"""Time and identifiers in the API's format: from milliseconds to ISO text and back.

Days count whole days since the Unix epoch, and instants count milliseconds since it. Both are plain integers, because a
page of leads formats several hundred of them.
"""

from __future__ import annotations

import re
import time
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from random import Random

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
EPOCH = date(1970, 1, 1)

# From this day on, ids of leads are time-ordered.
ORDERED_IDS_FROM = (date(2025, 10, 15) - EPOCH).days

_MINUTES = tuple(f"{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_SECONDS = tuple(f"{ms // 1000:02d}.{ms % 1000:03d}Z" for ms in range(MINUTE_MS))

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

_V4_KEEP = ~((0xF << 76) | (0x3 << 62))
_V4_BITS = (0x4 << 76) | (0x2 << 62)
_V7_BITS = (0x7 << 76) | (0x2 << 62)
_LOW_80 = (1 << 80) - 1


@lru_cache(maxsize=8192)
def day_text(day: int) -> str:
    """Format a day as YYYY-MM-DD."""
    return (EPOCH + timedelta(days=day)).isoformat()


def stamp(ms: int) -> str:
    """Format an instant in the API's format: UTC, milliseconds, Z."""
    day, rest = divmod(ms, DAY_MS)
    return f"{day_text(day)}T{_MINUTES[rest // MINUTE_MS]}{_SECONDS[rest % MINUTE_MS]}"


def parse_stamp(text: str) -> int:
    """Parse an ISO timestamp or a bare date (midnight UTC); ValueError for anything else."""
    # A plus sign in a query string arrives as a space.
    moment = datetime.fromisoformat(text.strip().replace(" ", "+").replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)


def parse_day(text: str) -> int:
    """Parse a YYYY-MM-DD date; ValueError for anything else."""
    return (date.fromisoformat(text) - EPOCH).days


def is_date_only(text: str) -> bool:
    """Return whether a text is a day without a time."""
    return _DATE.fullmatch(text) is not None


def weekday(day: int) -> int:
    """Return the day of the week; Monday is 0."""
    return (day + 3) % 7


def now_ms() -> int:
    """Read the wall clock; only for mutations without an `at`."""
    return time.time_ns() // 1_000_000


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in the usual lower-case form."""
    return _UUID.fullmatch(text) is not None


def uuid_bytes(text: str) -> bytes:
    """Return the sixteen bytes of a UUID; ValueError for anything else."""
    if not is_uuid(lowered := text.lower()):
        raise ValueError(text)
    return bytes.fromhex(lowered.replace("-", ""))


def uuid_text(raw: bytes) -> str:
    """Format sixteen bytes as a UUID."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def as_uuid4(noise: int) -> bytes:
    """Turn 128 random bits into a random (version 4) UUID."""
    return ((noise & _V4_KEEP) | _V4_BITS).to_bytes(16, "big")


def as_uuid7(ms: int, noise: int) -> bytes:
    """Turn an instant and 80 random bits into a time-ordered (version 7) UUID."""
    return ((ms << 80) | (noise & _LOW_80 & _V4_KEEP) | _V7_BITS).to_bytes(16, "big")


def uuid4(rng: Random) -> str:
    """Draw a version 4 UUID."""
    return uuid_text(as_uuid4(rng.getrandbits(128)))


def uuid7(rng: Random, ms: int) -> str:
    """Draw a version 7 UUID of an instant."""
    return uuid_text(as_uuid7(ms, rng.getrandbits(80)))


def spread(rng: Random, created: int, until: int, count: int) -> list[int]:
    """Choose sorted instants between two others; none in the last three hours."""
    last = max(created + 1, until - 3 * HOUR_MS)
    return sorted(rng.randrange(created, last) for _ in range(count))

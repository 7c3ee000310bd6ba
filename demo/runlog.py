"""What Meltano's log tells about a run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SYNCED = re.compile(r"Synced (\w+): records=(\d+) requests=(\d+) seconds=([\d.]+)(?: moved=\d+)?(.*)")


@dataclass(frozen=True)
class Cost:
    """What a stream cost in one run.

    Attributes:
        records: Records sent.
        requests: Requests made.
        seconds: Time taken.
        remark: What the tap found odd: records left out, a workspace skipped; not values moved to unknown_fields.
    """

    records: int
    requests: int
    seconds: float
    remark: str = ""


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read the log, one JSON object a line; what is none, such as a traceback, becomes the text of an event."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        yield event if isinstance(event, dict) else {"event": line.rstrip()}


def costs(lines: Iterable[str]) -> dict[str, Cost]:
    """Find the line that the tap writes for each stream at the end of a run."""
    found: dict[str, Cost] = {}
    for event in events(lines):
        if match := _SYNCED.fullmatch(str(event.get("event", "")).strip()):
            stream, records, requests, seconds, remark = match.groups()
            found[stream] = Cost(int(records), int(requests), float(seconds), remark.strip())
    return found


def tail(lines: Iterable[str], count: int = 25) -> tuple[str, ...]:
    """Give the last lines of a log in a form to read."""
    found: list[str] = []
    for event in events(lines):
        found.append(f"{event.get('name', '')} {event.get('event', '')}")
        # What the installer had to say comes as a block of text of its own.
        found += str((event.get("install_state") or {}).get("details") or "").splitlines()
    return tuple([text.strip() for text in found if text.strip()][-count:])

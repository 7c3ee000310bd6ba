"""Parses Meltano's log of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_SYNCED = re.compile(r"Synced (\w+): records=(\d+) requests=(\d+) seconds=([\d.]+)(?: moved=\d+)?(.*)")


@dataclass(frozen=True)
class Cost:
    """Cost of a stream in one run."""

    records: int
    requests: int
    seconds: float
    remark: str = ""  # records discarded, a workspace skipped; not values moved to unknown_fields


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Parse the log, one JSON object a line.

    Any other line, such as one of a traceback, becomes an event with that text.
    """
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        yield event if isinstance(event, dict) else {"event": line.rstrip()}


def costs(lines: Iterable[str]) -> dict[str, Cost]:
    """Find the summary line of each stream at the end of a run."""
    found: dict[str, Cost] = {}
    for event in events(lines):
        if match := _SYNCED.fullmatch(str(event.get("event", "")).strip()):
            stream, records, requests, seconds, remark = match.groups()
            found[stream] = Cost(int(records), int(requests), float(seconds), remark.strip())
    return found


def tail(lines: Iterable[str], count: int = 25) -> tuple[str, ...]:
    """Format the last lines of a log for people."""
    found: list[str] = []
    for event in events(lines):
        found.append(f"{event.get('name', '')} {event.get('event', '')}")
        # The installer's output is one block of text.
        found += str((event.get("install_state") or {}).get("details") or "").splitlines()
    return tuple([text.strip() for text in found if text.strip()][-count:])

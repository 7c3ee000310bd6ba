"""The ``queries`` of POST /leads/list: leads with an action in the last days.

The spec names the actions and their values. It leaves open how several queries combine, when a day begins and how soon
a change can be found, so the sandbox has a switch for each.
"""

from __future__ import annotations

import operator
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.answers import require
from sandbox.clock import DAY_MS, now_ms, parse_stamp
from sandbox.config import Behaviour
from sandbox.leads import LeadStore
from sandbox.records import Row

ACTIONS = {
    # action: (the lead's timestamp of the last one, its counter)
    "last-contacted": ("timestamp_last_contact", None),
    "reply": ("timestamp_last_reply", "email_reply_count"),
    "email-open": ("timestamp_last_open", "email_open_count"),
    "link-click": ("timestamp_last_click", "email_click_count"),
    "lead-status-change": ("timestamp_last_interest_change", None),
}
COMPARE: dict[str, Callable[[int, int], bool]] = {"more": operator.gt, "less": operator.lt, "equal": operator.eq}
STATUS = "lead-status"


class Window:
    """The time range of a query with days."""

    def __init__(self, days: float, behaviour: Behaviour) -> None:
        now, midnight = now_ms(), behaviour.query_days_from_midnight
        self.start = now // DAY_MS * DAY_MS - round((days - 1) * DAY_MS) if midnight else now - round(days * DAY_MS)
        self.end = now - round(behaviour.query_lag_seconds * 1000) if behaviour.query_lag_seconds else None

    def __contains__(self, moment: int) -> bool:
        return self.start <= moment and (self.end is None or moment <= self.end)


class Query:
    """A query of a body."""

    def __init__(self, asked: Any, behaviour: Behaviour) -> None:  # noqa: ANN401 - any JSON value
        values, action = map(asked.get, ("values", "actionType")) if isinstance(asked, dict) else (None, None)
        valid = action in (*ACTIONS, STATUS) and isinstance(values, dict)
        require(valid, f"body/queries/0 must have an actionType out of the allowed values, and values: {asked}")
        self.action = str(action)
        self._values: Row = values or {}
        days = self._values.get("occurrence-days")
        valid = days is None or (isinstance(days, (int, float)) and not isinstance(days, bool))
        require(valid, "body/queries/0/values/occurrence-days must be number")
        self.window = None if days is None or action == STATUS else Window(days, behaviour)

    def accepts(self, row: Row) -> bool:
        """Return whether a lead matches."""
        if self.action == STATUS:
            wanted = self._values.get(STATUS, {})
            fits = bool(row.get("lt_interest_status") == wanted.get("status"))
            return fits is not bool(wanted.get("condition") == "is-not")
        last, counter = ACTIONS[self.action]
        if last not in row or (self.window is not None and parse_stamp(row[last]) not in self.window):
            return False
        if (count := self._values.get("occurrence-count")) is None or counter is None:
            return True
        return COMPARE[count.get("condition", "more")](row.get(counter, 0), count.get("count", 0))

    def positions(self, leads: LeadStore, moments: LeadMoments) -> Sequence[int]:
        """Return the positions of the matching seeded leads."""
        if self.window is None:
            return leads.sift(f"{self.action} {self._values}", leads.seeded, self.accepts)
        found = moments.within(self.action, self.window)
        if self._values.get("occurrence-count") is None:
            return found
        return leads.sift(f"{self.action} {self._values} {found}", found, self.accepts)


class LeadMoments:
    """Time of each seeded lead's last actions, sorted by time for each action."""

    def __init__(self, leads: LeadStore) -> None:
        found: dict[str, list[tuple[int, int]]] = {last: [] for last, _ in ACTIONS.values()}
        stamped = re.compile(f'"({"|".join(found)})":"([^"]*)"')
        for position in leads.seeded:
            for name, text in stamped.findall(leads.seeded_text(position)):
                found[name].append((parse_stamp(text), position))
        self._by_time = {
            name: (array("Q", (at for at, _ in pairs)), array("I", (position for _, position in pairs)))
            for name, pairs in ((name, sorted(pairs)) for name, pairs in found.items())
        }

    def within(self, action: str, window: Window) -> Sequence[int]:
        """Return the positions of the leads with the action within a window."""
        moments, positions = self._by_time[ACTIONS[action][0]]
        end = len(moments) if window.end is None else bisect_left(moments, window.end + 1)
        return sorted(positions[bisect_left(moments, window.start) : end])


def read_queries(body: Row, behaviour: Behaviour) -> list[Query]:
    """Read the queries of a body; none if the workspace ignores them, and 400 if it does not support them."""
    asked = body.get("queries")
    if not asked or behaviour.lead_queries == "ignored":
        return []
    require(behaviour.lead_queries != "unsupported", "body must NOT have additional properties")
    require(isinstance(asked, list), "body/queries must be array")
    return [Query(one, behaviour) for one in asked]

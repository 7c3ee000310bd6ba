"""Figures on sweeps after a full pass: leads found and missed, and reasons without figures."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.clock import now_ms, stamp
from tests.streams.test_sweep import (  # noqa: F401 (fixtures)
    HOUR,
    SEEN,
    UNSEEN,
    _as_documented,
    aged,
    change,
    ids,
    mark,
    read,
    settings,
    some_leads,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Server

FIELDS = {
    "timestamp_last_contact": "last-contacted",
    "timestamp_last_reply": "reply",
    "timestamp_last_open": "email-open",
    "timestamp_last_click": "link-click",
    "timestamp_last_interest_change": "lead-status-change",
    "status": "bounced",
    "first_name": "edited, moved or verified",
    "list_id": "edited, moved or verified",
}
"""Kind of a change by the field that it alone changes."""

BY_ACTION = {*FIELDS.values()} - {"bounced", "edited, moved or verified"}
ABANDONED = {
    "ignored": "which does not match",
    "unsupported": "cannot be requested",
}
"""Reason for which a sweep is abandoned, by the server's behaviour."""


def leads_of(api: Server) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in api.control.truth("leads")}


def kinds_of_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of each lead's change, by the fields that differ."""
    found = {}
    for lead, row in after.items():
        old = before.get(lead)
        differing = {name for name in row.keys() | (old or {}).keys() if row.get(name) != (old or {}).get(name)}
        if old is None:
            found[lead] = "created"
        elif differing:
            found[lead] = next(kind for name, kind in FIELDS.items() if name in differing)
    return found


def findings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if message.startswith("Checked: ")]


def figures(api: Server, kinds: Mapping[str, str], found: set[str]) -> str:
    totals, hits = Counter(kinds.values()), Counter(kinds[lead] for lead in found)
    by_kind = "; ".join(f"{kind} {hits[kind]} of {number}" for kind, number in sorted(totals.items()))
    workspace = next(iter(api.control.truth("workspace")))["name"]
    return f"Checked: leads in {workspace}: the sweep found {len(found)} of {len(kinds)} changed leads: {by_kind}"


@pytest.mark.parametrize(
    ("switch", "mode"),
    [
        ({"lead_queries": "any"}, "on"),
        ({"lead_queries": "any"}, "check"),
        ({"lead_queries": "all"}, "check"),
        ({"lead_queries": "ignored"}, "check"),
        ({"lead_queries": "unsupported"}, "on"),
        ({"query_days_from_midnight": True}, "check"),
        ({"query_lag_seconds": 1800.0}, "check"),
    ],
    ids=str,
)
def test_figures_are_exact_however_the_server_answers_queries(
    api: Server,
    settings: dict[str, Any],  # noqa: F811 (fixture)
    caplog: pytest.LogCaptureFixture,
    switch: dict[str, Any],
    mode: str,
) -> None:
    caplog.set_level(logging.INFO)
    first, whole = read(api, settings, leads_sweep=mode)
    before = leads_of(api)
    in_campaigns = [row for row in before.values() if "campaign" in row]
    bounced = in_campaigns[0]
    others = [row["id"] for row in in_campaigns if row["campaign"] != bounced["campaign"]]
    api.control.config(**switch)
    for number, kind in enumerate((*SEEN, *UNSEEN)):
        change(api, kind, others[number])
        change(api, kind, others[number + 10], ago=5_000)
    change(api, "bounce", bounced["id"])
    api.control.add_leads(2, at=stamp(now_ms() - HOUR))
    kinds = kinds_of_changes(before, leads_of(api))
    second, requests = read(
        api, settings, aged(first, "full_pass", hours=2 if mode == "check" else 24), leads_sweep=mode
    )
    assert set(ids(second)) >= kinds.keys()
    if (reason := ABANDONED.get(str(switch.get("lead_queries")))) is not None:
        (said,) = findings(caplog)
        assert f"the sweep found 0 of {len(kinds)} changed leads, because it was abandoned: " in said
        assert reason in said
        assert requests <= whole + 12
        return
    assert whole < requests < 1.6 * whole
    late = {row["id"] for row in api.control.truth("lead_changes") if row["at"] > stamp(now_ms() - HOUR // 2)}
    hidden = {lead for lead in late if kinds[lead] in BY_ACTION and "query_lag_seconds" in switch}
    hidden |= {lead for lead, kind in kinds.items() if kind == "edited, moved or verified"}
    assert findings(caplog) == [figures(api, kinds, kinds.keys() - hidden)]


def test_queries_that_find_nothing_are_reported_by_the_full_pass(
    api: Server,
    settings: dict[str, Any],  # noqa: F811 (fixture)
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    first, _ = read(api, settings)
    before = leads_of(api)
    api.control.config(query_lag_seconds=1e9)  # no query finds anything
    for number, lead in enumerate(some_leads(api, 2 * len(SEEN))):
        change(api, SEEN[number % len(SEEN)], lead)
    api.control.add_leads(1, at=stamp(now_ms() - HOUR))
    kinds = kinds_of_changes(before, leads_of(api))
    created = {lead for lead, kind in kinds.items() if kind == "created"}
    swept, _ = read(api, settings, aged(first, "since", "full_pass"))
    assert set(ids(swept)) == created
    second, _ = read(api, settings, aged(swept, "since", "full_pass", hours=24))
    assert set(ids(second)) >= kinds.keys()
    assert findings(caplog) == [figures(api, kinds, created)]
    (warning,) = [
        record.getMessage()
        for record in caplog.records
        if "found 0 of" in record.getMessage() and record.levelno == logging.WARNING
    ]
    assert f"found 0 of {len(kinds) - 1} leads that were contacted, opened, clicked, replied" in warning

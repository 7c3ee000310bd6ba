"""Starting points of leads in the state, and the order in which streams are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import run_tap

if TYPE_CHECKING:
    from sandbox import Server

LEADS = "/api/v2/leads/list"


def points_of(state: dict[str, Any]) -> list[str]:
    points: list[str] = state["bookmarks"]["leads"]["partitions"][0].get("starting_points", [])
    return points


def test_full_pass_starts_at_ranges_found_by_the_last_one(api: Server, config: dict[str, Any]) -> None:
    settings = {**config, "page_size": 5, "lookback_hours": 0}
    first = run_tap(settings, streams=("leads",))
    points = points_of(first.state)
    assert len(points) == 19
    api.control.clear_requests()
    again = run_tap(settings, streams=("leads",), state=first.state)
    begun = {request["body"].get("starting_after") for request in api.control.requests(LEADS)}
    assert begun >= {*points}
    assert points_of(again.state) == points


def test_a_sweep_keeps_the_starting_points_for_the_next_full_pass(config: dict[str, Any]) -> None:
    settings = {**config, "page_size": 5, "lookback_hours": 0, "leads_sweep": "on"}
    first = run_tap(settings, streams=("leads",))
    swept = run_tap(settings, streams=("leads",), state=run_tap(settings, streams=("leads",), state=first.state).state)
    assert points_of(swept.state) == points_of(first.state) != []


def test_list_that_became_short_loses_its_starting_points(api: Server, config: dict[str, Any]) -> None:
    settings = {**config, "page_size": 5, "lookback_hours": 0}
    first = run_tap(settings, streams=("leads",))
    leads = [row["id"] for row in api.control.truth("leads")]
    api.control.delete_leads(*leads[10:])
    try:
        second = run_tap(settings, streams=("leads",), state=first.state)
        assert points_of(second.state) == []
    finally:
        api.control.reset()

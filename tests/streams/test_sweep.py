"""Sweeps of leads: results, costs, and reasons to abandon them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.clock import now_ms, stamp
from tap_instantly import timestamps
from tap_instantly.sync.sweep import ACTIONS
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server

LEADS = "/api/v2/leads/list"
SEEN = ("contact", "open", "click", "reply", "label")
UNSEEN = ("edit_lead", "move_lead")
HOUR = 3_600_000
QUERIES = ("new leads", *ACTIONS)


@pytest.fixture
def settings(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "leads_sweep": "on", "page_size": 5, "lookback_hours": 0, "max_requests_per_second": 1000}


@pytest.fixture(autouse=True)
def _as_documented(api: Server) -> Iterator[None]:
    yield
    api.control.config(lead_queries="any", query_days_from_midnight=False, query_lag_seconds=0.0)


def change(api: Server, kind: str, lead: str, ago: int = HOUR) -> None:
    """Change a lead in the sandbox, with a time so many milliseconds ago."""
    at = stamp(now_ms() - ago)
    if kind in {"open", "click", "reply"}:
        api.control.mutate(kind, lead_id=lead, at=at)
        return
    details: dict[str, Any] = {"label": {"interest": 3}, "edit_lead": {"first_name": "Ada"}}.get(kind, {})
    if kind == "move_lead":
        details = {"list_id": next(iter(api.control.truth("lead_lists")))["id"]}
    api.control.change_lead(kind, lead, at, **details)


def some_leads(api: Server, number: int) -> list[str]:
    return [row["id"] for row in api.control.truth("leads") if "campaign" in row][:number]


def requests_of(api: Server) -> int:
    return len(api.control.requests(LEADS))


def read(api: Server, settings: dict[str, Any], state: dict[str, Any] | None = None, **more: Any) -> tuple[TapRun, int]:
    """Run the tap on leads; also return the number of its requests for them."""
    api.control.clear_requests()
    run = run_tap({**settings, **more}, streams=("leads",), state=state)
    return run, requests_of(api)


def ids(run: TapRun) -> list[str]:
    return [record["id"] for record in run.records("leads")]


def mark_in(state: dict[str, Any]) -> dict[str, Any]:
    (partition,) = state["bookmarks"]["leads"]["partitions"]
    found: dict[str, Any] = partition["sweep"]
    return found


def mark(run: TapRun) -> dict[str, Any]:
    return mark_in(run.state)


def aged(run: TapRun, *names: str, hours: int = 2) -> dict[str, Any]:
    """Return a run's state with these times of its mark moved back by hours."""
    state = run.state
    for name in names:
        mark_in(state)[name] = stamp(int(timestamps.parse(mark(run)[name]).timestamp() * 1000) - hours * HOUR)
    return state


def test_a_sweep_writes_each_lead_that_acted_or_is_new_once(api: Server, settings: dict[str, Any]) -> None:
    first, whole = read(api, settings)
    leads = some_leads(api, len(SEEN) + 1)
    for kind, lead in zip(SEEN, leads, strict=False):
        change(api, kind, lead)
    for kind in SEEN:
        change(api, kind, leads[-1])
    created = [row["id"] for row in api.control.add_leads(3, at=stamp(now_ms() - HOUR))]
    second, swept = read(api, settings, aged(first, "since"))
    assert Counter(ids(second)) == Counter([*leads, *created])
    assert swept < whole / 4
    third, _ = read(api, settings, second.state)
    assert ids(third) == []


def test_sweep_leaves_the_bookmark_and_unseen_changes_to_the_full_pass(api: Server, settings: dict[str, Any]) -> None:
    first, _ = read(api, settings)
    seen, edited, moved = some_leads(api, 3)
    change(api, "reply", seen)
    change(api, "edit_lead", edited)
    change(api, "move_lead", moved)
    before = aged(first, "since", "full_pass")
    second, _ = read(api, settings, before)
    assert ids(second) == [seen]
    assert second.bookmark("leads") == first.bookmark("leads")
    assert mark(second)["since"] > mark_in(before)["since"]
    assert mark(second)["full_pass"] == mark_in(before)["full_pass"]
    third, _ = read(api, settings, aged(second, "full_pass", hours=24))
    assert set(ids(third)) >= {seen, edited, moved}
    assert mark(third)["full_pass"] > mark(second)["full_pass"]
    assert third.bookmark("leads") > first.bookmark("leads")


def test_leads_of_campaigns_with_bounces_and_unsubscribes_are_read(api: Server, settings: dict[str, Any]) -> None:
    first, whole = read(api, settings)
    bounced, unsubscribed = some_leads(api, 2)
    change(api, "bounce", bounced)
    change(api, "unsubscribe", unsubscribed)
    second, swept = read(api, settings, aged(first, "since"))
    assert set(ids(second)) == {bounced, unsubscribed}
    assert swept < whole
    third, again = read(api, settings, second.state)
    assert (ids(third), again) == ([], len(QUERIES))
    campaign = next(row["campaign"] for row in api.control.truth("leads") if row["id"] == bounced)
    rows = [row["id"] for row in api.control.truth("leads") if row.get("campaign") == campaign and row["id"] != bounced]
    change(api, "bounce", rows[0])
    fourth, _ = read(api, settings, aged(third, "since"))
    assert set(ids(fourth)) == {bounced, rows[0]}  # the mark was moved back before both


def test_lead_that_changed_during_the_pass_does_not_prevent_sweeps(api: Server, settings: dict[str, Any]) -> None:
    (lead,) = some_leads(api, 1)
    change(api, "reply", lead, ago=-3_000)  # after the signpost, which then becomes the bookmark
    first, whole = read(api, settings)
    second, swept = read(api, settings, first.state)
    assert mark(second)["full_pass"] == mark(first)["full_pass"]
    assert swept < whole / 4


def test_damaged_mark_means_a_full_pass(api: Server, settings: dict[str, Any]) -> None:
    first, whole = read(api, settings)
    damages: list[dict[str, Any]] = [{"since": "2999-01-01"}, {"full_pass": "9999-01-01"}, {"bookmark": 5}]
    damages += [{"version": 7}, *({"requests": number} for number in (True, -1, None))]
    for damage in damages:
        state = first.state
        mark_in(state).update(damage)
        _, requests = read(api, settings, state)
        assert requests > whole * 0.9, damage


def test_failing_totals_of_campaigns_cost_no_full_pass(
    api: Server, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    first, whole = read(api, settings)
    (lead,) = some_leads(api, 1)
    change(api, "reply", lead)
    api.control.fault("/api/v2/campaigns/analytics", "status", status=400, body={"message": "oh"}, count=None)
    second, swept = read(api, settings, aged(first, "since"))
    api.control.clear_faults()
    assert ids(second) == [lead]
    assert swept < whole / 4
    assert [line for line in caplog.messages if "wait for the next full pass: the totals of campaigns" in line]


@pytest.mark.parametrize(
    ("switch", "reason"),
    [
        ({"lead_queries": "ignored"}, "which does not match"),
        ({"lead_queries": "unsupported"}, "cannot be requested"),
    ],
)
def test_wrongly_answered_sweep_is_abandoned_for_a_full_pass(
    api: Server, settings: dict[str, Any], caplog: pytest.LogCaptureFixture, switch: dict[str, Any], reason: str
) -> None:
    first, whole = read(api, settings)
    api.control.config(**switch)
    edited, replied = some_leads(api, 2)
    change(api, "edit_lead", edited)
    change(api, "reply", replied)
    second, swept = read(api, settings, aged(first, "since"))
    assert set(ids(second)) >= {edited, replied}
    assert swept <= whole + 12
    (said,) = [message for message in caplog.messages if "Abandoning the sweep" in message]
    assert reason in said


def interrupted(
    api: Server, settings: dict[str, Any], state: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> TapRun:
    """Run until the server fails in the middle of the list."""
    monkeypatch.setattr("tap_instantly.sync.range_splitting.OVERHEAD", 1.0)  # split short lists too
    api.control.fault(LEADS, "status", status=500, body={"message": "stop"}, after=30, count=None)
    run = run_tap(settings, streams=("leads",), state=state, incomplete=True)
    api.control.clear_faults()
    return run


@pytest.mark.parametrize("mode", ["off", "on"])
def test_a_resumed_pass_reads_the_rest_and_sweeps_later(
    api: Server, settings: dict[str, Any], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = interrupted(api, {**settings, "leads_sweep": mode}, None, monkeypatch)
    behind, rest = ids(first), [row["id"] for row in api.control.truth("leads") if row["id"] not in ids(first)]
    for lead in (behind[0], rest[0]):
        change(api, "reply", lead, ago=-1)
    second, _ = read(api, settings, first.state, leads_sweep=mode)
    assert rest[0] in ids(second)
    assert behind[0] not in ids(second)  # with sweeps or without
    third, requests = read(api, settings, second.state, leads_sweep=mode)
    assert behind[0] in ids(third)
    assert (requests < 30) is (mode == "on")


def test_a_resumed_pass_counts_the_requests_of_the_whole(
    api: Server, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**settings, "concurrency": 1}
    whole, _ = read(api, settings)
    first = interrupted(api, settings, None, monkeypatch)
    resumed, rest = read(api, settings, first.state)
    assert rest < mark(whole)["requests"] * 0.8
    assert mark(resumed)["requests"] >= mark(whole)["requests"] * 0.9


def test_no_sweep_until_new_leads_can_be_requested_by_id(
    api: Server, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    _, whole = read(api, settings)
    state = None
    for _ in range(2):
        caplog.clear()
        api.control.fault(LEADS, "status", status=400, body={"message": "no such cursor"}, after=1, count=1)
        run, requests = read(api, settings, state)
        assert requests > whole * 0.9
        assert [message for message in caplog.messages if message.startswith("No sweep of leads in workspace")]
        state = run.state
    api.control.clear_faults()
    again, requests = read(api, settings, state)
    assert requests > whole * 0.9
    _, swept = read(api, settings, again.state)
    assert swept < whole / 4

"""Several workspaces in one run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly import InstantlyAPIError
from tests.conftest import UNTIL
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS = ("workspaces", "campaigns", "leads", "campaign_analytics_daily", "account_analytics_daily")
NUMBER = 6


@pytest.fixture(scope="module")
def agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=NUMBER, campaigns=3, accounts=5, leads=120, days=20, until=UNTIL, seed=9)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: sandbox.Server) -> None:
    agency.control.reset()


def names() -> list[str]:
    return ["main", *(f"workspace-{number:03}" for number in range(2, NUMBER + 1))]


def keys(agency: sandbox.Server) -> list[dict[str, str]]:
    return [{"name": name, "api_key": agency.api_key if name == "main" else f"sandbox-key-{name}"} for name in names()]


def settings(agency: sandbox.Server, **more: Any) -> dict[str, Any]:
    return {"workspaces": keys(agency), "api_url": f"{agency.url}/api/v2", "start_date": "2026-10-01", **more}


def truth(agency: sandbox.Server, resource: str) -> set[str]:
    return {row["id"] for name in names() for row in agency.control.within(name).truth(resource)}


def test_all_are_read_into_the_same_streams_one_after_the_other(agency: sandbox.Server) -> None:
    run = run_tap({**settings(agency), "start_date": None}, streams=STREAMS)
    assert len(run.records("workspaces")) == NUMBER
    for stream in ("campaigns", "leads"):
        found = [record["id"] for record in run.records(stream)]
        assert len(found) == len(set(found))
        assert set(found) == truth(agency, stream)
    order = [record["workspace_id"] for record in run.records("campaigns")]
    assert order == sorted(order, key=order.index)
    assert len(set(order)) == NUMBER
    days = {(row["campaign_id"], row["date"]) for row in run.records("campaign_analytics_daily")}
    expected = {
        (row["campaign_id"], row["date"])
        for name in names()
        for row in agency.control.within(name).truth("campaign_analytics_daily")
    }
    assert days == expected


def test_workspaces_are_read_side_by_side(agency: sandbox.Server) -> None:
    agency.control.config(latency_ms=20)
    run_tap(settings(agency), streams=("campaigns",))
    assert agency.control.counts()["most_in_flight"] > 1


def test_each_has_a_bookmark_of_its_own_and_the_next_run_goes_on_from_it(agency: sandbox.Server) -> None:
    def bookmarks(run: TapRun) -> dict[str, str]:
        partitions = run.state["bookmarks"]["campaigns"]["partitions"]
        return {part["context"]["workspace_id"]: part["replication_key_value"] for part in partitions}

    first = run_tap({**settings(agency), "start_date": None}, streams=("campaigns",))
    second = run_tap({**settings(agency), "start_date": None}, streams=("campaigns",), state=first.state)
    assert bookmarks(second) == bookmarks(first)
    assert len(second.records("campaigns")) < len(first.records("campaigns"))
    for record in second.records("campaigns"):
        assert record["timestamp_updated"] >= bookmarks(first)[record["workspace_id"]]
    # What the tap takes for the start when it reads ahead is what the SDK says when the workspace's turn comes.
    stream = second.tap.streams["campaigns"]
    for context in stream.partitions:
        assert stream._start_of(context) == bookmarks(first)[context["workspace_id"]]


def test_one_that_cannot_be_opened_is_left_out_with_a_line_and_keeps_its_state(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    first = run_tap(settings(agency), streams=("campaigns",))
    agency.control.within("workspace-002").config(paid=False)
    workspaces = [
        {**workspace, "api_key": "no-such-key"} if workspace["name"] == "workspace-003" else workspace
        for workspace in keys(agency)
    ]
    second = run_tap(settings(agency, workspaces=workspaces), streams=("workspaces", "campaigns"), state=first.state)
    assert len(second.records("workspaces")) == NUMBER - 2
    for name, reason in (("workspace-002", "plan"), ("workspace-003", "valid v2 key")):
        (line,) = [message for message in caplog.messages if message.startswith(f"Workspace {name} is left out")]
        assert reason in line
    before = {str(part["context"]): part for part in first.state["bookmarks"]["campaigns"]["partitions"]}
    after = {str(part["context"]): part for part in second.state["bookmarks"]["campaigns"]["partitions"]}
    assert after.keys() == before.keys()


def test_where_none_can_be_opened_the_run_ends_with_the_reason(agency: sandbox.Server) -> None:
    workspaces = [{"name": name, "api_key": f"no-such-{name}"} for name in ("one", "two")]
    with pytest.raises(InstantlyAPIError, match="valid v2 key"):
        run_tap(settings(agency, workspaces=workspaces), streams=("campaigns",))


def test_two_keys_of_one_workspace_read_it_once(agency: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    twice = [{"name": name, "api_key": agency.api_key} for name in ("one", "two")]
    with caplog.at_level(logging.WARNING):
        run = run_tap(settings(agency, workspaces=twice), streams=("workspaces",))
    assert len(run.records("workspaces")) == 1
    assert "Workspace two is one that another key opens too" in caplog.text

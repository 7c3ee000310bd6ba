"""A key that is revoked, or a plan that ends, in the middle of a run: told from a scope that is missing."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly import InstantlyAPIError, InstantlyClient
from tap_instantly.api.access import Access
from tap_instantly.tap import TapInstantly
from tests.reliability.conftest import BROKEN, SOUND, WITNESSES, Agency
from tests.reliability.table import KINDS, LIST, OBJECT, RUNS, SCAN, SORTED, WINDOWS, Kind
from tests.support import CollectingWriter

if TYPE_CHECKING:
    from sandbox import Server

IN_MID_RUN = "a key that is revoked, or a plan that ends, in mid-run"
OUTCOME = RUNS[IN_MID_RUN]
REVOKED = {"status": 401, "body": {"statusCode": 401, "message": "Invalid API key"}}
WAYS: dict[str, dict[str, Any]] = {
    "revoked": REVOKED,
    "revoked, in other words": {"status": 403, "body": {"statusCode": 403, "message": "Forbidden"}},
    "plan ended": {"status": 402, "body": {"statusCode": 402, "message": "Workspace has no active paid plan"}},
    "plan ended, inside a 200": {"status": 200, "body": {"statusCode": 402, "error": "Payment Required"}},
}
ADVICE = "Renew the key or the plan and run again: the next run goes on from the state."


def die(server: Server, after: int, workspace: str | None = BROKEN, **answer: Any) -> None:
    """Have a workspace, or all, refuse whatever is asked from a request on; the first of each tells which it is."""
    control = server.control.within(workspace) if workspace else server.control
    control.fault("/api/v2/*", "status", after=after, count=None, **(answer or REVOKED))


def given_up(lines: list[str]) -> list[str]:
    return [line for line in lines if " is given up for this run: " in line]


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize("after", [1, 4], ids=["at once", "later on"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_whatever_is_read_when_the_key_dies_is_incomplete_and_read_by_the_next_run(
    agency: Agency, kind: Kind, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    die(agency.server, after)
    run = agency.run(kind.stream, *WITNESSES, state=agency.state_of(kind))
    assert run.exit_code == OUTCOME.exit_code
    (line,) = given_up(caplog.messages)
    assert line.startswith(f"Workspace {BROKEN} is given up for this run: ")
    assert "answered 401 (access lost): Invalid API key. " in line
    assert line.endswith(ADVICE)
    assert not any(" skipped in " in message or "Give the API key" in message for message in caplog.messages)
    assert f"workspace {BROKEN}" in str(run.error)
    for witness in (kind, OBJECT):
        assert run.keys(witness, agency.id_of(SOUND)) == agency.truth(witness, SOUND)
    agency.server.control.clear_faults()
    again = agency.run(kind.stream, *WITNESSES, state=run.state)
    assert again.exit_code == 0
    for witness in (kind, OBJECT):
        found = run.kept(witness, agency.id_of(BROKEN)) | again.keys(witness, agency.id_of(BROKEN))
        assert found == agency.truth(witness, BROKEN)


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_worked_and_works_nowhere_is_lost_in_whatever_words(
    agency: Agency, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    die(agency.server, 3, **WAYS[way])
    run = agency.run("campaigns", "leads", "workspaces", state={})
    assert run.exit_code == 3
    assert len(given_up(caplog.messages)) == 1
    assert " skipped in " not in caplog.text


def test_a_plan_that_ends_in_mid_run_is_no_missing_add_on(agency: Agency, caplog: pytest.LogCaptureFixture) -> None:
    control = agency.server.control.within(BROKEN)
    try:
        run = agency.run(
            "campaigns",
            "leads",
            "workspaces",
            state={},
            on_message=lambda message: message["type"] == "RECORD" and control.config(paid=False),
        )
    finally:
        control.config(paid=True)
    assert run.exit_code == 3
    assert "answered 402 (access lost)" in given_up(caplog.messages)[0]


def test_it_is_found_out_once_and_nothing_more_is_asked(agency: Agency) -> None:
    die(agency.server, 1)
    agency.server.control.clear_requests()
    agency.run("campaigns", "emails", "leads", "workspaces", "custom_tags", state={}, concurrency=1)
    asked = [entry["path"] for entry in agency.server.control.within(BROKEN).requests()]
    # Who it is, the first stream, and then each way by which a key could still open something.
    assert asked.count("/api/v2/workspaces/current") == 2
    assert not {"/api/v2/emails", "/api/v2/custom-tags"} & set(asked)
    assert len(asked) == len(set(asked)) + 2  # who it is, and the list that was refused


def test_the_only_workspace_ends_the_run_as_incomplete_with_its_state(
    agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    only = {"workspaces": None, "api_key": agency.server.api_key}
    settings = {name: value for name, value in agency.settings(**only).items() if value is not None}
    die(agency.server, 6, SOUND)
    writer = CollectingWriter()
    tap = TapInstantly(
        config={**settings, "emit_activate_version_messages": True},
        catalog=agency._catalog("campaigns", "custom_tags", "leads", "workspaces"),
        message_writer=writer,
    )
    with pytest.raises(Exception, match="access lost") as caught:
        tap.sync_all()
    assert type(caught.value).__name__ == "IncompleteError"
    assert writer.messages[-1]["type"] == "STATE"
    assert not any(
        message["type"] == "ACTIVATE_VERSION" and message["stream"] == "workspaces" for message in writer.messages
    )
    assert len(given_up(caplog.messages)) == 1
    assert any(message.startswith("Not complete: not come to: ") for message in caplog.messages)


def test_where_the_key_of_all_dies_each_workspace_is_given_up(agency: Agency, caplog: pytest.LogCaptureFixture) -> None:
    die(agency.server, 8, None)
    run = agency.run("campaigns", "leads", "workspaces", state={})
    assert run.exit_code == 3
    assert {line.split()[1] for line in given_up(caplog.messages)} == {SOUND, BROKEN}
    agency.server.control.clear_faults()
    again = agency.run("campaigns", "leads", "workspaces", state=run.state)
    for kind in (LIST, SCAN, OBJECT):
        for name in (SOUND, BROKEN):
            found = run.kept(kind, agency.id_of(name)) | again.keys(kind, agency.id_of(name))
            assert found == agency.truth(kind, name)


def test_a_scope_that_is_missing_stays_one_and_costs_two_requests_more(
    agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (LIST.path, SORTED.path, SCAN.path):
        agency.server.control.within(BROKEN).fault(f"/api/v2{path}", "status", count=None, **REVOKED)
    agency.server.control.clear_requests()
    run = agency.run("campaigns", "emails", "leads", "custom_tags", state={})
    assert run.exit_code == 0
    assert sum(" skipped in workspace " in message for message in caplog.messages) == 3
    asked = [entry["path"] for entry in agency.server.control.within(BROKEN).requests()]
    assert asked.count("/api/v2/workspaces/current") == 1 + 3
    assert [asked.count(f"/api/v2{path}") for path in (LIST.path, SORTED.path, SCAN.path)] == [2, 2, 2]


@pytest.mark.parametrize("after", [0, 3], ids=["at once", "later on"])
def test_listing_what_to_ask_for_by_window_is_asked_again_where_it_is_refused_once(agency: Agency, after: int) -> None:
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns/analytics", "status", after=after, **REVOKED)
    run = agency.run(WINDOWS.stream, state={}, start_date="2026-06-01")
    assert [fault["hits"] for fault in agency.server.control.faults()] == [1]
    assert run.exit_code == 0
    assert run.keys(WINDOWS, agency.id_of(BROKEN)) == agency.truth(WINDOWS, BROKEN) != set()


def test_a_second_refusal_is_no_missing_scope_where_the_key_was_found_lost_meanwhile(api: Server) -> None:
    fault = api.control.fault
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=0) as client:
        access, asked = Access(client), []

        def ask() -> None:
            asked.append(None)
            if len(asked) == 1:
                fault("/api/v2/emails", "status", count=None, **REVOKED)
            else:  # as another thread would
                fault("/api/v2/*", "status", count=None, **REVOKED)
                with pytest.raises(InstantlyAPIError, match="access lost"):
                    access.told_apart(lambda: client.get("/accounts"))
            client.get("/emails")

        with pytest.raises(InstantlyAPIError, match="access lost"):
            access.told_apart(ask)
    assert len(asked) == 2


def test_where_it_cannot_be_told_the_stream_is_incomplete_and_not_skipped(
    agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    control = agency.server.control.within(BROKEN)
    control.fault(f"/api/v2{LIST.path}", "status", count=None, **REVOKED)
    control.fault("/api/v2/workspaces/current", "status", status=500, after=1, count=None)
    for path in ("/accounts", "/lead-lists", "/leads/list", "/campaigns/analytics"):
        control.fault(f"/api/v2{path}", "status", count=None, **REVOKED)
    run = agency.run("campaigns", "custom_tags", state={})
    assert run.exit_code == 3
    assert f"campaigns incomplete in workspace {BROKEN}" in caplog.text
    assert " skipped in " not in caplog.text


def test_where_it_cannot_be_told_it_cannot_for_those_who_were_refused_earlier_either(api: Server) -> None:
    api.control.fault("/api/v2/workspaces/current", "status", status=500, count=None)
    for path in ("/campaigns", "/accounts", "/lead-lists", "/leads/list", "/campaigns/analytics"):
        api.control.fault(f"/api/v2{path}", "status", count=None, **REVOKED)
    refused_at = time.monotonic()
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=0) as client:
        access = Access(client)
        for _thread in range(2):
            with pytest.raises(InstantlyAPIError, match="500"):
                access._lost_since(refused_at)


def test_a_test_of_the_connection_fails_and_names_what_was_not_tried(
    agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    die(agency.server, 4)
    tap = TapInstantly(config=agency.settings(), message_writer=CollectingWriter())
    with pytest.raises(Exception, match=f"workspace {BROKEN}"):
        tap.run_connection_test()
    lines = [line for line in caplog.messages if line.startswith("Not in ")]
    assert any(line.startswith(f"Not in {BROKEN}, access lost: ") for line in lines)
    (untried,) = [line for line in lines if ", not tried since the workspace was given up: " in line]
    assert untried.startswith(f"Not in {BROKEN}, ")
    assert "workspaces" in untried
    assert "Give the API key" not in caplog.text

"""A key that is revoked, or a plan that ends, in mid-run; distinguished from a missing scope."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly import InstantlyAPIError, InstantlyClient
from tap_instantly.client.access import Access
from tap_instantly.tap import TapInstantly
from tests.reliability.conftest import BROKEN, SOUND, WITNESSES, Agency
from tests.reliability.table import LIST, OBJECT, RUNS, SCAN, SORTED, WINDOWS, Kind
from tests.reliability.test_network_lost import BY_ITSELF, EACH
from tests.support import CollectingWriter, slim_catalog

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
ADVICE = "Renew the key or the plan and run again: the next run resumes from the state."


def die(server: Server, after: int, workspace: str | None = BROKEN, **answer: Any) -> None:
    """Make one workspace or all refuse every request after the first ``after``; the first identifies the workspace."""
    control = server.control.within(workspace) if workspace else server.control
    control.fault("/api/v2/*", "status", after=after, count=None, **(answer or REVOKED))


def given_up(lines: list[str]) -> list[str]:
    return [line for line in lines if " abandoned for this run: " in line]


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize(
    ("kinds", "after"),
    [
        pytest.param(EACH, 1, id="all, at once"),
        pytest.param(EACH, 12, id="all, later on"),
        *(pytest.param((*kind.values,), 4, id=kind.id, marks=kind.marks) for kind in BY_ITSELF),
    ],
)
def test_streams_cut_off_by_a_dead_key_are_read_next_time(
    agency: Agency, kinds: tuple[Kind, ...], after: int, caplog: pytest.LogCaptureFixture
) -> None:
    die(agency.server, after)
    streams = *(kind.stream for kind in kinds), *WITNESSES
    run = agency.run(*streams, state=agency.state_of(*kinds))
    assert run.exit_code == OUTCOME.exit_code
    (line,) = given_up(caplog.messages)
    assert line.startswith(f"Workspace {BROKEN} abandoned for this run: ")
    assert "answered 401 (access lost): Invalid API key. " in line
    assert line.endswith(ADVICE)
    assert not any(" skipped in " in message or "Give the API key" in message for message in caplog.messages)
    assert f"workspace {BROKEN}" in str(run.error)
    for witness in (*kinds, OBJECT):
        assert run.keys(witness, agency.id_of(SOUND)) == agency.truth(witness, SOUND)
    agency.server.control.clear_faults()
    again = agency.run(*streams, state=run.state)
    assert again.exit_code == 0
    for witness in (*kinds, OBJECT):
        found = run.kept(witness, agency.id_of(BROKEN)) | again.keys(witness, agency.id_of(BROKEN))
        assert found == agency.truth(witness, BROKEN)


@pytest.mark.parametrize("way", WAYS)
def test_key_refused_everywhere_is_lost_with_any_message(
    agency: Agency, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    die(agency.server, 3, **WAYS[way])
    run = agency.run("campaigns", "leads", "workspaces", state={})
    assert run.exit_code == 3
    (line,) = given_up(caplog.messages)
    assert " (access lost): " in line
    assert " skipped in " not in caplog.text


def test_lost_key_is_checked_once_and_nothing_more_is_requested(agency: Agency) -> None:
    die(agency.server, 1)
    agency.server.control.clear_requests()
    agency.run("campaigns", "emails", "leads", "workspaces", "custom_tags", state={}, concurrency=1)
    asked = [entry["path"] for entry in agency.server.control.within(BROKEN).requests()]
    # The identity check, the first stream, then every check if the key still opens anything.
    assert asked.count("/api/v2/workspaces/current") == 2
    assert not {"/api/v2/emails", "/api/v2/custom-tags"} & set(asked)
    assert len(asked) == len(set(asked)) + 2  # repeated: the identity check and the refused list


def test_the_only_workspace_ends_the_run_as_incomplete_with_its_state(
    agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    only = {"workspaces": None, "api_key": agency.server.api_key}
    settings = {name: value for name, value in agency.settings(**only).items() if value is not None}
    die(agency.server, 6, SOUND)
    writer = CollectingWriter()
    tap = TapInstantly(
        config={**settings, "emit_activate_version_messages": True},
        catalog=slim_catalog("campaigns", "custom_tags", "leads", "workspaces"),
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
    assert any(message.startswith("Not complete: not started: ") for message in caplog.messages)


def test_missing_scope_is_skipped_and_costs_two_more_requests(agency: Agency, caplog: pytest.LogCaptureFixture) -> None:
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
def test_window_parents_are_listed_again_after_one_refusal(agency: Agency, after: int) -> None:
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns/analytics", "status", after=after, **REVOKED)
    run = agency.run(WINDOWS.stream, state={}, start_date="2026-06-01")
    assert [fault["hits"] for fault in agency.server.control.faults()] == [1]
    assert run.exit_code == 0
    assert run.keys(WINDOWS, agency.id_of(BROKEN)) == agency.truth(WINDOWS, BROKEN) != set()


def test_second_refusal_is_no_missing_scope_if_the_key_was_lost(api: Server) -> None:
    fault = api.control.fault
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=0) as client:
        access, asked = Access(), []

        def ask() -> None:
            asked.append(None)
            if len(asked) == 1:
                fault("/api/v2/emails", "status", count=None, **REVOKED)
            else:  # as another thread would
                fault("/api/v2/*", "status", count=None, **REVOKED)
                with pytest.raises(InstantlyAPIError, match="access lost"):
                    access.confirm_refusal(lambda: client.get("/accounts"), client)
            client.get("/emails")

        with pytest.raises(InstantlyAPIError, match="access lost"):
            access.confirm_refusal(ask, client)
    assert len(asked) == 2


def test_undecidable_refusal_makes_the_stream_incomplete_instead_of_skipped(
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


def test_undecidable_refusal_also_covers_threads_refused_earlier(api: Server) -> None:
    api.control.fault("/api/v2/workspaces/current", "status", status=500, count=None)
    for path in ("/campaigns", "/accounts", "/lead-lists", "/leads/list", "/campaigns/analytics"):
        api.control.fault(f"/api/v2{path}", "status", count=None, **REVOKED)
    refused_at = time.monotonic()
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=0) as client:
        access = Access()
        for _thread in range(2):
            with pytest.raises(InstantlyAPIError, match="500"):
                access._lost_since(refused_at, client)


def test_connection_test_fails_and_names_untried_streams(agency: Agency, caplog: pytest.LogCaptureFixture) -> None:
    die(agency.server, 4)
    tap = TapInstantly(config=agency.settings(), message_writer=CollectingWriter())
    with pytest.raises(Exception, match=f"workspace {BROKEN}"):
        tap.run_connection_test()
    lines = [line for line in caplog.messages if line.startswith("Cannot be read in ")]
    assert any(line.startswith(f"Cannot be read in {BROKEN} (access lost): ") for line in lines)
    (untried,) = [line for line in lines if " (not tried because the workspace was abandoned): " in line]
    assert untried.startswith(f"Cannot be read in {BROKEN} ")
    assert "workspaces" in untried
    assert "Give the API key" not in caplog.text

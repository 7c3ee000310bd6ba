from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly import ErrorKind, InstantlyAPIError, InstantlyClient
from tap_instantly.client.workspace import UNKNOWN_WORKSPACE, Workspace
from tests.api.test_errors import closed_port
from tests.support import TapRun, run_tap, secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server


def connect(api: Server, key: str, **settings: Any) -> Workspace:
    with InstantlyClient(key, api_url=f"{api.url}/api/v2", max_retries=0, **settings) as client:
        return Workspace.connect(client)


def test_valid_key_identifies_its_workspace(api: Server) -> None:
    details = next(api.control.truth("workspace"))
    workspace = connect(api, api.api_key)
    assert (workspace.id, workspace.name) == (details["id"], details["name"])


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("key", ["campaigns-only", "lists-only"])
def test_without_the_workspaces_scope_the_id_comes_from_the_first_record_found(
    api: Server, key: str, status: int
) -> None:
    api.control.config(scope_error_status=status)
    assert connect(api, secret(key)).id == next(api.control.truth("workspace"))["id"]


def test_unidentifiable_workspace_is_called_unknown_with_a_warning(
    api: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert connect(api, secret("analytics-only")).id == UNKNOWN_WORKSPACE
    assert "workspaces:read" in caplog.text


@pytest.mark.parametrize(
    ("key", "settings", "kind", "advice"),
    [
        ("no-such-key", {}, ErrorKind.UNAUTHORIZED, "api_key"),
        (secret("unpaid"), {}, ErrorKind.NO_PLAN, "plan"),
        (secret("everything"), {"user_agent": "python-requests/2"}, ErrorKind.BLOCKED_AGENT, "user_agent"),
    ],
    ids=["wrong key", "dead plan", "blocked user agent"],
)
def test_unusable_keys_give_distinct_errors(
    api: Server, key: str, settings: dict[str, Any], kind: ErrorKind, advice: str
) -> None:
    with pytest.raises(InstantlyAPIError) as caught:
        connect(api, key, **settings)
    assert caught.value.kind is kind
    assert advice in caught.value.advice


@pytest.mark.parametrize("answer", [{}, [], {"name": "no id"}], ids=str)
def test_workspace_without_an_id_is_requested_again_then_an_error(api: Server, answer: object) -> None:
    api.control.fault("/api/v2/workspaces/current", "status", status=200, body=answer, count=None)
    with pytest.raises(InstantlyAPIError, match="no workspace"):
        connect(api, api.api_key)


def test_start_fails_quickly_without_a_network() -> None:
    with (
        InstantlyClient("key", api_url=f"http://127.0.0.1:{closed_port()}", max_retries=8) as client,
        pytest.raises(InstantlyAPIError, match="after 3 tries"),
    ):
        Workspace.connect(client)


@pytest.mark.parametrize("status", [401, 403])
def test_narrow_key_reads_its_streams_and_logs_each_skipped_one(
    api: Server, config: dict[str, Any], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api.control.config(scope_error_status=status)
    caplog.set_level(logging.INFO)
    streams = ("account_details", "accounts", "campaign_analytics", "campaigns", "lead_lists", "leads", "workspaces")
    run = run_tap({**config, "api_key": secret("campaigns-only")}, streams=streams)
    assert len(run.records("campaigns")) == len(list(api.control.truth("campaigns")))
    assert run.records("campaign_analytics")
    skipped = [message for message in caplog.messages if " skipped in workspace " in message]
    assert {message.split()[0] for message in skipped} == {name for name in streams if not run.records(name)}
    for scope in ("accounts:read", "leads:read", "lead_lists:read"):
        assert any(f"Give the API key {scope}, or all:read" in message for message in skipped)
    assert not any("valid v2 key" in message for message in skipped)
    summary = [message for message in caplog.messages if message.startswith("Synced ") and "skipped" in message]
    assert len(summary) == len(skipped)


@pytest.mark.parametrize("key", ["campaigns-only", "analytics-only"])
def test_narrow_key_revoked_in_mid_run_differs_from_missing_scopes(
    api: Server, config: dict[str, Any], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    streams = ("accounts", "campaign_analytics", "campaigns", "lead_lists")
    narrow = {**config, "api_key": secret(key), "concurrency": 1}
    run_tap(narrow, streams=streams)
    assert "lead_lists skipped in workspace" in caplog.text
    assert "abandon" not in caplog.text
    sent = api.control.counts()["total"]
    caplog.clear()
    api.control.fault("/api/v2/*", "status", status=401, body={"message": "Invalid"}, after=sent - 3, count=None)
    run_tap(narrow, streams=streams, incomplete=True)
    assert "abandoned for this run" in caplog.text
    assert "lead_lists skipped in workspace" not in caplog.text


def test_refusal_in_mid_list_does_not_skip_the_stream(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    api.control.fault("/api/v2/leads/list", "status", status=403, body={"message": "no more"}, after=2, count=100)
    run = sync("leads", "campaigns", incomplete=True)
    assert "leads incomplete in workspace" in caplog.text
    assert run.bookmark("leads") is None
    assert run.records("campaigns")

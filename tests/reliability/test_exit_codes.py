"""The exit codes of real processes, and what `strict` makes of what was skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.reliability.conftest import BROKEN, SOUND, Agency
from tests.reliability.table import INCOMPLETE, LIST, OBJECT, RETRIES, SKIPS, STOPS, Outcome
from tests.support import catalog_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Process = subprocess.CompletedProcess[str]


@pytest.fixture
def process(agency: Agency, tmp_path: Path) -> Callable[..., Process]:
    """Run `tap-instantly` for the campaigns and workspaces as a process of its own."""

    def run(**settings: Any) -> Process:
        config = agency.settings(max_retries=1, **settings)
        arguments = {"config": config, "catalog": catalog_of(config, "campaigns", "workspaces")}
        command = [sys.executable, "-m", "tap_instantly"]
        for name, content in arguments.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{name}", str(path)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_INSTANTLY_")}
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)

    return run


def last_words(process: Process) -> str:
    """The line that says why a run did not end well."""
    (line,) = [line for line in process.stderr.splitlines() if "| CRITICAL " in line]
    assert "Traceback" not in process.stderr
    return line


@pytest.mark.parametrize(
    ("status", "outcome", "said"),
    [
        (503, RETRIES, None),
        (402, SKIPS, None),
        (400, INCOMPLETE, "Not everything could be read: campaigns ("),
        (302, STOPS, "Check api_url"),
    ],
)
def test_a_run_ends_with_the_exit_code_of_the_table(
    agency: Agency, process: Callable[..., Process], status: int, outcome: Outcome, said: str | None
) -> None:
    count = 1 if outcome is RETRIES else None
    body = {"message": "This is what the message says"}
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns", "status", status=status, body=body, count=count)
    run = process()
    assert run.returncode == outcome.exit_code, run.stderr
    if said:
        assert said in last_words(run)
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    if outcome.exit_code != STOPS.exit_code:
        assert messages[-1]["type"] == "STATE"
        assert sum(message["type"] == "RECORD" and message["stream"] == "workspaces" for message in messages) == 2


@pytest.mark.parametrize("after", [1, 4])
def test_a_key_that_dies_in_mid_run_makes_it_incomplete_also_where_it_is_the_only_one(
    agency: Agency, process: Callable[..., Process], after: int
) -> None:
    body = {"message": "Invalid API key"}
    agency.server.control.within(BROKEN).fault("/api/v2/*", "status", status=401, body=body, after=after, count=None)
    run = process(workspaces=[{"name": BROKEN, "api_key": f"sandbox-key-{BROKEN}"}])
    assert run.returncode == 3, run.stderr
    assert f"workspace {BROKEN}" in last_words(run)
    assert json.loads(run.stdout.splitlines()[-1])["type"] == "STATE"
    (line,) = [line for line in run.stderr.splitlines() if " is given up for this run: " in line]
    assert "Renew the key or the plan and run again" in line


def test_strict_makes_a_skipped_stream_an_incomplete_run(agency: Agency, process: Callable[..., Process]) -> None:
    body = {"message": "Missing scope"}
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns", "status", status=403, body=body, count=None)
    assert process().returncode == 0
    run = process(strict=True)
    assert run.returncode == 3
    assert f"campaigns ({BROKEN}: forbidden)" in last_words(run)


def test_strict_makes_a_workspace_that_cannot_be_opened_an_incomplete_run(
    agency: Agency, process: Callable[..., Process]
) -> None:
    keys = [{"name": SOUND, "api_key": agency.server.api_key}, {"name": "client", "api_key": "no-such-key"}]
    assert process(workspaces=keys).returncode == 0
    run = process(workspaces=keys, strict=True)
    assert run.returncode == 3
    assert "workspace client" in last_words(run)
    assert "no-such-key" not in run.stdout + run.stderr


@pytest.mark.parametrize("strict", [False, True])
def test_strict_changes_nothing_of_what_is_read_nor_of_the_state(agency: Agency, *, strict: bool) -> None:
    body = {"message": "Missing scope"}
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns", "status", status=403, body=body, count=None)
    before = agency.state_of(LIST)
    run = agency.run("campaigns", "workspaces", state=before, strict=strict)
    assert run.exit_code == (3 if strict else 0)
    assert run.keys(LIST, agency.id_of(SOUND)) == agency.truth(LIST, SOUND)
    assert run.keys(OBJECT, agency.id_of(BROKEN)) == agency.truth(OBJECT, BROKEN)
    assert run.bookmark(LIST, agency.id_of(BROKEN)) == "2020-01-01T00:00:00.000Z"
    assert (run.bookmark(LIST, agency.id_of(SOUND)) or "") > "2026"


def test_a_run_without_a_fault_is_whole_for_strict_too(process: Callable[..., Process]) -> None:
    run = process(strict=True)
    assert run.returncode == 0, run.stderr

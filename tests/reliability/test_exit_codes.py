"""Exit codes of real processes, and the effect of `strict` on skipped streams."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.reliability.conftest import BROKEN, SOUND, Agency
from tests.reliability.table import INCOMPLETE, LIST, OBJECT, RETRIES, SKIPS, STOPS, Outcome
from tests.support import slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.forking import Forks

Process = subprocess.CompletedProcess[str]


@pytest.fixture
def process(agency: Agency, tmp_path: Path, forks: Forks) -> Callable[..., Process]:
    """Run `tap-instantly` for campaigns and workspaces as a separate process."""

    def run(**settings: Any) -> Process:
        config = agency.settings(max_retries=1, **settings)
        arguments = {"config": config, "catalog": slim_catalog("campaigns", "workspaces")}
        command = []
        for name, content in arguments.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{name}", str(path)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_INSTANTLY_")}
        return forks.run(*command, environment=environment)

    return run


def last_words(process: Process) -> str:
    """Return the line with the reason of a failed run."""
    (line,) = [line for line in process.stderr.splitlines() if "| CRITICAL " in line]
    assert "Traceback" not in process.stderr
    return line


@pytest.mark.parametrize(
    ("status", "outcome", "said"),
    [
        (503, RETRIES, None),
        (402, SKIPS, None),
        (400, INCOMPLETE, "Sync incomplete: campaigns ("),
        (302, STOPS, "Check api_url"),
    ],
)
def test_each_run_exits_with_the_documented_code(
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
def test_key_lost_in_mid_run_exits_with_3_even_if_alone(
    agency: Agency, process: Callable[..., Process], after: int
) -> None:
    body = {"message": "Invalid API key"}
    agency.server.control.within(BROKEN).fault("/api/v2/*", "status", status=401, body=body, after=after, count=None)
    run = process(workspaces=[{"name": BROKEN, "api_key": f"sandbox-key-{BROKEN}"}])
    assert run.returncode == 3, run.stderr
    assert f"workspace {BROKEN}" in last_words(run)
    assert json.loads(run.stdout.splitlines()[-1])["type"] == "STATE"
    (line,) = [line for line in run.stderr.splitlines() if " abandoned for this run: " in line]
    assert "Renew the key or the plan and run again" in line


def test_strict_turns_a_skipped_stream_into_exit_code_4(agency: Agency, process: Callable[..., Process]) -> None:
    body = {"message": "Missing scope"}
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns", "status", status=403, body=body, count=None)
    assert process().returncode == 0
    run = process(strict=True)
    assert run.returncode == 4
    assert f"campaigns ({BROKEN}: forbidden)" in last_words(run)


def test_strict_fails_on_unopenable_workspaces_unless_their_entry_is_lenient(
    agency: Agency, process: Callable[..., Process]
) -> None:
    sound = {"name": SOUND, "api_key": agency.server.api_key}
    dead = {"name": "client", "api_key": "no-such-key"}
    assert process(workspaces=[sound, dead]).returncode == 0
    run = process(workspaces=[sound, dead], strict=True)
    assert run.returncode == 4
    assert "workspace client" in last_words(run)
    assert "no-such-key" not in run.stdout + run.stderr
    assert process(workspaces=[sound, {**dead, "strict": True}]).returncode == 4
    assert process(workspaces=[sound, {**dead, "strict": False}], strict=True).returncode == 0
    assert process(workspaces=[dead]).returncode == 5


def test_transient_errors_outrank_missing_access(agency: Agency, process: Callable[..., Process]) -> None:
    control = agency.server.control.within(BROKEN)
    control.fault("/api/v2/campaigns", "status", status=400, count=None)
    dead = [{"name": BROKEN, "api_key": f"sandbox-key-{BROKEN}"}, {"name": "client", "api_key": "no-such-key"}]
    assert process(workspaces=dead, strict=True).returncode == 3
    control.clear_faults()
    control.fault("/api/v2/workspaces/current", "status", status=503, count=None)
    run = process(workspaces=dead[::-1])
    assert run.returncode == 1
    assert "503" in last_words(run)


@pytest.mark.parametrize("strict", [False, True])
def test_strict_changes_neither_records_nor_state(agency: Agency, *, strict: bool) -> None:
    body = {"message": "Missing scope"}
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns", "status", status=403, body=body, count=None)
    before = agency.state_of(LIST)
    run = agency.run("campaigns", "workspaces", state=before, strict=strict)
    assert run.exit_code == (4 if strict else 0)
    assert run.keys(LIST, agency.id_of(SOUND)) == agency.truth(LIST, SOUND)
    assert run.keys(OBJECT, agency.id_of(BROKEN)) == agency.truth(OBJECT, BROKEN)
    assert run.bookmark(LIST, agency.id_of(BROKEN)) == "2020-01-01T00:00:00.000Z"
    assert (run.bookmark(LIST, agency.id_of(SOUND)) or "") > "2026"


def test_faultless_run_succeeds_with_strict(process: Callable[..., Process]) -> None:
    run = process(strict=True)
    assert run.returncode == 0, run.stderr

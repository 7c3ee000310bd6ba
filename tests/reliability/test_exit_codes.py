"""Exit codes of real processes, and the effect of `strict` on skipped streams."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.reliability.conftest import BROKEN, SOUND, Agency, Ended
from tests.reliability.table import INCOMPLETE, LIST, OBJECT, RETRIES, SKIPS, STOPS
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
    ("status", "settings", "code", "said"),
    [
        (503, {}, RETRIES.exit_code, None),
        (402, {}, SKIPS.exit_code, None),
        (403, {"strict": True}, 4, f"campaigns ({BROKEN}: forbidden)"),
        (400, {}, INCOMPLETE.exit_code, "Sync incomplete: campaigns ("),
        (302, {}, STOPS.exit_code, "Check api_url"),
    ],
)
def test_each_run_exits_with_the_documented_code(
    agency: Agency, process: Callable[..., Process], status: int, settings: dict[str, Any], code: int, said: str | None
) -> None:
    count = 1 if status == 503 else None
    body = {"message": "This is what the message says"}
    agency.server.control.within(BROKEN).fault("/api/v2/campaigns", "status", status=status, body=body, count=count)
    run = process(**settings)
    assert run.returncode == code, run.stderr
    if said:
        assert said in last_words(run)
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    if code != STOPS.exit_code:
        assert messages[-1]["type"] == "STATE"
        assert sum(message["type"] == "RECORD" and message["stream"] == "workspaces" for message in messages) == 2


DEAD = {"name": "client", "api_key": "no-such-key"}


def ended(agency: Agency, *workspaces: dict[str, Any], **settings: Any) -> Ended:
    return agency.run("campaigns", "workspaces", state={}, workspaces=[*workspaces], max_retries=1, **settings)


def test_strict_fails_on_unopenable_workspaces_unless_their_entry_is_lenient(agency: Agency) -> None:
    sound = {"name": SOUND, "api_key": agency.server.api_key}
    assert ended(agency, sound, DEAD).exit_code == 0
    run = ended(agency, sound, DEAD, strict=True)
    assert run.exit_code == 4
    assert "workspace client" in str(run.error)
    assert ended(agency, sound, {**DEAD, "strict": True}).exit_code == 4
    assert ended(agency, sound, {**DEAD, "strict": False}, strict=True).exit_code == 0
    assert ended(agency, DEAD).exit_code == 5


def test_transient_errors_outrank_missing_access(agency: Agency) -> None:
    control, broken = agency.server.control.within(BROKEN), {"name": BROKEN, "api_key": f"sandbox-key-{BROKEN}"}
    control.fault("/api/v2/campaigns", "status", status=400, count=None)
    assert ended(agency, broken, DEAD, strict=True).exit_code == 3
    control.clear_faults()
    control.fault("/api/v2/workspaces/current", "status", status=503, count=None)
    run = ended(agency, DEAD, broken)
    assert run.exit_code == 1
    assert "503" in str(run.error)


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

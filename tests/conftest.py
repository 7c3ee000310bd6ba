from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from xdist.scheduler import LoadFileScheduling

import sandbox
from sandbox import ApiKey, SandboxConfig
from tap_instantly import InstantlyClient
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from xdist.remote import Producer

pytest_plugins = ["tests.leaks"]

# For `make mutants`: the same examples for each mutant, and no search for a smaller one that also fails.
settings.register_profile("mutants", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])


class OneWorkerForTransform(LoadFileScheduling):
    """Spreads files over the workers, but for those that share what takes a minute to build."""

    # Private, and where the schedulers of xdist differ: test_marts.py would see it go.
    def _split_scope(self, nodeid: str) -> str:
        return "tests/transform" if nodeid.startswith("tests/transform/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return OneWorkerForTransform(config, log) if config.getoption("dist") == "loadfile" else None


UNTIL = "2026-10-31"
"""Last day with data of the sandbox: a fixed one, so that every run of the tests sees the same."""

KEYS = (
    ApiKey("everything"),
    ApiKey("unpaid", paid=False),
    ApiKey("campaigns-only", scopes=("campaigns:read",)),
    ApiKey("lists-only", scopes=("lead_lists:read",)),
    ApiKey("analytics-only", scopes=("webhooks:read",)),
)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[sandbox.Server]:
    config = SandboxConfig(campaigns=6, accounts=120, leads=450, days=70, until=UNTIL, seed=4, keys=KEYS)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture
def api(running_sandbox: sandbox.Server) -> Iterator[sandbox.Server]:
    """The sandbox in its seeded state."""
    running_sandbox.control.reset()
    yield running_sandbox
    running_sandbox.control.reset()


@pytest.fixture
def client(api: sandbox.Server) -> Iterator[InstantlyClient]:
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2") as client:
        yield client


@pytest.fixture
def config(api: sandbox.Server) -> dict[str, Any]:
    return {"api_key": api.api_key, "api_url": f"{api.url}/api/v2"}


@pytest.fixture
def sync(config: dict[str, Any]) -> Callable[..., TapRun]:
    """Run the tap in this process: sync("leads", state=..., **settings)."""

    def run(*streams: str, state: dict[str, Any] | None = None, incomplete: bool = False, **settings: Any) -> TapRun:
        return run_tap({**config, **settings}, streams=streams, state=state, incomplete=incomplete)

    return run


@pytest.fixture
def debug_tap(tmp_path: Path) -> Callable[..., Any]:
    """Run `tap-instantly` as a process of its own, at the level DEBUG."""

    def run(*arguments: str, environment: dict[str, str] | None = None, **settings: Any) -> Any:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"max_retries": 0, **settings}), encoding="utf-8")
        command = [sys.executable, "-m", "tap_instantly", "--config", str(path), *arguments]
        clean = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(("TAP_INST", "NO_PR"))
        }
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**clean, "TAP_INSTANTLY_LOGLEVEL": "DEBUG", **(environment or {})},
        )

    return run


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off by milliseconds: the tests are about what is tried again, not about how long it takes."""
    monkeypatch.setattr("tap_instantly.api.retry.FIRST_WAIT", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.PAUSE_AFTER_429", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.RECOVERY_SECONDS", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.EMAILS_INTERVAL", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.EMAILS_PAUSE_AFTER_429", 0.001)

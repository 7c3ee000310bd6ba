from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import ApiKey, SandboxConfig
from tap_instantly import InstantlyClient
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off by milliseconds: the tests are about what is tried again, not about how long it takes."""
    monkeypatch.setattr("tap_instantly.api.retry.FIRST_WAIT", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.PAUSE_AFTER_429", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.RECOVERY_SECONDS", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.EMAILS_INTERVAL", 0.001)
    monkeypatch.setattr("tap_instantly.api.limits.EMAILS_PAUSE_AFTER_429", 0.001)

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from xdist.scheduler import LoadFileScheduling

import sandbox
from sandbox import ApiKey, SandboxConfig
from tap_instantly import InstantlyClient
from tests.support import FAST, TapRun, hurried, run_tap
from tests.tap_process import taps
from tests.warehouse.postgres import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from xdist.remote import Producer

    from tests.forking import Forks
    from tests.warehouse.postgres import Postgres

pytest_plugins = ["tests.leaks"]

# `make test` runs the same few examples each time, and `make test-long` more and others; `make mutants` does without
# shrinking.
settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=25)
settings.register_profile("drawn", database=None, deadline=None, print_blob=True)
settings.register_profile("mutants", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
settings.load_profile("same")


class OneWorkerForTransform(LoadFileScheduling):
    """Distribute files over workers, but keep tests together that share slow fixtures."""

    # Private: the xdist schedulers differ here; test_marts.py would notice its removal.
    def _split_scope(self, nodeid: str) -> str:
        return "tests/transform" if nodeid.startswith("tests/transform/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return OneWorkerForTransform(config, log) if config.getoption("dist") == "loadfile" else None


LONG = ("tests/transform/", "tests/chaos/", "tests/figures/", "tests/warehouse/", "tests/demo/")
"""Folders whose files take minutes: begun first, so that no worker is alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the folders of long tests first, in their order."""
    items.sort(
        key=lambda item: next((place for place, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG))
    )


UNTIL = "2026-10-31"
"""Last day with data in the sandbox: fixed, so that every test run sees the same."""

KEYS = (
    ApiKey("everything"),
    ApiKey("unpaid", paid=False),
    ApiKey("campaigns-only", scopes=("campaigns:read",)),
    ApiKey("lists-only", scopes=("lead_lists:read",)),
    ApiKey("analytics-only", scopes=("webhooks:read",)),
)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[sandbox.Server]:
    config = SandboxConfig(campaigns=6, accounts=120, leads=450, emails=900, days=70, until=UNTIL, seed=4, keys=KEYS)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture
def api(running_sandbox: sandbox.Server) -> sandbox.Server:
    """The sandbox in its seeded state."""
    running_sandbox.control.reset()
    return running_sandbox


@pytest.fixture
def client(api: sandbox.Server) -> Iterator[InstantlyClient]:
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", **FAST) as client:
        yield client


@pytest.fixture
def config(api: sandbox.Server) -> dict[str, Any]:
    return {"api_key": api.api_key, "api_url": f"{api.url}/api/v2", **FAST}


@pytest.fixture
def sync(config: dict[str, Any]) -> Callable[..., TapRun]:
    """Run the tap in this process: sync("leads", state=..., **settings)."""

    def run(*streams: str, state: dict[str, Any] | None = None, incomplete: bool = False, **settings: Any) -> TapRun:
        return run_tap({**config, **settings}, streams=streams, state=state, incomplete=incomplete)

    return run


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server that also listens on a port."""
    with running(host="127.0.0.1") as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """An empty database of that server."""
    with postgres.database("of_the_test") as name:
        yield name


@pytest.fixture(scope="session")
def forks() -> Forks:
    return taps()


@pytest.fixture
def debug_tap(tmp_path: Path, forks: Forks) -> Callable[..., Any]:
    """Run `tap-instantly` as a separate process with log level DEBUG."""

    def run(*arguments: str, environment: dict[str, str] | None = None, **settings: Any) -> Any:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"max_retries": 0, **FAST, **settings}), encoding="utf-8")
        clean = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(("TAP_INST", "NO_PR"))
        }
        own = {**clean, "TAP_INSTANTLY_LOGLEVEL": "DEBUG", **(environment or {})}
        return forks.run("--config", str(path), *arguments, environment=own)

    return run


@pytest.fixture(autouse=True)
def _short_waits() -> Iterator[None]:
    with hurried():
        yield

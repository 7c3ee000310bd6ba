from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.meltano.project import Project, install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKSPACES = 3


@pytest.fixture(scope="session")
def plugins() -> None:
    install("tap-instantly", "target-jsonl", "target-dlt", "target-postgres")


@pytest.fixture(scope="session")
def running_agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=WORKSPACES, campaigns=2, accounts=3, leads=40, days=10, until=UNTIL, seed=9)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture
def agency(running_agency: sandbox.Server) -> sandbox.Server:
    """A sandbox with several workspaces: its own key opens the first, sandbox-key-workspace-002 the next."""
    running_agency.control.reset()
    return running_agency


@pytest.fixture
def project(tmp_path: Path, agency: sandbox.Server, plugins: None) -> Project:
    """A project for one test whose tap uses the sandbox; no key is set."""
    return Project.make(tmp_path, TAP_INSTANTLY_API_URL=f"{agency.url}/api/v2")

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.snowflake.account import ENVIRONMENT, Account
from tests.support import api_keys, catalog_of, opening
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server

WORKSPACES = ("main", "workspace-002")


@pytest.fixture(scope="session")
def running_agency() -> Iterator[Server]:
    if not ENVIRONMENT.exists():
        pytest.fail(f"there is no {ENVIRONMENT.name}: run `make test-snowflake`, which makes it")
    with sandbox.serve(SandboxConfig(2, 4, 5, leads=100, emails=5, days=20, until=UNTIL, seed=12)) as server:
        yield server


@pytest.fixture
def agency(running_agency: Server) -> Server:
    running_agency.control.reset()
    return running_agency


@pytest.fixture(scope="session")
def config(running_agency: Server) -> dict[str, Any]:
    keys = api_keys(running_agency, *WORKSPACES)
    return opening(running_agency, keys, emit_activate_version_messages=True, page_size=50, max_retries=0)


@pytest.fixture(scope="session")
def catalog(config: dict[str, Any]) -> dict[str, Any]:
    return catalog_of(config, *(table.name for table in TABLES))


class Loaded(NamedTuple):
    """An account after its first load, and the resulting state."""

    account: Account
    state: dict[str, Any]


@pytest.fixture(scope="session")
def loaded(
    running_agency: Server, config: dict[str, Any], catalog: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Loaded:
    """An account with one full load."""
    running_agency.control.reset()
    account = Account(tmp_path_factory.mktemp("loaded"))
    run = account.load(config, catalog)
    assert run.exit_code == 0
    assert run.state is not None
    return Loaded(account, run.state)


@pytest.fixture
def account(loaded: Loaded, tmp_path: Path) -> Account:
    return loaded.account.copy(tmp_path)

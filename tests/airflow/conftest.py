from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.airflow import installation
from tests.airflow.installation import AIRFLOW, Installation
from tests.conftest import UNTIL
from tests.support import api_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

HOST = "127.0.0.1"
WORKSPACES = ("main", "workspace-002", "workspace-003")

_numbers = itertools.count()


@pytest.fixture(scope="session")
def agency() -> Iterator[Server]:
    config = SandboxConfig(3, campaigns=3, accounts=4, leads=60, emails=20, days=20, until=UNTIL, seed=6)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: Server) -> None:
    agency.control.reset()


@pytest.fixture(scope="session")
def keys(agency: Server) -> dict[str, str]:
    return api_keys(agency, *WORKSPACES)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Airflow database."""
    home = tmp_path_factory.mktemp("migrated")
    variables = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home}/airflow.db"
    subprocess.run([str(AIRFLOW / "airflow"), "db", "migrate"], env=variables, check=True, capture_output=True)
    return home / "airflow.db"


Install = "Callable[..., Installation]"


@pytest.fixture
def install(
    tmp_path: Path, postgres: Postgres, agency: Server, keys: dict[str, str], migrated: Path
) -> Iterator[Callable[..., Installation]]:
    """Create an installation: install(), or install({...}) with other keys than the agency's."""

    def make(held: dict[str, str] | None = None) -> Installation:
        database = databases.enter_context(postgres.database(f"airflow_{next(_numbers)}"))
        new = installation.make(tmp_path, postgres, database, agency, held or keys)
        installation.copy_of(migrated, new)
        return new

    with contextlib.ExitStack() as databases:
        yield make

"""What the tests share: a DuckDB file each, and a Postgres server for all."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # the Postgres server is that of the repository's other tests

from loading import Duck, Pg

from tests.warehouse.postgres import PASSWORD, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.warehouse.postgres import Postgres

NUMBERS = itertools.count(1)


@pytest.fixture
def duck(tmp_path: Path) -> Duck:
    """A DuckDB file that is not there yet."""
    return Duck(tmp_path / "warehouse.duckdb", tmp_path / "rejects")


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A Postgres server, in a time zone of its own."""
    with running(host="127.0.0.1") as postgres:
        postgres.execute("create database loads")
        yield postgres


@pytest.fixture
def postgres(server: Postgres, tmp_path: Path) -> Pg:
    """A schema of Postgres that is not there yet."""
    url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{server.port}/loads"
    return Pg(url, f"singer_{next(NUMBERS)}", tmp_path / "rejects")


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest) -> Duck | Pg:
    """One destination after the other."""
    found: Duck | Pg = request.getfixturevalue("duck" if request.param == "duckdb" else "postgres")
    return found

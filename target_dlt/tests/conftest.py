"""Shared fixtures: a DuckDB file for each test, and one Postgres server for all."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # the Postgres server comes from the repository's other tests

from loading import Duck, Pg

from tests.warehouse.postgres import PASSWORD, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.warehouse.postgres import Postgres

NUMBERS = itertools.count(1)


@pytest.fixture
def duck(tmp_path: Path) -> Duck:
    """A DuckDB file that does not exist yet."""
    return Duck(tmp_path / "warehouse.duckdb", tmp_path / "rejects")


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A Postgres server with a time zone of its own."""
    with running(host="127.0.0.1") as postgres:
        postgres.execute("create database loads")
        yield postgres


@pytest.fixture
def postgres(server: Postgres, tmp_path: Path) -> Pg:
    """A Postgres schema that does not exist yet."""
    url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{server.port}/loads"
    return Pg(url, f"singer_{next(NUMBERS)}", tmp_path / "rejects")


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest) -> Duck | Pg:
    """Each destination in turn."""
    found: Duck | Pg = request.getfixturevalue("duck" if request.param == "duckdb" else "postgres")
    return found

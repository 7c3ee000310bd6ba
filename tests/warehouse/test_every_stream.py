"""Load every stream into Postgres once: column types, and rows equal to the API's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly.streams import STREAMS
from tests.conftest import UNTIL
from tests.streams.test_catalogue import truth
from tests.support import api_keys, catalog_of, opening
from tests.warehouse.pipeline import Pipeline
from tests.warehouse.truth import LOADERS_OWN, as_held, column_types, declared_types
from tools.benchmarks.loaders import shipped
from tools.demo.tables import UNKNOWN_FIELDS, WORKSPACE_ID, WORKSPACE_NAME, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

TABLES = {stream.name: Table(stream.name, tuple(stream.primary_keys)) for stream in STREAMS}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    size = SandboxConfig(campaigns=3, accounts=6, leads=60, emails=20, days=12, until=UNTIL, seed=5)
    with sandbox.serve(size) as running:
        yield running


@pytest.fixture(scope="module")
def loaded(postgres: Postgres, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A database with every stream loaded."""
    config = opening(server, api_keys(server, "main"), max_requests_per_second=1_000)
    with postgres.database("every_stream") as database:
        pipeline = Pipeline(postgres, database, tmp_path_factory.mktemp("every_stream"))
        run = pipeline.load(config, catalog_of(config), **shipped("target-postgres"))
        assert run.exit_code == 0, run.log[-2_000:]
        yield pipeline


@pytest.fixture(scope="module")
def types(loaded: Pipeline) -> dict[str, dict[str, str]]:
    return column_types(loaded)


@pytest.mark.parametrize("stream", TABLES)
def test_columns_have_their_schema_types_and_rows_match_the_api(
    server: Server, loaded: Pipeline, types: dict[str, dict[str, str]], stream: str
) -> None:
    table = TABLES[stream]
    assert types[stream] == declared_types(stream) | LOADERS_OWN
    of_the_tap = {
        WORKSPACE_ID: next(server.control.truth("workspace"))["id"],
        WORKSPACE_NAME: "main",
        UNKNOWN_FIELDS: None,
    }
    due = [as_held({**row, **of_the_tap}, table) for row in truth(server, stream)]
    assert due, "the sandbox has nothing of this kind"
    assert loaded.found(table) == {table.key_of(row): row for row in due}
    assert len({table.key_of(row) for row in due}) == len(due)

"""Records deleted in Instantly are marked or removed in Postgres after a complete run, and only then."""

from __future__ import annotations

import itertools
import signal
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import api_keys, catalog_of, opening
from tests.warehouse.pipeline import Pipeline, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

ONE, OTHER = "main", "workspace-002"
TABLES = {"campaign_steps": ("campaign_id", "step"), "lead_lists": ("id",), "leads": ("id",)}
LEADS = "/api/v2/leads/list"
HARD = {"hard_delete": True}

_numbers = itertools.count()


@pytest.fixture(scope="module")
def agency() -> Iterator[Server]:
    with sandbox.serve(SandboxConfig(2, 4, 5, leads=60, emails=5, days=20, until=UNTIL, seed=8)) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: Server) -> None:
    agency.control.reset()


@pytest.fixture(scope="module")
def config(agency: Server) -> dict[str, Any]:
    return opening(
        agency, api_keys(agency, ONE, OTHER), emit_activate_version_messages=True, page_size=5, max_retries=0
    )


@pytest.fixture(scope="module")
def catalog(config: dict[str, Any]) -> dict[str, Any]:
    catalog = catalog_of(config, *TABLES)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    return catalog


@pytest.fixture(scope="module")
def loaded(
    postgres: Postgres,
    agency: Server,
    config: dict[str, Any],
    catalog: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A database after one full load."""
    agency.control.reset()
    with postgres.database("loaded") as database:
        assert Pipeline(postgres, database, tmp_path_factory.mktemp("loaded")).load(config, catalog).exit_code == 0
        yield database


@pytest.fixture
def pipeline(postgres: Postgres, loaded: str, tmp_path: Path) -> Iterator[Pipeline]:
    with postgres.database(f"deletions_{next(_numbers)}", like=loaded) as database:
        yield Pipeline(postgres, database, tmp_path)


Keys = dict[str, set[tuple[Any, ...]]]
"""Keys of the rows of each table."""


def utc_now() -> str:
    """Return the time as in Postgres' JSON, without a zone."""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat()


def keys_of(pipeline: Pipeline, *, deleted: bool) -> Keys:
    return {
        table: {
            tuple(row[key] for key in keys)
            for row in pipeline.rows(table)
            if (row["_sdc_deleted_at"] is not None) == deleted
        }
        for table, keys in TABLES.items()
    }


def truth(agency: Server) -> Keys:
    """Return the keys of the existing records."""
    controls = [agency.control.within(name) for name in (ONE, OTHER)]
    return {
        "campaign_steps": {
            (campaign["id"], str(number))
            for control in controls
            for campaign in control.truth("campaigns")
            for sequence in (campaign.get("sequences") or [])[:1]
            for number, _ in enumerate(sequence["steps"], start=1)
        },
        "lead_lists": {(row["id"],) for control in controls for row in control.truth("lead_lists")},
        "leads": {(row["id"],) for control in controls for row in control.truth("leads")},
    }


def delete_some(agency: Server) -> Keys:
    """Delete a campaign with its leads in one workspace and three leads in the other; return their keys."""
    before = truth(agency)
    one, other = agency.control.within(ONE), agency.control.within(OTHER)
    one.delete_campaign(next(row["id"] for row in one.truth("campaigns") if row.get("sequences")))
    other.delete_leads(*sorted(row["id"] for row in other.truth("leads"))[::20])
    after = truth(agency)
    gone = {table: before[table] - after[table] for table in TABLES}
    assert gone["campaign_steps"]
    assert len(gone["leads"]) >= 3
    return gone


NOTHING: Keys = {table: set() for table in TABLES}


def test_complete_runs_alone_mark_or_remove_exactly_the_deleted_rows(
    agency: Server, pipeline: Pipeline, config: dict[str, Any], catalog: dict[str, Any]
) -> None:
    before = truth(agency)
    assert keys_of(pipeline, deleted=False) == before
    gone = delete_some(agency)
    agency.control.within(OTHER).fault(LEADS, "status", status=500, after=3, count=None)
    run = pipeline.load(config, catalog, **HARD)
    assert run.exit_code == 3
    assert keys_of(pipeline, deleted=False)["leads"] == before["leads"]
    assert keys_of(pipeline, deleted=False)["campaign_steps"] == truth(agency)["campaign_steps"]
    agency.control.clear_faults()
    began = utc_now()
    assert pipeline.load(config, catalog, run.state).exit_code == 0
    assert keys_of(pipeline, deleted=False) == truth(agency)
    marked = keys_of(pipeline, deleted=True)
    assert marked == gone | {"campaign_steps": set()}  # the run before has removed these
    times = {row["_sdc_deleted_at"] for table in TABLES for row in pipeline.rows(table)} - {None}
    assert all(began <= time <= utc_now() for time in times)
    agency.control.reset()  # restores everything
    assert pipeline.load(config, catalog, **HARD).exit_code == 0
    assert keys_of(pipeline, deleted=False) == before
    assert keys_of(pipeline, deleted=True) == NOTHING


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_killed_run_deletes_nothing_and_the_next_one_does(
    agency: Server, pipeline: Pipeline, config: dict[str, Any], catalog: dict[str, Any], how: signal.Signals
) -> None:
    before = truth(agency)
    delete_some(agency)
    agency.control.config(latency_ms=50)
    leads_alone = {"streams": [entry for entry in catalog["streams"] if entry["stream"] == "leads"]}
    run = pipeline.load({**config, "concurrency": 2}, leads_alone, stop=Stop(how, 30), **HARD)
    assert run.exit_code == (143 if how is signal.SIGTERM else -signal.SIGKILL)
    assert keys_of(pipeline, deleted=False) == before
    agency.control.config(latency_ms=0)
    assert pipeline.load(config, catalog, run.state, **HARD).exit_code == 0
    assert keys_of(pipeline, deleted=False) == truth(agency)

"""Deleted records in Postgres: marked or removed by complete runs only."""

from __future__ import annotations

import signal
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.warehouse.life import WORKSPACES, Life, delete_some
from tests.warehouse.pipeline import Pipeline, Stop
from tests.warehouse.truth import named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.warehouse.postgres import Postgres
    from tests.warehouse.truth import Rows

TABLES = ("campaign_steps", "lead_lists", "leads")
HARD = {"hard_delete": True}


@pytest.fixture
def life(postgres: Postgres, database: str, tmp_path: Path) -> Iterator[Life]:
    with sandbox.serve(SandboxConfig(2, 4, 5, leads=60, emails=5, days=20, until=UNTIL, seed=8)) as server:
        life = Life(Pipeline(postgres, database, tmp_path), server)
        life.config["concurrency"] = 2
        yield life


def utc_now() -> str:
    """Return the time as in Postgres' JSON, without a zone."""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat()


def found(life: Life) -> dict[str, Rows]:
    return {table: life.pipeline.found(named(table)) for table in TABLES}


def due(life: Life) -> dict[str, Rows]:
    return {table: life.due(table) for table in TABLES}


def test_complete_runs_alone_mark_or_remove_exactly_the_deleted_rows(life: Life) -> None:
    in_full, seeded = life.in_full(*TABLES), due(life)
    assert life.run(in_full).exit_code == 0
    assert found(life) == seeded
    delete_some(*life.controls)
    wanted = due(life)
    gone = {table: seeded[table].keys() - wanted[table].keys() for table in TABLES}
    assert gone["campaign_steps"]
    assert len(gone["leads"]) >= 3

    life.control.config(latency_ms=50)
    killed = life.run(life.in_full("leads"), stop=Stop(signal.SIGKILL, 30), **HARD)
    assert killed.exit_code == -signal.SIGKILL
    assert found(life) == seeded
    life.control.config(latency_ms=0)

    other = life.controls[WORKSPACES.index("workspace-002")]
    other.fault("/api/v2/leads/list", "status", status=500, after=3, count=None)
    assert life.run(in_full, **HARD).exit_code == 3
    assert found(life) == {**seeded, "campaign_steps": wanted["campaign_steps"]}
    other.clear_faults()

    began = utc_now()
    assert life.run(in_full).exit_code == 0
    assert found(life) == wanted
    marked = {table: life.pipeline.marked(named(table)) for table in TABLES}
    assert marked == gone | {"campaign_steps": set()}  # the run before has removed these
    times = {row["_sdc_deleted_at"] for table in TABLES for row in life.pipeline.rows(table)} - {None}
    assert all(began <= time <= utc_now() for time in times)

    life.control.reset()  # restores everything
    assert life.run(in_full, **HARD).exit_code == 0
    assert found(life) == seeded
    assert [life.pipeline.marked(named(table)) for table in TABLES] == [set()] * len(TABLES)

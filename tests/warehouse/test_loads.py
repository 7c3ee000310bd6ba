"""A series of changes through the tap and each loader: the warehouse equals the API, row for row."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.warehouse.dlt import ByDlt, IntoDuckDB, IntoPostgres
from tests.warehouse.life import LEADS, NEW_FIELD, NEW_VALUE, ROUNDS, Life, add_a_field, delete_some
from tests.warehouse.pipeline import Pipeline, Stop
from tests.warehouse.test_upgrades import copy_of_the_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server
    from tests.warehouse.pipeline import IntoTables
    from tests.warehouse.postgres import Postgres

pytestmark = pytest.mark.long

FILLER, LARGE = "filler", {"text": "x" * 20_000}
"""A field that makes a hundred leads exceed one batch."""

SMALL_BATCHES = {"target-dlt": {"batch_size_mb": 1}, "target-postgres": {"batch_size_rows": 10}}
CHANGED = {"status": {"type": ["number", "null"]}, "timestamp_last_touch": {"type": ["string", "null"]}}
"""Columns of leads, and their types in a later version of the tap."""


@pytest.fixture(scope="module")
def agency() -> Iterator[Server]:
    size = SandboxConfig(2, 4, 5, leads=100, emails=5, days=20, until=UNTIL, seed=12)
    with sandbox.serve(size) as server:
        yield server


@pytest.fixture(params=["target-dlt into DuckDB", "target-dlt into Postgres", "target-postgres"])
def life(request: pytest.FixtureRequest, agency: Server, postgres: Postgres, database: str, tmp_path: Path) -> Life:
    pipelines: dict[str, IntoTables] = {
        "target-dlt into DuckDB": IntoDuckDB(tmp_path / "acme.com.duckdb", tmp_path),
        "target-dlt into Postgres": IntoPostgres(postgres, database, tmp_path),
        "target-postgres": Pipeline(postgres, database, tmp_path),
    }
    return Life(pipelines[request.param], agency)


def test_warehouse_matches_the_api_after_changes_kills_and_deletions(life: Life, tmp_path: Path) -> None:
    assert life.run().exit_code == 0
    life.assert_identical()
    for change in ROUNDS:
        for control in life.controls:
            change(control)
        assert life.run().exit_code == 0
        life.assert_identical()

    for control in life.controls:
        life.carriers |= add_a_field(control, NEW_FIELD, NEW_VALUE)
    life.added.append(NEW_FIELD)
    assert life.run().exit_code == 0
    life.assert_identical()

    kill_the_loader(life)
    for hard in (False, True):
        before = life.due("leads")
        delete_some(*life.controls)
        gone = before.keys() - life.due("leads").keys()
        assert gone
        assert life.run(life.in_full(), hard_delete=hard).exit_code == 0
        life.assert_identical()
        assert life.pipeline.marked(LEADS) == (set() if hard else gone)
    if isinstance(life.pipeline, ByDlt):  # target-postgres refuses other types, as another test shows
        change_types(life, tmp_path)


def kill_the_loader(life: Life) -> None:
    for control in life.controls:
        control.add_field("leads", FILLER, LARGE)
        control.add_leads(10, list_id=next(control.truth("lead_lists"))["id"], at="2026-11-06T11:00:00.000Z")
    before, leads = life.pipeline.found(LEADS), life.in_full("leads")
    small = SMALL_BATCHES[life.pipeline.plugin]
    stop = Stop(signal.SIGKILL, 90, once=life.pipeline.loaded_some)
    assert life.run(leads, stop=stop, **small).loader_exit_code == -signal.SIGKILL
    life.added.append(FILLER)
    life.carriers = {(row["id"],) for control in life.controls for row in control.truth("leads")}
    assert before != life.pipeline.found(LEADS) != life.due("leads")
    assert life.run(leads, **small).exit_code == 0
    assert life.run().exit_code == 0
    life.assert_identical()


def change_types(life: Life, tmp_path: Path) -> None:
    folder, catalog = copy_of_the_tap(tmp_path / "later", life.in_full("leads"), lambda found: found.update(CHANGED))
    assert life.run(catalog, tap_folder=folder).exit_code == 0
    there = {row["id"]: row for control in life.controls for row in control.truth("leads")}
    rows = life.pipeline.rows("leads")
    assert {row["id"]: row["status__v_double"] for row in rows} == {id_: row["status"] for id_, row in there.items()}
    touched = {id_: row.get("timestamp_last_touch") for id_, row in there.items()}
    assert {row["id"]: row["timestamp_last_touch__v_text"] for row in rows} == touched
    assert None not in {row["status__v_double"] for row in rows}
    assert any(touched.values())
    others = [name for name in LEADS.columns if name not in CHANGED]
    found, wanted = life.pipeline.found(LEADS), life.due("leads")
    assert {key: [row[name] for name in others] for key, row in found.items()} == {
        key: [row[name] for name in others] for key, row in wanted.items()
    }

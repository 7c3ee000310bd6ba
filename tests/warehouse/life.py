"""A series of changes through the tap and target-dlt: DuckDB and Postgres equal the API, row for row."""

from __future__ import annotations

import copy
import signal
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import api_keys, catalog_of, opening
from tests.warehouse.dlt import HOST, IntoDuckDB, IntoPostgres
from tests.warehouse.pipeline import Load, Stop
from tests.warehouse.postgres import running
from tests.warehouse.test_loads import EXPIRING, NEW_FIELD, NEW_VALUE, ROUNDS, WORKSPACES, active, contacted
from tests.warehouse.test_upgrades import copy_of_the_tap
from tests.warehouse.truth import Rows, due, named
from tools.demo.tables import TABLES
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Control, Server
    from tests.warehouse.dlt import ByDlt

FILLER, LARGE = "filler", {"text": "x" * 20_000}
"""A field that makes a hundred leads exceed one batch."""

SMALL_BATCHES = {"batch_size_mb": 1}
LEADS = named("leads")
CHANGED = {"status": {"type": ["number", "null"]}, "timestamp_last_touch": {"type": ["string", "null"]}}
"""Columns of leads, and their types in a later version of the tap."""


@pytest.fixture(scope="module")
def agency() -> Iterator[Server]:
    size = SandboxConfig(2, 4, 5, leads=100, emails=5, days=20, until=UNTIL, seed=12)
    with sandbox.serve(size) as server:
        yield server


class Life:
    """A pipeline with its state, and the API's past and present records."""

    def __init__(self, pipeline: ByDlt, agency: Server) -> None:
        agency.control.reset()
        self.pipeline = pipeline
        self.controls = [agency.control.within(name) for name in WORKSPACES]
        self.truths = [Truth(control, name) for control, name in zip(self.controls, WORKSPACES, strict=True)]
        keys = api_keys(agency, *WORKSPACES)
        self.config = opening(agency, keys, emit_activate_version_messages=True, page_size=5, max_retries=0)
        self.catalog = catalog_of(self.config, *(table.name for table in TABLES))
        self.state: dict[str, Any] | None = None
        self.added: list[str] = []
        self.carriers: set[tuple[Any, ...]] = set()

    def run(self, catalog: dict[str, Any] | None = None, **options: Any) -> Load:
        run = self.pipeline.load(self.config, catalog or self.catalog, self.state, **options)
        self.state = run.state or self.state
        return run

    def due(self, name: str) -> Rows:
        table = named(name)
        return due(self.truths, table, *((self.added, self.carriers) if table == LEADS else ()))

    def assert_identical(self) -> None:
        for table in TABLES:
            there, rows = self.due(table.name), self.pipeline.found(table)
            expiring = table.name in EXPIRING
            assert {key: row for key, row in rows.items() if key in there or not expiring} == there, table.name

    def in_full(self, *streams: str) -> dict[str, Any]:
        catalog = copy.deepcopy(self.catalog)
        catalog["streams"] = [entry for entry in catalog["streams"] if not streams or entry["stream"] in streams]
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        return catalog


@pytest.fixture(params=["duckdb", "postgres"])
def life(request: pytest.FixtureRequest, agency: Server, tmp_path: Path) -> Iterator[Life]:
    if request.param == "duckdb":
        yield Life(IntoDuckDB(tmp_path / "acme.com.duckdb", tmp_path), agency)
        return
    with running(host=HOST) as server, server.database("target_dlt") as database:
        yield Life(IntoPostgres(server, database, tmp_path), agency)


def every_lead(life: Life) -> set[tuple[Any, ...]]:
    return {(row["id"],) for control in life.controls for row in control.truth("leads")}


def delete_some(one: Control, other: Control) -> None:
    one.delete_campaign(active(one, "campaigns")["id"])
    other.delete_leads(*sorted(row["id"] for row in other.truth("leads"))[::20])
    other.delete_account(active(other, "accounts")["email"])


@pytest.mark.long
def test_warehouse_matches_the_api_after_changes_kills_and_deletions(life: Life, tmp_path: Path) -> None:
    assert life.run().exit_code == 0
    life.assert_identical()
    for change in ROUNDS:
        for control in life.controls:
            change(control)
        assert life.run().exit_code == 0
        life.assert_identical()

    for control in life.controls:
        newest = max(row["timestamp_updated"] for row in control.truth("leads"))
        control.add_field("leads", NEW_FIELD, NEW_VALUE)
        control.open(contacted(control)[0]["id"], at="2026-11-05T08:00:00.000Z")
        life.carriers |= {(row["id"],) for row in control.truth("leads") if row["timestamp_updated"] >= newest}
    life.added.append(NEW_FIELD)
    assert life.run().exit_code == 0
    life.assert_identical()

    for control in life.controls:
        control.add_field("leads", FILLER, LARGE)
        control.add_leads(10, list_id=next(control.truth("lead_lists"))["id"], at="2026-11-06T11:00:00.000Z")
    before, leads = life.pipeline.found(LEADS), life.in_full("leads")
    stop = Stop(signal.SIGKILL, 90, once=life.pipeline.loaded_some)
    assert life.run(leads, stop=stop, **SMALL_BATCHES).loader_exit_code == -signal.SIGKILL
    life.added.append(FILLER)
    life.carriers = every_lead(life)
    assert before != life.pipeline.found(LEADS) != life.due("leads")
    assert life.run(leads, **SMALL_BATCHES).exit_code == 0
    assert life.run().exit_code == 0
    life.assert_identical()

    for hard in (False, True):
        before = life.due("leads")
        delete_some(*life.controls)
        gone = before.keys() - life.due("leads").keys()
        assert gone
        assert life.run(life.in_full(), hard_delete=hard).exit_code == 0
        life.assert_identical()
        assert life.pipeline.marked(LEADS) == (set() if hard else gone)

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

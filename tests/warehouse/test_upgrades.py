"""Tables when a new version of the tap changes a stream's schema."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import catalog_of
from tests.warehouse.pipeline import SCHEMA, Pipeline
from tests.warehouse.truth import column_types, declared_types, due, named
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

ROOT = Path(__file__).parents[2]
LEADS = named("leads")
LATER = "2026-11-01T10:00:00.000Z"
NEW = ("email_open_count", "job_title", "payload", "timestamp_created")
"""Columns that the earlier version lacks, one of each kind."""

Properties = dict[str, Any]


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    with sandbox.serve(SandboxConfig(1, 2, 3, leads=40, emails=5, days=20, until=UNTIL, seed=3)) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(api: Server) -> None:
    api.control.reset()


@pytest.fixture
def pipeline(postgres: Postgres, database: str, tmp_path: Path) -> Pipeline:
    return Pipeline(postgres, database, tmp_path)


@pytest.fixture
def config(api: Server) -> dict[str, Any]:
    return {"api_key": api.api_key, "api_url": f"{api.url}/api/v2", "max_retries": 0}


@pytest.fixture
def catalog(config: dict[str, Any]) -> dict[str, Any]:
    return catalog_of(config, "leads")


@pytest.fixture
def other_version(tmp_path: Path, catalog: dict[str, Any]) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """Create another version of the tap with changed properties of leads, and its catalog."""

    return lambda change: copy_of_the_tap(tmp_path / "other", catalog, change)


def copy_of_the_tap(
    folder: Path, catalog: dict[str, Any], change: Callable[[Properties], None]
) -> tuple[Path, dict[str, Any]]:
    """A copy of the tap with changed properties of leads, and its catalog."""
    other = copy.deepcopy(catalog)
    shutil.copytree(ROOT / "tap_instantly", folder / "tap_instantly", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    path = folder / "schemas" / "leads.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    change(schema["properties"])
    path.write_text(json.dumps(schema), encoding="utf-8")
    entry = next(entry for entry in other["streams"] if entry["stream"] == "leads")
    change(entry["schema"]["properties"])
    known = entry["schema"]["properties"].keys()
    entry["metadata"] = [item for item in entry["metadata"] if {*item["breadcrumb"][1:2]} <= known]
    return folder, other


def without(*names: str) -> Callable[[Properties], None]:
    def change(properties: Properties) -> None:
        for name in names:
            del properties[name]

    return change


def as_text(properties: Properties) -> None:
    properties["status"]["type"] = ["string", "null"]


@pytest.mark.long
def test_new_schema_field_moves_from_unknown_fields_to_column(
    api: Server,
    pipeline: Pipeline,
    config: dict[str, Any],
    catalog: dict[str, Any],
    other_version: Callable[..., tuple[Path, dict[str, Any]]],
) -> None:
    before, catalog_before = other_version(without(*NEW))
    first = pipeline.load(config, catalog_before, tap_folder=before)
    assert first.exit_code == 0
    assert not column_types(pipeline)["leads"].keys() & set(NEW)
    there = {row["id"]: {name: row[name] for name in NEW if name in row} for row in api.control.truth("leads")}
    assert {row["id"]: row["unknown_fields"] for row in pipeline.rows("leads")} == there

    changed = api.control.open(min(there), at=LATER)["lead"]["id"]
    assert pipeline.load(config, catalog, first.state).exit_code == 0
    types, declared = column_types(pipeline)["leads"], declared_types("leads")
    assert {name: types[name] for name in NEW} == {name: declared[name] for name in NEW}
    truth = due([Truth(api.control)], LEADS)
    rows = pipeline.found(LEADS)
    assert rows[changed,] == truth[changed,]
    old = {id_: row for (id_,), row in rows.items() if row["unknown_fields"]}
    assert changed not in old
    assert len(old) > len(there) // 2
    assert all(
        {row[name] for name in NEW} == {None} and row["unknown_fields"] == there[id_] for id_, row in old.items()
    )

    assert pipeline.load(config, catalog).exit_code == 0  # without a state, all leads are read again
    assert pipeline.found(LEADS) == truth


@pytest.mark.long
def test_column_removed_from_the_schema_keeps_its_values(
    api: Server,
    pipeline: Pipeline,
    config: dict[str, Any],
    catalog: dict[str, Any],
    other_version: Callable[..., tuple[Path, dict[str, Any]]],
) -> None:
    assert pipeline.load(config, catalog).exit_code == 0
    after, catalog_after = other_version(without("job_title"))
    assert pipeline.load(config, catalog_after, tap_folder=after).exit_code == 0
    titles = {row["id"]: row.get("job_title") for row in api.control.truth("leads")}
    assert {row["id"]: row["job_title"] for row in pipeline.rows("leads")} == titles
    assert any(titles.values())


@pytest.mark.long
def test_loader_refuses_type_changes_which_can_be_made_by_hand(
    pipeline: Pipeline,
    config: dict[str, Any],
    catalog: dict[str, Any],
    other_version: Callable[..., tuple[Path, dict[str, Any]]],
) -> None:
    assert pipeline.load(config, catalog).exit_code == 0
    after, catalog_after = other_version(as_text)
    refused = pipeline.load(config, catalog_after, tap_folder=after, fails=True)
    assert "Altering columns is not supported" in refused.loader_log
    assert refused.state is None
    change = f"alter table {SCHEMA}.leads alter column status type text"
    pipeline.postgres.execute(change, pipeline.database)
    assert pipeline.load(config, catalog_after, tap_folder=after).exit_code == 0

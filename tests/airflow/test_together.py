"""All workspaces in one run of the tap, by one task of Airflow."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import WORKSPACES
from tests.airflow.test_dag import BAD_KEY, ids_in, inspected
from tests.support import traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Server
    from tests.airflow.installation import Installation

    Install = Callable[..., Installation]

STATE = "prod:target-postgres:all"
LISTS = {"groups": ["lists"]}
NOWHERE = {"status": 403, "count": None, "body": {"message": "Missing scope"}}


@pytest.fixture
def together(install: Install) -> Callable[..., Installation]:
    """Create an installation that loads all workspaces together: together(), or together(keys, marts=program)."""

    def make(held: dict[str, str] | None = None, dbt: str = "") -> Installation:
        installation = install(held)
        # As in a container whose user has no home.
        installation.variables |= {"INSTANTLY_LOADS": "together", "HOME": "/nonexistent", "DBT_EXECUTABLE": dbt}
        if dbt:
            (installation.project / "transform").mkdir()
            (installation.project / "transform" / "dbt_project.yml").touch()
        return installation

    return make


def named(installation: Installation, **more: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list of workspaces, with more of some."""
    entries = json.loads(installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"])
    return [{**entry, **more.get(entry["name"].replace("-", "_"), {})} for entry in entries]


def events(installation: Installation) -> list[tuple[str, Any]]:
    """Return the events of assets: the name and the extra data."""
    with sqlite3.connect(installation.home / "airflow.db") as database:
        query = (
            "select name, asset_event.extra from asset_event join asset on asset.id = asset_id order by asset_event.id"
        )
        return [(name, json.loads(extra).get("failed")) for name, extra in database.execute(query)]


def left_behind(installation: Installation) -> list[Path]:
    runs = installation.project / ".meltano" / "run"
    return [*(runs / "elt").glob("*"), *(runs / "airflow").glob("*")]


def test_one_run_loads_all_workspaces_and_the_next_marks_deletions(
    together: Callable[..., Installation], agency: Server
) -> None:
    installation = together(dbt="/bin/true")
    installation.run()
    for stream in ("campaigns", "leads", "lead_lists"):
        assert installation.ids(stream) == ids_in(agency, stream), stream
    assert set(installation.states()) == {STATE}
    assert left_behind(installation) == []
    assert events(installation) == [("instantly_loaded", []), ("instantly_marts", None)]
    control = agency.control.within("workspace-002")
    control.delete_leads(next(control.truth("leads"))["id"])
    control.add_leads(2)
    steps = len(installation.rows("campaign_steps"))
    control.delete_campaign(next(row["id"] for row in control.truth("campaigns") if row.get("sequences")))
    # A new name is no new workspace.
    installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"] = json.dumps(
        named(installation, workspace_003={"name": "x" * 300})
    )
    agency.control.clear_requests()
    installation.run({"deletions": True})
    assert installation.ids("leads") == ids_in(agency, "leads")
    assert installation.ids("campaigns") == ids_in(agency, "campaigns")
    assert len(installation.rows("campaign_steps")) < steps
    assert installation.runs(STATE) == ["SUCCESS", "SUCCESS"]


def test_ineffective_run_parameters_are_refused(together: Callable[..., Installation]) -> None:
    installation = together()
    given = [
        {},
        {"deletions": True},
        {"deletions": True, "workspaces": ["main"]},
        {"delete": True},
        {"workspaces": [BAD_KEY]},
    ]
    asked = f"[instantly.objection_to({{'workspaces': [], **one}}, {list(WORKSPACES)}) for one in {given}]"
    found = inspected(installation, asked)
    assert found[:2] == ["", ""]
    assert "deletions need all workspaces" in found[2]
    assert "unknown parameter in --conf; allowed: workspaces, full_refresh, groups, deletions" in found[3]
    assert "1 of the list" in found[4]
    assert BAD_KEY not in found[4]
    installation.variables["INSTANTLY_LOADER"] = "target-snowflake"
    assert "see docs/snowflake.md" in inspected(installation, asked)[1]
    installation.variables["INSTANTLY_LOADS"] = "apart"
    assert "unknown parameter" in inspected(installation, asked)[1]


def test_partial_run_deletes_nothing_of_the_others_and_keeps_their_state(
    together: Callable[..., Installation], agency: Server
) -> None:
    installation = together()
    for conf in ({"groups": ["leads", "lists"]}, {"groups": ["lists"], "workspaces": ["main"]}):
        installation.run(conf)
    assert installation.ids("lead_lists") == ids_in(agency, "lead_lists")
    bookmarks = installation.states()[STATE]["singer_state"]["bookmarks"]
    assert {len(bookmarks[stream]["partitions"]) for stream in ("leads", "campaigns")} == {len(WORKSPACES)}
    assert "campaign_analytics_daily" not in bookmarks


def test_missing_access_is_not_retried_and_models_are_built_anyway(
    together: Callable[..., Installation], agency: Server, keys: dict[str, str]
) -> None:
    installation = together({**keys, "workspace-002": BAD_KEY}, dbt="/bin/true")
    agency.control.within("workspace-003").fault("/api/v2/lead-labels", "status", **NOWHERE)
    said = installation.run(LISTS, fails=True)
    assert "1 loads failed: all (Sync incomplete: workspace workspace-002; lead_labels (workspace-003:" in said
    assert installation.runs(STATE) == ["FAIL"]
    assert installation.ids("lead_lists") == ids_in(agency, "lead_lists", ("main", "workspace-003"))
    assert [name for name, _ in events(installation)] == ["instantly_loaded", "instantly_marts"]
    assert left_behind(installation) == []
    assert traces(BAD_KEY, installation.written() + said) == []
    tolerant = named(installation, workspace_002={"strict": False}, workspace_003={"strict": False})
    installation.run(LISTS, AIRFLOW_VAR_INSTANTLY_WORKSPACES=json.dumps(tolerant))
    assert events(installation)[2:] == [("instantly_loaded", []), ("instantly_marts", None)]


def test_transient_error_is_retried(together: Callable[..., Installation], agency: Server) -> None:
    installation = together()
    agency.control.within("main").fault("/api/v2/lead-labels", "status", status=400, count=1)
    installation.run(LISTS)
    assert installation.runs(STATE) == ["FAIL", "SUCCESS"]
    assert len(installation.rows("lead_labels")) == len(list(ids_in(agency, "lead_labels")))


def test_invalid_setting_is_not_retried(together: Callable[..., Installation]) -> None:
    installation = together()
    said = installation.run(LISTS, TAP_INSTANTLY_START_DATE="soon", fails=True)
    assert "nothing was loaded; failed: all (setting 'start_date' is not valid: 'soon'" in said
    assert installation.runs(STATE) == ["FAIL"]

"""Load several workspaces in parallel, from runs that are triggered manually."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.airflow import cluster
from tests.airflow.conftest import WORKSPACES
from tests.airflow.installation import Installation, state_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server

    Install = Callable[..., Installation]

ROUNDS = 2
LEADS = json.dumps({"groups": ["leads"]})


def bookmark(state: dict[str, Any], stream: str) -> tuple[str, str]:
    """Return the only workspace of a state and its bookmark of a stream."""
    (partition,) = state["singer_state"]["bookmarks"][stream]["partitions"]
    return partition["context"]["workspace_id"], partition["replication_key_value"]


def test_workspaces_loaded_in_parallel_keep_separate_bookmarks(install: Install, agency: Server) -> None:
    installation = install()
    controls = {name: agency.control.within(name) for name in WORKSPACES}
    owners = {name: next(control.truth("campaigns"))["organization"] for name, control in controls.items()}
    with cluster.running(installation) as running:
        for _ in range(ROUNDS):
            run = running.trigger(LEADS)
            assert running.finish(run) == "success", running.tasks(run)
            assert running.most_at_once(run, "leads.load") > 1
            states = {name: bookmark(installation.states()[state_id(name, "leads")], "leads") for name in WORKSPACES}
            newest = {
                name: (owners[name], max(row["timestamp_updated"] for row in control.truth("leads")))
                for name, control in controls.items()
            }
            assert states == newest
            for number, control in enumerate(controls.values(), start=1):
                control.add_leads(number)
        run = running.trigger(LEADS)
        assert running.finish(run) == "success", running.tasks(run)
    truth = sorted(row["id"] for control in controls.values() for row in control.truth("leads"))
    assert installation.ids("leads") == truth


def test_pool_slots_limit_parallel_loads_and_backfills_are_refused(install: Install, keys: dict[str, str]) -> None:
    # Airflow's database takes 250 characters for the label of a task.
    installation = install({**keys, "x" * 300: keys["workspace-003"]})
    entries = json.loads(installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"])
    installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"] = json.dumps([*entries[:2], entries[3]])
    with cluster.running(installation, slots=1) as running:
        run = running.trigger(LEADS)
        dates = ["--from-date", "2026-01-01", "--to-date", "2026-01-03"]
        backfill = installation.airflow("backfill", "create", "--dag-id", cluster.DAG, *dates)
        assert backfill.returncode != 0
        assert "backfill" in (backfill.stdout + backfill.stderr).lower()
        assert running.finish(run) == "success", running.tasks(run)
        assert running.most_at_once(run, "leads.load") == 1
        assert running.ask("select count(*) from dag_run where run_type = 'backfill'") == [["0"]]

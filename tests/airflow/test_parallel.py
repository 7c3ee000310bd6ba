"""Loads of several workspaces at once, by a scheduler, triggered by hand."""

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
    """The only workspace that a state knows, and what it remembers of a stream in it."""
    (partition,) = state["singer_state"]["bookmarks"][stream]["partitions"]
    return partition["context"]["workspace_id"], partition["replication_key_value"]


def test_workspaces_loaded_at_once_keep_their_bookmarks_to_themselves(install: Install, agency: Server) -> None:
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


def test_no_more_loads_run_at_once_than_their_pool_has_slots(install: Install) -> None:
    with cluster.running(install(), slots=1) as running:
        run = running.trigger(LEADS)
        assert running.finish(run) == "success", running.tasks(run)
        assert running.most_at_once(run, "leads.load") == 1

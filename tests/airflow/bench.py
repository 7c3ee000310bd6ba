"""Measure runs on this machine: on Celery with one worker and two, or one load of all workspaces against one of each.

`make bench-airflow AIRFLOW=together`, or `AIRFLOW=workers`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import sandbox
from sandbox import Behaviour, SandboxConfig
from tests.airflow import cluster, installation
from tests.conftest import UNTIL
from tests.support import api_keys
from tests.warehouse import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server
    from tests.airflow.cluster import Cluster
    from tests.airflow.installation import Installation
    from tests.warehouse.postgres import Postgres

GROUPS = ("leads", "analytics")
WORKERS = (1, 2)
LEADS = "/api/v2/leads/list"


def main() -> None:
    """Print a line for each kind of run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["workers", "together"])
    parser.add_argument("--workspaces", type=int, help="6, or 40 together")
    parser.add_argument("--leads", type=int, default=2000, help="of each workspace")
    parser.add_argument("--latency-ms", type=float, default=300, help="of each answer of the sandbox")
    options = parser.parse_args()
    number = options.workspaces or (6 if options.what == "workers" else 40)
    size = SandboxConfig(
        number,
        campaigns=5,
        accounts=10,
        leads=options.leads,
        days=30,
        until=UNTIL,
        seed=3,
        behaviour=Behaviour(latency_ms=options.latency_ms),
    )
    with sandbox.serve(size) as agency, postgres.running() as server:
        keys = api_keys(agency, "main", *(f"workspace-{n:03}" for n in range(2, number + 1)))
        if options.what == "workers":
            with_workers(agency, server, keys, number * options.leads)
        else:
            together_and_apart(agency, server, keys)


def with_workers(agency: Server, server: Postgres, keys: dict[str, str], leads: int) -> None:
    """Load by Celery with one worker, and with two."""
    for workers in WORKERS:
        with (
            installed(agency, server, keys, f"bench_{workers}", TAP_INSTANTLY_CONCURRENCY="1") as made,
            cluster.running(made, celery_workers=workers) as running,
        ):
            run = finished(running, GROUPS, "success")
            rows = len(made.rows("leads"))
            assert rows == leads
            at_once = running.most_at_once(run, "leads.load")
            say(
                f"workers: {workers} of 2 slots, {os.cpu_count()} cores; loads: {len(GROUPS) * len(keys)}"
                f" with {rows} leads; seconds: {running.seconds(run):.0f};"
                f" tasks by worker: {running.shares()}; most loads of leads at once: {at_once}"
            )


def together_and_apart(agency: Server, server: Postgres, keys: dict[str, str]) -> None:
    """Load the leads of all workspaces by one task, and by one task for each; four workspaces are broken."""
    dead, unpaid, without_scope, shaky = list(keys)[1:5]
    found: list[list[str]] = []
    for mode in ("together", "apart"):
        agency.control.reset()
        agency.control.within(unpaid).fault("/api/v2/*", "status", status=402, count=None)
        agency.control.within(without_scope).fault(LEADS, "status", status=403, count=None)
        agency.control.within(shaky).fault(LEADS, "status", status=400, count=1)
        held = {**keys, dead: "a-key-that-nobody-has-made"}
        with (
            installed(agency, server, held, f"bench_{mode}", INSTANTLY_LOADS=mode) as made,
            cluster.running(made, slots=8) as running,
        ):
            agency.control.clear_requests()
            run = finished(running, ("leads",), "failed")
            found.append(made.ids("leads"))
            ((loads,),) = made.meltano("select count(*) from runs")
            tasks = [task for task, state in running.tasks(run).items() if ".load[" in task and state != "skipped"]
            say(
                f"{mode}: {len(keys)} workspaces, {os.cpu_count()} cores; tasks: {len(tasks)}; loads: {loads};"
                f" leads: {len(found[-1])}; requests: {agency.control.counts()['total']};"
                f" seconds: {running.seconds(run):.0f}"
            )
    assert found[0] == found[1]
    say(f"rows are equal; broken: {dead} (key), {unpaid} (plan), {without_scope} (scope), {shaky} (400 once)")


def finished(running: Cluster, groups: tuple[str, ...], state: str) -> str:
    """Run the DAG for some groups to its end, and return the id of the run."""
    run = running.trigger(json.dumps({"groups": groups}))
    end = running.finish(run)
    assert end == state, running.tasks(run)
    return run


@contextlib.contextmanager
def installed(
    agency: Server, server: Postgres, keys: dict[str, str], database: str, **variables: str
) -> Iterator[Installation]:
    """Create an installation with a database of its own."""
    with server.database(database) as name, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = installation.make(Path(folder), server, name, agency, keys)
        made.variables |= variables
        yield made


def say(line: str) -> None:
    """Print figures."""
    print(line, flush=True)  # noqa: T201 (for the person who runs it)


if __name__ == "__main__":
    main()

"""How long a run takes on Celery with one worker and with two, all on this machine: `make bench-airflow`."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import sandbox
from sandbox import Manners, SandboxConfig
from tests.airflow import cluster, installation
from tests.conftest import UNTIL
from tests.support import api_keys
from tests.warehouse import postgres

GROUPS = ("leads", "analytics")
WORKERS = (1, 2)


def main() -> None:
    """Print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=6)
    parser.add_argument("--leads", type=int, default=2000, help="of each workspace")
    parser.add_argument("--latency-ms", type=float, default=300, help="of each answer of the sandbox")
    options = parser.parse_args()
    size = SandboxConfig(
        options.workspaces,
        campaigns=5,
        accounts=10,
        leads=options.leads,
        days=30,
        until=UNTIL,
        seed=3,
        manners=Manners(latency_ms=options.latency_ms),
    )
    with sandbox.serve(size) as agency, postgres.running() as server:
        keys = api_keys(agency, "main", *(f"workspace-{n:03}" for n in range(2, options.workspaces + 1)))
        for workers in WORKERS:
            with (
                server.database(f"bench_{workers}") as database,
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            ):
                made = installation.make(Path(folder), server, database, agency, keys)
                made.variables["TAP_INSTANTLY_CONCURRENCY"] = "1"
                with cluster.running(made, celery_workers=workers) as running:
                    run = running.trigger(json.dumps({"groups": GROUPS}))
                    end = running.finish(run)
                    rows = len(made.rows("leads"))
                    assert end == "success", running.tasks(run)
                    assert rows == options.workspaces * options.leads
                    at_once = running.most_at_once(run, "leads.load")
                    print(  # noqa: T201 (the figures)
                        f"workers: {workers} of 2 slots, {os.cpu_count()} cores; loads: {len(GROUPS) * len(keys)}"
                        f" with {rows} leads; seconds: {running.seconds(run):.0f};"
                        f" tasks by worker: {running.shares()}; most loads of leads at once: {at_once}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()

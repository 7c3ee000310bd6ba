"""Kill a load halfway and let Airflow retry it."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.airflow import cluster
from tests.airflow.installation import Installation, state_id
from tests.airflow.processes import kill, of_project, parent_of, wait_for
from tests.warehouse.pipeline import Pipeline
from tests.warehouse.truth import due, named
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Server

    Install = Callable[..., Installation]

LEADS = {"groups": ["leads"], "workspaces": ["main"]}
STATE = state_id("main", "leads")
SLOWLY = {"TAP_INSTANTLY_PAGE_SIZE": "5", "TAP_INSTANTLY_CONCURRENCY": "1", "TARGET_POSTGRES_BATCH_SIZE_ROWS": "20"}
DEAD = "update runs set last_heartbeat_at = datetime(last_heartbeat_at, '-1 hour') where state = 'RUNNING'"
"""Set Meltano's last heartbeat back by an hour."""

SOON_MISSED = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "INSTANTLY_RETRY_SECONDS": "5",
}
"""Make Airflow declare silent tasks dead sooner."""


@pytest.mark.parametrize(
    ("victim", "loaded_before"),
    [("tap-instantly", False), ("target-postgres", False), ("meltano", False), ("all", False), ("all", True)],
    ids=["the tap", "the loader", "Meltano", "all three", "all three in an incremental load"],
)
def test_load_killed_midway_and_retried_loses_and_doubles_nothing(
    install: Install, agency: Server, tmp_path: Path, victim: str, *, loaded_before: bool
) -> None:
    installation = install()
    control = agency.control.within("main")
    if loaded_before:
        installation.run(LEADS)
        control.add_leads(60)
    before = len(installation.rows("leads"))
    control.fault("/api/v2/leads/list", "latency", seconds=1.0, count=None)
    log = tmp_path / "log"
    running = installation.start_test(LEADS, log, **SLOWLY)
    try:
        wait_for(
            lambda: len(installation.rows("leads")) > before or running.poll() is not None, lambda: "nothing was loaded"
        )
        assert running.poll() is None, log.read_text("utf-8")[-5000:]
        killed = [one for one in of_project(installation.project) if victim == "all" or f"/{victim} " in one.command]
        for process in killed:
            process.kill()
        assert killed
        loaded = len(installation.rows("leads"))
        assert before < loaded < len(list(control.truth("leads")))
        control.clear_faults()
        if victim in {"meltano", "all"}:
            installation.meltano(DEAD)
        assert running.wait(300) == 0, log.read_text("utf-8")[-5000:]
    finally:
        running.kill()
        running.wait()
    ends = installation.runs(STATE)
    assert ends[-2:] == ["FAIL", "SUCCESS"], ends
    pipeline = Pipeline(installation.postgres, installation.database, tmp_path)
    assert pipeline.found(named("leads")) == due([Truth(control, "main")], named("leads"))


def kill_worker(meltano: int, *, of_celery: bool) -> None:
    """Kill what runs the task of a load: the supervisor alone, or all processes of a Celery worker at once."""
    supervisor = parent_of(parent_of(meltano))
    if not of_celery:
        kill(supervisor)
        return
    group = os.getpgid(supervisor)
    assert group != os.getpgid(0)
    os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("celery_workers", [0, 2], ids=["LocalExecutor", "Celery"])
def test_load_dies_with_its_worker_and_the_retry_is_exact(
    install: Install, agency: Server, tmp_path: Path, celery_workers: int
) -> None:
    installation = install()
    installation.variables |= SLOWLY | SOON_MISSED
    control = agency.control.within("main")
    control.fault("/api/v2/leads/list", "latency", seconds=1.0, count=None)
    control.add_leads(140)
    with cluster.running(installation, celery_workers=celery_workers) as running:
        run = running.trigger(json.dumps(LEADS))
        wait_for(lambda: len(installation.rows("leads")) > 0, lambda: f"nothing was loaded: {running.tasks(run)}")
        (meltano,) = (one for one in of_project(installation.project) if "/meltano " in one.command)
        kill_worker(meltano.number, of_celery=celery_workers > 0)
        wait_for(lambda: not of_project(installation.project), lambda: "the load goes on without its worker")
        assert len(installation.rows("leads")) < len(list(control.truth("leads")))
        control.clear_faults()
        installation.meltano(DEAD)
        assert running.finish(run) == "success", running.tasks(run)
    assert installation.runs(STATE) == ["FAIL", "SUCCESS"]
    pipeline = Pipeline(installation.postgres, installation.database, tmp_path)
    assert pipeline.found(named("leads")) == due([Truth(control, "main")], named("leads"))

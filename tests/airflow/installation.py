"""An Airflow and a Meltano project for tests, with the shipped DAG and settings."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.warehouse.dlt import PROGRAM
from tests.warehouse.pipeline import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

ROOT = Path(__file__).parents[2]
AIRFLOW = ROOT / ".venv-airflow" / "bin"
LOADER = ROOT / ".venv-postgres" / "bin" / "target-postgres"
SECONDS = 500.0
FOREIGN = ("AIRFLOW", "_AIRFLOW", "MELTANO", "TAP_", "TARGET_", "INSTANTLY_", "DBT_")
"""Prefixes of environment variables to keep out."""


def make_project(folder: Path) -> None:
    """Write the shipped Meltano project, with the tests' tap and loader as executables."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    tap = Path(sys.executable).parent / "tap-instantly"
    programs = {"tap-instantly": tap, "target-postgres": LOADER, "target-dlt": PROGRAM}
    for plugin in (*project["plugins"]["extractors"], *project["plugins"]["loaders"]):
        if plugin["name"] in programs:
            plugin["executable"] = str(programs[plugin["name"]])
    folder.mkdir()
    (folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")


@dataclass
class Installation:
    """Airflow with its own home, for one agency.

    Attributes:
        home: AIRFLOW_HOME.
        project: Folder of the Meltano project.
        postgres: Server of the warehouse.
        database: Database of the warehouse.
        variables: Environment variables.
    """

    home: Path
    project: Path
    postgres: Postgres
    database: str
    variables: dict[str, str] = field(repr=False)

    def airflow(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run an Airflow command to its end."""
        return subprocess.run(
            [str(AIRFLOW / "airflow"), *arguments],
            env={**self.variables, **variables},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def run(
        self, conf: Mapping[str, Any] | None = None, *, dag: str = "instantly", fails: bool = False, **variables: str
    ) -> str:
        """Run a DAG once, one task after the other, and return the output.

        Raises:
            AssertionError: The run failed, or did not fail as expected.
        """
        done = self.airflow("dags", "test", dag, "--conf", json.dumps(conf or {}), **variables)
        assert (done.returncode != 0) == fails, done.stdout[-5000:] + done.stderr[-5000:]
        return done.stdout + done.stderr

    def start_test(self, conf: Mapping[str, Any], log: Path, **variables: str) -> subprocess.Popen[bytes]:
        """Start one run of the DAG."""
        with log.open("wb") as output:
            return subprocess.Popen(
                [str(AIRFLOW / "airflow"), "dags", "test", "instantly", "--conf", json.dumps(conf)],
                env={**self.variables, **variables},
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def select(self, *rules: str) -> None:
        """Add selection rules to the project."""
        path = self.project / "meltano.yml"
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
        project["plugins"]["extractors"][0]["select"] += rules
        path.write_text(yaml.safe_dump(project), encoding="utf-8")

    def rows(self, table: str, schema: str = SCHEMA) -> list[dict[str, Any]]:
        """Return the rows of a stream that are not marked as deleted; none if the table is missing."""
        there = self.postgres.execute(f"select to_regclass('{schema}.{table}')", self.database).strip()
        query = f"select * from {schema}.{table} where _sdc_deleted_at is null"  # noqa: S608 (our own names)
        return self.postgres.rows(query, self.database) if there else []

    def ids(self, stream: str, schema: str = SCHEMA) -> list[str]:
        """Return the sorted ids of a stream's rows."""
        return sorted(row["id"] for row in self.rows(stream, schema))

    def meltano(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on Meltano's system database."""
        with sqlite3.connect(self.project / ".meltano" / "meltano.db", timeout=60) as database:
            return database.execute(statement).fetchall()

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the saved states by state id."""
        found = self.meltano("select state_id, completed_state, partial_state from state")
        return {id_: json.loads(partial or "{}") or json.loads(completed or "{}") for id_, completed, partial in found}

    def runs(self, state_id: str) -> list[str]:
        """Return how each Meltano run with a state ended, in order."""
        return [
            state for state, name in self.meltano("select state, job_name from runs order by id") if name == state_id
        ]

    def written(self) -> str:
        """Return all logs of Airflow and Meltano."""
        files = (path for folder in (self.home, self.project) for path in folder.rglob("*") if path.is_file())
        return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


def state_id(workspace: str, group: str, environment: str = "prod") -> str:
    """Return the DAG's state id of a load."""
    return f"{environment}:target-postgres:{workspace}:{group}"


def make(folder: Path, postgres: Postgres, database: str, agency: Server, keys: Mapping[str, str]) -> Installation:
    """Create an installation for the workspaces of these keys, by name."""
    home, project = folder / "airflow", folder / "project"
    home.mkdir()
    make_project(project)
    held = {f"KEY_{number}": key for number, key in enumerate(keys.values())}
    named = [{"name": name, "api_key_env": variable} for name, variable in zip(keys, held, strict=True)]
    outside = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    variables = {
        **outside,
        **held,
        "PATH": f"{AIRFLOW}{os.pathsep}{outside['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "orchestrate" / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW_VAR_INSTANTLY_WORKSPACES": json.dumps(named),
        "MELTANO_PROJECT_ROOT": str(project),
        "MELTANO_EXECUTABLE": str(ROOT / ".venv-meltano" / "bin" / "meltano"),
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url(database),
        "TAP_INSTANTLY_API_URL": f"{agency.url}/api/v2",
        "TAP_INSTANTLY_MAX_RETRIES": "0",
        "INSTANTLY_LOADS": "apart",
        "INSTANTLY_RETRY_SECONDS": "1",
    }
    return Installation(home, project, postgres, database, variables)


def copy_of(template: Path, installation: Installation) -> None:
    """Copy another installation's migrated database."""
    shutil.copy(template, installation.home / "airflow.db")

"""Run the commands of docs/airflow.md in order, in a folder laid out like the project."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.airflow.conftest import HOST
from tests.airflow.installation import ROOT, Installation
from tests.meltano.project import PLUGINS
from tests.meltano.project import install as install_plugins
from tests.support import traces
from tests.warehouse.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Server

    Install = Callable[..., Installation]

NAME = "Harbor & Loom"
OWN = ("AIRFLOW_HOME", "AIRFLOW__", "AIRFLOW_VAR_", "INSTANTLY_LOADS", "KEY_", "MELTANO_EXECUTABLE", "TARGET_")
"""Prefixes of variables that the commands have to set themselves."""


def commands() -> list[str]:
    page = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def lay_out(project: Path) -> None:
    """Create a copy of the project's folder with the same environments and plugins."""
    shutil.copy(ROOT / "meltano.yml", project)
    shutil.copytree(ROOT / "transform", project / "transform", ignore=shutil.ignore_patterns("target", "logs"))
    for name in (".venv-airflow", ".venv-dbt", ".venv-meltano", "orchestrate"):
        (project / name).symlink_to(ROOT / name)
    (project / ".meltano").mkdir()
    for kind in PLUGINS:
        (project / ".meltano" / kind).symlink_to(ROOT / ".meltano" / kind)


def where(installation: Installation) -> dict[str, str]:
    """Return replacements for the page's dots; dbt gets the loader's values."""
    server = {"HOST": HOST, "USER": "postgres", "PASSWORD": PASSWORD, "DATABASE": installation.database}
    return {f"TARGET_POSTGRES_{name}": value for name, value in server.items()}


def test_documented_commands_load_a_workspace_build_models_and_trigger_a_run(install: Install, agency: Server) -> None:
    installation = install()
    made, installed, *lines = commands()
    assert made.split() == ["make", "meltano", ".venv-airflow/.ready", ".venv-dbt/.ready"]
    assert installed.startswith(".venv-meltano/bin/meltano install ")
    install_plugins("tap-instantly", *installed.split()[2:])
    lay_out(installation.project)
    values = {"KEY_HARBOR": agency.api_key, **where(installation)}
    script = re.sub(r"(\w+)=\.\.\.", lambda found: f"{found[1]}={values[found[1]]}", "\n".join(lines))
    port = {"TARGET_POSTGRES_PORT": str(installation.postgres.port)}
    done = subprocess.run(
        ["/bin/bash", "-ec", script],
        env={name: value for name, value in installation.variables.items() if not name.startswith(OWN)} | port,
        cwd=installation.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    truth = sorted(row["id"] for row in agency.control.within("main").truth("leads"))
    assert installation.ids("leads") == truth
    assert {row["workspace_name"] for row in installation.rows("leads")} == {NAME}
    built = installation.postgres.rows("select lead_id from analytics.instantly__leads", installation.database)
    assert sorted(row["lead_id"] for row in built) == truth
    assert "triggered" in done.stdout or "queued" in done.stdout
    assert traces(agency.api_key, installation.written() + done.stdout + done.stderr) == []

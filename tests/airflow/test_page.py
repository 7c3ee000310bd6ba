"""The commands of docs/airflow.md, run in their order in a folder that is laid out like the project."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.airflow.installation import ROOT, Installation
from tests.support import traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server

    Install = Callable[..., Installation]

NAME = "Harbor & Loom"
OWN = ("AIRFLOW_HOME", "AIRFLOW__", "AIRFLOW_VAR_", "KEY_", "MELTANO_EXECUTABLE")
"""Beginnings of what the commands have to bring along themselves."""


def commands() -> list[str]:
    page = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_commands_of_the_page_load_a_workspace_and_trigger_a_run(install: Install, agency: Server) -> None:
    installation = install()
    for name in (".venv-airflow", ".venv-meltano", "orchestrate"):
        (installation.project / name).symlink_to(ROOT / name)
    # The environments were made by what runs the tests: by the same targets of make.
    lines = [line for line in commands() if not line.startswith("make ")]
    assert len(lines) >= 7
    script = "\n".join(lines).replace("KEY_HARBOR=...", f"KEY_HARBOR={agency.api_key}")
    done = subprocess.run(
        ["/bin/bash", "-ec", script],
        env={name: value for name, value in installation.variables.items() if not name.startswith(OWN)},
        cwd=installation.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    truth = sorted(row["id"] for row in agency.control.within("main").truth("leads"))
    assert installation.ids("leads") == truth
    assert {row["workspace_name"] for row in installation.rows("leads")} == {NAME}
    assert "triggered" in done.stdout or "queued" in done.stdout
    assert traces(agency.api_key, installation.written() + done.stdout + done.stderr) == []

"""The dbt package in an emulator of Snowflake: what its SQL is there, and not how fast or how exact."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from demo.tables import TABLES
from tests.support import run_tap
from tests.transform.package import ROOT, Dbt, contract, unsuccessful

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.snowflake

ENVIRONMENT = ROOT / ".venv-dbt-snowflake" / "bin"
SECONDS = 60.0


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of an emulator."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    with (tmp_path / "fakesnow.log").open("wb") as log:
        server = subprocess.Popen([ENVIRONMENT / "fakesnow", "-s", "-p", str(number)], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + SECONDS
            while True:
                try:
                    socket.create_connection(("127.0.0.1", number), 1).close()
                    break
                except OSError:
                    assert server.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield number
        finally:
            server.kill()
            server.wait()


@pytest.fixture
def project(port: int, config: dict[str, Any], tmp_path: Path) -> Dbt:
    records = run_tap(config, streams=tuple(table.name for table in TABLES))
    for table in TABLES:
        lines = [json.dumps(row) for row in records.records(table.name)]
        (tmp_path / f"{table.name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    columns = {table.name: {name: kind.name for name, kind in table.columns.items()} for table in TABLES}
    (tmp_path / "columns.json").write_text(json.dumps(columns), encoding="utf-8")
    loader = [ENVIRONMENT / "python", ROOT / "tests" / "transform" / "emulated.py", str(port), tmp_path]
    loaded = subprocess.run(loader, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    own = {"user": "emulated", "password": "emulated", "account": "emulated"}
    where = {"host": "127.0.0.1", "port": port, "protocol": "http", "insecure_mode": True}
    output = {"type": "snowflake", "database": "OUTREACH", "schema": "ANALYTICS", "threads": 1, **own, **where}
    profile = {"instantly": {"target": "emulated", "outputs": {"emulated": output}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    return Dbt(tmp_path / "dbt", {}, profiles=tmp_path, program=ENVIRONMENT / "dbt")


def test_models_are_built_and_tests_pass(project: Dbt) -> None:
    results = project.run("build", "--exclude-resource-type", "unit_test")
    assert {name: text for name, text in unsuccessful(results).items() if results[name].status != "warn"} == {}
    assert {f"model.instantly.{mart}" for mart in contract()} <= results.keys()

"""The dbt package in a Snowflake emulator: checks its SQL, not speed or precision."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import run_tap
from tests.transform import duck
from tests.transform.conftest import LOADED_AT
from tests.transform.package import CHOSEN, PACKAGE, ROOT, Dbt, contract, ordered, query, unsuccessful
from tests.transform.test_marts import UNDOCUMENTED
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.snowflake

ENVIRONMENT = ROOT / ".venv-dbt-snowflake" / "bin"
SECONDS = 60.0
EMPTY = {CHOSEN, "instantly__odd_rows", "instantly__threads"}
"""Marts without rows here: the sandbox has no odd rows, and threads need the stream of e-mails."""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Port of an emulator."""
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


@dataclass(frozen=True)
class Emulated:
    """The project over an emulator with the tap's records.

    Attributes:
        dbt: The dbt project.
        port: Port of the emulator.
        folder: Folder for the test's files.
        records: The tap's records by stream.
    """

    dbt: Dbt
    port: int
    folder: Path
    records: dict[str, list[dict[str, Any]]]

    def program(self, what: str) -> None:
        """Fill the emulator, or read from it."""
        program = [
            ENVIRONMENT / "python",
            ROOT / "tests" / "transform" / "emulated.py",
            what,
            str(self.port),
            self.folder,
        ]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def home(self) -> dict[str, str]:
        """Return the variable of a folder with the connector's settings for the emulator."""
        values = {"account": "emulated", "user": "emulated", "password": "emulated", "database": "OUTREACH"}
        values |= {"host": "127.0.0.1", "protocol": "http"}
        lines = [f'{name} = "{value}"' for name, value in values.items()]
        file = self.folder / "connections.toml"
        file.write_text("\n".join(["[emulated]", *lines, f"port = {self.port}", ""]), encoding="utf-8")
        file.chmod(0o600)
        return {"SNOWFLAKE_HOME": str(self.folder)}

    def rows(self, queries: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of each query."""
        (self.folder / "queries.json").write_text(json.dumps(queries), encoding="utf-8")
        self.program("read")
        found: dict[str, list[dict[str, Any]]] = json.loads((self.folder / "rows.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture
def emulated(port: int, config: dict[str, Any], tmp_path: Path) -> Emulated:
    streams = tuple(table.name for table in TABLES)
    run = run_tap(config, streams=streams)
    records = {stream: run.records(stream) for stream in streams}
    for stream, rows in records.items():
        (tmp_path / f"{stream}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    columns = {table.name: {name: kind.name for name, kind in table.columns.items()} for table in TABLES}
    (tmp_path / "columns.json").write_text(json.dumps(columns), encoding="utf-8")
    own = {"user": "emulated", "password": "emulated", "account": "emulated"}
    where = {"host": "127.0.0.1", "port": port, "protocol": "http", "insecure_mode": True}
    output = {"type": "snowflake", "database": "OUTREACH", "schema": "ANALYTICS", "threads": 1, **own, **where}
    profile = {"instantly": {"target": "emulated", "outputs": {"emulated": output}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    found = Emulated(Dbt(tmp_path / "dbt", {}, profiles=tmp_path, program=ENVIRONMENT / "dbt"), port, tmp_path, records)
    found.program("fill")
    return found


def test_models_build_tests_pass_and_rows_match_duckdb(emulated: Emulated, tmp_path: Path) -> None:
    severity = ("--vars", "instantly__quality_severity: error")
    results = emulated.dbt.run("build", "--exclude-resource-type", "unit_test", *severity)
    warned = {name for name, result in results.items() if result.status == "warn" and name.startswith(UNDOCUMENTED)}
    assert {name: text for name, text in unsuccessful(results).items() if name not in warned} == {}
    assert {f"model.instantly.{mart}" for mart in contract()} <= results.keys()

    path = tmp_path / "warehouse.duckdb"
    duck.fill(path, emulated.records, LOADED_AT)
    in_duckdb = Dbt(tmp_path / "duckdb", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    assert unsuccessful(in_duckdb.run("build", "--exclude-resource-type", "unit_test", "test")) == {}
    queries = {mart: query(mart) for mart in contract()}
    found = emulated.rows(queries)
    for mart, text in queries.items():
        expected = ordered(duck.rows(path, text))
        assert expected or mart in EMPTY
        assert ordered(found[mart]) == expected, mart
    assert page("snowflake:emulated", tmp_path, emulated.home()) == page(str(path), tmp_path, {})


def page(database: str, folder: Path, variables: Mapping[str, str]) -> str:
    """Write the report in the environment for Snowflake, and return its text."""
    program = [ROOT / ".venv-report-snowflake" / "bin" / "python", "-m", "report", f"--database={database}"]
    file = folder / "report.html"
    command = [*program, f"--output={file}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stderr
    return file.read_text(encoding="utf-8")


def arguments(settings: Mapping[str, str]) -> dict[str, Any]:
    """Return dbt's login arguments with only these environment variables."""
    program = [ENVIRONMENT / "python", ROOT / "tests" / "transform" / "login.py", PACKAGE]
    done = subprocess.run(program, capture_output=True, text=True, check=False, env=settings)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_dbt_logs_in_with_the_loaders_key_pair_or_a_password(tmp_path: Path) -> None:
    key = tmp_path / "rsa_key.p8"
    made = ["openssl", "genpkey", "-algorithm", "RSA", "-aes-256-cbc", "-pass", "pass:12345", "-out", key]
    subprocess.run(made, check=True, capture_output=True)
    where = {"ACCOUNT": "mine-here", "USER": "LOADER", "ROLE": "READER", "DATABASE": "ANALYTICS"}
    pair = {"PRIVATE_KEY_PATH": str(key), "PRIVATE_KEY_PASSPHRASE": "12345"}
    loader = {f"TARGET_SNOWFLAKE_{name}": value for name, value in (where | pair).items()}
    with_key = arguments(loader)
    assert with_key["private_key"] > 1000
    assert "password" not in with_key
    assert {name: with_key[name] for name in ("user", "role", "database")} == {
        "user": "LOADER",
        "role": "READER",
        "database": "ANALYTICS",
    }
    own = {f"DBT_SNOWFLAKE_{name}": value for name, value in where.items()}
    with_password = arguments(own | {"DBT_SNOWFLAKE_USER": "ME", "DBT_SNOWFLAKE_PASSWORD": "54321"})
    assert (with_password["user"], with_password["password"], with_password["private_key"]) == ("ME", "54321", None)

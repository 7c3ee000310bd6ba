"""Containers of the image, as users start them, against the sandbox."""

from __future__ import annotations

import html
import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import sandbox
from orchestrate.image.errors import PARTIAL
from sandbox import ApiKey, SandboxConfig
from tests.conftest import UNTIL
from tests.image.engine import ENGINE, IMAGE, SOMEBODY, Container
from tests.pages import ROOT, blocks
from tests.warehouse.postgres import PASSWORD, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.image

NARROW = ApiKey("narrow", scopes=("campaigns:read", "accounts:read", "workspaces:read"))


@pytest.fixture(scope="module")
def source() -> Iterator[sandbox.Server]:
    keys = (ApiKey("default"), NARROW)
    config = SandboxConfig(campaigns=2, accounts=3, leads=400, days=20, until=UNTIL, seed=4, keys=keys)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(autouse=True)
def reset(source: sandbox.Server) -> None:
    source.control.reset()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of somebody whom the image does not know, below folders that anybody may pass."""
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        folder.chmod(0o755)
    made = tmp_path / "data"
    made.mkdir()
    os.chown(made, SOMEBODY, -1)
    return made


@pytest.fixture
def container(data: Path, source: sandbox.Server) -> Container:
    return Container(data, {"TAP_INSTANTLY_API_URL": f"{source.url}/api/v2", "TAP_INSTANTLY_API_KEY": source.api_key})


def leads(data: Path) -> dict[str, Any]:
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.sql("select id, email_open_count from instantly.leads").fetchall()
    return dict(rows)


def of_the_api(source: sandbox.Server) -> dict[str, Any]:
    return {row["id"]: row.get("email_open_count") for row in source.control.truth("leads")}


def test_read_only_container_loads_builds_reports_and_resumes(
    container: Container, source: sandbox.Server, data: Path
) -> None:
    nothing = ("--read-only", "--env=HOME=/nonexistent")
    container.options += (*nothing, "--read-only-tmpfs=false") if "podman" in ENGINE else nothing
    first = container.run()
    assert first.code == 0, first.log
    assert leads(data) == of_the_api(source)
    page = (data / "report.html").read_text(encoding="utf-8")
    assert html.escape(next(source.control.truth("workspace"))["name"]) in page
    source.control.open(changed := next(iter(leads(data))))
    second = container.run()
    assert second.code == 0, second.log
    assert leads(data) == of_the_api(source)
    assert changed in leads(data)
    assert "No state was found" in first.log
    assert "No state was found" not in second.log
    assert source.api_key not in first.log + second.log
    assert {path.name for path in data.iterdir()} == {".lock", "meltano.db", "report.html", "warehouse.duckdb"}
    assert {path.stat().st_uid for path in data.iterdir()} == {SOMEBODY}
    assert "METRIC" not in first.log
    assert max(map(len, first.log.splitlines())) < 1000


@pytest.mark.parametrize("command", [("kill", "--signal=KILL"), ("stop", "--time=100")], ids=["killed", "stopped"])
def test_interrupted_run_loses_nothing_and_blocks_no_later_run(
    container: Container, source: sandbox.Server, data: Path, command: tuple[str, ...]
) -> None:
    source.control.fault("/api/v2/leads/list", "latency", seconds=300, count=None)
    with container.running("load") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "target-dlt v" in line:
                break
        refused = Container(data, container.variables, container.options).run("load")
        container.tell(*command)
        log = process.stdout.read()
    assert process.returncode == (137 if "kill" in command else 143)
    assert (refused.code, "another run is using /data" in refused.last) == (2, True)
    assert "resumes from there" in log or "kill" in command
    source.control.clear_faults()
    after = container.run("load")
    assert after.code == 0, after.log
    assert leads(data) == of_the_api(source)


def test_documented_command_reports_partial_data_of_a_narrow_key(container: Container, data: Path) -> None:
    (script,) = (block for block in blocks("docs/image.md", "sh") if "docker run" in block)
    assert script.splitlines()[-1] in (ROOT / "README.md").read_text(encoding="utf-8")
    script = script.replace("export TAP_INSTANTLY_API_KEY=...\n", "").replace("~/", "")
    run = f"{shlex.join(ENGINE)} run --network host -e TAP_INSTANTLY_API_URL"
    script = script.replace("docker run", run).removesuffix(" instantly\n") + f" {IMAGE}\n"
    environment = container.environment(TAP_INSTANTLY_API_KEY=NARROW.secret)
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=data, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in PARTIAL, done.stderr
    assert "some data was not loaded" in done.stderr.splitlines()[-1]
    assert (data / "instantly" / "data" / "report.html").exists()


@pytest.mark.parametrize("loader", ["target-dlt", "target-postgres"])
def test_variables_of_postgres_load_it_and_build_and_report_from_there(
    container: Container, source: sandbox.Server, data: Path, loader: str
) -> None:
    with running(host="127.0.0.1") as server:
        port = server.port
        server.execute("create database warehouse")
        variables = {
            "target-dlt": {
                "TARGET_DLT_DESTINATION": "postgres",
                "TARGET_DLT_CREDENTIALS": f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/warehouse",
            },
            "target-postgres": {
                "TARGET_POSTGRES_HOST": "127.0.0.1",
                "TARGET_POSTGRES_PORT": str(port),
                "TARGET_POSTGRES_USER": "postgres",
                "TARGET_POSTGRES_PASSWORD": PASSWORD,
                "TARGET_POSTGRES_DATABASE": "warehouse",
            },
        }[loader]
        done = container.run(**variables)
        assert done.code == 0, done.log
        found = server.rows("select id, email_open_count from instantly.leads", "warehouse")
        marts = server.rows("select lead_id from analytics.instantly__leads", "warehouse")
    assert {row["id"]: row["email_open_count"] for row in found} == of_the_api(source)
    assert {row["lead_id"] for row in marts} == set(of_the_api(source))
    assert {path.name for path in data.iterdir()} == {".lock", "meltano.db", "report.html"}
    assert PASSWORD not in done.log


NOWHERE = "127.0.0.1"  # nothing listens on port 9
REFUSED = {
    "no key": ({"TAP_INSTANTLY_API_KEY": ""}, 2, "there is no key"),
    "wrong key": ({"TAP_INSTANTLY_API_KEY": "of-nobody"}, 5, "Invalid API key"),
    "no API": (
        {"TAP_INSTANTLY_API_URL": f"http://{NOWHERE}:9/api/v2", "TAP_INSTANTLY_MAX_RETRIES": "0"},
        1,
        "load failed",
    ),
    "two loaders": ({"TARGET_POSTGRES_HOST": "a", "TARGET_SNOWFLAKE_ACCOUNT": "b"}, 2, "INSTANTLY_LOADER"),
    "no Postgres": (
        {"TARGET_DLT_DESTINATION": "postgres", "TARGET_DLT_CREDENTIALS": f"postgresql://u:{PASSWORD}@{NOWHERE}:9/w"},
        1,
        "the load failed",
    ),
}


@pytest.mark.parametrize(("variables", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_error_is_one_clear_line_without_secrets(
    container: Container, variables: dict[str, str], code: int, said: str
) -> None:
    done = container.run("load", **variables)
    assert (done.code, said in done.last) == (code, True), done.log
    assert "ERROR: " in done.last
    secrets = {PASSWORD, "of-nobody", container.variables["TAP_INSTANTLY_API_KEY"]}
    assert [secret for secret in secrets if secret in done.log] == []


def test_unwritable_read_only_and_missing_volumes_give_different_errors(container: Container, data: Path) -> None:
    data.chmod(0o555)
    assert (
        f'the user {SOMEBODY} cannot write to /data: start the container with --user "$(id -u)' in container.run().last
    )
    container.data, options = None, container.options
    container.options = (*options, "--volume", f"{data}:/data:ro")
    assert "/data is mounted read-only: leave out :ro" in container.run().last
    container.options = options
    lost = container.run()
    assert (lost.code, "/data is not a volume" in lost.last) == (2, True)


def test_unreachable_snowflake_account_fails_in_the_loader(container: Container) -> None:
    account = {
        "ACCOUNT": "127.0.0.1",
        "USER": "U",
        "PASSWORD": PASSWORD,
        "DATABASE": "D",
        "WAREHOUSE": "W",
        "ROLE": "R",
    }
    done = container.run("load", **{f"TARGET_SNOWFLAKE_{name}": value for name, value in account.items()})
    assert (done.code, "the load failed: " in done.last) == (1, True), done.log
    assert "loading into Snowflake with target-snowflake" in done.log
    assert PASSWORD not in done.log


def test_each_program_runs_with_the_environment_of_a_run(container: Container, source: sandbox.Server) -> None:
    checked = container.run("check")
    assert checked.code == 0, checked.log
    assert "streams can be read" in checked.last
    refused = container.run("check", TAP_INSTANTLY_API_KEY="of-nobody")
    assert (refused.code, "the key check failed: " in refused.last) == (5, True), refused.log
    assert "Invalid API key" in refused.last
    assert container.run("tap-instantly", "--version").code == 0
    assert "1.11" in container.run("dbt", "--version").log
    ran = container.run("meltano", "run", "tap-instantly", "target-dlt", TAP_INSTANTLY__SELECT='["campaigns.*"]')
    assert ran.code == 0, ran.log
    assert "prod:tap-instantly-to-target-dlt" in container.run("meltano", "state", "list").log
    assert "run, load" in container.run("--help").log or "load" in container.run("--help").log


def test_image_runs_as_non_root_and_contains_only_the_programs() -> None:
    (found,) = json.loads(subprocess.check_output([*ENGINE, "image", "inspect", IMAGE]))
    assert found["Config"]["User"] == "10001:10001"
    inside = Container(None, {}).run("sh", "-c", "ls -A /opt /opt/pipeline")
    assert inside.code == 0, inside.log
    assert set(inside.log.split()) >= {"tap", "meltano", "marts", "transform", "report", "orchestrate"}
    assert not {".git", ".env", "tests", "sandbox"} & set(inside.log.split())

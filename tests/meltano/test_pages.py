"""Follow the pages on Meltano and on many workspaces."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from tests.meltano.project import ROOT, Project
from tests.meltano.test_pipelines import own_id, partitions, workspaces_of
from tests.pages import blocks
from tests.warehouse.dlt import HOST
from tests.warehouse.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sandbox
    from sandbox import Server
    from tests.warehouse.postgres import Postgres

pytestmark = pytest.mark.meltano

SHELL = re.DOTALL | re.MULTILINE
# Not bash's -x, which would print keys.
TELL = "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n"


@pytest.fixture
def keys(agency: sandbox.Server) -> dict[str, str]:
    return {"INSTANTLY_KEY_HARBOR": agency.api_key, "INSTANTLY_KEY_PINE": "sandbox-key-workspace-002"}


def run(project: Project, script: str, **variables: str) -> str:
    """Run commands as one script that stops at the first failure, and return its output."""
    done = project.call("bash", "-Eeuo", "pipefail", "-c", TELL + script, check=False, **variables)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout


def test_every_command_on_the_meltano_page_works(project: Project, agency: sandbox.Server) -> None:
    project.configure("tap-instantly", select=["campaigns.*", "leads.*"])  # to save time
    (project.folder / "tools").symlink_to(ROOT / "tools")
    script = "".join(blocks("docs/meltano.md", "sh"))
    # The plugins are installed in the other project.
    script, installs = re.subn(r"^meltano install .*$", "", script, flags=re.MULTILINE)
    script, exports = re.subn(r"^export \w+=\.\.\.$", "", script, flags=re.MULTILINE)
    assert (installs, exports) == (1, 3)
    variables = {
        "TAP_INSTANTLY_API_KEY": agency.api_key,
        "INSTANTLY_API_KEY_NORTH": agency.api_key,
        "INSTANTLY_API_KEY_SOUTH": "sandbox-key-workspace-002",
    }
    run(project, script, **variables)
    assert list((project.folder / "output" / "state").rglob("state.json"))
    assert {path.suffix for path in (project.folder / "output").iterdir()} >= {".duckdb", ".jsonl"}
    edited = yaml.safe_load((project.folder / "meltano.yml").read_text(encoding="utf-8"))
    assert {"crm_phone_numbers.country", "!leads.payload"} <= set(edited["plugins"]["extractors"][0]["select"])
    (added,) = yaml.safe_load((project.folder / "elsewhere" / "meltano.yml").read_text("utf-8"))["plugins"][
        "extractors"
    ]
    assert added["name"] == "tap-instantly"


def commands(page: str) -> str:
    """Return the commands of a page that a test can run: no downloads, installations or keys."""
    text = (ROOT / page).read_text(encoding="utf-8")
    script = "".join(textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```$", text, SHELL))
    assert "make meltano" in script
    installing = r"git clone|cd tap-instantly|make meltano|\.venv-meltano/bin/meltano install|make sandbox"
    left_out = rf"^({installing}|unset|export (TAP|TARGET)_).*\n"
    script = re.sub(left_out, "", script, flags=re.MULTILINE)
    return script.replace(".venv-meltano/bin/", "").replace(".venv/bin/", f"{ROOT}/.venv/bin/")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[str]:
    """Serve the files of the repository as GitHub does, in one archive and without a history."""
    path = tmp_path / "archive" / "main.zip"
    path.parent.mkdir()
    subprocess.run(["git", "archive", "--prefix=tap-instantly-main/", f"--output={path}", "HEAD"], cwd=ROOT, check=True)  # noqa: S607
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_uv_installs_tap_and_loader_which_load_duckdb_and_resume(
    project: Project, agency: sandbox.Server, archive: str
) -> None:
    (script,) = (block for block in blocks("README.md", "sh") if "uv tool" in block)
    script, addresses = re.subn("https://github.com/tap-instantly/tap-instantly(?=/archive/main.zip)", archive, script)
    script, keys = re.subn(r"TAP_INSTANTLY_API_KEY=\.\.\. ", "", script)
    assert (addresses, keys) == (2, 1)
    tools = project.folder / "tools"
    path = f"{tools}:{project.environment()['PATH']}"
    variables = {"UV_TOOL_BIN_DIR": str(tools), "UV_TOOL_DIR": str(tools / "environments"), "PATH": path}
    again = "".join(script.splitlines(keepends=True)[-3:])
    script = script.replace(" > /dev/null", "") + "cp state.json first.json\n" + again
    run(project, script, TAP_INSTANTLY_API_KEY=agency.api_key, **variables)
    with duckdb.connect(str(project.folder / "warehouse.duckdb"), read_only=True) as warehouse:
        ids = {row[0] for row in warehouse.sql("select id from instantly.leads").fetchall()}
    assert ids == {row["id"] for row in agency.control.truth("leads")}
    first, second = (json.loads((project.folder / name).read_text("utf-8")) for name in ("first.json", "state.json"))
    assert first["bookmarks"].keys() == second["bookmarks"].keys() != set()


def test_get_started_page_loads_duckdb_and_postgres_and_makes_the_report(
    project: Project, agency: sandbox.Server, postgres: Postgres, database: str
) -> None:
    page = (ROOT / "docs" / "get-started.md").read_text(encoding="utf-8")
    # psql would prompt for it.
    script = commands("docs/get-started.md").replace("\npsql ", "\nPGPASSWORD=$TARGET_POSTGRES_PASSWORD psql ")
    report = project.folder / "report.html"
    script = script.replace("\nmake ", f"\nmake -C {ROOT} ").replace('REPORT="', f'REPORT="--output {report} ')
    given = {"HOST": HOST, "PORT": str(postgres.port), "DATABASE": database, "USER": "postgres", "PASSWORD": PASSWORD}
    variables = {f"TARGET_POSTGRES_{name}": value for name, value in given.items()}
    assert set(re.findall(r"(TARGET_POSTGRES_\w+)=", page)) == variables.keys()
    path = f"{postgres.programs}:{project.environment()['PATH']}"
    printed = run(project, script, TAP_INSTANTLY_API_KEY=agency.api_key, PATH=path, **variables)
    names = [row["campaign_name"] for row in agency.control.truth("campaign_analytics")]
    assert names
    loaded, _, built = printed.partition("Running with dbt")
    assert {name: loaded.count(name) for name in names} == dict.fromkeys(names, 2)
    assert "Completed" in built
    assert {name for name in names if name not in report.read_text(encoding="utf-8")} == set()
    assert '"type":"RECORD"' in (project.folder / "messages.jsonl").read_text(encoding="utf-8").replace(" ", "")


def test_deletions_page_settings_read_leads_in_full_each_time(project: Project, agency: sandbox.Server) -> None:
    (settings,) = blocks("docs/deletions.md", "yaml")
    project.configure("tap-instantly", select=["leads.*"], **yaml.safe_load(settings))
    for _ in range(2):
        project.meltano("run", "tap-instantly", "target-jsonl", TAP_INSTANTLY_API_KEY=agency.api_key)
    assert len(project.lines("leads")) == 2 * len(list(agency.control.truth("leads")))


def test_environments_match_the_page() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    loaders = {
        one["name"]: {of["name"]: of.get("value") for of in one["settings"]} for one in project["plugins"]["loaders"]
    }
    environments: dict[str, dict[str, Any]] = {one["name"]: one for one in project["environments"]}
    changed = {one["name"]: one["config"] for one in environments["prod"]["config"]["plugins"]["loaders"]}
    page = (ROOT / "docs" / "meltano.md").read_text(encoding="utf-8")
    for environment, changes in (("dev", {}), ("prod", changed)):
        (row,) = re.findall(rf"^\| `{environment}`.*$", page, flags=re.MULTILINE)
        told = re.findall(r"`([^`]+)`", row)[1:4]
        schema = "default_target_schema"
        names = ("target-postgres", schema), ("target-snowflake", schema), ("target-dlt", "credentials")
        assert told == [{**loaders[loader], **changes.get(loader, {})}[name] for loader, name in names]


@pytest.mark.parametrize("place", range(2), ids=["a key each", "one admin key"])
def test_each_config_of_the_page_on_agencies_opens_its_workspaces(
    project: Project, agency: sandbox.Server, keys: dict[str, str], place: int
) -> None:
    config = json.loads(blocks("docs/agencies.md", "json")[place])
    path = project.folder / "config.json"
    path.write_text(json.dumps({**config, "api_url": f"{agency.url}/api/v2"}), encoding="utf-8")
    environment = ["--config=ENV"] * place
    key = {"TAP_INSTANTLY_API_KEY": agency.api_key} if place else {}
    done = project.call(sys.executable, "-m", "tap_instantly", f"--config={path}", *environment, **keys, **key)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    names = {one["record"]["workspace_name"] for one in messages if one["type"] == "RECORD"}
    if place:
        members = [row for row in agency.control.truth("workspace_group_members") if row["status"] == "accepted"]
        assert names == {"Harbor & Loom", *(row["sub_workspace_name"] for row in members)}
    else:
        assert names == {entry["name"] for entry in config["workspaces"]}


def test_workspace_keys_can_be_in_the_dotenv_file(project: Project, keys: dict[str, str]) -> None:
    (config,) = blocks("docs/agencies.md", "yaml")
    project.configure("tap-instantly", config=yaml.safe_load(config))
    lines = "".join(f"{name}={key}\n" for name, key in keys.items())
    (project.folder / ".env").write_text(lines, encoding="utf-8")
    project.meltano("run", "tap-instantly", "target-jsonl")
    assert {row["workspace_name"] for row in project.lines("leads")} == {"Harbor & Loom", "Pine Street"}


def test_parallel_workspaces_have_separate_states(
    project: Project, agency: sandbox.Server, keys: dict[str, str]
) -> None:
    command, _ = blocks("docs/agencies.md", "sh")
    (project.folder / ".env").write_text("TAP_INSTANTLY_API_KEY=sandbox-key-workspace-003\n", encoding="utf-8")
    for _ in range(2):
        run(project, command, **keys)
    for name, workspace in (("harbor", "main"), ("pine", "workspace-002")):
        found = read(project.folder / "output" / name / "leads.jsonl")
        truth = list(agency.control.within(workspace).truth("leads"))
        assert workspaces_of(found) == set(partitions(project.state(name))) == {own_id(agency, workspace)}
        assert {row["id"] for row in found} == {row["id"] for row in truth}
        assert len(found) < 2 * len(truth)


def test_without_meltano_the_state_is_the_loaders_last_output(
    project: Project, agency: sandbox.Server, keys: dict[str, str]
) -> None:
    _, command = blocks("docs/agencies.md", "sh")
    bins = [ROOT / ".venv" / "bin", ROOT / ".meltano" / "loaders" / "target-jsonl" / "venv" / "bin"]
    path = ":".join([*map(str, bins), project.environment()["PATH"]])
    for _ in range(2):
        run(project, command, PATH=path, **keys)
    found = [row for path in project.folder.glob("leads-*.jsonl") for row in read(path)]
    truth = list(agency.control.truth("leads"))
    assert {row["id"] for row in found} == {row["id"] for row in truth}
    assert len(truth) < len(found) < 2 * len(truth)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_webhook_events_reach_the_warehouse_with_the_next_frequent_run(project: Project, agency: Server) -> None:
    (command,) = (block for block in blocks("docs/schedule.md", "sh") if "webhook_events" in block)
    (query,) = blocks("docs/schedule.md", "sql")
    variables = {"TAP_INSTANTLY_API_KEY": agency.api_key, "TARGET_DLT_CREDENTIALS": "output/warehouse.duckdb"}
    run(project, command, **variables)
    lead = next(agency.control.truth("leads"))
    kinds = ("email_opened", "email_link_clicked", "reply_received")
    for kind in kinds:
        agency.control.mutate("deliver_webhook", event_type=kind, lead_id=lead["id"])
    log = run(project, f"({command.strip()}) 2>&1", **variables)
    (requests,) = re.findall(r"Synced webhook_events: .*requests=(\d+)", log)
    assert int(requests) <= 2
    with duckdb.connect(str(project.folder / "output" / "warehouse.duckdb"), read_only=True) as warehouse:
        newest = warehouse.sql(query).fetchall()[: len(kinds)]
    told = {(row[1], row[2]) for row in newest}
    assert told == {(lead["email"], kind) for kind in ("email_opened", "link_clicked", "reply_received")}

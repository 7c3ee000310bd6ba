"""What the pages on Meltano and on many workspaces tell to do is done here."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.meltano.project import ROOT, Project
from tests.meltano.test_pipelines import own_id, partitions, workspaces_of
from tests.pages import blocks
from tests.warehouse.postgres import PASSWORD, running

if TYPE_CHECKING:
    from pathlib import Path

    import sandbox

pytestmark = pytest.mark.meltano

# Not bash's -x, which would write keys.
TELL = "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n"


@pytest.fixture
def keys(agency: sandbox.Server) -> dict[str, str]:
    return {"INSTANTLY_KEY_HARBOR": agency.api_key, "INSTANTLY_KEY_PINE": "sandbox-key-workspace-002"}


def run(project: Project, script: str, **variables: str) -> str:
    """Run commands as one script that ends at the first that fails, and give what they wrote."""
    done = project.call("bash", "-Eeuo", "pipefail", "-c", TELL + script, check=False, **variables)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout


def test_each_command_of_the_page_on_meltano_works_from_the_first_to_the_last(
    project: Project, agency: sandbox.Server
) -> None:
    project.configure("tap-instantly", select=["campaigns.*", "leads.*"])  # for the sake of time
    (project.folder / "meltanohub").symlink_to(ROOT / "meltanohub")
    script = "".join(blocks("docs/meltano.md", "sh"))
    # Where the plugins are is that project's matter, and they have been installed there.
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


def test_the_first_steps_of_the_readme_lead_to_the_data_in_duckdb_and_in_postgres_and_to_the_report(
    project: Project, agency: sandbox.Server
) -> None:
    part = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Your own account")[2].partition("\n## ")[0]
    get_it, *steps = re.findall(r"^```sh\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)
    assert get_it.endswith("cd tap-instantly\nmake meltano\n")
    script = "".join(steps).replace(".venv-meltano/bin/", "").replace(".venv/bin/python", sys.executable)
    script, exports = re.subn(r"^export (TAP|TARGET)_.*$", "", script, flags=re.MULTILINE)
    assert exports == 3
    # psql would ask for it.
    script = script.replace("\npsql ", "\nPGPASSWORD=$TARGET_POSTGRES_PASSWORD psql ")
    page = project.folder / "report.html"
    script = script.replace("\nmake ", f"\nmake -C {ROOT} ").replace('REPORT="', f'REPORT="--output {page} ')
    host = "127.0.0.1"
    with running(host=host) as server, server.database("warehouse") as database:
        given = {"HOST": host, "PORT": str(server.port), "DATABASE": database, "USER": "postgres", "PASSWORD": PASSWORD}
        variables = {f"TARGET_POSTGRES_{name}": value for name, value in given.items()}
        assert set(re.findall(r"(TARGET_POSTGRES_\w+)=", part)) == variables.keys()
        path = f"{server.programs}:{project.environment()['PATH']}"
        printed = run(project, script, TAP_INSTANTLY_API_KEY=agency.api_key, PATH=path, **variables)
    names = [row["campaign_name"] for row in agency.control.truth("campaign_analytics")]
    assert names
    loaded, _, built = printed.partition("Running with dbt")
    assert {name: loaded.count(name) for name in names} == dict.fromkeys(names, 2)
    assert "Completed" in built
    assert {name for name in names if name not in page.read_text(encoding="utf-8")} == set()


def test_the_environments_are_what_the_page_says() -> None:
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


def test_with_meltano_the_keys_of_workspaces_can_be_in_the_file_of_variables(
    project: Project, keys: dict[str, str]
) -> None:
    (config,) = blocks("docs/agencies.md", "yaml")
    project.configure("tap-instantly", config=yaml.safe_load(config))
    lines = "".join(f"{name}={key}\n" for name, key in keys.items())
    (project.folder / ".env").write_text(lines, encoding="utf-8")
    project.meltano("run", "tap-instantly", "target-jsonl")
    assert {row["workspace_name"] for row in project.lines("leads")} == {"Harbor & Loom", "Pine Street"}


def test_workspaces_side_by_side_get_each_its_own_state(
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


def test_without_meltano_the_state_is_what_the_loader_wrote_last(
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

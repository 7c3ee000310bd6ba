"""Meltano runs the pipelines of meltano.yml against the sandbox."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tap_instantly.settings import SETTINGS
from tap_instantly.streams import STREAMS
from tests.meltano.project import ENVIRONMENT, ROOT, install
from tests.warehouse.dlt import HOST
from tests.warehouse.postgres import PASSWORD
from tools import hub

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Server
    from tests.meltano.project import Project
    from tests.warehouse.postgres import Postgres

pytestmark = pytest.mark.meltano

SECOND = "sandbox-key-workspace-002"
STATE_ID = "dev:tap-instantly-to-target-jsonl"
FEW = '["campaigns.*", "leads.*"]'


def workspaces_of(records: list[dict[str, Any]]) -> set[str]:
    return {record["workspace_id"] for record in records}


def own_id(agency: Server, name: str = "main") -> str:
    found: str = next(agency.control.within(name).truth("workspace"))["id"]
    return found


def partitions(state: dict[str, Any], stream: str = "leads") -> dict[str, dict[str, Any]]:
    return {part["context"]["workspace_id"]: part for part in state["bookmarks"][stream]["partitions"]}


def test_meltano_lists_every_setting_and_hides_keys(project: Project, agency: Server) -> None:
    key = {"TAP_INSTANTLY_API_KEY": agency.api_key}
    listed = project.meltano("config", "--safe", "list", "--all", "tap-instantly", **key).stdout
    assert all(f"[env: TAP_INSTANTLY_{name.upper()}]" in listed for name in SETTINGS["properties"])
    assert agency.api_key not in listed
    printed = json.loads(project.meltano("config", "--safe", "print", "tap-instantly", **key).stdout)
    assert agency.api_key not in str(printed)
    defaults = {name: of["default"] for name, of in SETTINGS["properties"].items() if "default" in of}
    del defaults["api_url"], defaults["user_agent"]
    assert {name: printed[name] for name in defaults} == defaults


def test_meltano_selects_the_same_streams_as_the_tap(project: Project, agency: Server) -> None:
    done = project.meltano("select", "tap-instantly", "--list", "--all", "--json", TAP_INSTANTLY_API_KEY=agency.api_key)
    columns = json.loads(done.stdout)["streams"]
    selected = {column["stream"] for column in columns if column["selection"] == "selected"}
    assert {column["stream"] for column in columns} == {stream.name for stream in STREAMS}
    assert selected == {stream.name for stream in STREAMS if stream.why_deselected is None}


def test_second_run_resumes_from_the_state_kept_by_meltano(project: Project, agency: Server) -> None:
    key = {"TAP_INSTANTLY_API_KEY": agency.api_key}
    log = project.meltano("run", "tap-instantly", "target-jsonl", **key).stderr
    first = project.lines("leads")
    assert re.search(rf"Synced leads: records={len(first)} .*Total: records=\d+ ", log, re.DOTALL)
    truth = {row["id"] for row in agency.control.truth("leads")}
    assert sorted(row["id"] for row in first) == sorted(truth)
    before = partitions(project.state(STATE_ID))
    agency.control.open(changed := first[0]["id"])
    project.meltano("run", "tap-instantly", "target-jsonl", **key)
    later = {row["id"] for row in project.lines("leads")[len(first) :]}
    assert changed in later
    assert len(later) < len(truth)
    after = partitions(project.state(STATE_ID))
    assert after.keys() == before.keys() == {own_id(agency)}
    assert after[own_id(agency)]["replication_key_value"] > before[own_id(agency)]["replication_key_value"]


def test_inheriting_extractors_have_separate_keys_states_and_streams(project: Project, agency: Server) -> None:
    keys = {"INSTANTLY_API_KEY_NORTH": agency.api_key, "INSTANTLY_API_KEY_SOUTH": SECOND}
    project.meltano("run", "tap-instantly--north", "target-jsonl", "tap-instantly--south", "target-jsonl", **keys)
    north, south = own_id(agency), own_id(agency, "workspace-002")
    leads = project.lines("leads")
    assert workspaces_of(leads) == {north, south}
    assert {row["workspace_id"] for row in leads if "payload" in row} == {north}
    assert workspaces_of(project.lines("accounts")) == {north}
    for name, id_ in (("north", north), ("south", south)):
        assert set(partitions(project.state(f"dev:tap-instantly--{name}-to-target-jsonl"))) == {id_}


def test_missing_key_does_not_fall_back_to_another_account(project: Project, agency: Server) -> None:
    done = project.meltano(
        "run", "tap-instantly--north", "target-jsonl", check=False, TAP_INSTANTLY_API_KEY=agency.api_key
    )
    assert done.returncode != 0
    assert "setting 'api_key'" in done.stdout + done.stderr
    assert project.lines("leads") == []


def test_environments_have_their_own_settings_and_states(project: Project, agency: Server) -> None:
    variables = {"TAP_INSTANTLY_API_KEY": agency.api_key, "TAP_INSTANTLY__SELECT": FEW}
    dev = json.loads(project.meltano("config", "print", "tap-instantly", **variables).stdout)
    prod = json.loads(project.meltano("--environment=prod", "config", "print", "tap-instantly", **variables).stdout)
    north = json.loads(project.meltano("--environment=prod", "config", "print", "tap-instantly--north").stdout)
    assert (dev["strict"], prod["strict"], north["strict"]) == (False, True, True)
    project.meltano("--environment=prod", "run", "instantly-to-jsonl", **variables)
    assert project.meltano("state", "list").stdout.split() == ["prod:tap-instantly-to-target-jsonl"]


def test_jobs_and_schedules_are_known_to_meltano(project: Project) -> None:
    jobs = json.loads(project.meltano("job", "list", "--format=json").stdout)["jobs"]
    declared = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    assert [job["job_name"] for job in jobs] == [job["name"] for job in declared["jobs"]]
    schedules = json.loads(project.meltano("schedule", "list", "--format=json").stdout)["schedules"]
    assert {one["name"]: one["job"]["name"] for one in schedules["job"]} == {
        one["name"]: one["job"] for one in declared["schedules"]
    }


def test_postgres_gets_every_row_once_with_the_fast_settings(
    project: Project, agency: Server, postgres: Postgres, database: str
) -> None:
    variables = {
        "TAP_INSTANTLY_API_KEY": agency.api_key,
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url(database),
    }
    config = json.loads(project.meltano("config", "print", "target-postgres", **variables).stdout)
    assert (config["use_copy"], config["validate_records"], config["batch_size_rows"]) == (True, False, 25_000)
    for _ in range(2):
        project.meltano("--environment=prod", "run", "instantly-to-postgres", **variables)
    rows = postgres.rows("select id from instantly.leads", database)
    assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in agency.control.truth("leads"))


def test_target_dlt_loads_postgres_by_two_variables_without_leaking_the_password(
    project: Project, agency: Server, postgres: Postgres, database: str
) -> None:
    variables = {
        "TAP_INSTANTLY_API_KEY": agency.api_key,
        "TAP_INSTANTLY__SELECT": FEW,
        "TARGET_DLT_DESTINATION": "postgres",
        "TARGET_DLT_CREDENTIALS": f"postgresql://postgres:{PASSWORD}@{HOST}:{postgres.port}/{database}",
    }
    printed = project.meltano("config", "--safe", "print", "target-dlt", **variables).stdout
    log = [project.meltano("run", "instantly-to-duckdb", **variables) for _ in range(2)]
    rows = postgres.rows("select id from instantly.leads", database)
    assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in agency.control.truth("leads"))
    assert PASSWORD not in printed + "".join(done.stdout + done.stderr for done in log)
    assert not list((project.folder / "output").iterdir())


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ({"schema": {"leads": {"payload": {"type": ["string", "null"]}}}}, "stream leads changes the type of payload"),
        (
            {"metadata": {"leads": {"table-key-properties": ["workspace_id", "email"]}}},
            "stream leads has table-key-properties, which are ignored; the key is",
        ),
    ],
    ids=["schema", "table-key-properties"],
)
def test_unsupported_meltano_extras_are_refused_in_one_line(
    project: Project, agency: Server, extra: dict[str, Any], line: str
) -> None:
    project.configure("tap-instantly", select=["leads.*"], **extra)
    done = project.meltano("run", "tap-instantly", "target-jsonl", check=False, TAP_INSTANTLY_API_KEY=agency.api_key)
    assert done.returncode == 1
    assert line in done.stdout + done.stderr
    assert project.lines("leads") == []


def test_state_can_be_kept_in_postgres(project: Project, postgres: Postgres, database: str) -> None:
    given = {"MELTANO_DATABASE_URI": postgres.url(database)}
    project.meltano("state", "set", "--force", "a", '{"singer_state": {}}', **given)
    assert "a" in project.meltano("state", "list", **given).stdout
    assert "a" not in project.meltano("state", "list").stdout.split()


def test_postgres_gets_the_key_and_text_made_by_stream_maps(
    project: Project, agency: Server, postgres: Postgres, database: str
) -> None:
    page = (ROOT / "docs" / "meltano.md").read_text(encoding="utf-8")
    part = page.partition("## Other keys and types")[2].partition("```yaml\n")[2].partition("```")[0]
    project.configure("tap-instantly", select=["leads.*"], **yaml.safe_load(part))
    given = {"TAP_INSTANTLY_API_KEY": agency.api_key, "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url(database)}
    project.meltano("run", "tap-instantly", "target-postgres", **given)
    rows = postgres.rows("select payload, pg_typeof(payload)::text as type from instantly_dev.leads", database)
    keys = postgres.rows(
        "select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)"
        " where indrelid = 'instantly_dev.leads'::regclass and indisprimary",
        database,
    )
    assert {row["type"] for row in rows} == {"text"}
    assert any(json.loads(row["payload"]) for row in rows if row["payload"])
    assert {row["attname"] for row in keys} == {"workspace_id", "id"}


@pytest.mark.parametrize("loader", ["target-dlt", "target-postgres", "target-snowflake"])
def test_loader_settings_in_the_project_exist(project: Project, loader: str) -> None:
    install(loader)
    about = json.loads(project.meltano("invoke", loader, "--about", "--format=json").stdout)
    (declared,) = [
        plugin
        for plugin in yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
        if plugin["name"] == loader
    ]
    assert {setting["name"] for setting in declared["settings"]} - set(about["settings"]["properties"]) == set()
    assert set(declared["capabilities"]) - set(about["capabilities"]) == set()


def test_loaders_without_declared_capabilities_do_not_support_about(project: Project) -> None:
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
    for loader in (plugin["name"] for plugin in plugins if "capabilities" not in plugin):
        asked = project.meltano("invoke", loader, "--about", check=False)
        assert asked.returncode != 0
        assert "unrecognized arguments: --about" in asked.stdout + asked.stderr, loader


def test_project_and_hub_definition_match_meltanos_schema(plugins: None) -> None:
    (path,) = ENVIRONMENT.glob("lib/python*/site-packages/meltano/schemas/meltano.schema.json")
    validator = Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    of_the_hub_alone = {"domain_url", "keywords", "maintenance_status", "prereq", "quality", "usage"}
    of_the_hub_alone |= {"supported_python_versions"}
    definition = {name: value for name, value in hub.definition().items() if name not in of_the_hub_alone}
    added = {**project, "plugins": {"extractors": [definition]}}
    assert [error.message for checked in (project, added) for error in validator.iter_errors(checked)] == []
    definition["capabilities"] = ["no such"]
    assert list(validator.iter_errors(added))


def test_the_definition_for_the_hub_can_be_added_to_a_project(project: Project, tmp_path: Path) -> None:
    path = project.folder / "meltano.yml"
    path.write_text("project_id: other\ndefault_environment: dev\nenvironments:\n- name: dev\n", encoding="utf-8")
    project.meltano("add", "--no-install", f"--from-ref={hub.PATH}", "tap-instantly")
    listed = project.meltano("config", "list", "--all", "tap-instantly").stdout
    assert all(f"[env: TAP_INSTANTLY_{name.upper()}]" in listed for name in SETTINGS["properties"])

"""The DAG, run task after task as `airflow dags test` does, from the sandbox into a real Postgres."""

from __future__ import annotations

import json
import subprocess
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.airflow.conftest import WORKSPACES
from tests.airflow.installation import AIRFLOW, ROOT, Installation, state_id
from tests.support import traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sandbox import Server

    Install = Callable[..., Installation]

BAD_KEY = "a-key-that-nobody-has-made"
ONLY_LEADS = {"groups": ["leads"]}


def inspected(installation: Installation, expression: str) -> Any:
    """What an expression about the DAG's module gives, in Airflow's environment."""
    program = f"import json, instantly; print('\\n' + json.dumps({expression}))"
    done = subprocess.run(
        [str(AIRFLOW / "python"), "-c", program],
        env={**installation.variables, "PYTHONPATH": str(ROOT / "orchestrate" / "dags")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def ids_in(agency: Server, resource: str, workspaces: Iterable[str] = WORKSPACES) -> list[str]:
    return sorted(row["id"] for name in workspaces for row in agency.control.within(name).truth(resource))


def test_the_dag_has_no_import_errors(install: Install) -> None:
    done = install().airflow("dags", "list-import-errors", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No data found" in done.stdout


def test_the_groups_hold_each_stream_of_the_pipeline_once_and_the_emails_apart(install: Install) -> None:
    groups = dict(inspected(install(), "[(group.name, group.streams) for group in instantly.GROUPS]"))
    assert groups.pop("emails") == ["emails"]
    patterns = [pattern for streams in groups.values() for pattern in streams]
    for stream in default_streams():
        assert sum(fnmatch(stream, pattern) for pattern in patterns) == 1, stream


def default_streams() -> list[str]:
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    return [rule.removesuffix(".*") for rule in plugins["extractors"][0]["select"]]


def test_what_all_groups_ask_of_a_workspace_is_within_what_the_api_grants(install: Install) -> None:
    assert inspected(install(), "sum(group.requests for group in instantly.GROUPS)") <= 90


def test_a_retry_waits_until_meltano_has_given_up_a_run_that_vanished(install: Install) -> None:
    installation = install()
    program = "from meltano.core.job import job; print(job.HEARTBEAT_VALID_MINUTES)"
    meltano = ROOT / ".venv-meltano" / "bin" / "python"
    minutes = subprocess.run([str(meltano), "-c", program], capture_output=True, text=True, check=True).stdout
    del installation.variables["INSTANTLY_RETRY_SECONDS"]
    assert inspected(installation, "instantly.RETRY_DELAY.total_seconds()") > 60 * int(minutes)


def test_everything_of_every_workspace_is_loaded_and_the_next_run_goes_on_from_there(
    install: Install, agency: Server, keys: dict[str, str]
) -> None:
    installation = install()
    first = installation.test()
    assert first.returncode == 0, first.stdout[-5000:] + first.stderr[-5000:]
    for stream in ("campaigns", "leads", "emails", "lead_lists"):
        assert installation.ids(stream) == ids_in(agency, stream), stream
    assert len(installation.rows("campaign_analytics_daily")) > 0
    groups = ("leads", "analytics", "lists", "emails")
    assert set(installation.states()) == {state_id(name, group) for name in WORKSPACES for group in groups}
    added = {row["id"] for name in WORKSPACES for row in agency.control.within(name).add_leads(2)}
    second = installation.test(ONLY_LEADS)
    assert second.returncode == 0, second.stdout[-5000:] + second.stderr[-5000:]
    assert installation.ids("leads") == ids_in(agency, "leads")
    assert added <= set(installation.ids("leads"))
    written = installation.written() + first.stdout + first.stderr + second.stdout + second.stderr
    # The others' keys have the names of their workspaces in them, which may be written.
    assert traces(keys["main"], written) == []
    assert [name for name, key in keys.items() if key in written] == []


def test_a_workspace_with_a_bad_key_fails_alone_and_the_run_with_it_after_the_models_are_built(
    install: Install, agency: Server, keys: dict[str, str], tmp_path: Path
) -> None:
    installation = install({**keys, "workspace-002": BAD_KEY})
    dbt, built = tmp_path / "dbt", tmp_path / "built"
    dbt.write_text(f'#!/bin/sh\necho $DBT_TARGET $DBT_INSTANTLY_SCHEMA "$@" >> {built}\n', encoding="utf-8")
    dbt.chmod(0o755)
    (installation.project / "transform").mkdir()
    (installation.project / "transform" / "dbt_project.yml").touch()
    done = installation.test(ONLY_LEADS, DBT_EXECUTABLE=str(dbt))
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "1 loads failed: leads[workspace-002]" in said
    assert installation.ids("leads") == ids_in(agency, "leads", ("main", "workspace-003"))
    transform = installation.project / "transform"
    where = f"--project-dir {transform} --profiles-dir {transform}"
    assert built.read_text("utf-8") == f"postgres instantly_dev build {where}\n"
    assert installation.runs(state_id("workspace-002", "leads")) == ["FAIL"] * 4
    assert traces(BAD_KEY, installation.written() + said) == []


@pytest.mark.parametrize(
    ("variables", "schema"),
    [
        ({}, "instantly_dev"),
        ({"MELTANO_ENVIRONMENT": "prod"}, "instantly"),
        ({"MELTANO_ENVIRONMENT": "prod", "DBT_INSTANTLY_SCHEMA": "raw"}, "raw"),
    ],
    ids=["default", "prod", "told"],
)
def test_models_are_built_from_the_schema_into_which_meltano_loads(
    install: Install, variables: dict[str, str], schema: str
) -> None:
    installation = install()
    installation.variables.update(variables)
    command = inspected(installation, "instantly.transform.function()")
    assert f" DBT_TARGET=postgres DBT_INSTANTLY_SCHEMA={schema} " in command


def test_where_nothing_was_loaded_no_model_is_built_and_the_run_fails(install: Install, tmp_path: Path) -> None:
    installation = install({"main": BAD_KEY})
    (installation.project / "transform").mkdir()
    (installation.project / "transform" / "dbt_project.yml").touch()
    done = installation.test(ONLY_LEADS, DBT_EXECUTABLE="/bin/false")
    assert done.returncode != 0
    assert "nothing was loaded; failed: leads[main]" in done.stdout + done.stderr
    assert "/bin/false build" not in done.stdout + done.stderr


def test_a_run_can_be_for_some_workspaces_and_start_over(install: Install, agency: Server) -> None:
    installation = install()
    chosen = {**ONLY_LEADS, "workspaces": ["workspace-003"]}
    assert installation.test(chosen).returncode == 0
    assert installation.ids("leads") == ids_in(agency, "leads", ["workspace-003"])
    installation.postgres.execute("delete from instantly.leads", installation.database)
    assert installation.test(chosen).returncode == 0
    assert len(installation.ids("leads")) < 60
    assert installation.test({**chosen, "full_refresh": True}).returncode == 0
    assert installation.ids("leads") == ids_in(agency, "leads", ["workspace-003"])


@pytest.mark.parametrize(
    ("workspaces", "complaint"),
    [
        ([], "has to be a list of workspaces"),
        ([{"name": "main", "api_key": BAD_KEY}], "workspace 1 of instantly_workspaces needs a name and an api_key_env"),
        ([{"name": "main", "api_key_env": "A"}, {"name": "main", "api_key_env": "B"}], "have the same name"),
    ],
    ids=["none", "with a key", "twice"],
)
def test_workspaces_that_are_no_such_list_fail_the_run_and_no_key_is_told(
    install: Install, workspaces: Any, complaint: str
) -> None:
    installation = install()
    done = installation.test(AIRFLOW_VAR_INSTANTLY_WORKSPACES=json.dumps(workspaces))
    assert done.returncode != 0
    assert complaint in done.stdout + done.stderr
    assert traces(BAD_KEY, installation.written() + done.stdout + done.stderr) == []


def test_a_workspace_that_is_not_known_fails_the_run(install: Install) -> None:
    done = install().test({**ONLY_LEADS, "workspaces": ["nobody"]})
    assert done.returncode != 0
    assert "there is no workspace nobody in instantly_workspaces" in done.stdout + done.stderr

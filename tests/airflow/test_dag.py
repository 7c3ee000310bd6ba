"""The DAG, run task after task as `airflow dags test` does, from the sandbox into a real Postgres."""

from __future__ import annotations

import base64
import json
import random
import shlex
import string
import subprocess
import uuid
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from demo.paths import SCHEMAS
from tests.airflow.conftest import HOST, WORKSPACES
from tests.airflow.installation import AIRFLOW, ROOT, Installation, state_id
from tests.support import traces
from tests.warehouse.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sandbox import Server

    Install = Callable[..., Installation]

BAD_KEY = "a-key-that-nobody-has-made"
ONLY_LEADS = {"groups": ["leads"]}
ALL_GROUPS = "(*instantly.GROUPS, instantly.EMAILS)"
STREAMS = [path.stem for path in SCHEMAS.glob("*.json")]


def inspected(installation: Installation, expression: str) -> Any:
    """What an expression about the DAG's module gives, in Airflow's environment."""
    program = f"import json, os, instantly; print('\\n' + json.dumps({expression}))"
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


def test_no_stream_is_in_two_groups_and_one_group_has_all_that_the_others_have_not(install: Install) -> None:
    groups = dict(inspected(install(), f"[(group.name, group.streams) for group in {ALL_GROUPS}]"))
    patterns = [pattern for streams in groups.values() for pattern in streams]
    matches = {stream: sum(fnmatch(stream, pattern) for pattern in patterns) for stream in STREAMS}
    assert set(matches.values()) == {0, 1}
    assert [pattern for pattern in patterns if not any(fnmatch(stream, pattern) for stream in STREAMS)] == []
    assert [name for name, streams in groups.items() if not streams] == ["lists"]


def test_what_all_groups_ask_of_a_workspace_is_within_what_the_api_grants(install: Install) -> None:
    assert inspected(install(), f"sum(group.requests for group in {ALL_GROUPS})") <= 90


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
    for stream in ("campaigns", "leads", "lead_lists"):
        assert installation.ids(stream) == ids_in(agency, stream), stream
    assert len(installation.rows("campaign_analytics_daily")) > 0
    groups = ("leads", "analytics", "lists")
    assert set(installation.states()) == {state_id(name, group) for name in WORKSPACES for group in groups}
    assert "Installing" not in first.stdout + first.stderr
    added = {row["id"] for name in WORKSPACES for row in agency.control.within(name).add_leads(2)}
    second = installation.test(ONLY_LEADS)
    assert second.returncode == 0, second.stdout[-5000:] + second.stderr[-5000:]
    assert installation.ids("leads") == ids_in(agency, "leads")
    assert added <= set(installation.ids("leads"))
    written = installation.written() + first.stdout + first.stderr + second.stdout + second.stderr
    # The others' keys have the names of their workspaces in them, which may be written.
    assert traces(keys["main"], written) == []
    assert [name for name, key in keys.items() if key in written] == []


def test_target_dlt_loads_all_workspaces_into_postgres_and_goes_on_from_a_state_of_its_own(
    install: Install, agency: Server
) -> None:
    installation = install()
    address = f"postgresql://postgres:{PASSWORD}@{HOST}:{installation.postgres.port}/{installation.database}"
    by_dlt = {"TARGET_DLT_DESTINATION": "postgres", "TARGET_DLT_CREDENTIALS": address}
    installation.variables |= {"INSTANTLY_LOADER": "target-dlt", "MELTANO_ENVIRONMENT": "dev", **by_dlt}
    for _ in range(2):
        done = installation.test(ONLY_LEADS)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        assert installation.ids("leads") == ids_in(agency, "leads")
        for name in WORKSPACES:
            agency.control.within(name).add_leads(2)
    assert set(installation.states()) == {f"dev:target-dlt:{name}:leads" for name in WORKSPACES}
    assert PASSWORD not in installation.written() + done.stdout + done.stderr
    command = inspected(installation, "instantly.transform.function()")
    assert " DBT_TARGET=postgres DBT_INSTANTLY_SCHEMA=instantly " in command


def test_only_what_the_project_selects_is_loaded_and_all_of_that(install: Install, agency: Server) -> None:
    installation = install()
    installation.select("block_list_entries.*", "!leads.payload", "emails.*", "!emails.body")
    for dag, conf in (("instantly", {"groups": ["leads", "lists"]}), ("instantly_emails", {})):
        done = installation.test({**conf, "workspaces": ["main"]}, dag=dag)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    for stream in ("leads", "emails", "block_list_entries"):
        assert installation.ids(stream) == ids_in(agency, stream, ["main"]), stream
    assert "payload" not in installation.rows("leads")[0]
    assert "body" not in installation.rows("emails")[0]


def test_another_environment_is_another_schema_and_is_loaded_from_the_beginning(
    install: Install, agency: Server
) -> None:
    installation = install()
    chosen = {**ONLY_LEADS, "workspaces": ["main"]}
    assert installation.test(chosen).returncode == 0
    done = installation.test(chosen, MELTANO_ENVIRONMENT="dev")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    for schema in ("instantly", "instantly_dev"):
        assert installation.ids("leads", schema) == ids_in(agency, "leads", ["main"]), schema
    assert set(installation.states()) == {state_id("main", "leads", name) for name in ("prod", "dev")}


def test_states_are_told_apart_by_the_loader_too_and_by_any_name_of_a_workspace(install: Install) -> None:
    installation = install()
    names = ["Harbor & Loom", "a/b", "a:b", "a%2Fb"]
    asked = f"[instantly.state_id(name, 'leads') for name in {names}]"
    found = inspected(installation, asked)
    installation.variables["INSTANTLY_LOADER"] = "target-snowflake"
    found += inspected(installation, asked)
    assert len(set(found)) == 2 * len(names)
    assert {id_.count(":") for id_ in found} == {3}


def test_no_workspace_deletes_the_rows_of_another_though_the_project_tells_of_deletions(
    install: Install, agency: Server
) -> None:
    installation = install()
    (installation.project / ".env").write_text("TAP_INSTANTLY_EMIT_ACTIVATE_VERSION_MESSAGES=true\n", encoding="utf-8")
    two = ["main", "workspace-002"]
    done = installation.test({"groups": ["lists"], "workspaces": two})
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert installation.ids("lead_lists") == ids_in(agency, "lead_lists", two)


def test_a_workspace_with_a_bad_key_fails_alone_and_the_run_with_it_after_the_models_are_built(
    install: Install, agency: Server, keys: dict[str, str], tmp_path: Path
) -> None:
    installation = install({**keys, "workspace-002": BAD_KEY})
    refused_once = agency.control.within("workspace-003")
    refused_once.fault("/api/v2/leads/list", "status", status=403, count=2)
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
    assert built.read_text("utf-8") == f"postgres instantly build {where}\n"
    assert installation.runs(state_id("workspace-002", "leads")) == ["FAIL"] * 4
    assert installation.runs(state_id("workspace-003", "leads")) == ["FAIL", "SUCCESS"]
    assert traces(BAD_KEY, installation.written() + said) == []


@pytest.mark.parametrize(
    ("variables", "schema"),
    [
        ({}, "instantly"),
        ({"MELTANO_ENVIRONMENT": "prod"}, "instantly"),
        ({"MELTANO_ENVIRONMENT": "dev"}, "instantly_dev"),
        ({"MELTANO_ENVIRONMENT": "prod", "DBT_INSTANTLY_SCHEMA": "raw"}, "raw"),
    ],
    ids=["default", "prod", "dev", "told"],
)
def test_models_are_built_from_the_schema_into_which_meltano_loads(
    install: Install, variables: dict[str, str], schema: str
) -> None:
    installation = install()
    installation.variables.update(variables)
    command = inspected(installation, "instantly.transform.function()")
    assert f" DBT_TARGET=postgres DBT_INSTANTLY_SCHEMA={schema} " in command


@pytest.mark.parametrize("name", ["Acme {#1}", "{{ 7*7 }}", "{% raw %}{{{", 'O\'Hara \\ "Sons" $HOME `id`'])
def test_a_workspace_may_be_called_anything_and_is_named_in_the_environment_of_a_load_alone(
    install: Install, name: str
) -> None:
    installation = install()
    workspace = {"name": name, "api_key_env": "KEY_0"}
    installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"] = json.dumps([workspace])
    load = f"instantly.load.function('leads', {name!r}, dict(full_refresh=False))"
    rendered = f"__import__('jinja2').Template({load}).render()"
    command, inherited = inspected(installation, f"[{rendered}, os.environ['TAP_INSTANTLY_WORKSPACES']]")
    assert json.loads(inherited) == [workspace]
    assert "KEY_0" not in command
    assert f"--state-id={state_id(quote(name, safe=''), 'leads')}" in shlex.split(command)


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


KEY = "aWQ6Zm9yLXRlc3RzOnNlY3JldA=="
"""A key in the place of the name of its variable."""

PLAIN = "for-tests-a-secret-in-words"
"""Another, that looks like none."""

LIKE_A_NAME = "Zm9yX3Rlc3RzX3NlY3JldF9vbmx5"
"""Another, that has the form of one."""


def named(**variables: Any) -> list[dict[str, Any]]:
    return [{"name": name, "api_key_env": variable} for name, variable in variables.items()]


WRONG: dict[str, tuple[Any, str]] = {
    "none": ([], "has to be a list of workspaces"),
    "a key alone": (KEY, "has to be a list of workspaces"),
    "with a key": ([{"name": "main", "api_key": KEY}], "workspace 1 of {} needs a name and an api_key_env"),
    "a key for a name": ([{"name": [KEY], "api_key_env": "KEY_0"}], "workspace 1 of {} has a name that is no text"),
    "a key for a variable": (named(a="KEY_0", b=KEY), "workspace 2 of {} has an api_key_env that cannot be the name"),
    "keys for a variable": (named(a=[KEY]), "workspace 1 of {} has an api_key_env that cannot be the name"),
    "a name twice": ([*named(a="KEY_0"), *named(a="KEY_1")], "two workspaces of {} have the same name"),
    "a variable twice": (named(a="KEY_9", b="KEY_8", c="KEY_9"), "workspaces 1 and 3 of {} have the same key"),
    "a key twice": (named(a="KEY_0", b="KEY_1", c="KEY_SAME"), "workspaces 2 and 3 of {} have the same key"),
    "a key twice, with a line end": (
        named(a="KEY_0", b="KEY_1", c="KEY_LINE"),
        "workspaces 2 and 3 of {} have the same",
    ),
    "a key for a name, of a variable that is elsewhere": (
        named(**{KEY: "KEY_9"}),
        "1 of {} has a name that looks like",
    ),
    "half a character": (named(**{"Acme \ud83d": "KEY_0"}), "1 of {} has a name that is not one line of text"),
    "two lines": (named(**{"Acme\nInc": "KEY_0"}), "1 of {} has a name that is not one line of text"),
    "a key in a name": (named(**{"KEY_0": "KEY_0", f"of {PLAIN}": "KEY_OWN"}), "the key of workspace 2 of {} is in"),
}


def test_a_list_of_workspaces_is_refused_in_words_that_repeat_no_key(install: Install, keys: dict[str, str]) -> None:
    installation = install()
    installation.variables.update(KEY_SAME=keys["workspace-002"], KEY_OWN=PLAIN, KEY_LINE=f"{keys['workspace-002']}\n")
    lists = [given for given, _ in WRONG.values()]
    found = inspected(installation, f"[next(instantly.objections(given), '') for given in {lists!r}]")
    for (_, complaint), said in zip(WRONG.values(), found, strict=True):
        assert complaint.format("instantly_workspaces") in said
        assert traces(KEY, said) == []
        assert traces(PLAIN, said) == []
    good = named(KEYSTONE="KEY", b="KEY_0", c="KEY_1")
    assert inspected(installation, f"list(instantly.objections({good!r}))") == []


@pytest.mark.parametrize("given", [KEY, json.dumps(named(main="KEY_0", other=KEY))], ids=["alone", "for a variable"])
def test_a_key_where_a_name_belongs_fails_the_run_and_is_told_nowhere(install: Install, given: str) -> None:
    installation = install()
    done = installation.test(AIRFLOW_VAR_INSTANTLY_WORKSPACES=given)
    assert done.returncode != 0
    assert "instantly_workspaces has" in done.stdout + done.stderr
    assert traces(KEY, installation.written() + done.stdout + done.stderr) == []


def test_a_key_that_could_be_the_name_of_a_variable_is_told_nowhere_either(install: Install) -> None:
    installation = install()
    given = json.dumps(named(main=LIKE_A_NAME))
    done = installation.test(ONLY_LEADS, AIRFLOW_VAR_INSTANTLY_WORKSPACES=given)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "'main' has an api_key_env that names no environment variable" in said
    assert traces(LIKE_A_NAME, installation.written() + said) == []


def test_a_workspace_that_is_not_known_fails_the_run_and_is_not_repeated(install: Install) -> None:
    installation = install()
    asked = f"[instantly.plan.function('leads', dict(workspaces=given)) for given in {[['main'], []]!r}]"
    assert inspected(installation, asked) == [["main"], list(WORKSPACES)]
    done = installation.test({**ONLY_LEADS, "workspaces": ["main", PLAIN]})
    assert done.returncode != 0
    (said,) = {line.partition("workspaces has ")[2] for line in (done.stdout + done.stderr).splitlines()} - {""}
    assert said.startswith("names that are not in instantly_workspaces: 2 of the list")


def keys_like_the_apis(number: int) -> list[str]:
    """Base64 of an id and a secret, with letters of the one alphabet or the other, and some that are but long."""
    rng = random.Random(11)
    letters = string.ascii_letters + string.digits
    texts = [f"{uuid.UUID(int=rng.getrandbits(128))}:{''.join(rng.choices(letters, k=12))}" for _ in range(number)]
    plain = [base64.b64encode(text.encode()).decode() for text in texts]
    long = ["".join(rng.choices(letters, k=48)) for _ in range(number)]
    return [*plain, *(key.rstrip("=").translate(str.maketrans("+/", "-_")) for key in plain), *long]


def test_a_name_that_looks_like_a_key_is_told_from_those_that_people_give(install: Install) -> None:
    keys = keys_like_the_apis(40)
    names = ["Harbor & Loom", "acme-international-holdings-workspace-number-12", "InternationalHoldingsOfSouthAmerica"]
    names += [
        "3f2b8c1e-6a1d-4b7e-9f00-5d2c8e1a7b44",
        "ACME2026",
        "Müller und Söhne, Vertrieb Süd",
        "北京国际贸易有限公司第一工作区",
    ]
    names += ["main", "workspace-002", "clients/harbor-and-loom/outbound/2026/europe"]
    asked = f"[instantly.looks_like_a_key(name) for name in {[*keys, *(f'Acme ({key})' for key in keys), *names]!r}]"
    found = inspected(install(), asked)
    assert found == [True] * 2 * len(keys) + [False] * len(names)

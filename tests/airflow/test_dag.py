"""The DAG, run task by task as `airflow dags test` does, from the sandbox into a real Postgres."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import subprocess
import uuid
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.airflow.conftest import HOST, WORKSPACES
from tests.airflow.installation import AIRFLOW, ROOT, Installation, state_id
from tests.support import traces
from tests.warehouse.postgres import PASSWORD
from tools.demo.paths import SCHEMAS

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
    """Evaluate an expression about the DAG's module in Airflow's environment."""
    modules = "import json, os, instantly; from instantly_loads import groups, load, workspaces"
    program = f"{modules}; print('\\n' + json.dumps({expression}))"
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


def test_stream_groups_do_not_overlap_and_fit_the_rate_limit(install: Install) -> None:
    found = inspected(install(), f"[(group.name, group.streams, group.requests) for group in {ALL_GROUPS}]")
    patterns = [pattern for _, streams, _ in found for pattern in streams]
    matches = {stream: sum(fnmatch(stream, pattern) for pattern in patterns) for stream in STREAMS}
    assert set(matches.values()) == {0, 1}
    assert [pattern for pattern in patterns if not any(fnmatch(stream, pattern) for stream in STREAMS)] == []
    assert [name for name, streams, _ in found if not streams] == ["lists"]  # which takes the rest
    assert sum(requests for *_, requests in found) <= 90


def test_retry_waits_until_meltano_has_released_the_lost_run(install: Install) -> None:
    installation = install()
    program = "from meltano.core.job import job; print(job.HEARTBEAT_VALID_MINUTES)"
    meltano = ROOT / ".venv-meltano" / "bin" / "python"
    minutes = subprocess.run([str(meltano), "-c", program], capture_output=True, text=True, check=True).stdout
    del installation.variables["INSTANTLY_RETRY_SECONDS"]
    assert inspected(installation, "instantly.RETRY_DELAY.total_seconds()") > 60 * int(minutes)


def test_all_workspaces_are_loaded_and_the_next_run_resumes(
    install: Install, agency: Server, keys: dict[str, str]
) -> None:
    installation = install()
    first = installation.run()
    for stream in ("campaigns", "leads", "lead_lists"):
        assert installation.ids(stream) == ids_in(agency, stream), stream
    assert len(installation.rows("campaign_analytics_daily")) > 0
    groups = ("leads", "analytics", "lists")
    assert set(installation.states()) == {state_id(name, group) for name in WORKSPACES for group in groups}
    assert "Installing" not in first
    added = {row["id"] for name in WORKSPACES for row in agency.control.within(name).add_leads(2)}
    second = installation.run(ONLY_LEADS)
    assert installation.ids("leads") == ids_in(agency, "leads")
    assert added <= set(installation.ids("leads"))
    written = installation.written() + first + second
    # The other keys contain workspace names, which are not secret.
    assert traces(keys["main"], written) == []
    assert [name for name, key in keys.items() if key in written] == []


def test_target_dlt_loads_postgres_and_resumes_from_its_own_state(install: Install, agency: Server) -> None:
    installation = install()
    address = f"postgresql://postgres:{PASSWORD}@{HOST}:{installation.postgres.port}/{installation.database}"
    by_dlt = {"TARGET_DLT_DESTINATION": "postgres", "TARGET_DLT_CREDENTIALS": address}
    installation.variables |= {"INSTANTLY_LOADER": "target-dlt", "MELTANO_ENVIRONMENT": "dev", **by_dlt}
    for _ in range(2):
        said = installation.run(ONLY_LEADS)
        assert installation.ids("leads") == ids_in(agency, "leads")
        for name in WORKSPACES:
            agency.control.within(name).add_leads(2)
    assert set(installation.states()) == {f"dev:target-dlt:{name}:leads" for name in WORKSPACES}
    assert PASSWORD not in installation.written() + said
    command = inspected(installation, "instantly.transform.function()")
    assert " DBT_TARGET=postgres DBT_INSTANTLY_SCHEMA=instantly " in command


def test_only_streams_and_properties_selected_in_the_project_are_loaded(install: Install, agency: Server) -> None:
    installation = install()
    installation.select("block_list_entries.*", "!leads.payload", "emails.*", "!emails.body")
    for dag, conf in (("instantly", {"groups": ["leads", "lists"]}), ("instantly_emails", {})):
        installation.run({**conf, "workspaces": ["main"]}, dag=dag)
    for stream in ("leads", "emails", "block_list_entries"):
        assert installation.ids(stream) == ids_in(agency, stream, ["main"]), stream
    assert "payload" not in installation.rows("leads")[0]
    assert "body" not in installation.rows("emails")[0]


def test_second_environment_has_its_own_schema_and_full_load(install: Install, agency: Server) -> None:
    installation = install()
    chosen = {**ONLY_LEADS, "workspaces": ["main"]}
    installation.run(chosen)
    installation.run(chosen, MELTANO_ENVIRONMENT="dev")
    for schema in ("instantly", "instantly_dev"):
        assert installation.ids("leads", schema) == ids_in(agency, "leads", ["main"]), schema
    assert set(installation.states()) == {state_id("main", "leads", name) for name in ("prod", "dev")}


def test_state_ids_differ_by_loader_and_name_and_fit_a_file_name(install: Install) -> None:
    installation = install()
    names = ["Harbor & Loom", "a/b", "a:b", "a%2Fb"]
    names += [letter * 300 + end for letter in ("x", "%", "\N{CJK UNIFIED IDEOGRAPH-4E00}") for end in ("", "1", "2")]
    asked = f"[groups.state_id('leads', name) for name in {names}]"
    found = inspected(installation, asked)
    installation.variables["INSTANTLY_LOADER"] = "target-snowflake"
    found += inspected(installation, asked)
    assert len(set(found)) == 2 * len(names)
    assert {id_.count(":") for id_ in found} == {3}
    assert max(map(len, found)) < 200


def test_activate_version_of_one_workspace_deletes_no_rows_of_another(install: Install, agency: Server) -> None:
    installation = install()
    (installation.project / ".env").write_text("TAP_INSTANTLY_EMIT_ACTIVATE_VERSION_MESSAGES=true\n", encoding="utf-8")
    two = ["main", "workspace-002"]
    installation.run({"groups": ["lists"], "workspaces": two})
    assert installation.ids("lead_lists") == ids_in(agency, "lead_lists", two)


def test_bad_key_fails_only_its_workspace_then_the_run(
    install: Install, agency: Server, keys: dict[str, str], tmp_path: Path
) -> None:
    installation = install({**keys, "workspace-002": BAD_KEY})
    agency.control.within("workspace-003").fault("/api/v2/leads/list", "status", status=400, count=1)
    dbt, built = tmp_path / "dbt", tmp_path / "built"
    dbt.write_text(f'#!/bin/sh\necho $DBT_TARGET $DBT_INSTANTLY_SCHEMA "$@" >> {built}\n', encoding="utf-8")
    dbt.chmod(0o755)
    (installation.project / "transform").mkdir()
    (installation.project / "transform" / "dbt_project.yml").touch()
    said = installation.run(ONLY_LEADS, DBT_EXECUTABLE=str(dbt), fails=True)
    assert "1 loads failed: leads[workspace-002]" in said
    assert installation.ids("leads") == ids_in(agency, "leads", ("main", "workspace-003"))
    transform = installation.project / "transform"
    where = f"--project-dir {transform} --profiles-dir {transform}"
    assert built.read_text("utf-8") == f"postgres instantly build {where}\n"
    assert installation.runs(state_id("workspace-002", "leads")) == ["FAIL"]
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


def test_workspace_name_may_be_any_text_and_stays_out_of_the_command(install: Install) -> None:
    names = ["Acme {#1}", "{{ 7*7 }}", "{% raw %}{{{", 'O\'Hara \\ "Sons" $HOME `id`']
    run = "[groups.EMAILS], groups.state_id('emails', name), 'a-run'"
    workspace = "[{'name': name, 'api_key_env': 'KEY_0'}]"
    inherited = f"load.environment({workspace}, [], 'a-state')['TAP_INSTANTLY_WORKSPACES']"
    asked = f"[(load.command({run}, full_refresh=False), {inherited}) for name in {names}]"
    for name, (command, given) in zip(names, inspected(install(), asked), strict=True):
        assert json.loads(given) == [{"name": name, "api_key_env": "KEY_0"}]
        assert not any("KEY_0" in word for word in command)
        assert f"--state-id={state_id(quote(name, safe=''), 'emails')}" in command


def test_no_model_is_built_after_an_empty_load_and_the_run_fails(install: Install, tmp_path: Path) -> None:
    installation = install({"main": BAD_KEY})
    (installation.project / "transform").mkdir()
    (installation.project / "transform" / "dbt_project.yml").touch()
    said = installation.run(ONLY_LEADS, DBT_EXECUTABLE="/bin/false", fails=True)
    assert "nothing was loaded; failed: leads[main]" in said
    assert "/bin/false build" not in said


def test_run_conf_selects_workspaces_and_full_refresh_and_ids_survive_renames(install: Install, agency: Server) -> None:
    installation = install()
    chosen = {**ONLY_LEADS, "workspaces": ["workspace-003"]}
    installation.run(chosen)
    assert installation.ids("leads") == ids_in(agency, "leads", ["workspace-003"])
    installation.postgres.execute("delete from instantly.leads", installation.database)
    # A workspace with a new name, of any length, goes on under its id.
    renamed = "\N{LATIN CAPITAL LETTER U WITH DIAERESIS}" * 300
    entries = json.loads(installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"])
    entries[2] |= {"name": renamed, "id": "workspace-003"}
    installation.variables["AIRFLOW_VAR_INSTANTLY_WORKSPACES"] = json.dumps(entries)
    chosen["workspaces"] = [renamed]
    installation.run(chosen)
    assert len(installation.ids("leads")) < 60
    assert {row["workspace_name"] for row in installation.rows("leads")} <= {renamed}
    installation.run({**chosen, "full_refresh": True})
    assert installation.ids("leads") == ids_in(agency, "leads", ["workspace-003"])


KEY = "aWQ6Zm9yLXRlc3RzOnNlY3JldA=="
"""A key given instead of the name of its variable."""

PLAIN = "for-tests-a-secret-in-words"
"""A key that does not look like one."""

LIKE_A_NAME = "Zm9yX3Rlc3RzX3NlY3JldF9vbmx5"
"""A key that looks like the name of a variable."""


def named(**variables: Any) -> list[dict[str, Any]]:
    return [{"name": name, "api_key_env": variable} for name, variable in variables.items()]


WRONG: dict[str, tuple[Any, str]] = {
    "none": ([], "must be a JSON list of objects"),
    "a key alone": (KEY, "must be a JSON list of objects"),
    "with a key": ([{"name": "main", "api_key": KEY}], "workspace 1 of {} needs a name and an api_key_env"),
    "a key for a name": ([{"name": [KEY], "api_key_env": "KEY_0"}], "1 of {} has a name that is not a non-empty"),
    "a key for a variable": (named(a="KEY_0", b=KEY), "workspace 2 of {} has an api_key_env that is not a variable"),
    "keys for a variable": (named(a=[KEY]), "workspace 1 of {} has an api_key_env that is not a variable"),
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
    "a strict in words": (
        [{"name": "a", "api_key_env": "KEY_0", "strict": "no"}],
        "1 of {} has a strict that is neither",
    ),
    "an id twice": (
        [{"name": "a", "api_key_env": "KEY_0"}, {"name": "b", "api_key_env": "KEY_1", "id": "a"}],
        "two workspaces of {} have the same id",
    ),
    "a key for an id": ([{"name": "a", "api_key_env": "KEY_9", "id": KEY}], "1 of {} has an id that looks like a key"),
    "two lines": (named(**{"Acme\nInc": "KEY_0"}), "1 of {} has a name that is not one line of text"),
    "a key in a name": (named(**{"KEY_0": "KEY_0", f"of {PLAIN}": "KEY_OWN"}), "key of workspace 2 of {} appears in"),
}


def test_invalid_workspace_list_is_refused_without_repeating_a_key(install: Install, keys: dict[str, str]) -> None:
    installation = install()
    installation.variables.update(KEY_SAME=keys["workspace-002"], KEY_OWN=PLAIN, KEY_LINE=f"{keys['workspace-002']}\n")
    lists = [given for given, _ in WRONG.values()]
    found = inspected(installation, f"[next(workspaces.objections(given), '') for given in {lists!r}]")
    for (_, complaint), said in zip(WRONG.values(), found, strict=True):
        assert complaint.format("instantly_workspaces") in said
        assert traces(KEY, said) == []
        assert traces(PLAIN, said) == []
    good = named(KEYSTONE="KEY", b="KEY_0", c="KEY_1")
    assert inspected(installation, f"list(workspaces.objections({good!r}))") == []


@pytest.mark.parametrize("given", [KEY, json.dumps(named(main="KEY_0", other=KEY))], ids=["alone", "for a variable"])
def test_key_in_place_of_a_name_fails_without_leaking(install: Install, given: str) -> None:
    installation = install()
    said = installation.run(AIRFLOW_VAR_INSTANTLY_WORKSPACES=given, fails=True)
    assert re.search("instantly_workspaces (has|must)", said)
    assert traces(KEY, installation.written() + said) == []


def test_key_that_resembles_a_variable_name_does_not_leak(install: Install) -> None:
    installation = install()
    given = json.dumps(named(main=LIKE_A_NAME))
    said = installation.run(ONLY_LEADS, AIRFLOW_VAR_INSTANTLY_WORKSPACES=given, fails=True)
    assert "'main' has an api_key_env that names an unset or empty variable" in said
    assert traces(LIKE_A_NAME, installation.written() + said) == []


def test_unknown_workspace_fails_the_run_without_retry(install: Install) -> None:
    installation = install()
    asked = f"[instantly.plan.function(['leads'], dict(workspaces=given)) for given in {[['main'], []]!r}]"
    assert inspected(installation, asked) == [[["main"]], [[name] for name in WORKSPACES]]
    said = installation.run({**ONLY_LEADS, "workspaces": ["main", PLAIN]}, fails=True)
    (why,) = {line.partition("workspaces has ")[2] for line in said.splitlines()} - {""}
    assert why.startswith("names that are not in instantly_workspaces: 2 of the list")


def keys_like_the_apis(number: int) -> list[str]:
    """Generate base64 of id and secret in either alphabet, and strings that are only long."""
    rng = random.Random(11)
    letters = string.ascii_letters + string.digits
    texts = [f"{uuid.UUID(int=rng.getrandbits(128))}:{''.join(rng.choices(letters, k=12))}" for _ in range(number)]
    plain = [base64.b64encode(text.encode()).decode() for text in texts]
    long = ["".join(rng.choices(letters, k=48)) for _ in range(number)]
    return [*plain, *(key.rstrip("=").translate(str.maketrans("+/", "-_")) for key in plain), *long]


def test_names_that_look_like_keys_are_detected(install: Install) -> None:
    keys = keys_like_the_apis(40)
    names = ["Harbor & Loom", "acme-international-holdings-workspace-number-12", "InternationalHoldingsOfSouthAmerica"]
    names += [
        "3f2b8c1e-6a1d-4b7e-9f00-5d2c8e1a7b44",
        "ACME2026",
        "Müller und Söhne, Vertrieb Süd",
        "北京国际贸易有限公司第一工作区",
    ]
    names += ["main", "workspace-002", "clients/harbor-and-loom/outbound/2026/europe"]
    asked = f"[workspaces.looks_like_a_key(name) for name in {[*keys, *(f'Acme ({key})' for key in keys), *names]!r}]"
    found = inspected(install(), asked)
    assert found == [True] * 2 * len(keys) + [False] * len(names)

"""Every workspace of an agency into the warehouse: one isolated Meltano run for each workspace and group of streams.

See docs/airflow.md. No API key passes through Airflow: it is told the names of the variables that hold them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow.sdk import Param, TriggerRule, Variable, dag, task, task_group
from airflow.sdk.exceptions import AirflowFailException

PROJECT = Path(os.environ.get("MELTANO_PROJECT_ROOT") or Path(__file__).parents[2])
MELTANO = os.environ.get("MELTANO_EXECUTABLE") or str(PROJECT / ".venv-meltano" / "bin" / "meltano")
LOADER = os.environ.get("INSTANTLY_LOADER") or "target-postgres"
ENVIRONMENT = os.environ.get("MELTANO_ENVIRONMENT") or "prod"
DBT = os.environ.get("DBT_EXECUTABLE") or str(PROJECT / ".venv-dbt" / "bin" / "dbt")
DBT_PROJECT = PROJECT / "transform"
# Where the loads go, as meltano.yml has it: a schema for each of its environments.
DBT_SETTINGS = {
    "DBT_TARGET": LOADER.removeprefix("target-"),
    "DBT_INSTANTLY_SCHEMA": "instantly" if ENVIRONMENT == "prod" else "instantly_dev",
}

# Meltano takes a run that vanished for one that is under way for 5 minutes, and starts no other with its state so long.
RETRY_DELAY = timedelta(seconds=float(os.environ.get("INSTANTLY_RETRY_SECONDS") or 360))


@dataclass(frozen=True)
class Group:
    """Streams that one run reads.

    Attributes:
        name: Part of the state's id: with another name the group starts from the beginning.
        streams: Patterns of names. What the project selects of them is read; of a group without any, what it selects
            and no other group has.
        requests: A second, to one workspace. The groups of a workspace run side by side with one key, which is good for
            100 in all.
        pool: Of Airflow: how many of these runs there may be at once, whichever the workspace.
    """

    name: str
    requests: int
    streams: tuple[str, ...] = ()
    pool: str = "instantly"


GROUPS = (
    Group("leads", 50, ("leads",)),
    Group(
        "analytics", 20, ("campaign_analytics*", "subsequence_analytics*", "account_analytics_daily", "account_warmup*")
    ),
    Group("lists", 15),
)
EMAILS = Group("emails", 5, ("emails",), pool="instantly_emails")
"""The API gives 20 pages of e-mails a minute: hours at first. They have a DAG of their own, for which neither the
models nor the next run of the other has to wait."""


def known_workspaces() -> list[dict[str, str]]:
    """The workspaces of the variable `instantly_workspaces`, each with a ``name`` and ``api_key_env``.

    Raises:
        AirflowFailException: It holds something else, which is not repeated: it could be a key.
    """
    given: Any = Variable.get("instantly_workspaces", deserialize_json=True)
    if not isinstance(given, list) or not given:
        message = "the variable instantly_workspaces has to be a list of workspaces"
        raise AirflowFailException(message)
    for number, entry in enumerate(given, start=1):
        if not isinstance(entry, dict) or set(entry) != {"name", "api_key_env"}:
            message = f"workspace {number} of instantly_workspaces needs a name and an api_key_env, and nothing else"
            raise AirflowFailException(message)
    workspaces: list[dict[str, str]] = given
    if len({entry["name"] for entry in workspaces}) < len(workspaces):
        message = "two workspaces of instantly_workspaces have the same name"
        raise AirflowFailException(message)
    return workspaces


@task
def plan(group: str, params: dict[str, Any]) -> list[dict[str, str]]:
    """The workspaces to read a group of: all that there are, unless whoever triggered the run has chosen some."""
    workspaces = known_workspaces()
    unknown = set(params["workspaces"]) - {entry["name"] for entry in workspaces}
    if unknown:
        message = f"there is no workspace {', '.join(sorted(unknown))} in instantly_workspaces"
        raise AirflowFailException(message)
    if group not in (params.get("groups") or [group]):
        return []
    return [entry for entry in workspaces if entry["name"] in (params["workspaces"] or [entry["name"]])]


@task.bash(
    cwd=str(PROJECT),
    append_env=True,
    do_xcom_push=False,
    map_index_template="{{ task.op_kwargs['workspace']['name'] }}",
    retries=3,
    retry_delay=RETRY_DELAY,
    retry_exponential_backoff=True,
    max_retry_delay=timedelta(hours=1),
    # What was loaded until then stays loaded, and the retry goes on from there.
    execution_timeout=timedelta(hours=6),
)
def load(group: str, workspace: dict[str, str], params: dict[str, Any]) -> str:
    """The command of one run.

    `meltano el` keeps the files of a run apart by its state id; `meltano run` does not (by `--state-id-suffix`), and
    hands one workspace the bookmarks of another where several run at once.
    """
    (chosen,) = (one for one in (*GROUPS, EMAILS) if one.name == group)
    settings = {
        "NO_COLOR": "1",
        "TAP_INSTANTLY_WORKSPACES": plain_json([workspace]),
        "TAP_INSTANTLY_MAX_REQUESTS_PER_SECOND": str(chosen.requests),
        # Each run would delete what those of the other workspaces have loaded.
        "TAP_INSTANTLY_EMIT_ACTIVATE_VERSION_MESSAGES": "false",
    }
    # Meltano hangs where nobody reads its log any more: it outlives a killed worker, and no retry is let in beside it.
    guard = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []
    command = ["exec", *guard, "env", "-u", "TAP_INSTANTLY_API_KEY"]
    command += [f"{name}={value}" for name, value in settings.items()]
    command += [MELTANO, f"--environment={ENVIRONMENT}", "el", "tap-instantly", LOADER, *filters(chosen)]
    # Several loads at once would build the same environments.
    command += ["--no-install", f"--state-id={state_id(workspace['name'], group)}"]
    return shlex.join(command + ["--full-refresh"] * params["full_refresh"])


def plain_json(value: object) -> str:
    """JSON in which Jinja finds nothing of its own: Airflow takes the command for a template of it."""
    return re.sub(r"\{(?=[{%#])", r"\\u007b", json.dumps(value))


def filters(group: Group) -> list[str]:
    """The options with which Meltano reads of what the project selects only what is a group's, columns as they are."""
    if group.streams:
        return [f"--select={stream}" for stream in group.streams]
    return [f"--exclude={stream}" for other in (*GROUPS, EMAILS) for stream in other.streams]


def state_id(workspace: str, group: str) -> str:
    """Under which the state of a load is kept: another environment or loader is another warehouse, and starts anew."""
    return f"{ENVIRONMENT}:{LOADER}:{quote(workspace, safe='')}:{group}"


@task(trigger_rule=TriggerRule.ALL_DONE)
def tally(ti: Any, run_id: str) -> list[str]:  # noqa: ANN401 - Airflow exports no type of it
    """The loads that failed; that of a workspace as `emails[Harbor & Loom]`.

    Raises:
        AirflowFailException: None succeeded.
    """
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[run_id])[run_id]
    failed, loaded = [], 0
    for group in GROUPS:
        names = [workspace["name"] for workspace in ti.xcom_pull(task_ids=f"{group.name}.plan") or []]
        outcomes = [states.get(f"{group.name}.load_{index}") for index in range(len(names))]
        loaded += outcomes.count("success")
        failed += [f"{group.name}[{name}]" for name, state in zip(names, outcomes, strict=True) if state != "success"]
        if states.get(f"{group.name}.plan") != "success":
            failed.append(f"{group.name}.plan")
    if not loaded:
        message = f"nothing was loaded; failed: {', '.join(failed) or 'nothing, since nothing was to be loaded'}"
        raise AirflowFailException(message)
    return failed


@task.bash(cwd=str(PROJECT), append_env=True, do_xcom_push=False, retries=1, retry_delay=timedelta(minutes=1))
def transform() -> str:
    """Build the models, once, from what has been loaded."""
    settings = [f"{name}={os.environ.get(name) or default}" for name, default in DBT_SETTINGS.items()]
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    return shlex.join(["exec", "env", *settings, DBT, "build", *folders])


@task
def verdict(failed: list[str]) -> None:
    """Fail the run if any load did: the last task decides what becomes of a run."""
    if failed:
        message = f"{len(failed)} loads failed: {', '.join(failed)}"
        raise AirflowFailException(message)


def load_group(group: Group) -> Any:  # noqa: ANN401 - what Airflow makes of it
    """The tasks of a group: which workspaces there are, and a load of each."""

    @task_group(group_id=group.name)
    def tasks() -> Any:  # noqa: ANN401 - likewise
        return load.override(pool=group.pool).partial(group=group.name).expand(workspace=plan(group.name))

    return tasks()


COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    # A second run would find the states of the first in use.
    "max_active_runs": 1,
    "tags": ["instantly"],
    "doc_md": __doc__,
}
PARAMS = {
    "workspaces": Param([], type="array", items={"type": "string"}, description="Names; none for all."),
    "full_refresh": Param(default=False, type="boolean", description="Forget the bookmarks and read everything."),
}
NAMES = [group.name for group in GROUPS]


@dag(
    schedule="@daily",
    **COMMON,
    params={**PARAMS, "groups": Param([], type="array", items={"enum": NAMES}, description="None for all.")},
)
def instantly() -> None:
    """Load every group of every workspace, transform what came, and say what failed."""
    loads = [load_group(group) for group in GROUPS]
    failed = tally()
    loads >> failed
    last = verdict(failed)
    if (DBT_PROJECT / "dbt_project.yml").is_file():
        failed >> transform() >> last


@dag(schedule="@daily", **COMMON, params=PARAMS)
def instantly_emails() -> None:
    """Load the e-mails of every workspace; the models are built by the next run of the other DAG."""
    load_group(EMAILS)


instantly()
instantly_emails()

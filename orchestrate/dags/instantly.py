"""Every workspace of an agency into the warehouse: one isolated Meltano run for each workspace and group of streams.

See docs/airflow.md. No API key passes through Airflow: it is told the names of the variables that hold them, and hands
on the names of workspaces alone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Param, TriggerRule, Variable, dag, task, task_group
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(os.environ.get("MELTANO_PROJECT_ROOT") or Path(__file__).parents[2])
MELTANO = os.environ.get("MELTANO_EXECUTABLE") or str(PROJECT / ".venv-meltano" / "bin" / "meltano")
LOADER = os.environ.get("INSTANTLY_LOADER") or "target-postgres"
ENVIRONMENT = os.environ.get("MELTANO_ENVIRONMENT") or "prod"
DBT = os.environ.get("DBT_EXECUTABLE") or str(PROJECT / ".venv-dbt" / "bin" / "dbt")
DBT_PROJECT = PROJECT / "transform"
# Where the loads go, as meltano.yml has it: a schema for each of its environments; target-dlt has one of one name.
BY_DLT = LOADER == "target-dlt"
DBT_SETTINGS = {
    "DBT_TARGET": (os.environ.get("TARGET_DLT_DESTINATION") or "duckdb") if BY_DLT else LOADER.removeprefix("target-"),
    "DBT_INSTANTLY_SCHEMA": "instantly" if ENVIRONMENT == "prod" or BY_DLT else "instantly_dev",
}

WORKSPACES = "instantly_workspaces"
"""Airflow's variable that names the workspaces, and the variables of the environment that hold their keys."""

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHORTEST_KEY = 8
WORD = re.compile(r"[A-Za-z0-9+/_-]{16,}")
RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9+/]{40,}")

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


def known_workspaces() -> dict[str, dict[str, str]]:
    """The workspaces of the variable `instantly_workspaces` by name, each with a ``name`` and an ``api_key_env``.

    Raises:
        AirflowFailException: It holds something else, which is not repeated: it could be a key.
    """
    try:
        given: Any = json.loads(Variable.get(WORKSPACES))
    except (ValueError, RecursionError):
        given = None
    if objection := next(objections(given), None):
        raise AirflowFailException(objection)
    return {entry["name"]: entry for entry in given}


def objections(given: Any) -> Iterator[str]:  # noqa: ANN401 - whatever somebody has typed
    """Say what is wrong with a list of workspaces, by their numbers; what follows the first may not hold."""
    if not isinstance(given, list) or not given:
        yield f"the variable {WORKSPACES} has to be a list of workspaces"
    for number, entry in enumerate(given, start=1):
        where = f"workspace {number} of {WORKSPACES}"
        if not isinstance(entry, dict) or set(entry) != {"name", "api_key_env"}:
            yield f"{where} needs a name and an api_key_env, and nothing else"
        if odd := oddity(entry["name"]):
            yield f"{where} has a name that {odd}"
        if not isinstance(entry["api_key_env"], str) or not VARIABLE_NAME.fullmatch(entry["api_key_env"]):
            yield f"{where} has an api_key_env that cannot be the name of a variable: a key itself does not go there"
    if len({entry["name"] for entry in given}) < len(given):
        yield f"two workspaces of {WORKSPACES} have the same name"
    yield from objections_to_keys(given)


def objections_to_keys(given: list[dict[str, str]]) -> Iterator[str]:
    """Say which workspaces have the same key, or have one in a name."""
    first: dict[str, int] = {}
    for number, entry in enumerate(given, start=1):
        # Known where the variables are those of the loads; a line end comes with many a file that it is read from.
        key = os.environ.get(entry["api_key_env"], "").strip()
        if len(key) >= SHORTEST_KEY and any(key in other["name"] for other in given):
            yield f"the key of workspace {number} of {WORKSPACES} is in the name of one"
        same = first.setdefault(key or entry["api_key_env"], number)
        if same != number:
            yield f"workspaces {same} and {number} of {WORKSPACES} have the same key"


def oddity(name: Any) -> str:  # noqa: ANN401 - likewise
    """Say what is wrong with a name; nothing if it can be one."""
    if not isinstance(name, str) or not name:
        return "is no text, or an empty one"
    if not name.isprintable():
        return "is not one line of text"
    return "looks like a key: names are shown, and stored where no key may be" if looks_like_a_key(name) else ""


def looks_like_a_key(text: str) -> bool:
    """Tell whether some of it is base64 of a text, as the keys of the API are, or long and of no language."""
    for word in WORD.findall(text):
        padded = word.translate(str.maketrans("-_", "+/")) + "=" * (-len(word) % 4)
        with contextlib.suppress(ValueError):
            if base64.b64decode(padded, validate=True).decode("ascii").isprintable():
                return True
    return RANDOM.search(text) is not None


@task
def plan(group: str, params: dict[str, Any]) -> list[str]:
    """The names of the workspaces to read a group of: all, unless whoever triggered the run has chosen some."""
    names = list(known_workspaces())
    unknown = [str(number) for number, name in enumerate(params["workspaces"], start=1) if name not in names]
    if unknown:  # not repeated: one could be a key
        message = f"the parameter workspaces has names that are not in {WORKSPACES}: {', '.join(unknown)} of the list"
        raise AirflowFailException(message)
    if group not in (params.get("groups") or [group]):
        return []
    return [name for name in names if name in (params["workspaces"] or names)]


@task.bash(
    cwd=str(PROJECT),
    append_env=True,
    do_xcom_push=False,
    map_index_template="{{ task.op_kwargs['workspace'] }}",
    retries=3,
    retry_delay=RETRY_DELAY,
    retry_exponential_backoff=True,
    max_retry_delay=timedelta(hours=1),
    # What was loaded until then stays loaded, and the retry goes on from there.
    execution_timeout=timedelta(hours=6),
)
def load(group: str, workspace: str, params: dict[str, Any]) -> str:
    """The command of one run.

    `meltano el` keeps the files of a run apart by its state id; `meltano run` does not (by `--state-id-suffix`), and
    hands one workspace the bookmarks of another where several run at once.
    """
    (chosen,) = (one for one in (*GROUPS, EMAILS) if one.name == group)
    settings = {
        "NO_COLOR": "1",
        "TAP_INSTANTLY_MAX_REQUESTS_PER_SECOND": str(chosen.requests),
        # Each run would delete what those of the other workspaces have loaded.
        "TAP_INSTANTLY_EMIT_ACTIVATE_VERSION_MESSAGES": "false",
    }
    # Inherited and not on the command line, which Airflow logs and stores and every user of the machine can see: what
    # is taken for the name of a variable may be a key.
    os.environ["TAP_INSTANTLY_WORKSPACES"] = json.dumps([known_workspaces()[workspace]])
    # Meltano hangs where nobody reads its log any more: it outlives a killed worker, and no retry is let in beside it.
    guard = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []
    command = ["exec", *guard, "env", "-u", "TAP_INSTANTLY_API_KEY"]
    command += [f"{name}={value}" for name, value in settings.items()]
    command += [MELTANO, f"--environment={ENVIRONMENT}", "el", "tap-instantly", LOADER, *filters(chosen)]
    # Several loads at once would build the same environments.
    command += ["--no-install", f"--state-id={state_id(workspace, group)}"]
    return shlex.join(command + ["--full-refresh"] * params["full_refresh"])


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
        names = ti.xcom_pull(task_ids=f"{group.name}.plan") or []
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

"""Load every workspace of an agency, build the models, and report failures.

See docs/airflow.md. No API key passes through Airflow. The DAG knows only the names of the environment variables that
hold the keys, and passes only names of workspaces to its tasks.
"""

from __future__ import annotations

import os
import shlex
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Param, TriggerRule, dag, task, task_group
from airflow.sdk.exceptions import AirflowFailException

# Airflow puts the DAGs folder on the path, which may be above this one, and not for all of its commands.
sys.path.append(str(Path(__file__).parent))

from instantly_loads.groups import APART, EMAILS, ENVIRONMENT, GROUPS, LOADER, MODE, TOGETHER, UNITS
from instantly_loads.load import DELETIONS, PROJECT, Load, marks_deletions
from instantly_loads.workspaces import VARIABLE, known_workspaces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from instantly_loads.groups import Group

DBT = os.environ.get("DBT_EXECUTABLE") or str(PROJECT / ".venv-dbt" / "bin" / "dbt")
DBT_PROJECT = PROJECT / "transform"
# Loader schemas by environment, as in meltano.yml. target-dlt uses one name for all environments.
BY_DLT = LOADER == "target-dlt"
DBT_SETTINGS = {
    "DBT_TARGET": (os.environ.get("TARGET_DLT_DESTINATION") or "duckdb") if BY_DLT else LOADER.removeprefix("target-"),
    "DBT_INSTANTLY_SCHEMA": "instantly" if ENVIRONMENT == "prod" or BY_DLT else "instantly_dev",
}

LOADED = Asset("instantly_loaded")
EMAILS_LOADED = Asset("instantly_emails_loaded")
MARTS = Asset("instantly_marts")
"""Assets for the schedules of other DAGs. The events of the first two list the loads that failed."""

PARAMS = {
    "workspaces": Param([], type="array", items={"type": "string"}, description="Names; none for all."),
    "full_refresh": Param(default=False, type="boolean", description="Forget the bookmarks and read everything."),
}
ALL_PARAMS = {
    **PARAMS,
    "groups": Param([], type="array", items={"enum": [group.name for group in GROUPS]}, description="None for all."),
}
if MODE == TOGETHER:
    ALL_PARAMS["deletions"] = Param(
        default=False, type="boolean", description="Read leads, campaigns, accounts in full; mark deleted records."
    )

# A run that died keeps Meltano's state lock for 5 minutes, so an earlier retry would fail.
RETRY_DELAY = timedelta(seconds=float(os.environ.get("INSTANTLY_RETRY_SECONDS") or 360))


def objection_to(params: Mapping[str, Any], names: Sequence[str]) -> str:
    """Describe the first error in the parameters of a run, without their values: one may be a key. Empty if valid."""
    if set(params) - set(ALL_PARAMS):
        return f"unknown parameter in --conf; allowed: {', '.join(ALL_PARAMS)}"
    unknown = [str(number) for number, name in enumerate(params["workspaces"], start=1) if name not in names]
    if unknown:
        return f"the parameter workspaces has names that are not in {VARIABLE}: {', '.join(unknown)} of the list"
    if params.get("deletions") and params["workspaces"]:
        return "deletions need all workspaces: remove `workspaces` from --conf"
    if params.get("deletions") and not marks_deletions():
        return f"{DELETIONS} is off, as it is by default with target-snowflake: see docs/snowflake.md"
    return ""


@task
def plan(groups: list[str], params: dict[str, Any]) -> list[list[str]]:
    """Return the names of the workspaces of each load: all, unless the run was triggered with a selection."""
    names = list(known_workspaces())
    if objection := objection_to(params, names):
        raise AirflowFailException(objection)
    if not set(groups) & set(params.get("groups") or groups):
        return []
    chosen = [name for name in names if name in (params["workspaces"] or names)]
    return [[name] for name in chosen] if MODE == APART else [chosen]


@task(trigger_rule=TriggerRule.ALL_DONE)
def tally(units: list[str], ti: Any, run_id: str, outlet_events: Any) -> list[str]:  # noqa: ANN401 - Airflow's own
    """Return the failed loads with their reasons, those of a workspace as `emails[Harbor & Loom]`.

    Raises:
        AirflowFailException: Nothing was loaded.
    """
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[run_id])[run_id]
    failed, has_loaded = [], False
    for unit in units:
        planned = ti.xcom_pull(task_ids=f"{unit}.plan") or []
        indexes = list(range(len(planned)))
        endings = ti.xcom_pull(task_ids=f"{unit}.load", key="ending", map_indexes=indexes) if planned else []
        for index, names, ending in zip(indexes, planned, endings, strict=True):
            has_loaded = has_loaded or bool(ending and ending["loaded"])
            if states.get(f"{unit}.load_{index}") != "success":
                load = f"{unit}[{names[0]}]" if MODE == APART else unit
                failed.append(f"{load} ({ending['reason']})" if ending and ending["reason"] else load)
        if states.get(f"{unit}.plan") != "success":
            failed.append(f"{unit}.plan")
    if not has_loaded:
        nothing = "nothing to load: --conf selects no group of this DAG"
        raise AirflowFailException(f"nothing was loaded; failed: {', '.join(failed)}" if failed else nothing)
    for asset in ti.task.outlets:
        outlet_events[asset].extra = {"failed": failed}
    return failed


@task.bash(
    cwd=str(PROJECT), append_env=True, do_xcom_push=False, retries=1, retry_delay=timedelta(minutes=1), outlets=[MARTS]
)
def transform() -> str:
    """Build the models once, after all loads."""
    settings = [f"{name}={os.environ.get(name) or default}" for name, default in DBT_SETTINGS.items()]
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    return shlex.join(["exec", "env", *settings, DBT, "build", *folders])


@task
def verdict(failed: list[str]) -> None:
    """Fail the run if any load failed. Airflow derives the state of a run from its last task."""
    if failed:
        message = f"{len(failed)} loads failed: {', '.join(failed)}"
        raise AirflowFailException(message)


def load(unit: str, groups: Sequence[Group]) -> Any:  # noqa: ANN401 - Airflow exports no type of it
    """Create the tasks of a unit: one that lists the workspaces, and one mapped task for each load."""

    @task_group(group_id=unit)
    def tasks() -> Any:  # noqa: ANN401 - as above
        names = [group.name for group in groups]
        return Load.partial(
            task_id="load",
            unit=unit,
            groups=names,
            pool=groups[0].pool,
            map_index_template="{{ task.label }}",
            retries=3,
            retry_delay=RETRY_DELAY,
            retry_exponential_backoff=True,
            max_retry_delay=timedelta(hours=1),
            # Loaded rows stay, and the retry resumes after them.
            execution_timeout=timedelta(hours=6),
        ).expand(workspaces=plan(names))

    return tasks()


def load_and_tally(units: Mapping[str, Sequence[Group]], outlet: Asset) -> Any:  # noqa: ANN401 - as above
    """Create the tasks of all units, and the one that lists the failed loads."""
    failed = tally.override(outlets=[outlet])(list(units))
    [load(unit, groups) for unit, groups in units.items()] >> failed
    return failed


COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    # A second run would find the states of the first one locked. A backfill ignores the limit, and has nothing to fill:
    # every run reads all changes since the last one.
    "max_active_runs": 1,
    "allowed_run_types": ["scheduled", "manual", "operator_triggered", "asset_triggered", "asset_materialization"],
    # A worker can die during any task. What is wrong with the settings fails at once.
    "default_args": {"retries": 2, "retry_delay": timedelta(seconds=30)},
    "tags": ["instantly"],
    "doc_md": __doc__,
}


@dag(schedule="@daily", **COMMON, params=ALL_PARAMS)
def instantly() -> None:
    """Load everything but e-mails, build the models, and report failures."""
    failed = load_and_tally(UNITS, LOADED)
    last = verdict(failed)
    if (DBT_PROJECT / "dbt_project.yml").is_file():
        failed >> transform() >> last


@dag(schedule="@daily", **COMMON, params=PARAMS)
def instantly_emails() -> None:
    """Load the e-mails of every workspace. The next run of the other DAG builds the models."""
    verdict(load_and_tally({EMAILS.name: (EMAILS,)}, EMAILS_LOADED))


instantly()
instantly_emails()

"""One run of Meltano as an Airflow operator."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from instantly_loads.groups import APART, BY_NAME, ENVIRONMENT, LOADER, MODE, TOGETHER, filters, state_id
from instantly_loads.workspaces import known_workspaces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from instantly_loads.groups import Group

PROJECT = Path(os.environ.get("MELTANO_PROJECT_ROOT") or Path(__file__).parents[3])
MELTANO = os.environ.get("MELTANO_EXECUTABLE") or str(PROJECT / ".venv-meltano" / "bin" / "meltano")

RUNS = PROJECT / ".meltano" / "run"

DELETIONS = "TAP_INSTANTLY_EMIT_ACTIVATE_VERSION_MESSAGES"
METADATA = "TAP_INSTANTLY__METADATA"
IN_FULL = {name: {"replication-method": "FULL_TABLE"} for name in ("leads", "campaigns", "accounts")}
"""Incremental streams, which need a full read to show deletions."""

DELETES_TOO_LITTLE = {"target-snowflake"}
"""Loaders that mark rows before they load, see docs/snowflake.md."""

LEVELS = {name: logging.getLevelName(name.upper()) for name in ("debug", "info", "warning", "error", "critical")}

STALE = 7 * 86_400
"""Seconds after which files of a run are nobody's: longer than any load may take."""

SECONDS_TO_STOP = 30.0

FAILURES = {"Extraction failed": "tap", "Loading failed": "loader"}
"""Events of Meltano's log that have the exit code of a plugin. It ends with 1 itself, whichever that is."""

INVALID, INCOMPLETE, REFUSED, NOT_OPENED = 2, 3, 4, 5
"""Exit codes of the tap."""


@dataclass
class Ending:
    """End of a run of Meltano.

    Attributes:
        code: Exit code of Meltano; None before the end.
        codes: Exit codes of the plugins that failed.
        reason: Last words of a tap that failed.
    """

    code: int | None = None
    codes: dict[str, int] = field(default_factory=dict)
    reason: str = ""

    def read(self, entry: Mapping[str, Any]) -> None:
        """Note what an entry of Meltano's log says about a failure."""
        event, of_plugin = entry.get("event", ""), entry.get("cmd_type")
        if of_plugin is None and event in FAILURES:
            self.codes[FAILURES[event]] = entry["code"]
        if of_plugin == "extractor" and entry.get("level") == "critical":
            self.reason = event

    @property
    def of_tap(self) -> int | None:
        """Exit code of the tap, if it alone failed."""
        return self.codes.get("tap") if len(self.codes) == 1 else None

    @property
    def is_success(self) -> bool:
        """True if Meltano, tap and loader succeeded."""
        return self.code == 0

    @property
    def has_loaded(self) -> bool:
        """True if everything that the tap could read is loaded."""
        return self.is_success or self.of_tap in {INCOMPLETE, REFUSED}

    @property
    def is_lasting(self) -> bool:
        """True if another try gives the same."""
        return self.of_tap in {INVALID, REFUSED, NOT_OPENED}


class Load(BaseOperator):  # type: ignore[misc] # Airflow has an environment of its own
    """Load workspaces by one run of Meltano.

    It runs `meltano el`, which keeps the files of concurrent runs apart by state id. `meltano run` with
    `--state-id-suffix` does not, and can give one workspace the bookmarks of another.

    Args:
        unit: Name of the run, a part of its state id.
        groups: Names of the groups of streams to read.
        workspaces: Names of the workspaces.
    """

    def __init__(self, *, unit: str, groups: list[str], workspaces: list[str], **options: Any) -> None:
        super().__init__(**options)
        self.unit = unit
        self.groups = groups
        self.workspaces = workspaces
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def label(self) -> str:
        """Label of the task in a list of mapped tasks, within the 250 characters that Airflow's database has."""
        return self.workspaces[0][:200] if len(self.workspaces) == 1 else f"{len(self.workspaces)} workspaces"

    def execute(self, context: Context) -> None:
        """Run Meltano to its end.

        Raises:
            AirflowFailException: Another try gives the same: a setting is invalid, or the key or plan lacks something.
            AirflowException: Something else failed.
        """
        params = context["params"]
        known = known_workspaces()
        entries = [known[name] for name in self.workspaces]
        groups = [BY_NAME[name] for name in self.groups if name in (params.get("groups") or self.groups)]
        state = state_id(self.unit, identity(entries[0]) if MODE == APART else "")
        variables = environment(entries, groups, state)
        if MODE == TOGETHER and len(entries) == len(known):
            variables |= deletions(in_full=params.get("deletions", False))
        run = str(uuid.uuid4())
        ending = Ending()
        try:
            self._run(command(groups, state, run, full_refresh=params["full_refresh"]), variables, ending)
        finally:
            clean(state, run)
        context["ti"].xcom_push("ending", {"loaded": ending.has_loaded, "reason": ending.reason})
        if not ending.is_success:
            reason = ending.reason or f"Meltano ended with {ending.code}; its log is above"
            raise AirflowFailException(reason) if ending.is_lasting else AirflowException(reason)

    def _run(self, command: list[str], variables: Mapping[str, str], ending: Ending) -> None:
        """Run a command, and log what it writes."""
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=variables,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            for line in self._process.stdout or ():
                entry = parsed(line.decode(errors="backslashreplace").rstrip())
                self.log.log(LEVELS.get(entry.get("level", ""), logging.INFO), "%s", text_of(entry))
                ending.read(entry)
            ending.code = self._process.wait()
        except BaseException:  # of a task that has run for too long
            self.on_kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=SECONDS_TO_STOP)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            raise

    def on_kill(self) -> None:
        """Stop Meltano, tap and loader. The tap writes what it has read, and its state."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)


def parsed(line: str) -> dict[str, Any]:
    """Return an entry of Meltano's log; a line that is none is the text of one."""
    with contextlib.suppress(ValueError, RecursionError):
        if isinstance(entry := json.loads(line), dict) and isinstance(entry.get("event"), str):
            return entry
    return {"event": line}


def text_of(entry: Mapping[str, Any]) -> str:
    """Return the text of an entry of Meltano's log, with the plugin that wrote it and the exceptions that it names."""
    name = f"{entry['name']}: " if "name" in entry else ""
    exceptions = [f"\n{one['exc_type']}: {one['exc_value']}" for one in entry.get("exception") or ()]
    return f"{name}{entry['event']}{''.join(exceptions)}"


def identity(workspace: Mapping[str, Any]) -> str:
    """Return what names the state of a workspace."""
    return str(workspace.get("id", workspace["name"]))


def command(groups: Sequence[Group], state: str, run: str, *, full_refresh: bool) -> list[str]:
    """Return the command of one run."""
    # Meltano outlives a killed worker, hangs once nobody reads its log, and locks out every retry.
    guard = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []
    meltano = [MELTANO, f"--environment={ENVIRONMENT}", "el", "tap-instantly", LOADER, *filters(groups)]
    # Concurrent loads would build the same environments.
    options = ["--no-install", f"--state-id={state}", f"--run-id={run}"]
    return [*guard, *meltano, *options, *(["--full-refresh"] if full_refresh else [])]


def environment(workspaces: Sequence[Mapping[str, Any]], groups: Sequence[Group], state: str) -> dict[str, str]:
    """Return the environment variables of one run.

    The workspaces are not on the command line, which every local user can read: a misconfigured name of a variable may
    be a key.
    """
    entries = [{name: value for name, value in entry.items() if name != "id"} for entry in workspaces]
    own = {
        "MELTANO_CLI_LOG_FORMAT": "json",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "TAP_INSTANTLY_WORKSPACES": json.dumps(entries),
        "TAP_INSTANTLY_MAX_REQUESTS_PER_SECOND": str(sum(group.requests for group in groups)),
        # A run of some workspaces would delete the rows of all others.
        DELETIONS: "false",
        # Meltano keeps a log of each run and a cache in the home folder, which some containers cannot write.
        "XDG_STATE_HOME": str(scratch(state)),
        "XDG_CACHE_HOME": str(scratch(state)),
    }
    return {name: value for name, value in os.environ.items() if name != "TAP_INSTANTLY_API_KEY"} | own


def marks_deletions() -> bool:
    """Return True if a run of all workspaces marks deletions."""
    return (os.environ.get(DELETIONS) or str(LOADER not in DELETES_TOO_LITTLE)).lower() == "true"


def deletions(*, in_full: bool) -> dict[str, str]:
    """Return the environment variables of a run of all workspaces, which marks deletions."""
    return {DELETIONS: str(marks_deletions()).lower()} | ({METADATA: json.dumps(IN_FULL)} if in_full else {})


def scratch(state: str) -> Path:
    """Return the folder for files that nobody needs after a run."""
    return RUNS / "airflow" / hashlib.sha256(state.encode()).hexdigest()[:32]


def clean(state: str, run: str) -> None:
    """Delete the files of a run, and those of any run that was killed a week ago or earlier."""
    shutil.rmtree(scratch(state), ignore_errors=True)
    for folder in (RUNS / "elt").glob("*/*"):
        with contextlib.suppress(OSError):  # another load may be faster, or be using the folder above
            if folder.name == run or time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder)
                folder.parent.rmdir()

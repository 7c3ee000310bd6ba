"""Runs the scenarios: candidates in turn, repeatedly, against one sandbox."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import requests

from sandbox import Control, SandboxConfig
from sandbox.group import ACCEPTED, members_of
from tools.benchmarks import measure
from tools.benchmarks.candidates import CANDIDATES, OWN_TAP, Job, environment
from tools.benchmarks.results import Outcome, Results, Run, today
from tools.benchmarks.scenarios import DAILY, DAYS, PAGE_SIZE, TAP, WINDOW_DAYS, Scenario
from tools.demo.errors import DemoError
from tools.demo.paths import ROOT
from tools.demo.pipeline import Sandbox, sandbox
from tools.demo.tables import TABLES
from tools.demo.truth import Truth


def describe_machine() -> str:
    """Describe the machine in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}"


def begin(candidates: Iterable[str]) -> Results:
    """Create empty results for candidates."""
    versions = {name: f"{CANDIDATES[name].distribution} {CANDIDATES[name].version()}" for name in candidates}
    return Results(today(), describe_machine(), versions, commit=describe_commit())


def describe_commit() -> str:
    """Return the measured commit; empty outside a repository."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=8", "--exclude=*"]
    found = subprocess.run(git, capture_output=True, check=False, text=True)  # noqa: S603 - a constant command
    return found.stdout.strip()


def perform(scenario: Scenario, note: Callable[[str, Run], None]) -> Outcome:
    """Run a scenario; `note` receives each run as it ends."""
    return perform_in_turn([scenario], note)[0]


def perform_in_turn(scenarios: Sequence[Scenario], note: Callable[[str, Run], None]) -> list[Outcome]:
    """Run scenarios in turn, up to the last and down again, so that a slowdown of the machine affects all of them.

    One turn runs the last scenario once and the others twice.
    """
    with ExitStack() as stack:
        stages = [stack.enter_context(_stage(scenario)) for scenario in scenarios]
        for turn in range(max(scenario.repeats for scenario in scenarios)):
            for stage in (*stages, *stages[-2::-1]):
                stage.play(turn, note)
        return [stage.outcome for stage in stages]


@contextmanager
def _stage(scenario: Scenario) -> Iterator[_Stage]:
    until = datetime.now(timezone.utc).date()
    named = ("leads", "campaigns", "accounts")
    sizes: dict[str, Any] = {name: getattr(scenario, name) for name in named} | {"days": DAYS, "until": until}
    if scenario.workspaces > 1:
        sizes["workspaces"] = group_size(scenario.workspaces) if scenario.admin_key else scenario.workspaces
    with tempfile.TemporaryDirectory(prefix="tap-instantly-bench-") as name:
        folder = Path(name)
        with sandbox(folder / "sandbox.log", sizes) as source, Control(source.url) as control:
            yield _Stage(scenario, folder, source, control, until)


def group_size(workspaces: int) -> int:
    """Return the size of a group in which one key opens this many workspaces: invited workspaces may refuse."""
    seed, number = SandboxConfig().seed, 1
    while 1 + [member.status for member in members_of(seed, number).values()].count(ACCEPTED) < workspaces:
        number += 1
    return number


class _Stage:
    """A scenario with its sandbox running, and data until a day."""

    def __init__(self, scenario: Scenario, folder: Path, source: Sandbox, control: Control, until: date) -> None:
        self._scenario = scenario
        self._folder = folder
        self._control = control
        settings = self._workspaces() | dict(scenario.settings)
        self._job = Job(folder, source.api_url, source.api_key, scenario.streams, until, settings)
        self.outcome = Outcome(scenario, *self._contents())
        if scenario.again:
            self._job = replace(self._job, state=self._earlier_state())
        self._commands = {name: self._command(name) for name in scenario.candidates}

    def _workspaces(self) -> dict[str, Any]:
        if self._scenario.workspaces == 1:
            return {}
        if self._scenario.admin_key:
            return {"sub_workspaces": "all"}
        keys = [key for key in self._control.about()["keys"] if key["paid"]][: self._scenario.workspaces]
        return {"workspaces": [{"name": key["name"], "api_key": key["secret"]} for key in keys]}

    def play(self, turn: int, note: Callable[[str, Run], None]) -> None:
        # The order rotates, so that noise of the machine affects all candidates alike.
        names = [*self._commands]
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            run = self._run(name, self._commands[name])
            self.outcome.runs.setdefault(name, []).append(run)
            note(name, run)

    def _contents(self) -> tuple[int | None, int]:
        """Count the records to read, which also makes the sandbox generate its lazy data."""
        scenario = self._scenario
        if scenario.streams == ("leads",):
            return scenario.leads * scenario.workspaces, -(-scenario.leads // PAGE_SIZE) * scenario.workspaces
        first = self._job.start
        self._add_up(first)
        if scenario.streams != (DAILY,):
            records = sum(self._rows(within) for within in self._opened())
            return None if scenario.again else records, 0
        days = [(row["campaign_id"], date.fromisoformat(row["date"])) for row in self._control.truth(DAILY)]
        return len(days), len({(campaign, (day - first).days // WINDOW_DAYS) for campaign, day in days})

    def _opened(self) -> list[Control]:
        """Return the control-plane clients of the workspaces to read."""
        if not self._scenario.admin_key:
            return [self._control]
        members = members_of(SandboxConfig().seed, group_size(self._scenario.workspaces))
        joined = [name for name, member in members.items() if member.status == ACCEPTED]
        return [self._control, *map(self._control.within, joined)]

    def _rows(self, control: Control) -> int:
        """Return the number of records of the streams in a workspace."""
        truth, streams = Truth(control), self._scenario.streams
        return sum(1 for table in TABLES if table.name in (streams or table.name) for _ in truth.rows(table))

    def _add_up(self, first: date) -> None:
        """Request each window once: the first answer sums each campaign's figures, which blocks all other answers."""
        for day in range(0, DAYS, WINDOW_DAYS):
            start, end = (first + timedelta(days=day + further) for further in (0, WINDOW_DAYS))
            window = {"start_date": start.isoformat(), "end_date": end.isoformat()}
            headers = {"Authorization": f"Bearer {self._job.api_key}", "User-Agent": "benchmarks"}
            requests.get(f"{self._job.api_url}/campaigns/analytics", params=window, headers=headers, timeout=60)

    def _command(self, name: str) -> list[str]:
        if self._scenario.option is not None:
            return [OWN_TAP, self._scenario.option]
        candidate, own = CANDIDATES[name], self._job.settings.get("workspaces")
        if own is None or name == TAP:
            return candidate.prepare(candidate, self._job)
        # The other tools do not support several workspaces. Like their users, we run them once per workspace.
        jobs = [replace(self._job, folder=self._folder / each["name"], api_key=each["api_key"]) for each in own]
        for job in jobs:
            job.folder.mkdir(exist_ok=True)
        return ["/bin/sh", "-c", " && ".join(shlex.join(candidate.prepare(candidate, job)) for job in jobs)]

    def _earlier_state(self) -> Path:
        """Return the state of an unmeasured, unthrottled run that has read everything."""
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            usage = measure.run(self._command(TAP), self._folder / "earlier.log", environment(Path(place)), Path(place))
        if usage.exit_code or not usage.tally.state:
            message = f"{self._scenario.name}: the run before the one that is measured failed"
            raise DemoError(
                message, tuple((self._folder / "earlier.log").read_text(encoding="utf-8").splitlines()[-9:])
            )
        return Path(self._job.file("state.json", json.loads(usage.tally.state)["value"]))

    def _prepare(self) -> None:
        """Reset the sandbox, with its rate limiter and request log."""
        self._control.reset()
        for name, value in self._scenario.fields.items():
            self._control.add_field("leads", name, value)
        self._control.config(latency_ms=self._scenario.latency_ms, rate_limit=self._scenario.rate_limit)

    def _run(self, name: str, command: Sequence[str]) -> Run:
        self._prepare()
        log = self._folder / f"{name}.log"
        sandbox_cpu = -self._control.about()["cpu_seconds"]
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            usage = measure.run(command, log, environment(Path(place)), Path(place))
        sandbox_cpu += self._control.about()["cpu_seconds"]
        written, counts = usage.tally, self._control.counts()
        asked = {"requests": counts["total"], "in_flight": counts["most_in_flight"], "too_many": counts["too_many"]}
        sizes = {"records": written.records, "size": written.size, "state_bytes": written.state_bytes}
        failure = self._failure(usage, log)
        return Run(usage.wall, usage.cpu, usage.peak_mb, **sizes, **asked, sandbox_cpu=sandbox_cpu, failure=failure)

    def _failure(self, usage: measure.Usage, log: Path) -> str | None:
        if usage.exit_code:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            return f"exit code {usage.exit_code}: {lines[-1] if lines else 'without a word'}"
        if self._scenario.option is None and self.outcome.records not in (None, usage.tally.records):
            return f"{usage.tally.records} records, and there are {self.outcome.records}"
        return None

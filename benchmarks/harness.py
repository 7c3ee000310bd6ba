"""Running the scenarios: the candidates in turn, over and over, against one sandbox."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from benchmarks import measure
from benchmarks.candidates import CANDIDATES, OWN_TAP, Job, environment
from benchmarks.results import Outcome, Results, Run
from benchmarks.scenarios import DAYS, PAGE_SIZE, TAP, WINDOW_DAYS, Scenario
from demo.paths import ROOT
from demo.pipeline import sandbox
from sandbox import Control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from demo.pipeline import Sandbox


def describe_machine() -> str:
    """Describe the machine in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}"


def begin(scenarios: Iterable[Scenario]) -> Results:
    """Make the results that the scenarios are going to fill."""
    named = dict.fromkeys(name for scenario in scenarios for name in scenario.candidates)
    versions = {
        name: f"{CANDIDATES[name].distribution} {CANDIDATES[name].version()}"
        for name in named
        if not CANDIDATES[name].missing
    }
    today = datetime.now(timezone.utc).date().isoformat()
    return Results(today, describe_machine(), versions, commit=describe_commit())


def describe_commit() -> str:
    """Name the commit that is measured; an empty text outside a repository."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=8", "--exclude=*"]
    found = subprocess.run(git, capture_output=True, check=False, text=True)  # noqa: S603 - a constant command
    return found.stdout.strip()


@cache
def tap_settings() -> frozenset[str]:
    """Ask the tap which settings it has."""
    about = subprocess.check_output([OWN_TAP, "--about", "--format", "json"], stderr=subprocess.DEVNULL)  # noqa: S603
    return frozenset(json.loads(about)["settings"]["properties"])


def obstacle(scenario: Scenario) -> str | None:
    """Tell why a scenario cannot be run (yet)."""
    if scenario.workspaces == 1:
        return None
    if "workspaces" not in tap_settings():
        return "the tap has no setting `workspaces`"
    usage = subprocess.check_output([sys.executable, "-m", "sandbox", "--help"], text=True, cwd=ROOT)
    return None if "--workspaces" in usage else "the sandbox has no option --workspaces"


def perform(scenario: Scenario, note: Callable[[str, Run], None]) -> Outcome:
    """Run a scenario; `note` is told of each run as it ends."""
    with _stage(scenario) as stage:
        for turn in range(scenario.repeats):
            stage.play(turn, note)
        return stage.outcome


def perform_in_turn(scenarios: Sequence[Scenario], note: Callable[[str, Run], None]) -> list[Outcome]:
    """Run scenarios in turn, up to the last and down again, so that a machine that becomes slower does so for each.

    One turn runs the last one once, and each other twice.
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
    sizes: dict[str, Any] = {"leads": scenario.leads, "campaigns": scenario.campaigns, "days": DAYS, "until": until}
    if scenario.workspaces > 1:
        sizes["workspaces"] = scenario.workspaces
    with tempfile.TemporaryDirectory(prefix="tap-instantly-bench-") as name:
        folder = Path(name)
        with sandbox(folder / "sandbox.log", sizes) as source, Control(source.url) as control:
            yield _Stage(scenario, folder, source, control, until)


class _Stage:
    """A scenario with its sandbox running.

    Args:
        scenario: The scenario.
        folder: Where files may lie.
        source: The sandbox.
        control: Its control plane.
        until: The last day with data.
    """

    def __init__(self, scenario: Scenario, folder: Path, source: Sandbox, control: Control, until: date) -> None:
        self._scenario = scenario
        self._folder = folder
        self._control = control
        settings, known = self._workspaces() | dict(scenario.settings), tap_settings()
        supported = {name: value for name, value in settings.items() if name in known}
        self._job = Job(folder, source.api_url, source.api_key, scenario.stream, until, supported)
        self.outcome = Outcome(scenario, *self._contents(), left_out=sorted(settings.keys() - known))
        self._commands = {name: self._command(name) for name in scenario.candidates}

    def _workspaces(self) -> dict[str, Any]:
        if self._scenario.workspaces == 1:
            return {}
        keys = [key for key in self._control.about()["keys"] if key["paid"]][: self._scenario.workspaces]
        return {"workspaces": [{"name": key["name"], "api_key": key["secret"]} for key in keys]}

    def play(self, turn: int, note: Callable[[str, Run], None]) -> None:
        # Everybody comes first, second, ... in turn: what the machine does meanwhile should hit all alike.
        names = [*self._commands]
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            run = self._run(name, self._commands[name])
            self.outcome.runs.setdefault(name, []).append(run)
            note(name, run)

    def _contents(self) -> tuple[int, int]:
        """Count what there is to read; that also makes the sandbox invent what it only invents when asked."""
        scenario = self._scenario
        if scenario.stream == "leads":
            return scenario.leads * scenario.workspaces, -(-scenario.leads // PAGE_SIZE) * scenario.workspaces
        first = self._job.start
        self._add_up(first)
        days = [(row["campaign_id"], date.fromisoformat(row["date"])) for row in self._control.truth(scenario.stream)]
        return len(days), len({(campaign, (day - first).days // WINDOW_DAYS) for campaign, day in days})

    def _add_up(self, first: date) -> None:
        """Let the sandbox add up the windows of each campaign: the first time, it answers nobody else meanwhile."""
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
        # The others have no workspaces: they are run for one after the other, as their users have to.
        jobs = [replace(self._job, folder=self._folder / each["name"], api_key=each["api_key"]) for each in own]
        for job in jobs:
            job.folder.mkdir(exist_ok=True)
        return ["/bin/sh", "-c", " && ".join(shlex.join(candidate.prepare(candidate, job)) for job in jobs)]

    def _run(self, name: str, command: Sequence[str]) -> Run:
        # This also forgets what the limiter and the log remember of the run before.
        self._control.reset()
        self._control.config(latency_ms=self._scenario.latency_ms, rate_limit=self._scenario.rate_limit)
        log = self._folder / f"{name}.log"
        sandbox_cpu = -self._control.about()["cpu_seconds"]
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            usage = measure.run(command, log, environment(Path(place)), Path(place))
        sandbox_cpu += self._control.about()["cpu_seconds"]
        counts = self._control.counts()
        return Run(
            wall=usage.wall,
            cpu=usage.cpu,
            peak_mb=usage.peak_mb,
            records=usage.tally.records,
            size=usage.tally.size,
            states=usage.tally.states,
            state_bytes=usage.tally.state_bytes,
            requests=counts["total"],
            in_flight=counts["most_in_flight"],
            too_many=counts["too_many"],
            sandbox_cpu=sandbox_cpu,
            failure=self._failure(usage, log),
        )

    def _failure(self, usage: measure.Usage, log: Path) -> str | None:
        if usage.exit_code:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            return f"exit code {usage.exit_code}: {lines[-1] if lines else 'without a word'}"
        if self._scenario.option is None and usage.tally.records != self.outcome.records:
            return f"{usage.tally.records} records, and there are {self.outcome.records}"
        return None

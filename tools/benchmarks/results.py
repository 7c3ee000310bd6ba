"""Raw results, in memory and as JSON: without defaults, and a line for the runs of each candidate."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tools.benchmarks.scenarios import Scenario

FOLDER = Path(__file__).parent / "results"
LATEST = FOLDER / "latest.json"
QUICK = FOLDER / "quick.json"


@dataclass(frozen=True)
class Run:
    """One run of one candidate.

    Attributes:
        wall: Seconds from start to end.
        cpu: CPU seconds of the candidate.
        peak_mb: Peak memory, in millions of bytes.
        records: Records written.
        size: Bytes written.
        state_bytes: Size of the STATE messages.
        requests: Requests that reached the sandbox.
        in_flight: Maximum concurrent requests.
        too_many: Requests that the sandbox refused with 429.
        sandbox_cpu: CPU seconds of the sandbox during the run.
        failure: Error message, if the run failed.
    """

    wall: float
    cpu: float
    peak_mb: float
    records: int = 0
    size: int = 0
    state_bytes: int = 0
    requests: int = 0
    in_flight: int = 0
    too_many: int = 0
    sandbox_cpu: float = 0.0
    failure: str | None = None


@dataclass
class Outcome:
    """Results of one scenario.

    Attributes:
        scenario: The scenario as it ran.
        records: Existing records; None for incremental runs, which count them.
        pages: Existing pages: of a list, or one per campaign and active window; None for several streams.
        left_out: Settings that the tap does not have.
        runs: The runs, by candidate.
        measured: Date and commit, if it was measured separately.
    """

    scenario: Scenario
    records: int | None
    pages: int
    left_out: list[str] = field(default_factory=list)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    measured: str = ""

    @property
    def failures(self) -> list[str]:
        """The failures, a line each."""
        named = ((name, run.failure) for name, runs in self.runs.items() for run in runs)
        return [f"{self.scenario.name}, {name}: {failure}" for name, failure in named if failure]


@dataclass(frozen=True)
class Probe:
    """Speed at which the sandbox serves leads to a client that ignores them.

    Attributes:
        connections: Concurrent connections.
        per_second: Leads a second.
        per_cpu_second: Leads per CPU second of the sandbox.
    """

    connections: int
    per_second: float
    per_cpu_second: float


@dataclass
class Results:
    """Results of a benchmark.

    Attributes:
        day: Date of the measurement.
        machine: The machine.
        versions: Versions of the candidates.
        seconds: Duration.
        outcomes: Results of the scenarios, by name.
        probes: Speed of the sandbox alone.
        commit: Commit of the tap, and whether it had local changes.
    """

    day: str
    machine: str
    versions: dict[str, str]
    seconds: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    commit: str = ""

    def add(self, other: Results) -> None:
        """Replace these results with later ones."""
        for name, outcome in other.outcomes.items():
            outcome.measured = f"on {other.day}, at commit `{other.commit}`"
            self.outcomes[name] = outcome

    def save(self, path: Path) -> None:
        """Write the results as JSON."""
        write(path, self)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read saved results."""
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        outcomes = {name: _outcome(outcome) for name, outcome in raw.pop("outcomes", {}).items()}
        probes = [Probe(**probe) for probe in raw.pop("probes", [])]
        return cls(**raw, outcomes=outcomes, probes=probes)


def _outcome(raw: dict[str, Any]) -> Outcome:
    tuples = {name: tuple(value) for name, value in raw["scenario"].items() if isinstance(value, list)}
    runs = {name: [Run(**run) for run in runs] for name, runs in raw["runs"].items()}
    return Outcome(**(raw | {"scenario": Scenario(**(raw["scenario"] | tuples)), "runs": runs}))


def today() -> str:
    """Return the date in UTC."""
    return datetime.now(timezone.utc).date().isoformat()


def write(path: Path, results: object) -> None:
    """Write results as JSON, to the microsecond, and a line for each list of runs."""
    plain = json.loads(json.dumps(results, default=_given), parse_float=lambda text: round(float(text), 6))
    path.write_text(_laid_out(plain, "\n") + "\n", encoding="utf-8")


def _given(thing: Results | Run) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults."""
    return {each.name: value for each in fields(thing) if (value := getattr(thing, each.name)) != _default(each)}


def _default(of: Field[Any]) -> object:
    return of.default if of.default_factory is MISSING else of.default_factory()


def _laid_out(value: object, line: str) -> str:
    if not isinstance(value, dict) or _height(value) <= 2:  # noqa: PLR2004 - a list of runs
        return json.dumps(value)
    parts = (f"{json.dumps(name)}: {_laid_out(each, line + ' ')}" for name, each in value.items())
    return f"{{{line} {f',{line} '.join(parts)}{line}}}"


def _height(value: object) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(_height, parts), default=0)

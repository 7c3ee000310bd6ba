"""What was measured: the raw figures, in memory and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.scenarios import Scenario

FOLDER = Path(__file__).parent / "results"
LATEST = FOLDER / "latest.json"
QUICK = FOLDER / "quick.json"


@dataclass(frozen=True)
class Run:
    """One run of one candidate.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: CPU seconds of the candidate.
        peak_mb: The most memory it held at once, in millions of bytes.
        records: Records written.
        size: Bytes written.
        states: Messages of state written.
        state_bytes: Their size.
        requests: Requests that reached the sandbox.
        in_flight: The most of them under way at once.
        too_many: How many of them the sandbox refused with a 429.
        sandbox_cpu: CPU seconds of the sandbox meanwhile.
        failure: What went wrong.
    """

    wall: float
    cpu: float
    peak_mb: float
    records: int = 0
    size: int = 0
    states: int = 0
    state_bytes: int = 0
    requests: int = 0
    in_flight: int = 0
    too_many: int = 0
    sandbox_cpu: float = 0.0
    failure: str | None = None


@dataclass
class Outcome:
    """What came of one scenario.

    Attributes:
        scenario: The scenario as it was run.
        records: Records that there are.
        pages: Pages that there are: of a list, or one for each campaign and window in which it was active.
        left_out: Settings that the tap does not have.
        runs: The runs, by candidate.
        measured: When and of which commit, where it was measured apart from the rest.
    """

    scenario: Scenario
    records: int
    pages: int
    left_out: list[str] = field(default_factory=list)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    measured: str = ""

    @property
    def failures(self) -> list[str]:
        """What went wrong, a line each."""
        named = ((name, run.failure) for name, runs in self.runs.items() for run in runs)
        return [f"{self.scenario.name}, {name}: {failure}" for name, failure in named if failure]


@dataclass(frozen=True)
class Probe:
    """How fast the sandbox serves leads to a client that does nothing with them.

    Attributes:
        connections: How many are used at once.
        per_second: Leads a second.
        per_cpu_second: Leads per CPU second of the sandbox.
    """

    connections: int
    per_second: float
    per_cpu_second: float


@dataclass
class Results:
    """All of it.

    Attributes:
        day: The day it was measured.
        machine: What on.
        versions: Versions of the candidates.
        seconds: How long it took.
        outcomes: What came of the scenarios, by name.
        probes: How fast the sandbox is by itself.
        commit: Commit of the tap, and whether something in it was changed.
    """

    day: str
    machine: str
    versions: dict[str, str]
    seconds: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    commit: str = ""

    def add(self, other: Results) -> None:
        """Put what was measured later in the place of what there is of it."""
        for name, outcome in other.outcomes.items():
            outcome.measured = f"on {other.day}, at commit `{other.commit}`"
            self.outcomes[name] = outcome

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what was saved."""
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        outcomes = {name: _outcome(outcome) for name, outcome in raw.pop("outcomes").items()}
        probes = [Probe(**probe) for probe in raw.pop("probes")]
        return cls(**raw, outcomes=outcomes, probes=probes)


def _outcome(raw: dict[str, Any]) -> Outcome:
    scenario = raw["scenario"] | {"candidates": tuple(raw["scenario"]["candidates"])}
    runs = {name: [Run(**run) for run in runs] for name, runs in raw["runs"].items()}
    return Outcome(**(raw | {"scenario": Scenario(**scenario), "runs": runs}))

"""Raw results, in memory and as JSON: without defaults, and a line for the runs of each candidate."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tools.benchmarks.scenarios import Scenario

Kind = TypeVar("Kind")

FOLDER = Path(__file__).parent / "results"
LATEST = FOLDER / "latest.json"
QUICK = FOLDER / "quick.json"


@dataclass(frozen=True)
class Run:
    """One run of one candidate."""

    wall: float  # seconds from start to end
    cpu: float  # CPU seconds of the candidate
    peak_mb: float  # peak memory, in millions of bytes
    records: int = 0
    size: int = 0  # bytes written
    state_bytes: int = 0  # size of the STATE messages
    requests: int = 0  # requests that reached the sandbox
    in_flight: int = 0  # maximum concurrent requests
    too_many: int = 0  # requests that the sandbox refused with 429
    sandbox_cpu: float = 0.0  # CPU seconds of the sandbox during the run
    failure: str | None = None  # error message, if the run failed


@dataclass
class Outcome:
    """Results of one scenario."""

    scenario: Scenario
    records: int | None  # existing records; None for incremental runs, which count them
    pages: int  # existing pages: of a list, or one per campaign and active window; None for several streams
    runs: dict[str, list[Run]] = field(default_factory=dict)  # by candidate
    measured: str = ""  # date and commit, if it was measured separately

    @property
    def failures(self) -> list[str]:
        """The failures, a line each."""
        named = ((name, run.failure) for name, runs in self.runs.items() for run in runs)
        return [f"{self.scenario.name}, {name}: {failure}" for name, failure in named if failure]


@dataclass(frozen=True)
class Probe:
    """Speed at which the sandbox serves leads to a client that ignores them."""

    connections: int
    per_second: float  # leads a second
    per_cpu_second: float  # leads per CPU second of the sandbox


@dataclass
class Results:
    """Results of a benchmark."""

    day: str
    machine: str
    versions: dict[str, str]  # by candidate
    seconds: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by the name of the scenario
    probes: list[Probe] = field(default_factory=list)  # speed of the sandbox alone
    commit: str = ""  # commit of the tap, and whether it had local changes

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
        return read(path, cls)


def today() -> str:
    """Return the date in UTC."""
    return datetime.now(timezone.utc).date().isoformat()


def read(path: Path, kind: type[Kind]) -> Kind:
    """Read saved results of a kind."""
    return msgspec.json.decode(path.read_bytes(), type=kind)


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

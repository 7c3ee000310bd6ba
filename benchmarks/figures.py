"""The arithmetic between raw figures and tables."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from benchmarks.scenarios import API_REQUESTS_PER_SECOND, EMPTY, TAP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.results import Results, Run


@dataclass(frozen=True)
class Spread:
    """A figure over several runs: its median and its extremes."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sum values up."""
        known = sorted(values)
        return cls(median(known), known[0], known[-1])


@dataclass(frozen=True)
class Figures:
    """What a candidate did in a scenario.

    Attributes:
        records: Records it wrote in a run.
        wall: Seconds.
        rate: Records a second.
        cpu: CPU seconds.
        cpu_per_100k: CPU seconds per 100,000 records, start-up included.
        net_us: Microseconds of CPU per record, less what a run over an empty list takes.
        peak_mb: Most memory.
        in_flight: Most requests at once.
        too_many: Requests refused with a 429, in all runs.
        requests: Requests.
        requests_per_page: Requests per page that there is.
        requests_per_second: Requests a second.
        state_bytes: Bytes of state.
        limit_share: Share of the API's limit of requests that went into pages.
        sandbox_share: Share of one core that the sandbox used.
    """

    records: int
    wall: Spread
    rate: Spread
    cpu: Spread
    cpu_per_100k: float
    net_us: float | None
    peak_mb: Spread
    in_flight: int
    too_many: int
    requests: int
    requests_per_page: float
    limit_share: float
    state_bytes: float
    sandbox_share: float


def figures(results: Results, scenario: str, candidate: str) -> Figures | None:
    """Sum up a candidate's runs in a scenario; None if there are none, or none that went well."""
    outcome = results.outcomes.get(scenario)
    runs = [run for run in outcome.runs.get(candidate, ()) if not run.failure] if outcome else []
    if outcome is None or not runs:
        return None
    middle = _middle(runs)
    wall, cpu, records = middle(lambda run: run.wall), middle(lambda run: run.cpu), runs[0].records
    start_up = start_up_cpu(results, candidate)
    budget = API_REQUESTS_PER_SECOND * outcome.scenario.workspaces
    return Figures(
        records=records,
        wall=wall,
        rate=middle(lambda run: run.records / run.wall),
        cpu=cpu,
        cpu_per_100k=cpu.median / records * 1e5 if records else 0.0,
        net_us=(cpu.median - start_up) / records * 1e6 if records and start_up is not None else None,
        peak_mb=middle(lambda run: run.peak_mb),
        in_flight=max(run.in_flight for run in runs),
        too_many=sum(run.too_many for run in runs),
        requests=round(middle(lambda run: run.requests).median),
        requests_per_page=middle(lambda run: run.requests).median / max(1, outcome.pages),
        limit_share=outcome.pages / wall.median / budget,
        state_bytes=middle(lambda run: run.state_bytes).median,
        sandbox_share=middle(lambda run: run.sandbox_cpu / run.wall).median,
    )


def _middle(runs: Sequence[Run]) -> Callable[[Callable[[Run], float]], Spread]:
    return lambda figure: Spread.of(map(figure, runs))


def start_up_cpu(results: Results, candidate: str) -> float | None:
    """Give the CPU seconds of a run over an empty list, if that was measured."""
    outcome = results.outcomes.get(EMPTY)
    runs = [run.cpu for run in outcome.runs.get(candidate, ()) if not run.failure] if outcome else []
    return median(runs) if runs else None


def peer_figures(results: Results, scenario: str, candidate: str) -> Figures | None:
    """Sum up a peer's runs, in the smaller scenario if it would have taken too long in this one."""
    own = figures(results, scenario, candidate)
    outcome = results.outcomes.get(scenario)
    if own or outcome is None or outcome.scenario.peers_in is None:
        return own
    return figures(results, outcome.scenario.peers_in, candidate)


def times_faster(results: Results, scenario: str, peer: str) -> float | None:
    """Tell how many times as many records a second this tap reads as a peer.

    Where both ran in turn, each turn has its own answer, of which this is the middle one: what the machine did in one
    turn is in both.
    """
    outcome = results.outcomes.get(scenario)
    turns = list(zip(outcome.runs.get(TAP, []), outcome.runs.get(peer, []), strict=False)) if outcome else []
    if turns and not any(run.failure for turn in turns for run in turn):
        return median([(ours.records / ours.wall) / (theirs.records / theirs.wall) for ours, theirs in turns])
    ours, theirs = figures(results, scenario, TAP), peer_figures(results, scenario, peer)
    return ours.rate.median / theirs.rate.median if ours and theirs and theirs.rate.median else None


def growth(results: Results, small: str, middle: str, large: str) -> float | None:
    """Tell how much longer a further record takes from the middle size to the large than from the small to the middle.

    Differences between sizes, so that what every run takes to start up and to end is in none of them. The sizes are run
    in turn, up and down again: each turn has its own answer, of which this is the middle one.
    """
    found = [results.outcomes.get(name) for name in (small, middle, large)]
    runs = [outcome.runs.get(TAP, []) for outcome in found if outcome and not outcome.failures]
    if len(runs) < len(found) or not all(runs):
        return None
    records = [of_size[0].records for of_size in runs]
    answers = []
    for turn, last in enumerate(runs[-1]):
        first, second = (fmean(run.wall for run in of_size[2 * turn : 2 * turn + 2]) for of_size in runs[:-1])
        before = (second - first) / (records[1] - records[0])
        answers.append((last.wall - second) / (records[2] - records[1]) / before)
    return median(answers)

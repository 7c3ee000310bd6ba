"""Computes the figures of the tables from raw results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tools.benchmarks.results import Results, Run
from tools.benchmarks.scenarios import API_REQUESTS_PER_SECOND, EMPTY, TAP


@dataclass(frozen=True)
class Spread:
    """A figure over several runs: median, minimum and maximum."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise values."""
        known = sorted(values)
        return cls(median(known), known[0], known[-1])


@dataclass(frozen=True)
class Figures:
    """Figures of a candidate in a scenario."""

    records: int
    wall: Spread  # seconds
    rate: Spread  # records a second
    cpu: Spread  # CPU seconds
    cpu_per_100k: float  # CPU seconds per 100,000 records, start-up included
    net_us: float | None  # microseconds of CPU per record, minus those of a run over an empty list
    peak_mb: Spread  # peak memory
    in_flight: int  # maximum concurrent requests
    too_many: int  # requests refused with 429, over all runs
    requests: int
    requests_per_page: float  # requests per existing page
    limit_share: float  # share of the API's rate limit that went into pages
    state_bytes: float  # bytes of state
    sandbox_share: float  # share of one core that the sandbox used


def figures(results: Results, scenario: str, candidate: str) -> Figures | None:
    """Summarise a candidate's runs in a scenario; None if none succeeded."""
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
    """Return the CPU seconds of a run over an empty list; None if not measured."""
    outcome = results.outcomes.get(EMPTY)
    runs = [run.cpu for run in outcome.runs.get(candidate, ()) if not run.failure] if outcome else []
    return median(runs) if runs else None


def peer_figures(results: Results, scenario: str, candidate: str) -> Figures | None:
    """Summarise a peer's runs, in the smaller scenario if it would take too long in this one."""
    own = figures(results, scenario, candidate)
    outcome = results.outcomes.get(scenario)
    if own or outcome is None or outcome.scenario.peers_in is None:
        return own
    return figures(results, outcome.scenario.peers_in, candidate)


def times_faster(results: Results, scenario: str, peer: str) -> float | None:
    """Return the ratio of this tap's records a second to a peer's.

    If both ran in turns, this is the median of the turns' ratios, because noise of the machine affects both sides of a
    turn.
    """
    outcome = results.outcomes.get(scenario)
    turns = list(zip(outcome.runs.get(TAP, []), outcome.runs.get(peer, []), strict=False)) if outcome else []
    if turns and not any(run.failure for turn in turns for run in turn):
        return median([(ours.records / ours.wall) / (theirs.records / theirs.wall) for ours, theirs in turns])
    ours, theirs = figures(results, scenario, TAP), peer_figures(results, scenario, peer)
    return ours.rate.median / theirs.rate.median if ours and theirs and theirs.rate.median else None


def growth(results: Results, small: str, middle: str, large: str) -> float | None:
    """Compare the seconds of a further record: from middle to large size, relative to from small to middle.

    Differences between sizes exclude start-up and shutdown. The sizes run in turn, up and down again. This is the
    median of the turns' ratios.
    """
    found = [results.outcomes.get(name) for name in (small, middle, large)]
    runs = [outcome.runs.get(TAP, []) for outcome in found if outcome and not outcome.failures]
    if len(runs) < len(found) or not all(runs):
        return None
    records = [of_size[0].records for of_size in runs]
    answers = []
    for first, second, last in zip(_pairs(runs[0]), _pairs(runs[1]), runs[2], strict=False):
        earlier = (second - first) / (records[1] - records[0])
        answers.append((last.wall - second) / (records[2] - records[1]) / earlier)
    return median(answers)


def _pairs(runs: Sequence[Run]) -> list[float]:
    """Return the mean seconds of each run on the way up and its counterpart on the way down."""
    return [fmean((up.wall, down.wall)) for up, down in zip(runs[::2], runs[1::2], strict=False)]


def price(results: Results, scenario: str, plain: str) -> float | None:
    """Return the ratio of CPU per record in a scenario to that in a plainer one, without start-up."""
    found, base = figures(results, scenario, TAP), figures(results, plain, TAP)
    return found.net_us / base.net_us if found and base and found.net_us and base.net_us else None

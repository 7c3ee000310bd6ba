"""Results of the loaders, their checks, and their section in docs/loaders.md."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tools.benchmarks.checks import Check, Verdict
from tools.benchmarks.figures import Spread
from tools.benchmarks.loaders import DUCKDB, OURS, POSTGRES
from tools.benchmarks.report import number, spread
from tools.parts import put, table

FIRST, AGAIN, PIPE = "first", "again", "pipe"
TITLES = {DUCKDB: "Into DuckDB", POSTGRES: "Into Postgres"}


@dataclass(frozen=True)
class Took:
    """Cost of a load."""

    wall: float  # seconds from start to end
    cpu: float  # CPU seconds of the loader's process
    peak_mb: float  # peak memory, in millions of bytes
    equal: int  # rows equal to the API's in every column afterwards


@dataclass
class Comparison:
    """Measurements."""

    day: str
    machine: str
    records: int  # number of leads
    versions: dict[str, str] = field(default_factory=dict)  # versions of the packages
    megabytes: float = 0.0  # size of the tap's output, in millions of bytes
    tap_alone: list[float] = field(default_factory=list)  # seconds that the tap took to write it
    # the repeats, by database, loader, and kind of load
    loads: dict[str, dict[str, dict[str, list[Took]]]] = field(default_factory=dict)
    odd: int = 0  # number of difficult texts
    # difficult texts that arrived unchanged, by database and loader; None if the load failed
    odd_equal: dict[str, dict[str, int | None]] = field(default_factory=dict)

    def add(self, database: str, loader: str, kind: str, took: Took) -> None:
        """Add a load."""
        self.loads.setdefault(database, {}).setdefault(loader, {}).setdefault(kind, []).append(took)

    def of(self, database: str, loader: str, kind: str) -> list[Took]:
        """Return the repeats of a kind of load."""
        return self.loads.get(database, {}).get(loader, {}).get(kind, [])


def _ratio(
    database: str, peer: str, kind: str, ratio: Callable[[Took, Took], float]
) -> Callable[[Comparison], float | None]:
    """Compare this loader with a peer: the median of the turns' ratios."""

    def measure(found: Comparison) -> float | None:
        turns = zip(found.of(database, OURS, kind), found.of(database, peer, kind), strict=False)
        ratios = [ratio(ours, theirs) for ours, theirs in turns]
        return statistics.median(ratios) if ratios else None

    return measure


def _faster(ours: Took, theirs: Took) -> float:
    return theirs.wall / ours.wall


def _memory(ours: Took, theirs: Took) -> float:
    return 100 * ours.peak_mb / theirs.peak_mb


def _equal(found: Comparison) -> float | None:
    ours = [took.equal for loaders in found.loads.values() for took in _every(loaders.get(OURS, {}))]
    return 100 * min(ours) / found.records if ours else None


def _odd(found: Comparison) -> float | None:
    ours = [loaders[OURS] or 0 for loaders in found.odd_equal.values() if OURS in loaders]
    return 100 * min(ours) / found.odd if ours else None


def _every(kinds: Mapping[str, list[Took]]) -> list[Took]:
    return [took for repeats in kinds.values() for took in repeats]


CHECKS = (
    Check(
        "DuckDB, first load: times the rows a second of target-duckdb",
        _ratio(DUCKDB, "target-duckdb", FIRST, _faster),
        "at least 3",
    ),
    Check(
        "DuckDB, first load: share of target-duckdb's memory",
        _ratio(DUCKDB, "target-duckdb", FIRST, _memory),
        "at most 50 %",
    ),
    Check(
        "DuckDB, the whole pipe: times the rows a second with target-duckdb",
        _ratio(DUCKDB, "target-duckdb", PIPE, _faster),
        "at least 2",
    ),
    Check(
        "Postgres, first load: times the rows a second of target-postgres",
        _ratio(POSTGRES, "target-postgres", FIRST, _faster),
        "at least 2.5",
    ),
    Check("leads that equal the API's in every column, after each load by target-dlt", _equal, "at least 100 %"),
    Check("odd texts that arrive as they are, by target-dlt", _odd, "at least 100 %"),
)


def judge(found: Comparison) -> list[Verdict]:
    """Evaluate all checks."""
    return [Verdict(check, check.measure(found)) for check in CHECKS]


HEAD = (
    "rows/s, first load",
    "all rows again",
    "whole pipe",
    "CPU s, first load",
    "again",
    "most MB",
    "leads equal",
    "odd texts equal",
)


def section(found: Comparison) -> str:
    """Return the figures as the page shows them."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found.versions.items()))
    alone = found.records / statistics.median(found.tap_alone)
    repeats = len(found.tap_alone)
    how = "one run of each" if repeats == 1 else f"medians of {repeats} runs (lowest to highest)"
    lines = [
        f"Measured on {found.day}, on a machine with {found.machine}: {found.records:,} leads, {how}.",
        f"The tap alone wrote {number(alone)} leads a second, {number(found.megabytes)} MB in all.",
        f"Versions: {versions}.",
        "",
    ]
    for database, loaders in found.loads.items():
        rows = [(name, *_cells(found, kinds), _odd_cell(found, database, name)) for name, kinds in loaders.items()]
        lines += [table((TITLES[database], *HEAD), rows)]
    verdicts = judge(found)
    passed = sum(verdict.passed is True for verdict in verdicts)
    return "\n".join(
        [*lines, f"{passed} of {len(verdicts)} [checks](../tools/benchmarks/loaders_page.py) of these figures pass.\n"]
    )


def _cells(found: Comparison, kinds: Mapping[str, list[Took]]) -> Iterator[str]:
    for kind in (FIRST, AGAIN, PIPE):
        yield spread(Spread.of(found.records / took.wall for took in kinds[kind]))
    for kind in (FIRST, AGAIN):
        yield number(statistics.median(took.cpu for took in kinds[kind]))
    yield number(max(took.peak_mb for took in _every(kinds)))
    equal = min(took.equal for took in _every(kinds))
    yield "all" if equal == found.records else f"{equal:,}"


def _odd_cell(found: Comparison, database: str, loader: str) -> str:
    loaders = found.odd_equal.get(database, {})
    if loader not in loaders:
        return "not tried"
    equal = loaders[loader]
    return "the load fails" if equal is None else f"{equal} of {found.odd}"


def render(page: str, found: Comparison) -> str:
    """Return the page with the current figures."""
    return put(page, "loaders", section(found))

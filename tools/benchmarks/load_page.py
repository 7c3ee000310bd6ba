"""Results of loads, and their section in docs/postgres.md."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.benchmarks.report import number
from tools.parts import put, table


@dataclass(frozen=True)
class Cost:
    """Cost of a load."""

    wall: float  # seconds from start to end
    records: int  # records loaded
    tap: float  # CPU seconds of the tap
    loader: float = 0.0  # CPU seconds of the loader
    peak_mb: float = 0.0  # peak memory of the loader in millions of bytes


@dataclass
class Loads:
    """Measurements: the costs of each repeat of each case, and of the tap without a loader."""

    day: str
    machine: str
    leads: int
    tap_alone: list[Cost] = field(default_factory=list)  # the tap without a loader
    cases: dict[str, list[Cost]] = field(default_factory=dict)  # repeats of each case, by its name
    same_rows: bool = False  # true if Postgres held the same leads after each case


HEAD = ("lowest to highest", "of the first", "CPU s: tap", "loader", "loader busy", "its MB")


def section(loads: Loads) -> str:
    """Return the figures as the page shows them."""
    alone = loads.leads / _median(loads.tap_alone, "wall")
    same = "identical in every column but the loader's own" if loads.same_rows else "**not** the same"
    machine = f"{loads.day}, on a machine with {loads.machine}"
    lines = [
        f"Measured on {machine}: {loads.leads:,} leads, no latency, medians of {len(loads.tap_alone)}.",
        f"The tap alone wrote {number(alone)} leads a second. The rows of all cases in Postgres were {same}.",
        "",
        table(("Loader", "leads/s", *HEAD), _rows(loads.cases)),
    ]
    return "\n".join(lines)


def _rows(cases: Mapping[str, Sequence[Cost]]) -> list[tuple[str, ...]]:
    slowest = _median(next(iter(cases.values()), ()), "wall")
    rows = []
    for name, costs in cases.items():
        wall = _median(costs, "wall")
        rates = [cost.records / cost.wall for cost in costs]
        rows.append(
            (
                name,
                number(statistics.median(rates)),
                f"{number(min(rates))} to {number(max(rates))}",
                f"{slowest / wall:.1f} x",
                *(number(_median(costs, part)) for part in ("tap", "loader")),
                f"{100 * _median(costs, 'loader') / wall:.0f} %",
                number(_median(costs, "peak_mb")),
            )
        )
    return rows


def _median(costs: Sequence[Cost], part: str) -> float:
    return float(statistics.median(getattr(cost, part) for cost in costs))


def render(page: str, loads: Loads) -> str:
    """Return the page with the current figures."""
    return put(page, "load", section(loads))

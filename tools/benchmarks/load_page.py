"""Results of loads, and their section in docs/postgres.md."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.benchmarks.report import number, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Cost of a load.

    Attributes:
        wall: Seconds from start to end.
        records: Records loaded.
        tap: CPU seconds of the tap.
        loader: CPU seconds of the loader.
        peak_mb: Peak memory of the loader in millions of bytes.
    """

    wall: float
    records: int
    tap: float
    loader: float = 0.0
    peak_mb: float = 0.0


@dataclass
class Loads:
    """Measurements: the costs of each repeat of each case, and of the tap without a loader.

    Attributes:
        day: Date of the measurement.
        machine: The machine.
        leads: Number of leads.
        tap_alone: The tap without a loader.
        cases: Repeats of each case, by its name.
        same_rows: True if Postgres held the same leads after each case.
    """

    day: str
    machine: str
    leads: int
    tap_alone: list[Cost] = field(default_factory=list)
    cases: dict[str, list[Cost]] = field(default_factory=dict)
    same_rows: bool = False

    @classmethod
    def read(cls, path: Path) -> Loads:
        """Read saved measurements."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["tap_alone"] = [Cost(**each) for each in raw["tap_alone"]]
        raw["cases"] = {name: [Cost(**each) for each in costs] for name, costs in raw["cases"].items()}
        return cls(**raw)


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


def put(page: str, name: str, text: str) -> str:
    """Return the page with a text between the markers of that name."""
    before, after = re.split(rf"<!-- {name} -->.*?<!-- /{name} -->", page, flags=re.DOTALL)
    return f"{before}<!-- {name} -->\n{text}<!-- /{name} -->{after}"

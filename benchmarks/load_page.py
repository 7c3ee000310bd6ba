"""What loads have cost, and how docs/postgres.md shows it."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.report import number, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a load took.

    Attributes:
        wall: Seconds from start to end.
        records: How many were loaded.
        tap: CPU seconds of the tap, of all where there are several.
        batches: CPU seconds of the filter, where there is one.
        loader: CPU seconds of the loader, of all where there are several.
        peak_mb: The most memory that the loader held at once, in millions of bytes; of several, their sum.
    """

    wall: float
    records: int
    tap: float
    batches: float = 0.0
    loader: float = 0.0
    peak_mb: float = 0.0


@dataclass
class Loads:
    """What was measured: the costs of the repeats of each case, and of the tap into nothing.

    Attributes:
        day: When.
        machine: On what.
        leads: How many there were.
        accounts: How many of those there were.
        tap_alone: The tap, with leads.
        cases: One pipe that loads leads, with one setting after another.
        groups: Leads and accounts, in one pipe and in two.
        same_rows: Whether Postgres held the same leads after each of them.
    """

    day: str
    machine: str
    leads: int
    accounts: int = 0
    tap_alone: list[Cost] = field(default_factory=list)
    cases: dict[str, list[Cost]] = field(default_factory=dict)
    groups: dict[str, list[Cost]] = field(default_factory=dict)
    same_rows: bool = False

    @classmethod
    def read(cls, path: Path) -> Loads:
        """What was saved."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["tap_alone"] = [Cost(**each) for each in raw["tap_alone"]]
        for part in ("cases", "groups"):
            raw[part] = {name: [Cost(**each) for each in costs] for name, costs in raw[part].items()}
        return cls(**raw)


HEAD = ("lowest to highest", "of the first", "CPU s: tap", "filter", "loader", "loader busy", "its MB")


def section(loads: Loads) -> str:
    """The figures as the page shows them."""
    alone = loads.leads / _median(loads.tap_alone, "wall")
    same = "identical in every column but the loader's own" if loads.same_rows else "**not** the same"
    machine = f"{loads.day}, on a machine with {loads.machine}"
    lines = [
        f"Measured on {machine}: {loads.leads:,} leads, no latency, medians of {len(loads.tap_alone)}.",
        f"The tap by itself wrote {number(alone)} leads a second. The rows of all cases in Postgres were {same}.",
        "",
        table(("Loader", "leads/s", *HEAD), _rows(loads.cases)),
    ]
    if loads.groups:
        lines += [
            f"Leads, and {loads.accounts:,} accounts:",
            "",
            table(("Pipes", "records/s", *HEAD), _rows(loads.groups)),
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
                *(number(_median(costs, part)) for part in ("tap", "batches", "loader")),
                f"{100 * _median(costs, 'loader') / wall:.0f} %",
                number(_median(costs, "peak_mb")),
            )
        )
    return rows


def _median(costs: Sequence[Cost], part: str) -> float:
    return float(statistics.median(getattr(cost, part) for cost in costs))


def render(page: str, loads: Loads) -> str:
    """The page with the figures in their place."""
    return put(page, "load", section(loads))


def put(page: str, name: str, text: str) -> str:
    """The page with a text between the marks of that name."""
    before, after = re.split(rf"<!-- {name} -->.*?<!-- /{name} -->", page, flags=re.DOTALL)
    return f"{before}<!-- {name} -->\n{text}<!-- /{name} -->{after}"

"""Measures the tap into target-postgres with different settings.

Writes the results to docs/postgres.md and tools/benchmarks/results/load.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.benchmarks.harness import describe_machine
from tools.benchmarks.load_page import Cost, Loads, render, section
from tools.benchmarks.loaders import TARGET_POSTGRES
from tools.benchmarks.pipes import started
from tools.benchmarks.results import FOLDER, write
from tools.demo.paths import ROOT

PAGE = ROOT / "docs" / "postgres.md"
RESULTS = FOLDER / "load.json"
LEADS, REPEATS = 40_000, 3


@dataclass(frozen=True)
class Case:
    """A way to load."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the loader
    again: bool = False  # true if the rows exist already, so that each is an update


SHIPPED = TARGET_POSTGRES.settings
AS_SHIPPED = "as `meltano.yml` has it"
CASES = (
    Case("loader defaults"),
    Case("`use_copy: true`", {"use_copy": True}),
    Case("`validate_records: false`", {"validate_records": False}),
    Case(AS_SHIPPED, SHIPPED),
    Case("... every row an update", SHIPPED, again=True),
    Case("... 100,000 rows a batch", {**SHIPPED, "batch_size_rows": 100_000}),
)


def measure(leads: int, repeats: int, cases: Sequence[Case] = CASES) -> Loads:
    """Measure the cases in turn, in a sandbox with so many leads.

    Raises:
        DemoError: A program failed, or records are missing.
    """
    contents = set()
    with started(leads) as bench:
        records = len(bench.truth)
        loads = Loads(bench.day, describe_machine(), records)
        for _ in range(repeats):
            wall, used = bench.tap_alone()
            loads.tap_alone.append(Cost(wall, records, used.cpu))
            for case in cases:
                with bench.empty(TARGET_POSTGRES) as folder:
                    for _ in range(2 if case.again else 1):
                        wall, (tap, loader) = bench.load(TARGET_POSTGRES, case.settings, folder)
                    contents.add(frozenset(bench.loaded(TARGET_POSTGRES)))
                cost = Cost(wall, records, tap.cpu, loader.cpu, loader.peak_mb)
                loads.cases.setdefault(case.name, []).append(cost)
                print(f"{case.name:40} {records / wall:9,.0f} records/s  {cost}", flush=True)
    loads.same_rows = len(contents) == 1
    return loads


def run(leads: int | None, repeats: int | None) -> bool:
    """Measure and write the results, by default with the documents' size; return whether all checks hold.

    Raises:
        DemoError: A program failed, or records are missing.
    """
    loads = measure(leads or LEADS, repeats or REPEATS)
    print(section(loads), end="")
    # A partial measurement must not reach the documents.
    if (leads or LEADS) == LEADS:
        write(RESULTS, loads)
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), loads), encoding="utf-8")
    return loads.same_rows

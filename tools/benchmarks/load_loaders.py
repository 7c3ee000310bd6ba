"""Compares loaders on the same leads, from a file and in the whole pipeline.

Writes the results to docs/loaders.md and tools/benchmarks/results/loaders.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.benchmarks import odd_texts
from tools.benchmarks.harness import describe_machine
from tools.benchmarks.loaders import LOADERS, Loader
from tools.benchmarks.loaders_page import AGAIN, FIRST, PIPE, Comparison, Took, judge, render, section
from tools.benchmarks.pipes import Bench, started
from tools.benchmarks.report import verdict_line
from tools.benchmarks.results import FOLDER, write
from tools.demo.errors import DemoError
from tools.demo.paths import ROOT

PAGE = ROOT / "docs" / "loaders.md"
RESULTS = FOLDER / "loaders.json"
LEADS, REPEATS = 100_000, 3
WAYS = ((FIRST, AGAIN), (PIPE,))
"""Ways to load; those in a group go into the same database, one after the other."""


def _load(bench: Bench, loader: Loader, kind: str, folder: Path) -> Took:
    wall, (*_, used) = bench.load(loader, loader.settings, folder, None if kind == PIPE else bench.file)
    return Took(wall, used.cpu, used.peak_mb, len(bench.truth.items() & bench.loaded(loader)))


def _odd_texts(bench: Bench, loader: Loader) -> int | None:
    """Load difficult texts and return the number of streams that arrived unchanged; None if the load failed."""
    with bench.empty(loader) as folder:
        file = folder / "texts.jsonl"
        file.write_text("".join(odd_texts.messages()), encoding="utf-8")
        try:
            bench.load(loader, loader.settings, folder, file)
        except DemoError:
            return None
        return odd_texts.equal(bench.databases[loader.kind])


def measure(leads: int, repeats: int, loaders: Sequence[Loader] = LOADERS) -> Comparison:
    """Measure loaders in turn, with this many leads.

    Raises:
        DemoError: A loader is not installed or failed, or records are missing.
    """
    if missing := [loader.environment.name for loader in loaders if loader.missing]:
        message = f"not installed: {', '.join(missing)}; `make bench-load` does that"
        raise DemoError(message)
    versions = {loader.distribution: loader.version() for loader in loaders}
    with started(leads) as bench:
        found = Comparison(bench.day, describe_machine(), len(bench.truth), versions)
        for _ in range(repeats):
            found.tap_alone.append(bench.tap_alone()[0])
            found.megabytes = bench.file.stat().st_size / 1e6
            for loader in loaders:
                for kinds in WAYS:
                    with bench.empty(loader) as folder:
                        for kind in kinds:
                            took = _load(bench, loader, kind, folder)
                            found.add(loader.kind, loader.name, kind, took)
                            rate = f"{found.records / took.wall:9,.0f} rows/s"
                            print(f"{loader.kind:9} {loader.name:30} {kind:6} {rate}  {took}", flush=True)
        found.odd = len(odd_texts.streams())
        for loader in loaders:
            if loader.many_streams:
                equal = found.odd_equal.setdefault(loader.kind, {})[loader.name] = _odd_texts(bench, loader)
                print(f"{loader.kind:9} {loader.name:30} odd texts: {equal} of {found.odd}")
    return found


def run(leads: int | None, repeats: int | None) -> bool:
    """Measure and write the results, by default with the documents' number of leads; return whether all checks hold.

    Raises:
        DemoError: A loader is not installed or failed, or records are missing.
    """
    found = measure(leads or LEADS, repeats or REPEATS)
    verdicts = judge(found)
    print(section(found), end="")
    print(*map(verdict_line, verdicts), sep="\n")
    # A partial measurement must not reach the documents.
    if found.records == LEADS:
        write(RESULTS, found)
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return all(verdict.passed for verdict in verdicts)

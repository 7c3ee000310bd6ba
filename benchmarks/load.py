"""The tap into target-postgres, with one setting of the loader after another: python -m benchmarks.load.

What it finds goes into docs/postgres.md and benchmarks/results/load.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from benchmarks.candidates import CANDIDATES, Job, environment
from benchmarks.harness import describe_machine
from benchmarks.report import number, table
from benchmarks.results import FOLDER
from benchmarks.scenarios import TAP
from demo.errors import DemoError
from demo.paths import ROOT
from demo.pipeline import sandbox
from tests.warehouse.postgres import ENVIRONMENT, running

if TYPE_CHECKING:
    import resource
    from collections.abc import Sequence

    from tests.warehouse.postgres import Postgres

PAGE = ROOT / "docs" / "postgres.md"
RESULTS = FOLDER / "load.json"
LEADS, REPEATS = 20_000, 3
SCHEMA, DATABASE = "instantly", "bench_load"
TARGET = str(ENVIRONMENT / "bin" / "target-postgres")
BATCHES = Path(__file__).parent / "peers" / "batches.py"
ROWS = 100_000

COPY, UNCHECKED, LARGE = {"use_copy": True}, {"validate_records": False}, {"batch_size_rows": ROWS}


@dataclass(frozen=True)
class Case:
    """One way to load.

    Attributes:
        name: What it is called.
        settings: Of the loader.
        batches: Whether records go through files.
        again: Whether the rows are there already, so that each is an update.
    """

    name: str
    settings: dict[str, Any]
    batches: bool = False
    again: bool = False


AS_IT_COMES, FASTEST = "as it comes", "all three"
CASES = (
    Case(AS_IT_COMES, {}),
    Case("`use_copy: true`", COPY),
    Case("`validate_records: false`", UNCHECKED),
    Case("both", COPY | UNCHECKED),
    Case(FASTEST, COPY | UNCHECKED | LARGE),
    Case("all three, every row an update", COPY | UNCHECKED | LARGE, again=True),
    Case("all three, through BATCH files", COPY | UNCHECKED | LARGE, batches=True),
)


@dataclass(frozen=True)
class Cost:
    """What a run took.

    Attributes:
        wall: Seconds from start to end.
        tap: CPU seconds of the tap.
        batches: CPU seconds of the filter, where there is one.
        loader: CPU seconds of the loader.
        peak_mb: The most memory that the loader held at once, in millions of bytes.
    """

    wall: float
    tap: float
    batches: float = 0.0
    loader: float = 0.0
    peak_mb: float = 0.0


@dataclass
class Loads:
    """What was measured: the costs of the repeats of each case, and of the tap into nothing."""

    day: str
    machine: str
    leads: int
    tap_alone: list[Cost] = field(default_factory=list)
    cases: dict[str, list[Cost]] = field(default_factory=dict)
    same_rows: bool = False

    @classmethod
    def read(cls, path: Path) -> Loads:
        """What was saved."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["tap_alone"] = [Cost(**each) for each in raw["tap_alone"]]
        raw["cases"] = {name: [Cost(**each) for each in costs] for name, costs in raw["cases"].items()}
        return cls(**raw)


def pipe(
    commands: Sequence[Sequence[str]], environ: dict[str, str], folder: Path
) -> tuple[float, list[resource.struct_rusage]]:
    """Run commands, each one's output the next one's input: the seconds that took, and what each one used.

    Raises:
        DemoError: One of them failed.
    """
    source: IO[bytes] | int = subprocess.DEVNULL
    started, children = time.monotonic(), []
    with (folder / "log").open("wb") as log, Path(os.devnull).open("wb") as nothing:
        for command in commands:
            output = nothing if command is commands[-1] else subprocess.PIPE
            child = subprocess.Popen(  # noqa: S603 (our own commands)
                command, stdin=source, stdout=output, stderr=log, env=environ, cwd=folder
            )
            if not isinstance(source, int):
                source.close()  # so that the one before sees this one's end
            source = child.stdout or subprocess.DEVNULL
            children.append(child)
        ends = [os.wait4(child.pid, 0) for child in children]
    wall = time.monotonic() - started
    for child, (_, status, _) in zip(children, ends, strict=True):
        child.returncode = os.waitstatus_to_exitcode(status)
    if any(child.returncode for child in children):
        message = f"exit codes {[child.returncode for child in children]}"
        lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        raise DemoError(message, tuple(lines[-20:]))
    return wall, [used for _, _, used in ends]


def _cpu(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def load(case: Case, tap: Sequence[str], postgres: Postgres, leads: int, folder: Path) -> tuple[Cost, str]:
    """Load once into the database, which is empty: what it took, and a checksum of the rows.

    Raises:
        DemoError: It failed, or not all leads arrived.
    """
    settings = {"sqlalchemy_url": postgres.url(DATABASE), "default_target_schema": SCHEMA, **case.settings}
    config = folder / "target.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    target = [TARGET, "--config", str(config)]
    environ = environment(folder)
    with tempfile.TemporaryDirectory(dir=folder) as files:
        through = [[sys.executable, str(BATCHES), files, str(ROWS)]] if case.batches else []
        for _ in range(2 if case.again else 1):
            wall, used = pipe([tap, *through, target], environ, folder)
    where = f"table_schema = '{SCHEMA}' and table_name = 'leads' and column_name not like '\\_sdc%'"
    names = f"select string_agg(quote_ident(column_name), ',') from information_schema.columns where {where}"  # noqa: S608 (our own names)
    columns = postgres.execute(names, DATABASE).strip()
    query = f"select count(*), md5(string_agg(md5(row({columns})::text), '' order by id)) from {SCHEMA}.leads"  # noqa: S608 (our own names)
    count, checksum = postgres.execute(query, DATABASE).strip().split("|")
    if int(count) != leads:
        message = f"{case.name}: {count} rows, and there are {leads} leads"
        raise DemoError(message)
    # Kilobytes, except on a Mac.
    peak_mb = used[-1].ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    filtered = _cpu(used[1]) if case.batches else 0.0
    return Cost(wall, _cpu(used[0]), filtered, _cpu(used[-1]), peak_mb), checksum


def measure(leads: int, repeats: int, cases: Sequence[Case] = CASES) -> Loads:
    """Measure the cases in turn."""
    today = datetime.now(timezone.utc).date()
    loads, checksums = Loads(today.isoformat(), describe_machine(), leads), set()
    with tempfile.TemporaryDirectory(prefix="tap-instantly-load-") as name, running() as postgres:
        folder = Path(name)
        sizes = {"leads": leads, "campaigns": 20, "until": today}
        with sandbox(folder / "sandbox.log", sizes) as source:
            settings = {"max_requests_per_second": 10_000}
            job = Job(folder, source.api_url, source.api_key, "leads", today, settings)
            tap = CANDIDATES[TAP].prepare(CANDIDATES[TAP], job)
            pipe([tap], environment(folder), folder)  # which makes the sandbox invent its leads
            for _ in range(repeats):
                wall, (used,) = pipe([tap], environment(folder), folder)
                loads.tap_alone.append(Cost(wall, _cpu(used)))
                for case in cases:
                    with postgres.database(DATABASE):
                        cost, checksum = load(case, tap, postgres, leads, folder)
                    loads.cases.setdefault(case.name, []).append(cost)
                    checksums.add(checksum)
                    sys.stdout.write(f"{case.name:40} {leads / cost.wall:9,.0f} leads/s  {cost}\n")
                    sys.stdout.flush()
    loads.same_rows = len(checksums) == 1
    return loads


def section(loads: Loads) -> str:
    """The figures as the page shows them."""
    slowest = _median(loads.cases[AS_IT_COMES], "wall")
    rows = []
    for name, costs in loads.cases.items():
        wall, loader = _median(costs, "wall"), _median(costs, "loader")
        rates = [loads.leads / cost.wall for cost in costs]
        rows.append(
            (
                name,
                number(loads.leads / wall),
                f"{number(min(rates))} to {number(max(rates))}",
                f"{slowest / wall:.1f} x",
                *(number(_median(costs, part)) for part in ("tap", "batches", "loader")),
                f"{100 * loader / wall:.0f} %",
                number(_median(costs, "peak_mb")),
            )
        )
    head = (
        "Loader",
        "leads/s",
        "lowest to highest",
        "of the first",
        "CPU s: tap",
        "filter",
        "loader",
        "loader busy",
        "its MB",
    )
    alone = loads.leads / _median(loads.tap_alone, "wall")
    same = "identical in every column but the loader's own" if loads.same_rows else "**not** the same"
    machine = f"{loads.day}, on a machine with {loads.machine}"
    lines = (
        f"Measured on {machine}: {loads.leads:,} leads, no latency, medians of {len(loads.tap_alone)}.",
        f"The tap by itself wrote {number(alone)} leads a second. The rows of all cases were {same}.",
        "",
        table(head, rows),
    )
    return "\n".join(lines)


def _median(costs: Sequence[Cost], part: str) -> float:
    return float(statistics.median(getattr(cost, part) for cost in costs))


def render(page: str, loads: Loads) -> str:
    """The page with the figures in their place."""
    before, after = re.split(r"<!-- load -->.*?<!-- /load -->", page, flags=re.DOTALL)
    return f"{before}<!-- load -->\n{section(loads)}<!-- /load -->{after}"


def main() -> int:
    """Measure and write down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="The tap into target-postgres.")
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    try:
        loads = measure(options.leads, options.repeats)
    except DemoError as error:
        sys.stdout.write("\n".join([*error.details, f"benchmarks: {error}", ""]))
        return 2
    sys.stdout.write(section(loads))
    # What was not measured as a whole is for a look and not for the documents.
    if (options.leads, options.repeats) == (LEADS, REPEATS):
        RESULTS.write_text(json.dumps(asdict(loads), indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), loads), encoding="utf-8")
    return 0 if loads.same_rows else 1


if __name__ == "__main__":
    raise SystemExit(main())

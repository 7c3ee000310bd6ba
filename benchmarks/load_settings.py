"""The tap into target-postgres, with one setting after another.

What it finds goes into docs/postgres.md and benchmarks/results/load.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.candidates import CANDIDATES, Job, environment
from benchmarks.databases import HOST, InPostgres
from benchmarks.harness import describe_machine
from benchmarks.load_page import Cost, Loads, render, section
from benchmarks.loaders import TARGET_POSTGRES, variables
from benchmarks.pipes import cpu, peak_mb, pipe, side_by_side
from benchmarks.results import FOLDER
from benchmarks.scenarios import TAP, WITHOUT_LIMIT
from demo.errors import DemoError
from demo.paths import ROOT
from demo.pipeline import sandbox
from sandbox import Control
from tests.warehouse.postgres import running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from demo.pipeline import Sandbox

PAGE = ROOT / "docs" / "postgres.md"
RESULTS = FOLDER / "load.json"
LEADS, ACCOUNTS, REPEATS = 40_000, 40_000, 3
BATCHES = Path(__file__).parent / "peers" / "batches.py"

LEAD_STREAM, ACCOUNT_STREAM = "leads", "accounts"


@dataclass(frozen=True)
class Case:
    """One way to load.

    Attributes:
        name: What it is called.
        settings: Of the loader.
        batches: Whether records go through files.
        again: Whether the rows are there already, so that each is an update.
        pipes: The streams of each pipe; pipes run at the same time.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    batches: bool = False
    again: bool = False
    pipes: Sequence[Sequence[str]] = ((LEAD_STREAM,),)


SHIPPED = TARGET_POSTGRES.settings
AS_SHIPPED = "as `meltano.yml` has it"
CASES = (
    Case("as it comes"),
    Case("`use_copy: true`", {"use_copy": True}),
    Case("`validate_records: false`", {"validate_records": False}),
    Case(AS_SHIPPED, SHIPPED),
    Case("... every row an update", SHIPPED, again=True),
    Case("... 100,000 rows a batch", {**SHIPPED, "batch_size_rows": 100_000}),
    Case("... through BATCH files", SHIPPED, batches=True),
)
GROUPS = (
    Case("one", SHIPPED, pipes=((LEAD_STREAM, ACCOUNT_STREAM),)),
    Case("two at the same time", SHIPPED, pipes=((LEAD_STREAM,), (ACCOUNT_STREAM,))),
)


class Bench:
    """A sandbox, a database, and a folder for files.

    Args:
        folder: Which.
        source: The sandbox.
        database: The database.
        today: The last day to read.
    """

    def __init__(self, folder: Path, source: Sandbox, database: InPostgres, today: date) -> None:
        self._folder = folder
        self._job = Job(folder, source.api_url, source.api_key, LEAD_STREAM, today, WITHOUT_LIMIT)
        self._command = CANDIDATES[TAP].prepare(CANDIDATES[TAP], self._job)
        self._database = database
        with Control(source.url) as control:  # which makes the sandbox invent them
            self.counts = {name: sum(1 for _ in control.truth_lines(name)) for name in (LEAD_STREAM, ACCOUNT_STREAM)}

    def tap_alone(self) -> Cost:
        """What the tap takes for the leads by itself.

        Raises:
            DemoError: It failed.
        """
        wall, (used,) = pipe([self._command], environment(self._folder), self._folder / "tap.log")
        return Cost(wall, self.counts[LEAD_STREAM], cpu(used))

    def load(self, case: Case) -> tuple[Cost, str]:
        """Load once into an empty database: what it took, and a checksum of the leads.

        Raises:
            DemoError: It failed, or not all records arrived.
        """
        database, streams = self._database, [stream for streams in case.pipes for stream in streams]
        target = self._job.file("target.json", {**TARGET_POSTGRES.access(database), **case.settings})
        environ = {**environment(self._folder), **variables(TARGET_POSTGRES.name)}
        with tempfile.TemporaryDirectory(dir=self._folder) as files, database.empty():
            rows = str(case.settings.get("batch_size_rows"))
            through = [[sys.executable, str(BATCHES), files, rows]] if case.batches else []
            pipes = [[self._tap(names), *through, TARGET_POSTGRES.call(target)] for names in case.pipes]
            for _ in range(2 if case.again else 1):
                wall, used = side_by_side(pipes, environ, self._folder)
            there = {name: (database.count(name), self.counts[name]) for name in streams}
            checksum = database.checksum(LEAD_STREAM)
        if any(found != expected for found, expected in there.values()):
            message = f"{case.name}: rows, and how many there should be: {there}"
            raise DemoError(message)
        filtered = sum(cpu(each[1]) for each in used) if case.batches else 0.0
        first, last = ([each[place] for each in used] for place in (0, -1))
        loaded = sum(self.counts[name] for name in streams)
        return Cost(
            wall, loaded, sum(map(cpu, first)), filtered, sum(map(cpu, last)), sum(map(peak_mb, last))
        ), checksum

    def _tap(self, streams: Sequence[str]) -> list[str]:
        """The tap with these streams selected."""
        *command, path = self._command
        catalog = json.loads(Path(path).read_text(encoding="utf-8"))
        for entry in catalog["streams"]:
            for item in entry["metadata"]:
                if not item["breadcrumb"]:
                    item["metadata"]["selected"] = entry["stream"] in streams
        return [*command, self._job.file(f"catalog-{'-'.join(streams)}.json", catalog)]


def measure(
    sizes: Mapping[str, int], repeats: int, cases: Sequence[Case] = CASES, groups: Sequence[Case] = GROUPS
) -> Loads:
    """Measure the cases in turn, in a sandbox of these sizes."""
    today = datetime.now(timezone.utc).date()
    checksums = set()
    with tempfile.TemporaryDirectory(prefix="tap-instantly-load-") as name, running(host=HOST) as postgres:
        folder = Path(name)
        with sandbox(folder / "sandbox.log", {**sizes, "campaigns": 20, "until": today}) as source:
            bench = Bench(folder, source, InPostgres(postgres), today)
            loads = Loads(
                today.isoformat(), describe_machine(), bench.counts[LEAD_STREAM], bench.counts[ACCOUNT_STREAM]
            )
            for _ in range(repeats):
                loads.tap_alone.append(bench.tap_alone())
                for case in (*cases, *groups):
                    cost, checksum = bench.load(case)
                    found = loads.groups if case in groups else loads.cases
                    found.setdefault(case.name, []).append(cost)
                    checksums.add(checksum)
                    sys.stdout.write(f"{case.name:40} {cost.records / cost.wall:9,.0f} records/s  {cost}\n")
                    sys.stdout.flush()
    loads.same_rows = len(checksums) == 1
    return loads


def run(leads: int | None, accounts: int | None, repeats: int | None) -> bool:
    """Measure and write down, in this many records or in those of the documents: whether all that has to hold does.

    Raises:
        DemoError: A program failed, or not all records arrived.
    """
    sizes = {"leads": leads or LEADS, "accounts": accounts or ACCOUNTS}
    loads = measure(sizes, repeats or REPEATS)
    sys.stdout.write(section(loads))
    # What was not measured as a whole is for a look and not for the documents.
    if sizes == {"leads": LEADS, "accounts": ACCOUNTS}:
        RESULTS.write_text(json.dumps(asdict(loads), indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), loads), encoding="utf-8")
    return loads.same_rows

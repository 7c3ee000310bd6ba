"""Counts requests and records of each way to find changed leads: ``python -m tools.benchmarks.sweeps``.

Writes the results to docs/leads.md. Requests do not depend on the machine, so one run of each is enough.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sandbox import SandboxConfig, Server, serve
from tools.benchmarks.candidates import CANDIDATES, Job, environment
from tools.benchmarks.measure import run
from tools.benchmarks.report import number
from tools.benchmarks.results import FOLDER, today, write
from tools.benchmarks.scenarios import TAP, WITHOUT_LIMIT
from tools.demo.paths import ROOT
from tools.parts import put, table

RESULTS = FOLDER / "sweeps.json"
PAGE = ROOT / "docs" / "leads.md"
SIZES = (10_000, 100_000, 1_000_000)
SHARES = (0.01, 0.1)
MODES = ("off", "on", "check")
LARGE, MOST = 1_000_000, 0.03
"""From this many leads on, a sweep may take at most this share of the requests of a full pass."""

ACTIONS = {"contact": 1, "open": 5, "reply": 25, "click": 50, "label": 50}
"""Divisors of the number of changed leads, by action."""


@dataclass(frozen=True)
class Took:
    """Cost of the second run."""

    leads: int
    changed: int  # leads changed since the first run
    mode: str  # the setting ``leads_sweep``
    requests: int  # requests for lists of leads and for analytics
    records: int  # leads written
    full: int  # requests of the first run, which reads all leads


def read(server: Server, folder: Path, mode: str, state: dict[str, Any] | None) -> tuple[dict[str, Any], int, int]:
    """Run the tap; return its state, its requests, and the number of leads written."""
    settings = {**WITHOUT_LIMIT, "leads_sweep": mode, "lookback_hours": 0}
    job = Job(folder, f"{server.url}/api/v2", server.api_key, ("leads",), date.today(), settings)  # noqa: DTZ011 (unused)
    job = replace(job, state=Path(job.file("state.json", state or {})))
    command = CANDIDATES[TAP].prepare(CANDIDATES[TAP], job)
    server.control.clear_requests()
    usage = run(command, folder / "tap.log", environment(folder), folder)
    if usage.exit_code:
        message = f"the tap ended with {usage.exit_code}"
        raise RuntimeError(message)
    operations = server.control.counts()["operations"]
    asked = sum(count for name, count in operations.items() if "leads/list" in name or "analytics" in name)
    return json.loads(usage.tally.state)["value"], asked, usage.tally.records


def measure(sizes: Iterable[int], shares: Iterable[float]) -> list[Took]:
    """Change leads of a sandbox after a first run, and run the tap once more in each mode."""
    found = []
    # In the days that a sweep asks for, only the changes made here happened.
    until = (datetime.now(timezone.utc) - timedelta(days=10)).date().isoformat()
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            config = SandboxConfig(leads=size, campaigns=20, accounts=10, emails=10, until=until)
            with serve(config) as server:
                state, full, _ = read(server, folder, "on", None)
                for share in shares:
                    server.control.reset()
                    every = round(1 / share)
                    for kind, one_of in ACTIONS.items():
                        server.control.mutate("change_leads", kind=kind, every=every * one_of)
                    created = len(server.control.add_leads(size // 2000))
                    for mode in MODES:
                        _, requests, records = read(server, folder, mode, state)
                        found.append(Took(size, size // every + created, mode, requests, records, full))
                        print(found[-1])
    return found


def failures(found: Sequence[Took]) -> list[str]:
    """Return the failed checks: a sweep writes each changed lead once, for at most 3 % of a pass if 1 % changed."""
    swept = [took for took in found if took.mode == "on"]
    lost = [
        f"{took.leads} leads: {took.records} written of {took.changed}"
        for took in swept
        if took.records != took.changed
    ]
    large = [took for took in swept if took.leads >= LARGE and took.changed < took.leads / 50]
    return lost + [
        f"{took.leads} leads: {took.requests} requests, a pass takes {took.full}"
        for took in large
        if took.requests > MOST * took.full
    ]


def section(day: str, found: Sequence[Took]) -> str:
    """Return the figures as the page shows them."""
    heads = ("leads", "changed", *(f"`{mode}`" for mode in MODES), "`on` of `off`")
    rows = []
    for leads, changed in dict.fromkeys((took.leads, took.changed) for took in found):
        by_mode = {took.mode: took for took in found if (took.leads, took.changed) == (leads, changed)}
        requests = [number(by_mode[mode].requests) for mode in MODES]
        share = by_mode["on"].requests / by_mode["off"].requests
        rows.append((number(leads), number(changed), *requests, f"{share:.1%}"))
    return f"Requests of one run, counted on {day} against the sandbox:\n\n{table(heads, rows)}\n"


def main() -> int:
    """Measure and rewrite the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks.sweeps", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], default=SIZES)
    parser.add_argument("--report", action="store_true", help="only write the page anew from the last results")
    options = parser.parse_args()
    if not options.report:
        found = measure(options.sizes, SHARES)
        write(RESULTS, {"day": today(), "found": found})
    saved = json.loads(RESULTS.read_text(encoding="utf-8"))
    took = [Took(**each) for each in saved["found"]]
    PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), "sweeps", section(saved["day"], took)), encoding="utf-8")
    print(*failures(took), sep="\n")
    return bool(failures(took))


if __name__ == "__main__":
    raise SystemExit(main())

"""Command line of the benchmarks: python -m tools.benchmarks."""

from __future__ import annotations

import argparse
import operator
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tools.benchmarks import harness, report, sandbox_speed
from tools.benchmarks.candidates import CANDIDATES
from tools.benchmarks.checks import judge
from tools.benchmarks.results import LATEST, QUICK, Probe, Results, Run
from tools.benchmarks.scenarios import SCENARIOS, Scenario
from tools.demo.errors import DemoError
from tools.demo.paths import short

say = partial(print, flush=True)


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.benchmarks", description="This tap beside other tools.")
    add, names = parser.add_argument, operator.methodcaller("split", ",")
    only = "these scenarios alone, or those whose names begin with the word"
    add("--only", type=names, metavar="SCENARIO,...", help=only)
    add("--peers", type=names, metavar="CANDIDATE,...", help=f"these alone, of {', '.join(CANDIDATES)}")
    add("--repeats", type=int, help="how often each runs, in the place of what each scenario says")
    add("--scale", type=float, default=1.0, metavar="F", help="multiply the sizes, for a quick look")
    add("--sandbox", action="store_true", help="only measure the speed of the sandbox alone")
    add("--add", action="store_true", help="put them into the documents, in the place of what is there of them")
    add("--list", action="store_true", help="list the scenarios and end")
    add("--report", action="store_true", help=f"only write the documents anew from {short(LATEST)}")
    return parser


def is_meant(scenario: Scenario, names: Sequence[str]) -> bool:
    """Return whether a scenario is named, in full or by the first words of its name."""
    return any(scenario.name == name or scenario.name.startswith(f"{name}-") for name in names)


def choose(options: argparse.Namespace) -> list[Scenario]:
    """Return the requested scenarios, with the requested options.

    Raises:
        DemoError: There is no such scenario or candidate.
    """
    unknown = {name for name in options.only or () if not any(is_meant(each, [name]) for each in SCENARIOS)}
    unknown |= {*(options.peers or ())} - CANDIDATES.keys()
    if unknown:
        message = f"there is no {', '.join(sorted(unknown))}: scenarios are {', '.join(s.name for s in SCENARIOS)}"
        raise DemoError(message)
    chosen = []
    for given in SCENARIOS:
        if options.only and not is_meant(given, options.only):
            continue
        who = tuple(name for name in given.candidates if not options.peers or name in options.peers)
        repeats = given.repeats if options.repeats is None else options.repeats
        chosen.append(replace(given.scaled(options.scale), candidates=who, repeats=repeats))
    return [scenario for scenario in chosen if scenario.candidates]


def measure(scenarios: Sequence[Scenario]) -> Results:
    """Run the scenarios.

    Raises:
        DemoError: The environment of a peer is missing.
    """
    needed = dict.fromkeys(name for scenario in scenarios for name in scenario.candidates)
    if missing := [name for name in needed if CANDIDATES[name].missing]:
        message = f"no environment for {', '.join(missing)}: `make bench` makes it, --peers leaves it out"
        raise DemoError(message)
    results, started = harness.begin(needed), time.monotonic()
    groups: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        groups.setdefault(scenario.group or scenario.name, []).append(scenario)
    for group in groups.values():
        for scenario in group:
            say(f"{scenario.name}: {scenario.title}{'' if scenario in SCENARIOS else ' (changed by options)'}")
        for outcome in harness.perform_in_turn(group, tell):
            results.outcomes[outcome.scenario.name] = outcome
    results.seconds = time.monotonic() - started
    return results


def tell(name: str, run: Run) -> None:
    """Print a run."""
    rate = f"{run.records:>9,} records {run.records / run.wall:>9,.0f}/s " if run.records else ""
    requests = f"{run.requests:>6,} requests ({run.in_flight} at once)"
    text = f"  {name:8} {run.wall:7.2f} s {run.cpu:7.2f} CPU s {run.peak_mb:5.0f} MB {rate}{requests}"
    say(text if run.failure is None else f"{text}  FAILED: {run.failure}")


def tell_probes(probes: Sequence[Probe]) -> None:
    """Print the speed of the sandbox."""
    for probe in probes:
        rates = f"{probe.per_second:,.0f} leads/s, {probe.per_cpu_second:,.0f} per CPU second of its own"
        say(f"sandbox alone, {probe.connections} connections: {rates}")


def conclude(results: Results, *, whole: bool, sizes_as_given: bool) -> int:
    """Print tables and verdicts; 1 if a run failed or a check does not hold."""
    failures = [failure for outcome in results.outcomes.values() for failure in outcome.failures]
    for outcome in results.outcomes.values():
        say(f"\n{outcome.scenario.title}\n{report.scenario_table(results, outcome)}")
    verdicts = judge(results) if sizes_as_given else []
    for verdict in verdicts:
        if whole or verdict.passed is not None:
            say(report.verdict_line(verdict))
    for failure in failures:
        say(f"{'FAILED':12}  {failure}")
    missed = [v for v in verdicts if v.passed is False or (whole and v.passed is None)]
    return 1 if failures or missed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report."""
    options = make_parser().parse_args(arguments)
    if options.list:
        say("\n".join(f"{scenario.name:20} {scenario.title}" for scenario in SCENARIOS))
        return 0
    if options.report:
        report.write()
        return 0
    if options.sandbox:
        tell_probes(sandbox_speed.probe())
        return 0
    # A partial measurement must not reach the documents.
    whole = not (options.only or options.peers or options.repeats) and options.scale == 1
    try:
        probes = sandbox_speed.probe() if whole else []
        tell_probes(probes)
        results = measure(choose(options))
    except DemoError as error:
        say("\n".join([*error.details, f"benchmarks: {error}"]))
        return 2
    results.probes = probes
    if options.add:
        results, later = Results.load(LATEST), results
        results.add(later)
    results.save(LATEST if whole or options.add else QUICK)
    if whole or options.add:
        report.write()
    return conclude(results, whole=whole, sizes_as_given=options.scale == 1)


if __name__ == "__main__":
    raise SystemExit(main())

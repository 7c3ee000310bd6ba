"""Writes the report from the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.benchmarks import chart
from tools.benchmarks.candidates import CANDIDATES
from tools.benchmarks.checks import Verdict, judge
from tools.benchmarks.figures import Figures, Spread, figures, peer_figures, times_faster
from tools.benchmarks.results import LATEST, Results
from tools.benchmarks.scenarios import EVERYBODY, TAP
from tools.demo.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tools.benchmarks.results import Outcome

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
DETAILS = ROOT / "tools" / "benchmarks" / "results" / "README.md"

INTRODUCTION = """\
# Speed

The speed and cost of this tap and of other tools, measured by `make bench` against the same data in the same run.
"""

NOTHING_YET = """\
There are no figures here yet: `make bench` measures them and writes this page again.
"""

DETAILS_LINK = "../tools/benchmarks/results/README.md"

ALL_FIGURES = f"""\
[Every figure of every scenario]({DETAILS_LINK}), those in which others are ahead among them.
"""

ALL_SCENARIOS = """\
# Every figure of the benchmark

Written by `make bench`. [Speed](../../../docs/performance.md) says who takes part and how it is measured.
"""

METHOD = """\
## How it is measured

- **The server** is the [sandbox](sandbox.md) on the same machine. It pages like the API, waits as long as the scenario
  says, and can enforce the API's limits: 100 requests a second, 6,000 a minute. With 100 records a page the limit is
  10,000 records a second. Each scenario has its own sandbox process, which is reset before each run.
- **In turn.** The candidates run one after another, and each next round starts with another one. Figures are medians,
  with the lowest and the highest in brackets. "Times as fast" is the median of the turns' own ratios.
- **A process from start to end.** Seconds, CPU seconds and peak memory are those of the candidate's process, start-up
  included. Its output is counted at the other end of a pipe; a run with missing or surplus records counts as failed.
- **Start-up subtracted** means: less the CPU seconds of the same candidate over an empty list.
- **Requests** and their concurrency are counted by the sandbox. *Requests a page* compares with the pages of the list;
  one more request is needed to see its end. **429s** are refused requests, over all repeats.
- **Fair peers.** All read the same endpoints with pages of 100 and write JSON ([code](../tools/benchmarks/peers)).
  `sdk` is a tap from the SDK's template. `airbyte` is Airbyte's CDK with a manifest of ours, because the published one
  emits a record per page; it reads ten partitions at once. `dlt` is its `rest_api` source, extraction into compressed
  files only. `floor` is a bare loop: the cost of sequential requests in Python.
- **Smaller for sequential peers.** They would take hours, so they read fewer records, and rates are compared.
- **Default streams** run with the key alone; the second run gets the state of the first, and nothing has changed. The
  six *plain* streams are those that the peers can read.
- **A further lead** is measured from four places, without start-up: the median of three turns, up and down again.

The [raw figures](../tools/benchmarks/results), the scenarios (`tools/benchmarks/scenarios.py`) and the targets
(`tools/benchmarks/checks.py`) are in the repository.
"""


def write() -> None:
    """Write the page, the details and the chart from the latest results."""
    results = Results.load(LATEST) if LATEST.exists() else None
    PAGE.write_text(page(results), encoding="utf-8")
    DETAILS.write_text(details(results), encoding="utf-8")
    drawing = chart.draw(results) if results else None
    if drawing:
        CHART.write_text(drawing, encoding="utf-8")
    else:
        CHART.unlink(missing_ok=True)


def page(results: Results | None) -> str:
    """Write the page."""
    if results is None:
        return f"{INTRODUCTION}\n{NOTHING_YET}\n{METHOD}"
    parts = [INTRODUCTION, _setting(results)]
    if chart.draw(results):
        parts.append("![Records a second, by tool](performance.svg)\n")
    parts += [ALL_FIGURES, _checks(judge(results)), METHOD]
    return "\n".join(parts)


def details(results: Results | None) -> str:
    """Write every figure of every scenario."""
    if results is None:
        return f"{ALL_SCENARIOS}\n{NOTHING_YET}"
    checks = _all_checks(judge(results))
    return "\n".join([ALL_SCENARIOS, checks, *(_scenario(results, outcome) for outcome in results.outcomes.values())])


def _setting(results: Results) -> str:
    rows = [(f"`{name}`", CANDIDATES[name].title, version) for name, version in results.versions.items()]
    when = f"Measured on {results.day}, on a machine with {results.machine}, in {results.seconds / 60:.0f} minutes"
    when += f", at commit `{results.commit}`.\n" if results.commit else ".\n"
    rates = [
        f"{number(probe.per_second)} leads/s with {probe.connections} connection{'s' * (probe.connections > 1)} "
        f"({number(probe.per_cpu_second)} per CPU second)"
        for probe in results.probes
    ]
    alone = [f"Sandbox alone: {', '.join(rates)}.\n"] if rates else []
    return "\n".join([when, *_apart(results), table(("Candidate", "What it is", "Version"), rows), *alone])


def _apart(results: Results) -> Iterator[str]:
    """Yield a sentence for each later measurement of some scenarios."""
    kinds: dict[str, dict[str, None]] = {}
    for outcome in results.outcomes.values():
        if outcome.measured:
            kinds.setdefault(outcome.measured, {})[f"`{outcome.scenario.name.split('-')[0]}-*`"] = None
    for measured, names in kinds.items():
        yield f"Scenarios {', '.join(names)}: measured apart, {measured}.\n"


def _checks(verdicts: Sequence[Verdict]) -> str:
    measured = [verdict for verdict in verdicts if verdict.passed is not None]
    missed = [verdict for verdict in measured if not verdict.passed]
    text = f"{len(measured) - len(missed)} of {len(measured)} [targets]({DETAILS_LINK}#targets) are met"
    text += f", and {rest} were not measured. " if (rest := len(verdicts) - len(measured)) else ". "
    if missed:
        text += "The others:\n\n" + table(("What", "Target", "Measured", ""), map(check_row, missed))
    return f"## Targets\n\n{text.rstrip()}\n"


def _all_checks(verdicts: Sequence[Verdict]) -> str:
    return "## Targets\n\n" + table(("What", "Target", "Measured", ""), map(check_row, verdicts))


def check_row(verdict: Verdict) -> tuple[str, str, str, str]:
    """Format a check as the cells of a table row."""
    check = verdict.check
    word = {True: "pass", False: "**fail**", None: "not measured"}[verdict.passed]
    value = "" if verdict.value is None else f"{number(verdict.value)}{check.unit}"
    target = f"{check.limit:,}{check.unit}" if check.limit == 0 else f"{check.bound} {check.limit:,}{check.unit}"
    return check.what, target, value, word


def _scenario(results: Results, outcome: Outcome) -> str:
    scenario = outcome.scenario
    lines = [f"## {scenario.title}\n"]
    if outcome.measured:
        lines.append(f"Measured apart from the rest, {outcome.measured}.\n")
    if scenario.settings:
        lines.append(f"Settings of the tap: {', '.join(f'`{k}: {v}`' for k, v in scenario.settings.items())}.\n")
    if outcome.left_out:
        lines.append(f"Left out, since the tap does not have them: {', '.join(f'`{k}`' for k in outcome.left_out)}.\n")
    lines += [f"Failed: {failure}.\n" for failure in outcome.failures]
    return "\n".join(lines) + "\n" + scenario_table(results, outcome)


START_UP_COLUMNS = ("candidate", "seconds", "CPU seconds", "peak MB")
COLUMNS = (
    *(
        "candidate",
        "records",
        "seconds",
        "records/s",
        "tap's rate",
        "CPU s per 100k",
        "µs CPU per record, start-up subtracted",
    ),
    *("peak MB", "in flight", "requests a page", "share of the limit", "429s"),
)
RUN_COLUMNS = (
    *("candidate", "records", "seconds", "records/s", "tap's rate", "CPU seconds", "peak MB", "in flight"),
    *("requests", "requests/s", "429s"),
)


def scenario_table(results: Results, outcome: Outcome) -> str:
    """Write the figures of all candidates in a scenario."""
    name = outcome.scenario.name
    found = {candidate: peer_figures(results, name, candidate) for candidate in EVERYBODY}
    if outcome.records == 0:
        return table(START_UP_COLUMNS, (_start_up_row(who, f) for who, f in found.items() if f))
    if not outcome.pages:
        return table(RUN_COLUMNS, (_run_row(results, name, who, f) for who, f in found.items() if f))
    return table(COLUMNS, (_row(results, name, who, f) for who, f in found.items() if f))


def _start_up_row(who: str, found: Figures) -> tuple[str, ...]:
    return f"`{who}`", spread(found.wall), spread(found.cpu), spread(found.peak_mb)


def _run_row(results: Results, scenario: str, who: str, found: Figures) -> tuple[str, ...]:
    """Format a run over several streams, which has no count of pages."""
    return (
        f"`{who}`",
        f"{found.records:,}",
        spread(found.wall),
        spread(found.rate),
        _times(results, scenario, who),
        spread(found.cpu),
        spread(found.peak_mb),
        str(found.in_flight),
        f"{found.requests:,}",
        number(found.requests / found.wall.median),
        str(found.too_many),
    )


def _times(results: Results, scenario: str, who: str) -> str:
    times = None if who == TAP else times_faster(results, scenario, who)
    return "" if times is None else f"{times:.1f} x"


def _row(results: Results, scenario: str, who: str, found: Figures) -> tuple[str, ...]:
    return (
        f"`{who}`",
        f"{found.records:,}" if figures(results, scenario, who) else f"{found.records:,} (rate compared)",
        spread(found.wall),
        spread(found.rate),
        _times(results, scenario, who),
        number(found.cpu_per_100k),
        "" if found.net_us is None else number(found.net_us),
        spread(found.peak_mb),
        str(found.in_flight),
        f"{found.requests_per_page:.3f}",
        f"{100 * found.limit_share:.2g}%" if results.outcomes[scenario].scenario.latency_ms else "",
        str(found.too_many) if results.outcomes[scenario].scenario.rate_limit else "",
    )


def number(value: float) -> str:
    """Format a figure with three significant digits, or with all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004


def spread(value: Spread) -> str:
    """Format a median with its extremes."""
    if value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} ({number(value.low)} to {number(value.high)})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"

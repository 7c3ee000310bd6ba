"""Writes the report from the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tools.benchmarks import chart
from tools.benchmarks.candidates import CANDIDATES
from tools.benchmarks.checks import Verdict, judge
from tools.benchmarks.figures import Figures, Spread, figures, peer_figures, times_faster
from tools.benchmarks.results import LATEST, Outcome, Results
from tools.benchmarks.scenarios import EVERYBODY, TAP
from tools.demo.paths import ROOT
from tools.parts import table

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
[Every figure of every scenario]({DETAILS_LINK}).
"""

ALL_SCENARIOS = """\
# Every figure of the benchmark

Written by `make bench`. [Speed](../../../docs/performance.md) says who takes part and how it is measured.
"""

METHOD = """\
## How it is measured

- **The server** is the [sandbox](sandbox.md) on the same machine. It pages like the API, waits as long as the scenario
  says, and can enforce the API's limits: 100 requests a second, 6,000 a minute. With 100 records a page the limit is
  10,000 records a second. Each scenario starts a new one.
- **Leads** are created evenly over time there. After imports of many leads within seconds, a first pass is slower.
- **In turn.** The candidates run one after another, and each round starts with another one. Figures are medians, with
  the lowest and the highest in brackets. "Times as fast" is the median of the turns' ratios.
- **Processes.** Seconds, CPU seconds and peak memory include start-up. A run with missing or surplus records counts as
  failed.
- **Start-up subtracted** means: less the candidate's CPU seconds over an empty list.
- **Requests** and their concurrency are counted by the sandbox. *Requests a page* compares with the pages of the list;
  its end takes one more. **429s** are refused requests.
- **Fair peers.** All read the same endpoints with pages of 100 and write JSON ([code](../tools/benchmarks/peers)).
  `sdk` is a tap from the SDK's template. `airbyte` is Airbyte's CDK with a manifest of ours, because the published one
  emits a record per page; it reads ten partitions at once. `dlt` is its `rest_api` source, extraction into compressed
  files only.
- **Sequential peers** would take hours. They read fewer records, and rates are compared.
- **Default streams** run with the key alone; the second run gets the state of the first, and nothing has changed. The
  six *plain* streams are those that the peers can read.
- **A further lead** is measured from four places, without start-up: the median of three turns.

Scenarios are in `tools/benchmarks/scenarios.py`, targets in `tools/benchmarks/checks.py`, raw figures
[beside them](../tools/benchmarks/results).
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
    checks = f"## Targets\n\n{_table_of_checks(judge(results))}"
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
    by_name = {name: outcome.measured for name, outcome in results.outcomes.items()}
    for measured in dict.fromkeys(filter(None, by_name.values())):
        names = dict.fromkeys(_kind(name, by_name) for name, when in by_name.items() if when == measured)
        yield f"Scenarios {', '.join(f'`{name}`' for name in names)}: measured apart, {measured}.\n"


def _kind(name: str, measured: Mapping[str, str]) -> str:
    """Return the pattern of all scenarios of a kind if they were measured together, or else the name."""
    kind = name.partition("-")[0] + "-"
    together = {when for other, when in measured.items() if other.startswith(kind)} == {measured[name]}
    return f"{kind}*" if together else name


def _checks(verdicts: Sequence[Verdict]) -> str:
    measured = [verdict for verdict in verdicts if verdict.passed is not None]
    missed = [verdict for verdict in measured if not verdict.passed]
    text = f"{len(measured) - len(missed)} of {len(measured)} [targets]({DETAILS_LINK}#targets) are met"
    text += f", and {rest} were not measured. " if (rest := len(verdicts) - len(measured)) else ". "
    if missed:
        text += "The others:\n\n" + _table_of_checks(missed)
    return f"## Targets\n\n{text.rstrip()}\n"


def _table_of_checks(verdicts: Iterable[Verdict]) -> str:
    return table(("What", "Target", "Measured", ""), map(check_row, verdicts))


def check_row(verdict: Verdict) -> tuple[str, str, str, str]:
    """Format a check as the cells of a table row."""
    _, limit, unit = verdict.check.parts
    word = {True: "pass", False: "**fail**", None: "not measured"}[verdict.passed]
    value = "" if verdict.value is None else f"{number(verdict.value)}{unit}"
    return verdict.check.what, verdict.check.target if limit else f"0{unit}", value, word


def verdict_line(verdict: Verdict) -> str:
    """Format a check for the screen."""
    what, target, value, word = check_row(verdict)
    return f"{word.strip('*').upper():12}  {what}: {value or '-'} ({target})"


def _scenario(results: Results, outcome: Outcome) -> str:
    scenario = outcome.scenario
    lines = [f"## {scenario.title}\n"]
    if outcome.measured:
        lines.append(f"Measured apart from the rest, {outcome.measured}.\n")
    if scenario.settings:
        lines.append(f"Settings of the tap: {', '.join(f'`{k}: {v}`' for k, v in scenario.settings.items())}.\n")
    lines += [f"Failed: {failure}.\n" for failure in outcome.failures]
    return "\n".join(lines) + "\n" + scenario_table(results, outcome)


class Row(NamedTuple):
    """A candidate in a scenario."""

    results: Results
    outcome: Outcome
    who: str
    found: Figures


def _times(row: Row) -> str:
    times = None if row.who == TAP else times_faster(row.results, row.outcome.scenario.name, row.who)
    return "" if times is None else f"{times:.1f} x"


def _records(row: Row) -> str:
    is_own = figures(row.results, row.outcome.scenario.name, row.who)
    return f"{row.found.records:,}" + ("" if is_own else " (rate compared)")


CELLS: dict[str, Callable[[Row], str]] = {
    "candidate": lambda row: f"`{row.who}`",
    "records": _records,
    "seconds": lambda row: spread(row.found.wall),
    "records/s": lambda row: spread(row.found.rate),
    "tap's rate": _times,
    "CPU seconds": lambda row: spread(row.found.cpu),
    "CPU s per 100k": lambda row: number(row.found.cpu_per_100k),
    "µs CPU per record, start-up subtracted": lambda row: "" if row.found.net_us is None else number(row.found.net_us),
    "peak MB": lambda row: spread(row.found.peak_mb),
    "in flight": lambda row: str(row.found.in_flight),
    "requests": lambda row: f"{row.found.requests:,}",
    "requests/s": lambda row: number(row.found.requests / row.found.wall.median),
    "requests a page": lambda row: f"{row.found.requests_per_page:.3f}",
    "share of the limit": lambda row: f"{100 * row.found.limit_share:.2g}%" if row.outcome.scenario.latency_ms else "",
    "429s": lambda row: str(row.found.too_many) if row.outcome.scenario.rate_limit or not row.outcome.pages else "",
}
"""Columns of the tables."""

OF_START_UP = {"candidate", "seconds", "CPU seconds", "peak MB"}
ONLY_WITHOUT_PAGES = {"CPU seconds", "requests", "requests/s"}
ONLY_WITH_PAGES = {"CPU s per 100k", "µs CPU per record, start-up subtracted", "requests a page", "share of the limit"}


def scenario_table(results: Results, outcome: Outcome) -> str:
    """Write the figures of all candidates in a scenario."""
    shown = CELLS.keys() - (ONLY_WITHOUT_PAGES if outcome.pages else ONLY_WITH_PAGES)
    cells = {name: cell for name, cell in CELLS.items() if name in (OF_START_UP if outcome.records == 0 else shown)}
    found = {who: peer_figures(results, outcome.scenario.name, who) for who in EVERYBODY}
    rows = [Row(results, outcome, who, known) for who, known in found.items() if known]
    return table([*cells], ([cell(row) for cell in cells.values()] for row in rows))


def number(value: float) -> str:
    """Format a figure with three significant digits, or with all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004


def spread(value: Spread) -> str:
    """Format a median with its extremes."""
    if value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} ({number(value.low)} to {number(value.high)})"

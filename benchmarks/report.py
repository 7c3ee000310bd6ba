"""The report, written from the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import chart
from benchmarks.candidates import CANDIDATES
from benchmarks.checks import Verdict, judge
from benchmarks.figures import Figures, Spread, figures, peer_figures, times_faster
from benchmarks.results import LATEST, Results
from benchmarks.scenarios import EVERYBODY, TAP
from demo.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.results import Outcome

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"

INTRODUCTION = """\
# Speed

How fast this tap is, what it costs, and how that compares: measured by `make bench`, side by side with other tools
against the same data in the same run. Nothing here was written by hand but the words.
"""

NOTHING_YET = """\
There are no figures here yet: `make bench` measures them and writes this page anew.
"""

METHOD = """\
## How it is measured

- **The other side** is the [sandbox](sandbox.md) on the same machine: a real HTTP server that pages like the API, waits
  before each answer as long as the scenario says, and enforces the API's limits (100 requests a second, 6,000 a minute)
  where they are on. The API gives at most 100 records a page, so its limit is 10,000 records a second. Each scenario
  has a sandbox process of its own, the same for all who take part, which is set back before each run.
- **In turn.** The candidates run one after another, then all again from the second on, and so forth: what else the
  machine does should hit all alike. Figures are medians of the repeats, with the lowest and the highest in brackets.
- **A process from start to end.** Seconds, CPU seconds (user and system) and most memory are those that the operating
  system books on the candidate's process, its start included; the sandbox's are not in them. Its output goes through a
  pipe and is counted at the other end; a run that does not write exactly the records that there are counts as failed.
  Client, sandbox and the counting share the machine's cores.
- **Start-up subtracted** means: less the CPU seconds of the same candidate over an empty list.
- **Requests** and how many were under way at once are counted by the sandbox. *Requests a page* sets them against the
  pages that there are; one more request is needed to see that a list has ended.
- **Fair peers.** All read the same endpoints with pages of 100 and write JSON. `sdk` is a small tap as the template of
  the Meltano SDK makes it. `airbyte` is Airbyte's CDK with a manifest of ours, since the one published for Instantly
  emits pages in the place of records, and reads ten partitions at once where a stream has any. `dlt` is its `rest_api`
  source, the extract step alone, into files; its output is compressed. `floor` is a bare loop that fetches a page and
  writes its records, without schema, state or retries: what one request after another costs in Python at least. They
  are in [`benchmarks/peers/`](../benchmarks/peers).
- **Smaller for those in sequence.** The peers read a list one request after another: over a latency they would take
  hours for what is measured here. There they read fewer records, which the column *records* shows, and the rates are
  compared.
- **Workspaces** are nothing that the peers know of: they are run once for each, one after the other in one shell. The
  tap reads all of them in one run.
- **429s** are requests that the sandbox refused for coming too fast, over all repeats.
- **Linear in time** is judged by differences between sizes (10,000, 100,000 and 1,000,000 leads), which start-up is not
  part of. The sizes are run in turn, up and down again, three times; each turn has its own answer, and the middle one
  counts. The list is read from four places in each: how many there are depends on its length otherwise, and each is a
  range in the STATE.
- **How many times as fast** is the middle one of the turns' own answers, where both took turns.

The raw figures are in [`benchmarks/results/latest.json`](../benchmarks/results), the scenarios in
[`benchmarks/scenarios.py`](../benchmarks/scenarios.py), what has to hold in
[`benchmarks/checks.py`](../benchmarks/checks.py).
"""


def write() -> None:
    """Write the page and the chart from the latest results."""
    results = Results.load(LATEST) if LATEST.exists() else None
    PAGE.write_text(page(results), encoding="utf-8")
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
    parts += [_checks(judge(results)), *(_scenario(results, outcome) for outcome in results.outcomes.values()), METHOD]
    return "\n".join(parts)


def _setting(results: Results) -> str:
    rows = [(f"`{name}`", CANDIDATES[name].title, version) for name, version in results.versions.items()]
    when = f"Measured on {results.day}, on a machine with {results.machine}, in {results.seconds / 60:.0f} minutes"
    when += f", at commit `{results.commit}`.\n" if results.commit else ".\n"
    alone = [
        f"The sandbox by itself served {number(probe.per_second)} leads a second over {probe.connections} at once, "
        f"{number(probe.per_cpu_second)} per CPU second of its own.\n"
        for probe in results.probes
    ]
    return "\n".join([when, table(("Candidate", "What it is", "Version"), rows), *alone])


def _checks(verdicts: Sequence[Verdict]) -> str:
    return "## What has to hold\n\n" + table(("What", "Must be", "Measured", ""), map(check_row, verdicts))


def check_row(verdict: Verdict) -> tuple[str, str, str, str]:
    """Show a check as cells of a table."""
    check = verdict.check
    word = {True: "pass", False: "**fail**", None: "not measured"}[verdict.passed]
    value = "" if verdict.value is None else f"{number(verdict.value)}{check.unit}"
    return check.what, f"{check.bound} {check.limit:,}{check.unit}", value, word


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


def scenario_table(results: Results, outcome: Outcome) -> str:
    """Show everybody's figures in a scenario."""
    name = outcome.scenario.name
    found = {candidate: peer_figures(results, name, candidate) for candidate in EVERYBODY}
    if not outcome.records:
        return table(START_UP_COLUMNS, (_start_up_row(who, f) for who, f in found.items() if f))
    return table(COLUMNS, (_row(results, name, who, f) for who, f in found.items() if f))


def _start_up_row(who: str, found: Figures) -> tuple[str, ...]:
    return f"`{who}`", spread(found.wall), spread(found.cpu), spread(found.peak_mb)


def _row(results: Results, scenario: str, who: str, found: Figures) -> tuple[str, ...]:
    times = None if who == TAP else times_faster(results, scenario, who)
    return (
        f"`{who}`",
        f"{found.records:,}" if figures(results, scenario, who) else f"{found.records:,} (rate compared)",
        spread(found.wall),
        spread(found.rate),
        "" if times is None else f"{times:.1f} x",
        number(found.cpu_per_100k),
        "" if found.net_us is None else number(found.net_us),
        spread(found.peak_mb),
        str(found.in_flight),
        f"{found.requests_per_page:.3f}",
        f"{100 * found.limit_share:.2g}%" if results.outcomes[scenario].scenario.latency_ms else "",
        str(found.too_many) if results.outcomes[scenario].scenario.rate_limit else "",
    )


def number(value: float) -> str:
    """Write a figure with three digits that mean something, or all those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004


def spread(value: Spread) -> str:
    """Write a median with its extremes."""
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

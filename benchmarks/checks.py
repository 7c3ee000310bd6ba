"""What has to hold, as data."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figures, figures, growth, times_faster
from benchmarks.scenarios import GROWTH, PEERS, TAP

if TYPE_CHECKING:
    from benchmarks.results import Results

SMALL, MIDDLE, LARGE = "leads-0ms-10k", "leads-0ms-100k", "leads-0ms-1m"
FAR, DAYS = "leads-300ms-300k", "analytics-300ms-500"

Measure = Callable[[Any], "float | None"]

_HOLDS = {"at least": operator.ge, "more than": operator.gt, "at most": operator.le}


@dataclass(frozen=True)
class Check:
    """One thing that has to hold.

    Attributes:
        what: What is looked at.
        measure: Gives its value; None if it was not measured.
        bound: How the value must compare to the limit.
        limit: The limit.
        unit: Follows the figures.
    """

    what: str
    measure: Measure
    bound: str
    limit: float
    unit: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a check.

    Attributes:
        check: The check.
        value: The measured value; None if there is none.
    """

    check: Check
    value: float | None

    @property
    def passed(self) -> bool | None:
        """Whether it holds; None if it was not measured."""
        return None if self.value is None else bool(_HOLDS[self.check.bound](self.value, self.check.limit))


def _of(scenario: str, figure: Callable[[Figures], float | None]) -> Measure:
    def measure(results: Results) -> float | None:
        found = figures(results, scenario, TAP)
        return figure(found) if found else None

    return measure


def _between(small: str, large: str, compare: Callable[[Figures, Figures], float | None]) -> Measure:
    def measure(results: Results) -> float | None:
        less, more = figures(results, small, TAP), figures(results, large, TAP)
        return compare(less, more) if less and more else None

    return measure


def _times(scenario: str, peer: str) -> Measure:
    return lambda results: times_faster(results, scenario, peer)


def _sandbox_alone(results: Results) -> float | None:
    return min((probe.per_cpu_second for probe in results.probes), default=None)


def _state_per_record(less: Figures, more: Figures) -> float | None:
    if not (less.state_bytes and less.records and more.records):
        return None
    return (more.state_bytes / more.records) / (less.state_bytes / less.records)


CHECKS = (
    Check("100,000 leads at 0 ms: times the rate of airbyte", _times(MIDDLE, "airbyte"), "at least", 3),
    Check("100,000 leads at 0 ms: times the rate of dlt", _times(MIDDLE, "dlt"), "at least", 2.5),
    Check(
        "100,000 leads at 0 ms: CPU per lead, start-up subtracted",
        _of(MIDDLE, lambda f: f.net_us),
        "at most",
        60,
        " µs",
    ),
    Check("300,000 leads at 300 ms: leads a second", _of(FAR, lambda f: f.rate.median), "at least", 8000),
    *(
        Check(f"300,000 leads at 300 ms: times the rate of {peer}", _times(FAR, peer), "more than", 20)
        for peer in PEERS
    ),
    Check(
        "daily analytics at 300 ms: share of the API's limit",
        _of(DAYS, lambda f: 100 * f.limit_share),
        "at least",
        80,
        " %",
    ),
    Check("most memory at 1,000,000 leads", _of(LARGE, lambda f: f.peak_mb.high), "at most", 200, " MB"),
    Check(
        "most memory at 1,000,000 leads beyond that at 10,000",
        _between(SMALL, LARGE, lambda less, more: more.peak_mb.median - less.peak_mb.median),
        "at most",
        30,
        " MB",
    ),
    Check(
        "time for a further lead, from 100,000 to 1,000,000 against from 10,000 to 100,000",
        lambda results: growth(results, *GROWTH),
        "at most",
        1.1,
    ),
    Check(
        "bytes of STATE per lead at 1,000,000 against 100,000",
        _between("growth-100k", "growth-1m", _state_per_record),
        "at most",
        1.1,
    ),
    *(
        Check(
            f"{what}: requests beyond pages",
            _of(name, lambda f: round(100 * (f.requests_per_page - 1), 3)),
            "at most",
            2,
            " %",
        )
        for what, name in (
            ("100,000 leads", MIDDLE),
            ("1,000,000 leads", LARGE),
            ("300,000 leads at 300 ms", FAR),
            ("daily analytics", DAYS),
        )
    ),
    Check(
        "100,000 leads at 300 ms, settings as they come: refused with a 429",
        _of("leads-300ms-100k", lambda f: f.too_many),
        "at most",
        0,
    ),
    Check("the sandbox by itself: leads per CPU second", _sandbox_alone, "at least", 30_000),
    Check(
        "100,000 leads at 0 ms: the sandbox's share of a core",
        _of(MIDDLE, lambda f: 100 * f.sandbox_share),
        "at most",
        90,
        " %",
    ),
)


def judge(results: Results) -> list[Verdict]:
    """Look at everything that has to hold."""
    return [Verdict(check, check.measure(results)) for check in CHECKS]

"""Requirements on the results, as data."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.benchmarks.figures import Figures, figures, growth, price, times_faster
from tools.benchmarks.scenarios import EVERYDAY, GROWTH, PEERS, TAP, UNKNOWN

if TYPE_CHECKING:
    from tools.benchmarks.results import Results

SMALL, MIDDLE, LARGE = "leads-0ms-10k", "leads-0ms-100k", "leads-0ms-1m"
FAR, DAYS = "leads-300ms-300k", "analytics-300ms-500"

ALL_KNOWN, *SOME_UNKNOWN = UNKNOWN
SECONDS = {
    "everyday-5k": ("default streams, 5,000 leads: first run", 6),
    "everyday-5k-again": ("default streams, 5,000 leads: second run", 5),
    "everyday-50k": ("default streams, 50,000 leads: first run", 14),
    "everyday-50k-again": ("default streams, 50,000 leads: second run", 11),
    "everyday-group": ("default streams, 25 workspaces of 2,000 leads: first run", 20),
}
TIMES = {
    "everyday-plain-5k": ("six plain streams, 5,000 leads", 4),
    "everyday-plain-50k": ("six plain streams, 50,000 leads", 15),
}

Measure = Callable[[Any], "float | None"]

_HOLDS = {"at least": operator.ge, "more than": operator.gt, "at most": operator.le}


@dataclass(frozen=True)
class Check:
    """A requirement.

    Attributes:
        what: Name of the value.
        measure: Returns the value; None if it was not measured.
        bound: Comparison of the value with the limit.
        limit: The limit.
        unit: Unit, shown after the figures.
    """

    what: str
    measure: Measure
    bound: str
    limit: float
    unit: str = ""


@dataclass(frozen=True)
class Verdict:
    """Result of a check.

    Attributes:
        check: The check.
        value: The measured value; None if it was not measured.
    """

    check: Check
    value: float | None

    @property
    def passed(self) -> bool | None:
        """True if the check holds; None if it was not measured."""
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


def _too_many(results: Results) -> float | None:
    found = [figures(results, scenario.name, TAP) for scenario in EVERYDAY]
    return None if None in found else sum(each.too_many for each in found if each)


def _priced(scenario: str) -> Measure:
    return lambda results: price(results, scenario, ALL_KNOWN)


def _state_per_record(less: Figures, more: Figures) -> float | None:
    if not (less.state_bytes and less.records and more.records):
        return None
    return (more.state_bytes / more.records) / (less.state_bytes / less.records)


RELATIVE = {
    "airbyte": "speed relative to Airbyte",
    "dlt": "speed relative to dlt",
    "sdk": "speed relative to the SDK's defaults",
}

CHECKS = (
    Check(f"100,000 leads at 0 ms: {RELATIVE['airbyte']}", _times(MIDDLE, "airbyte"), "at least", 3),
    Check(f"100,000 leads at 0 ms: {RELATIVE['dlt']}", _times(MIDDLE, "dlt"), "at least", 2.5),
    Check(
        "100,000 leads at 0 ms: CPU per lead, start-up subtracted",
        _of(MIDDLE, lambda f: f.net_us),
        "at most",
        60,
        " µs",
    ),
    Check("300,000 leads at 300 ms: leads a second", _of(FAR, lambda f: f.rate.median), "at least", 8000),
    *(Check(f"300,000 leads at 300 ms: {RELATIVE[peer]}", _times(FAR, peer), "more than", 20) for peer in PEERS),
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
        "100,000 leads at 300 ms, default settings: refused with a 429",
        _of("leads-300ms-100k", lambda f: f.too_many),
        "at most",
        0,
    ),
    *(
        Check(f"{what}, in seconds", _of(name, lambda f: f.wall.median), "at most", seconds)
        for name, (what, seconds) in SECONDS.items()
    ),
    *(
        Check(f"{what}: {RELATIVE[peer]}", _times(name, peer), "at least", times)
        for name, (what, times) in TIMES.items()
        for peer in ("airbyte", "dlt")
    ),
    Check("runs with default settings: refused with a 429", _too_many, "at most", 0),
    *(
        Check(f"{what}: times the CPU per lead of known fields alone", _priced(name), "at most", 1.25)
        for name, what in zip(SOME_UNKNOWN, ("two unknown fields", "one unknown field within an object"), strict=True)
    ),
    Check("sandbox alone: leads per CPU second", _sandbox_alone, "at least", 30_000),
    Check(
        "100,000 leads at 0 ms: the sandbox's share of a core",
        _of(MIDDLE, lambda f: 100 * f.sandbox_share),
        "at most",
        90,
        " %",
    ),
)


def judge(results: Results) -> list[Verdict]:
    """Evaluate all checks."""
    return [Verdict(check, check.measure(results)) for check in CHECKS]

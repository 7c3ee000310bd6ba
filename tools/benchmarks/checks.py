"""Requirements on the results, as data."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.benchmarks.figures import Figures, figures, growth, price, times_faster
from tools.benchmarks.results import Results
from tools.benchmarks.scenarios import EVERYDAY, GROWTH, PEERS, TAP, UNKNOWN_TITLES

SMALL, MIDDLE, LARGE = "leads-0ms-10k", "leads-0ms-100k", "leads-0ms-1m"
FAR, DAYS = "leads-300ms-300k", "analytics-300ms-500"

ALL_KNOWN, *SOME_UNKNOWN = UNKNOWN_TITLES
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

_TARGET = re.compile(r"(at least|more than|at most) ([\d,.]+)(.*)")
_HOLDS = {"at least": operator.ge, "more than": operator.gt, "at most": operator.le}


@dataclass(frozen=True)
class Check:
    """A requirement."""

    what: str
    measure: Measure  # returns the value; None if it was not measured
    target: str  # such as `at most 60 µs`

    @property
    def parts(self) -> tuple[str, float, str]:
        """The comparison, the limit and the unit."""
        ((bound, limit, unit),) = _TARGET.findall(self.target)
        return bound, float(limit.replace(",", "")), unit


@dataclass(frozen=True)
class Verdict:
    """Result of a check."""

    check: Check
    value: float | None  # None if it was not measured

    @property
    def passed(self) -> bool | None:
        """True if the check holds; None if it was not measured."""
        bound, limit, _ = self.check.parts
        return None if self.value is None else bool(_HOLDS[bound](self.value, limit))


def _of(figure: Callable[..., float | None], *scenarios: str) -> Measure:
    """Compute a figure from those of the tap in one or more scenarios."""

    def measure(results: Results) -> float | None:
        found = [figures(results, scenario, TAP) for scenario in scenarios]
        return figure(*found) if all(found) else None

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
    Check(f"100,000 leads at 0 ms: {RELATIVE['airbyte']}", _times(MIDDLE, "airbyte"), "at least 3"),
    Check(f"100,000 leads at 0 ms: {RELATIVE['dlt']}", _times(MIDDLE, "dlt"), "at least 2.5"),
    Check("100,000 leads at 0 ms: CPU per lead, start-up subtracted", _of(lambda f: f.net_us, MIDDLE), "at most 60 µs"),
    Check("300,000 leads at 300 ms: leads a second", _of(lambda f: f.rate.median, FAR), "at least 8,000"),
    *(Check(f"300,000 leads at 300 ms: {RELATIVE[peer]}", _times(FAR, peer), "more than 20") for peer in PEERS),
    Check(
        "daily analytics at 300 ms: share of the API's limit", _of(lambda f: 100 * f.limit_share, DAYS), "at least 80 %"
    ),
    Check("most memory at 1,000,000 leads", _of(lambda f: f.peak_mb.high, LARGE), "at most 200 MB"),
    Check(
        "most memory at 1,000,000 leads beyond that at 10,000",
        _of(lambda less, more: more.peak_mb.median - less.peak_mb.median, SMALL, LARGE),
        "at most 30 MB",
    ),
    Check(
        "time for a further lead, from 100,000 to 1,000,000 against from 10,000 to 100,000",
        lambda results: growth(results, *GROWTH),
        "at most 1.1",
    ),
    Check(
        "bytes of STATE per lead at 1,000,000 against 100,000",
        _of(_state_per_record, "growth-100k", "growth-1m"),
        "at most 1.1",
    ),
    *(
        Check(
            f"{what}: requests beyond pages",
            _of(lambda f: round(100 * (f.requests_per_page - 1), 3), name),
            "at most 2 %",
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
        _of(lambda f: f.too_many, "leads-300ms-100k"),
        "at most 0",
    ),
    *(
        Check(f"{what}, in seconds", _of(lambda f: f.wall.median, name), f"at most {seconds}")
        for name, (what, seconds) in SECONDS.items()
    ),
    *(
        Check(f"{what}: {RELATIVE[peer]}", _times(name, peer), f"at least {times}")
        for name, (what, times) in TIMES.items()
        for peer in ("airbyte", "dlt")
    ),
    Check("runs with default settings: refused with a 429", _too_many, "at most 0"),
    *(
        Check(f"{UNKNOWN_TITLES[name]}: times the CPU per lead of known fields alone", _priced(name), "at most 1.25")
        for name in SOME_UNKNOWN
    ),
    Check("sandbox alone: leads per CPU second", _sandbox_alone, "at least 30,000"),
    Check(
        "100,000 leads at 0 ms: the sandbox's share of a core",
        _of(lambda f: 100 * f.sandbox_share, MIDDLE),
        "at most 90 %",
    ),
)


def judge(results: Results) -> list[Verdict]:
    """Evaluate all checks."""
    return [Verdict(check, check.measure(results)) for check in CHECKS]

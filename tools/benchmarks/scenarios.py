"""Scenarios of the benchmarks, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

TAP, FLOOR = "tap", "floor"
PEERS = ("sdk", "airbyte", "dlt")
EVERYBODY = (TAP, *PEERS, FLOOR)

API_REQUESTS_PER_SECOND = 100
"""The API's limit for a workspace: 10,000 records a second at 100 records a page."""

Settings = Mapping[str, Any]

PAGE_SIZE = 100
DAYS = 90
WINDOW_DAYS = 30

EMPTY = "empty"

DAILY = "campaign_analytics_daily"

DEFAULT_STREAMS: tuple[str, ...] = ()
"""The tap's default selection, without a catalog."""

PLAIN_STREAMS = ("campaigns", "accounts", "lead_lists", "custom_tags", "leads", "campaign_analytics")
"""Streams that the peers can read as they are: no list that needs the ids of another."""

TWO_UNKNOWN = {"sentiment_score": 0.5, "enrichment_source": "a source of enrichment"}
_LAST_STEP = {"from": "campaign", "stepID": "0_0_0", "timestamp_executed": "2026-01-31T10:00:00.000Z"}
NESTED_UNKNOWN = {"status_summary": {"lastStep": _LAST_STEP, "paused_reason": "more than its daily limit"}}
"""Fields that no schema declares. If a record has a field of the same name, the last one counts."""

UNKNOWN_TITLES = {
    "unknown-none": "all fields known",
    "unknown-two": "two unknown fields",
    "unknown-nested": "one unknown field within an object",
}
UNKNOWN: Mapping[str, Mapping[str, Any]] = dict(zip(UNKNOWN_TITLES, ({}, TWO_UNKNOWN, NESTED_UNKNOWN), strict=True))

GROWTH = {"growth-10k": 10_000, "growth-100k": 100_000, "growth-1m": 1_000_000}
"""Scenarios that differ only in their leads. The number of positions from which a list is read depends on its length
and on thread scheduling, so a limit makes it the same in all."""

AT_THE_LIMIT: Settings = {"max_requests_per_second": API_REQUESTS_PER_SECOND, "concurrency": 48}
"""Settings of the tap for a remote API: the full rate limit, with enough concurrent requests."""

WITHOUT_LIMIT: Settings = {"max_requests_per_second": 10_000}
"""Settings for a sandbox without a rate limit, to measure the tap and not its throttling."""


@dataclass(frozen=True)
class Scenario:
    """A scenario to measure."""

    name: str  # name on the command line and in the results
    title: str  # in the report
    leads: int = 0  # in each workspace of the sandbox
    campaigns: int = 12  # in each workspace
    accounts: int = 40  # in each workspace
    workspaces: int = 1  # number of workspaces; the tap reads all of them in one run
    latency_ms: int = 0  # delay of the sandbox before each answer
    rate_limit: bool = False  # true if the sandbox enforces the API's limits
    streams: tuple[str, ...] = ("leads",)
    candidates: tuple[str, ...] = EVERYBODY
    settings: Settings = field(default_factory=dict)  # of the tap
    repeats: int = 2  # of each candidate
    peers_in: str | None = None  # scenario with the peers' rates, if they would take too long in this one
    option: str | None = None  # runs the tap with only this option instead of reading a stream
    again: bool = False  # true if the run starts from the state of a run that has read everything
    admin_key: bool = False  # true if one key reads all workspaces: that of the workspace whose group they are in
    fields: Mapping[str, Any] = field(default_factory=dict)  # extra fields of each lead
    # scenarios of the same group run in turn, up and down again, instead of one after the other
    group: str | None = None

    def scaled(self, factor: float) -> Scenario:
        """Return a smaller scenario, for a quick look."""
        return replace(
            self,
            leads=round(self.leads * factor),
            campaigns=self.campaigns if self.streams == ("leads",) else max(1, round(self.campaigns * factor)),
            accounts=max(1, round(self.accounts * factor)),
            workspaces=max(min(2, self.workspaces), round(self.workspaces * factor)),
        )


EVERYDAY_SIZES = {
    "5k": {"leads": 5_000, "campaigns": 8, "accounts": 40},
    "50k": {"leads": 50_000, "campaigns": 40, "accounts": 300},
    "group": {"leads": 2_000, "campaigns": 8, "accounts": 40, "workspaces": 25},
}


def _everyday(size: str, name: str, title: str, **more: Any) -> Scenario:
    """Return a scenario with default settings and a remote API that enforces its limits."""
    sizes = EVERYDAY_SIZES[size]
    each = " in each of 25 workspaces" if "workspaces" in sizes else ""
    title += f": {sizes['campaigns']} campaigns, {sizes['leads']:,} leads, {sizes['accounts']} accounts{each}, "
    title += "300 ms a request, limits on, default settings"
    given = {"streams": DEFAULT_STREAMS, "candidates": (TAP,), "latency_ms": 300, "rate_limit": True, **sizes, **more}
    return Scenario(f"everyday-{name}", title, **given)


BESIDE: Settings = {"streams": PLAIN_STREAMS, "candidates": (TAP, "airbyte", "dlt"), "repeats": 1}

EVERYDAY = (
    _everyday("5k", "5k", "The default streams, first run"),
    _everyday("5k", "5k-again", "The default streams, second run", again=True),
    _everyday("50k", "50k", "The default streams, first run"),
    _everyday("50k", "50k-again", "The default streams, second run", again=True),
    _everyday("group", "group", "The default streams with one admin key, first run", admin_key=True),
    _everyday("5k", "plain-5k", "Six plain streams", **BESIDE),
    _everyday("50k", "plain-50k", "Six plain streams", **BESIDE),
)
"""Typical runs."""

SIZES = {"10k": 10_000, "50k": 50_000, "100k": 100_000, "300k": 300_000, "1m": 1_000_000}
LIMITED: Settings = {"rate_limit": True, "candidates": (TAP,)}
AT_FULL_RATE: Settings = {**LIMITED, "settings": AT_THE_LIMIT}
UNLIMITED: Settings = {"candidates": (TAP,), "settings": WITHOUT_LIMIT}


def _leads(ms: int, size: str, *, name: str = "", more: str = "", **given: Any) -> Scenario:
    """Return a scenario of leads; over a limit, the peers read fewer."""
    title = f"{SIZES[size]:,} leads, " + (f"{ms} ms a request" if ms else "no latency")
    if given.get("rate_limit"):
        given |= {"peers_in": f"leads-{ms}ms-10k"}
        title += ", limits on" + (", default settings" if "settings" not in given else "")
    return Scenario(name or f"leads-{ms}ms-{size}", title + more, SIZES[size], latency_ms=ms, **given)


def _daily(campaigns: int, leads: int, more: str = "", **given: Any) -> Scenario:
    title = f"Daily analytics of {campaigns} campaigns over {DAYS} days, 300 ms a request{more}"
    name, common = f"analytics-300ms-{campaigns}", {"streams": (DAILY,), "latency_ms": 300, "repeats": 1}
    return Scenario(name, title, leads, campaigns, **{**common, **given})


IN_TURN = ", in turn with other"
SCENARIOS = (
    *(
        Scenario(name, f"`--{name}`", candidates=(TAP,), option=f"--{name}", repeats=5)
        for name in ("version", "discover")
    ),
    Scenario(EMPTY, "An empty list: starting up and ending", repeats=5),
    _leads(0, "10k", repeats=3, settings=WITHOUT_LIMIT),
    _leads(0, "100k", repeats=3, settings=WITHOUT_LIMIT),
    _leads(0, "1m", repeats=1, **UNLIMITED),
    *(
        _leads(
            0,
            "50k",
            name=name,
            more=f", {title}{IN_TURN}s",
            repeats=3,
            fields=UNKNOWN[name],
            group="unknown",
            **UNLIMITED,
        )
        for name, title in UNKNOWN_TITLES.items()
    ),
    *(
        _leads(
            0,
            name.removeprefix("growth-"),
            name=name,
            more=f", read from four places{IN_TURN} sizes",
            repeats=3,
            group="growth",
            **{**UNLIMITED, "settings": {**WITHOUT_LIMIT, "concurrency": 4}},
        )
        for name in GROWTH
    ),
    _leads(50, "10k", repeats=1),
    _leads(50, "100k", **AT_FULL_RATE),
    _leads(300, "10k", repeats=1),
    _leads(300, "300k", **AT_FULL_RATE),
    _daily(20, 20_000),
    # Candidates that read campaign after campaign would take a quarter of an hour.
    _daily(
        500,
        100_000,
        ", limits on",
        **{**AT_FULL_RATE, "candidates": (TAP, "airbyte", "dlt"), "peers_in": "analytics-300ms-20"},
    ),
    _leads(300, "100k", repeats=1, **LIMITED),
    Scenario(
        "workspaces-10",
        "10 workspaces of 1,000 leads, 300 ms a request",
        leads=1_000,
        workspaces=10,
        latency_ms=300,
        repeats=1,
    ),
    Scenario(
        "workspaces-50",
        "50 workspaces of 1,000 leads in one run, 300 ms a request, limits on",
        leads=1_000,
        workspaces=50,
        latency_ms=300,
        peers_in="workspaces-10",
        **LIMITED,
    ),
    *EVERYDAY,
)

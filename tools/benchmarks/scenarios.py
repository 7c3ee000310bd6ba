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

UNKNOWN: Mapping[str, Mapping[str, Any]] = {
    "unknown-none": {},
    "unknown-two": TWO_UNKNOWN,
    "unknown-nested": NESTED_UNKNOWN,
}

GROWTH = {"growth-10k": 10_000, "growth-100k": 100_000, "growth-1m": 1_000_000}
"""Scenarios that differ only in their leads. The number of positions from which a list is read depends on its length
and on thread scheduling, so a limit makes it the same in all."""

AT_THE_LIMIT: Settings = {"max_requests_per_second": API_REQUESTS_PER_SECOND, "concurrency": 48}
"""Settings of the tap for a remote API: the full rate limit, with enough concurrent requests."""

WITHOUT_LIMIT: Settings = {"max_requests_per_second": 10_000}
"""Settings for a sandbox without a rate limit, to measure the tap and not its throttling."""


@dataclass(frozen=True)
class Scenario:
    """A scenario to measure.

    Attributes:
        name: Name on the command line and in the results.
        title: Title in the report.
        leads: Leads in each workspace of the sandbox.
        campaigns: Campaigns in each workspace.
        workspaces: Number of workspaces; the tap reads all of them in one run.
        latency_ms: Delay of the sandbox before each answer.
        rate_limit: True if the sandbox enforces the API's limits.
        accounts: Sending accounts in each workspace.
        streams: Streams to read.
        candidates: Names of the candidates.
        settings: Settings of the tap; those that it does not have are left out, and the report says so.
        repeats: Number of runs of each candidate.
        peers_in: Scenario with the peers' rates, if they would take too long in this one.
        option: Runs the tap with only this option instead of reading a stream.
        again: True if the run starts from the state of a run that has read everything.
        admin_key: True if one key reads all workspaces: that of the workspace whose group they are in.
        fields: Extra fields of each lead.
        group: Scenarios of the same group run in turn, up and down again, instead of one after the other.
    """

    name: str
    title: str
    leads: int = 0
    campaigns: int = 12
    accounts: int = 40
    workspaces: int = 1
    latency_ms: int = 0
    rate_limit: bool = False
    streams: tuple[str, ...] = ("leads",)
    candidates: tuple[str, ...] = EVERYBODY
    settings: Settings = field(default_factory=dict)
    repeats: int = 2
    peers_in: str | None = None
    option: str | None = None
    again: bool = False
    admin_key: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
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

SCENARIOS = (
    Scenario("version", "`--version`", candidates=(TAP,), option="--version", repeats=5),
    Scenario("discover", "`--discover`", candidates=(TAP,), option="--discover", repeats=5),
    Scenario(EMPTY, "An empty list: starting up and ending", repeats=5),
    Scenario("leads-0ms-10k", "10,000 leads, no latency", leads=10_000, repeats=3, settings=WITHOUT_LIMIT),
    Scenario("leads-0ms-100k", "100,000 leads, no latency", leads=100_000, repeats=3, settings=WITHOUT_LIMIT),
    Scenario(
        "leads-0ms-1m",
        "1,000,000 leads, no latency",
        leads=1_000_000,
        candidates=(TAP,),
        settings=WITHOUT_LIMIT,
        repeats=1,
    ),
    *(
        Scenario(
            name,
            f"50,000 leads, no latency, {what}, in turn with others",
            leads=50_000,
            candidates=(TAP,),
            settings=WITHOUT_LIMIT,
            repeats=3,
            fields=UNKNOWN[name],
            group="unknown",
        )
        for name, what in (
            ("unknown-none", "all fields known"),
            ("unknown-two", "two unknown fields"),
            ("unknown-nested", "one unknown field within an object"),
        )
    ),
    *(
        Scenario(
            name,
            f"{leads:,} leads, no latency, read from four places, in turn with other sizes",
            leads=leads,
            candidates=(TAP,),
            settings={**WITHOUT_LIMIT, "concurrency": 4},
            repeats=3,
            group="growth",
        )
        for name, leads in GROWTH.items()
    ),
    Scenario("leads-50ms-10k", "10,000 leads, 50 ms a request", leads=10_000, latency_ms=50, repeats=1),
    Scenario(
        "leads-50ms-100k",
        "100,000 leads, 50 ms a request, limits on",
        leads=100_000,
        latency_ms=50,
        rate_limit=True,
        candidates=(TAP,),
        settings=AT_THE_LIMIT,
        peers_in="leads-50ms-10k",
    ),
    Scenario("leads-300ms-10k", "10,000 leads, 300 ms a request", leads=10_000, latency_ms=300, repeats=1),
    Scenario(
        "leads-300ms-300k",
        "300,000 leads, 300 ms a request, limits on",
        leads=300_000,
        latency_ms=300,
        rate_limit=True,
        candidates=(TAP,),
        settings=AT_THE_LIMIT,
        peers_in="leads-300ms-10k",
    ),
    Scenario(
        "analytics-300ms-20",
        f"Daily analytics of 20 campaigns over {DAYS} days, 300 ms a request",
        streams=(DAILY,),
        leads=20_000,
        campaigns=20,
        latency_ms=300,
        repeats=1,
    ),
    Scenario(
        "analytics-300ms-500",
        f"Daily analytics of 500 campaigns over {DAYS} days, 300 ms a request, limits on",
        streams=(DAILY,),
        leads=100_000,
        campaigns=500,
        latency_ms=300,
        rate_limit=True,
        # Candidates that read campaign after campaign would take a quarter of an hour.
        candidates=(TAP, "airbyte", "dlt"),
        settings=AT_THE_LIMIT,
        repeats=1,
        peers_in="analytics-300ms-20",
    ),
    Scenario(
        "leads-300ms-100k",
        "100,000 leads, 300 ms a request, limits on, default settings",
        leads=100_000,
        latency_ms=300,
        rate_limit=True,
        candidates=(TAP,),
        repeats=1,
        peers_in="leads-300ms-10k",
    ),
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
        rate_limit=True,
        candidates=(TAP,),
        peers_in="workspaces-10",
    ),
    *EVERYDAY,
)

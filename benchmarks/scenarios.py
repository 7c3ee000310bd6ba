"""What is measured, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

TAP, FLOOR = "tap", "floor"
PEERS = ("sdk", "airbyte", "dlt")
EVERYBODY = (TAP, *PEERS, FLOOR)

API_REQUESTS_PER_SECOND = 100
"""The API's limit for a workspace; at 100 records a page that is 10,000 records a second."""

PAGE_SIZE = 100
DAYS = 90
WINDOW_DAYS = 30

EMPTY = "empty"

GROWTH = {"growth-10k": 10_000, "growth-100k": 100_000, "growth-1m": 1_000_000}
"""Scenarios that differ in nothing but their leads. How many places a list is read from depends on its length and on
how the threads happen to run; so that this is the same in all, it is bounded."""

Settings = Mapping[str, Any]

AT_THE_LIMIT: Settings = {"max_requests_per_second": API_REQUESTS_PER_SECOND, "concurrency": 48}
"""Settings of the tap for an API that is far away: as fast as the limit allows, with enough requests under way."""

WITHOUT_LIMIT: Settings = {"max_requests_per_second": 10_000}
"""For a sandbox without a limit, so that what is measured is the tap and not its patience."""


@dataclass(frozen=True)
class Scenario:
    """One thing to measure.

    Attributes:
        name: How it is called on the command line and in the results.
        title: What it is, for the report.
        leads: Leads in each workspace of the sandbox.
        campaigns: Campaigns in each.
        workspaces: Number of workspaces; with more than one, the tap reads all of them in one run.
        latency_ms: What the sandbox waits before each answer.
        rate_limit: Whether it enforces the API's limits.
        stream: The stream that is read.
        candidates: Who takes part.
        settings: Settings of the tap; those that it does not have are left out, and the report says so.
        repeats: How often each candidate runs.
        peers_in: Scenario from which the peers' rates are taken, where they would take too long in this one.
        option: Runs the tap with this option alone, in the place of reading a stream.
        group: Scenarios of the same group are run in turn, up and down again, rather than one after the other.
    """

    name: str
    title: str
    leads: int = 0
    campaigns: int = 12
    workspaces: int = 1
    latency_ms: int = 0
    rate_limit: bool = False
    stream: str = "leads"
    candidates: tuple[str, ...] = EVERYBODY
    settings: Settings = field(default_factory=dict)
    repeats: int = 2
    peers_in: str | None = None
    option: str | None = None
    group: str | None = None

    def scaled(self, factor: float) -> Scenario:
        """Make it smaller, for a quick look."""
        return replace(
            self,
            leads=round(self.leads * factor),
            campaigns=self.campaigns if self.stream == "leads" else max(1, round(self.campaigns * factor)),
            workspaces=max(min(2, self.workspaces), round(self.workspaces * factor)),
        )


SCENARIOS = (
    Scenario("version", "`--version`", candidates=(TAP,), option="--version", repeats=5),
    Scenario("discover", "`--discover`", candidates=(TAP,), option="--discover", repeats=5),
    Scenario(EMPTY, "An empty list: starting up and ending", repeats=5),
    Scenario("leads-0ms-10k", "10,000 leads, no latency", leads=10_000, repeats=3, settings=WITHOUT_LIMIT),
    Scenario("leads-0ms-100k", "100,000 leads, no latency", leads=100_000, repeats=5, settings=WITHOUT_LIMIT),
    Scenario(
        "leads-0ms-1m",
        "1,000,000 leads, no latency",
        leads=1_000_000,
        candidates=(TAP,),
        settings=WITHOUT_LIMIT,
        repeats=2,
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
    Scenario("leads-50ms-10k", "10,000 leads, 50 ms a request", leads=10_000, latency_ms=50, repeats=2),
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
        stream="campaign_analytics_daily",
        leads=20_000,
        campaigns=20,
        latency_ms=300,
        repeats=1,
    ),
    Scenario(
        "analytics-300ms-500",
        f"Daily analytics of 500 campaigns over {DAYS} days, 300 ms a request, limits on",
        stream="campaign_analytics_daily",
        leads=100_000,
        campaigns=500,
        latency_ms=300,
        rate_limit=True,
        # Those that read campaign after campaign would take a quarter of an hour.
        candidates=(TAP, "airbyte", "dlt"),
        settings=AT_THE_LIMIT,
        repeats=1,
        peers_in="analytics-300ms-20",
    ),
    Scenario(
        "leads-300ms-100k",
        "100,000 leads, 300 ms a request, limits on, settings as they come",
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
)

"""A state with all of its parts, and a run that resumes from it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

Keys = dict[str, set[tuple[Any, ...]]]

STREAMS = ("campaign_analytics_daily", "campaigns", "emails", "lead_lists", "leads")
LATER = "2026-11-01T10:00:00.000Z"


@dataclass(frozen=True)
class Continued:
    """A workspace that was read in part and has changed since.

    Attributes:
        state: State of a run that was interrupted in the leads.
        due: Keys that the next run has to emit, by stream.
    """

    server: sandbox.Server
    settings: dict[str, Any]
    state: dict[str, Any]
    due: Keys

    def run(self, state: Any) -> TapRun:
        return run_tap(self.settings, streams=STREAMS, state=state)


def keys(run: TapRun) -> Keys:
    return {stream: set(run.by_key(stream)) for stream in STREAMS}


@pytest.fixture(scope="package")  # not per session, since it patches the tap
def continued() -> Iterator[Continued]:
    config = SandboxConfig(campaigns=6, accounts=3, leads=90, lead_lists=3, emails=30, days=10, until=UNTIL, seed=6)
    with sandbox.serve(config) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_instantly.sync.range_splitting.OVERHEAD", 1.0)  # splits short lists too
        patch.setattr("tap_instantly.client.rate_limit.EMAILS_INTERVAL", 0.001)
        settings = {"api_key": server.api_key, "api_url": f"{server.url}/api/v2", "page_size": 5, "max_retries": 0}
        body = {"message": "stop here"}
        server.control.fault("/api/v2/leads/list", "status", status=500, body=body, after=12, count=None)
        state = run_tap({**settings, "concurrency": 2}, streams=STREAMS, incomplete=True).state
        server.control.clear_faults()
        assert state["bookmarks"]["leads"]["partitions"][0]["scan"]["remaining"]
        campaign = next(server.control.truth("campaigns"))["id"]
        server.control.update_campaign(campaign, name="Renamed", at=LATER)
        server.control.add_leads(1, campaign=campaign, at=LATER)
        server.control.mutate("receive_email", at=LATER)
        due = keys(run_tap(settings, streams=STREAMS, state=copy.deepcopy(state)))
        assert all(due.values())
        yield Continued(server, settings, state, due)

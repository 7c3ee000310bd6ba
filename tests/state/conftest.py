"""A state with all of its parts, and a run that resumes from it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly.tap import TapInstantly
from tests.conftest import UNTIL
from tests.support import CollectingWriter, TapRun, catalog_of, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

Keys = dict[str, set[tuple[Any, ...]]]

STREAMS = ("campaign_analytics_daily", "campaigns", "emails", "lead_lists", "leads")
LATER = "2026-11-01T10:00:00.000Z"


class Continued:
    """A workspace that was read in part and has changed since.

    Args:
        state: State of a run that was interrupted in the leads.
        due: Keys that the next run has to emit, by stream.
    """

    def __init__(
        self,
        server: sandbox.Server,
        settings: dict[str, Any],
        catalog: dict[str, Any],
        state: dict[str, Any],
        due: Keys,
    ) -> None:
        self.server = server
        self.settings = settings
        self.catalog = catalog
        self.state = state
        self.due = due

    def run(self, state: Any) -> TapRun:
        return go_on(self.settings, self.catalog, state)


def go_on(settings: dict[str, Any], catalog: dict[str, Any], state: Any) -> TapRun:
    writer = CollectingWriter()
    tap = TapInstantly(config=dict(settings), catalog=copy.deepcopy(catalog), state=state, message_writer=writer)
    tap.sync_all()
    return TapRun(writer.messages, tap)


def keys(run: TapRun) -> Keys:
    return {stream: set(run.by_key(stream)) for stream in STREAMS}


@pytest.fixture(scope="package")  # not per session, since it patches the tap
def continued() -> Iterator[Continued]:
    config = SandboxConfig(campaigns=6, accounts=3, leads=90, lead_lists=3, emails=30, days=10, until=UNTIL, seed=6)
    with sandbox.serve(config) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_instantly.sync.range_splitting.OVERHEAD", 1.0)  # splits short lists too
        patch.setattr("tap_instantly.client.rate_limit.EMAILS_INTERVAL", 0.001)
        settings = {"api_key": server.api_key, "api_url": f"{server.url}/api/v2", "page_size": 5, "max_retries": 0}
        settings["max_requests_per_second"] = 1000
        body = {"message": "stop here"}
        server.control.fault("/api/v2/leads/list", "status", status=500, body=body, after=12, count=None)
        state = run_tap({**settings, "concurrency": 2}, streams=STREAMS, incomplete=True).state
        server.control.clear_faults()
        assert state["bookmarks"]["leads"]["partitions"][0]["scan"]["remaining"]
        campaign = next(server.control.truth("campaigns"))["id"]
        server.control.update_campaign(campaign, name="Renamed", at=LATER)
        server.control.add_leads(1, campaign=campaign, at=LATER)
        server.control.mutate("receive_email", at=LATER)
        catalog = catalog_of(settings, *STREAMS)
        catalog["streams"] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] in STREAMS]
        due = keys(go_on(settings, catalog, copy.deepcopy(state)))
        assert all(due.values())
        yield Continued(server, settings, catalog, state, due)

"""Streams of a run are read side by side and written one after the other."""

from __future__ import annotations

import logging
import time
from collections import Counter
from itertools import groupby
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import Control
from tap_instantly import InstantlyAPIError
from tap_instantly.client.rate_limit import Budget
from tap_instantly.sync import reader
from tap_instantly.tap import TapInstantly
from tests.support import CollectingWriter, run_tap, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib.encoding.simple import Message

    from sandbox import Server

LONG = 60
"""Seconds: no answer arrives before the fault is cleared."""

STREAMS = ("accounts", "campaign_analytics_steps", "campaigns", "custom_tags", "lead_lists", "leads")


class Acting(CollectingWriter):
    """Runs an action at the first matching message."""

    def __init__(self, act: Callable[[], None], wanted: Callable[[dict[str, Any]], bool]) -> None:
        super().__init__()
        self._act, self._wanted = act, wanted

    @override
    def write_message(self, message: Message) -> None:
        super().write_message(message)
        if self._act and self._wanted(self.messages[-1]):
            act, self._act = self._act, None  # type: ignore[assignment]
            act()


def synced(config: dict[str, Any], writer: CollectingWriter, *streams: str) -> TapInstantly:
    tap = TapInstantly(config=config, catalog=slim_catalog(*streams), message_writer=writer)
    tap.sync_all()
    return tap


def order(messages: list[dict[str, Any]]) -> list[str]:
    """Return the streams in the order of writing, each as often as it began."""
    return [name for name, _ in groupby(m["stream"] for m in messages if m["type"] == "RECORD")]


def test_streams_are_read_ahead_of_a_slow_one_and_written_after_it(api: Server, config: dict[str, Any]) -> None:
    quick = run_tap(config, streams=STREAMS)
    api.control.clear_requests()
    api.control.fault("/api/v2/accounts", "latency", seconds=LONG, count=None)
    others = ("/api/v2/campaigns", "/api/v2/custom-tags", "/api/v2/lead-lists", "/api/v2/leads/list")

    def once_the_others_are_answered(control: Control) -> None:
        while not all(any(r["status"] == 200 for r in control.requests(path)) for path in others):
            time.sleep(0.01)
        control.clear_faults()

    with Control(api.url) as control:
        helper = Thread(target=once_the_others_are_answered, args=(control,), daemon=True)
        helper.start()
        run = run_tap(config, streams=STREAMS)
        helper.join()
    assert order(run.messages) == ["leads", *sorted({*STREAMS} - {"leads"})]
    for stream in STREAMS:
        assert sorted(map(str, run.records(stream))) == sorted(map(str, quick.records(stream)))


def test_output_is_the_same_with_a_small_buffer(
    api: Server, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 1
    whole = run_tap(config, streams=STREAMS)
    monkeypatch.setattr("tap_instantly.sync.concurrency.PAGES", pages)
    little = run_tap(config, streams=STREAMS)
    assert pages < reader.PAGES
    assert order(little.messages) == order(whole.messages)
    for stream in set(order(whole.messages)) - {"leads"}:
        assert little.records(stream) == whole.records(stream), stream
    assert sorted(map(str, little.records("leads"))) == sorted(map(str, whole.records("leads")))


def test_nothing_of_a_stream_is_in_the_state_before_its_turn(api: Server, config: dict[str, Any]) -> None:
    run = run_tap(config, streams=STREAMS)
    begun: set[str] = set()
    for message in run.messages:
        if message["type"] == "SCHEMA":
            begun.add(message["stream"])
        elif message["type"] == "STATE":
            assert message["value"].get("bookmarks", {}).keys() <= begun


def test_fatal_stream_error_ends_the_run_only_in_its_turn(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/lead-lists", "status", status=302, headers={"Location": "/elsewhere"}, count=None)
    writer = CollectingWriter()
    with pytest.raises(InstantlyAPIError, match="redirects are not followed"):
        synced(config, writer, *STREAMS, "subsequences")
    assert order(writer.messages) == ["leads", "accounts", "campaign_analytics_steps", "campaigns", "custom_tags"]
    assert "Not complete: not started: subsequences" in caplog.messages
    assert not [message for message in caplog.messages if message.startswith("Not complete: subsequences")]
    assert "subsequences" not in writer.messages[-1].get("value", {}).get("bookmarks", {})


def test_requests_are_counted_for_their_stream(api: Server, config: dict[str, Any]) -> None:
    run = run_tap(config, streams=STREAMS)
    paths = Counter(request["path"] for request in api.control.requests())
    counts = {stream.name: stream.counts for stream in run.tap._own_streams if stream.selected}
    assert sum(of.sums.requests for of in counts.values()) + 1 == sum(paths.values())
    for stream, path in {"accounts": "accounts", "custom_tags": "custom-tags", "leads": "leads/list"}.items():
        assert counts[stream].sums.requests == paths[f"/api/v2/{path}"], stream


def test_shared_parent_list_is_requested_once(api: Server, config: dict[str, Any]) -> None:
    streams = ("account_analytics_daily", "account_details", "account_warmup", "account_warmup_daily", "accounts")
    api.control.config(latency_ms=20)  # slow enough that all ask before the first answer
    run = run_tap(config, streams=streams)
    assert len(run.records("account_details")) == 120
    cursors = [request["query"].get("starting_after") for request in api.control.requests("/api/v2/accounts")]
    assert len(cursors) == len(set(cursors)) == 3


PARTS = ("campaign_sending_status", "campaign_steps", "campaign_variants", "campaigns")


def test_shared_list_of_several_streams_is_requested_once(api: Server, config: dict[str, Any]) -> None:
    alone = {stream: run_tap({**config, "page_size": 2}, streams=(stream,)).records(stream) for stream in PARTS}
    api.control.clear_requests()
    run = run_tap({**config, "page_size": 2}, streams=PARTS)
    assert {stream: run.records(stream) for stream in PARTS} == alone
    cursors = [request["query"].get("starting_after") for request in api.control.requests("/api/v2/campaigns")]
    assert len(cursors) == len(set(cursors)) == 4
    again = run_tap({**config, "page_size": 2}, streams=PARTS)  # independent of the run before
    assert {stream: again.records(stream) for stream in PARTS} == alone
    assert len(api.control.requests("/api/v2/campaigns")) == 2 * len(cursors)


def test_shared_parent_list_failure_is_reported_for_each_stream(api: Server, config: dict[str, Any]) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=500, after=1, count=None)
    run = run_tap({**config, "page_size": 2, "max_retries": 0}, streams=PARTS, incomplete=True)
    assert all(f"{stream} (" in str(run.error) for stream in PARTS)
    assert len(run.records("campaigns")) == 2


def test_uncached_response_is_requested_again(
    api: Server, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_instantly.workspaces.SHARED_BYTES", 0)
    run = run_tap(config, streams=PARTS)
    assert {stream: bool(run.records(stream)) for stream in PARTS} == dict.fromkeys(PARTS, True)


def test_abandoned_workspace_writes_nothing_that_was_read_ahead(api: Server, config: dict[str, Any]) -> None:
    def revoke() -> None:
        api.control.config(paid=False)

    writer = Acting(revoke, lambda message: message["type"] == "RECORD" and message["stream"] == "accounts")
    tap = TapInstantly(
        config={**config, "max_retries": 0, "page_size": 1, "concurrency": 2},
        catalog=slim_catalog("accounts", "campaigns", "lead_lists", "workspaces"),
        message_writer=writer,
    )
    try:
        with pytest.raises(Exception, match="Sync incomplete"):
            tap.sync_all()
    finally:
        api.control.config(paid=True)
    assert order(writer.messages) == ["accounts"]
    assert tap.workspaces.failed
    assert [s.name for s in tap._own_streams if s.selected and s.counts.is_reached] == ["accounts"]


def test_tap_can_sync_twice_and_resumes_from_its_state(api: Server, config: dict[str, Any]) -> None:
    writer = CollectingWriter()
    tap = TapInstantly(config={**config, "lookback_hours": 0}, catalog=slim_catalog(*STREAMS), message_writer=writer)
    tap.sync_all()
    first = Counter(m["stream"] for m in writer.messages if m["type"] == "RECORD")
    state = [m for m in writer.messages if m["type"] == "STATE"][-1]
    writer.messages.clear()
    tap.sync_all()
    second = Counter(m["stream"] for m in writer.messages if m["type"] == "RECORD")
    assert second["lead_lists"] == first["lead_lists"]  # a full-refresh stream
    assert 0 < second["leads"] < first["leads"]
    assert [m for m in writer.messages if m["type"] == "STATE"][-1] == state


def test_emails_wait_for_their_limit_without_holding_up_the_streams_around_them(
    api: Server, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def acquire(_budget: Budget, path: str) -> None:
        asked.append(path.removeprefix("/api/v2/"))

    def delay(_budget: Budget, path: str) -> float:
        """Delay the second page of e-mails until lead lists have been requested."""
        return 0.01 if path.endswith("/emails") and "emails" in asked and "lead-lists" not in asked else 0.0

    monkeypatch.setattr(Budget, "acquire", acquire)
    monkeypatch.setattr(Budget, "delay", delay)
    run = run_tap({**config, "concurrency": 2}, streams=("campaigns", "emails", "lead_lists"))
    first = asked.index("emails")
    assert first < asked.index("lead-lists")  # they begin as early as others
    assert asked.index("emails", first + 1) > asked.index("lead-lists")  # and continue when allowed
    assert order(run.messages) == ["campaigns", "emails", "lead_lists"]

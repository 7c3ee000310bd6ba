"""All streams of a run, read side by side and written one after the other."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import groupby
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import Control
from tap_instantly import InstantlyAPIError
from tap_instantly.singer import read_ahead
from tap_instantly.tap import TapInstantly
from tests.support import CollectingWriter, catalog_of, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib.encoding.simple import Message

    from sandbox import Server

LONG = 60
"""Seconds: an answer does not come before the fault is cleared."""

STREAMS = ("accounts", "campaign_analytics_steps", "campaigns", "custom_tags", "lead_lists", "leads")


class Acting(CollectingWriter):
    """Does something at the first message that is wanted."""

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
    tap = TapInstantly(config=config, catalog=catalog_of(config, *streams), message_writer=writer)
    tap.sync_all()
    return tap


def order(messages: list[dict[str, Any]]) -> list[str]:
    """The streams in the order in which their records were written, each as often as it was begun."""
    return [name for name, _ in groupby(m["stream"] for m in messages if m["type"] == "RECORD")]


def test_streams_are_read_while_an_earlier_one_does_not_answer_and_written_behind_it(
    api: Server, config: dict[str, Any]
) -> None:
    alone = {stream: sorted(map(str, run_tap(config, streams=(stream,)).records(stream))) for stream in STREAMS}
    api.control.reset()
    api.control.fault("/api/v2/accounts", "latency", seconds=LONG, count=None)
    others = ("/api/v2/campaigns", "/api/v2/custom-tags", "/api/v2/lead-lists", "/api/v2/leads/list")

    def once_the_others_are_answered(control: Control) -> None:
        while not all(any(r["status"] == 200 for r in control.requests(path)) for path in others):
            pass
        control.clear_faults()

    with Control(api.url) as control:
        helper = Thread(target=once_the_others_are_answered, args=(control,), daemon=True)
        helper.start()
        run = run_tap(config, streams=STREAMS)
        helper.join()
    assert order(run.messages) == sorted(STREAMS)
    assert {stream: sorted(map(str, run.records(stream))) for stream in STREAMS} == alone


@pytest.mark.parametrize("pages", [1, 3])
def test_what_is_written_is_the_same_however_little_may_wait(
    api: Server, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    whole = run_tap(config, everything=False)
    monkeypatch.setattr("tap_instantly.streams.side_by_side.PAGES", pages)
    little = run_tap(config, everything=False)
    assert pages < read_ahead.PAGES
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


def test_a_stream_that_fails_for_good_ends_the_run_only_when_its_turn_has_come(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/lead-lists", "status", status=302, headers={"Location": "/elsewhere"}, count=None)
    writer = CollectingWriter()
    with pytest.raises(InstantlyAPIError, match="redirects are not followed"):
        synced(config, writer, *STREAMS)
    assert order(writer.messages) == ["accounts", "campaign_analytics_steps", "campaigns", "custom_tags"]
    assert "Not complete: not come to: leads" in caplog.messages
    assert not [message for message in caplog.messages if message.startswith("Not complete: leads")]
    assert "leads" not in writer.messages[-1].get("value", {}).get("bookmarks", {})


def test_a_stream_that_is_refused_or_incomplete_holds_up_none_of_the_others(
    api: Server, config: dict[str, Any]
) -> None:
    api.control.fault("/api/v2/accounts", "status", status=403, count=None)
    api.control.fault("/api/v2/lead-lists", "status", status=500, count=None)
    run = run_tap({**config, "max_retries": 0}, streams=STREAMS, incomplete=True)
    assert order(run.messages) == ["campaign_analytics_steps", "campaigns", "custom_tags", "leads"]


def test_requests_count_for_the_stream_that_they_were_made_for(api: Server, config: dict[str, Any]) -> None:
    run = run_tap(config, streams=STREAMS)
    paths = Counter(request["path"] for request in api.control.requests())
    tallies = {stream.name: stream.tally for stream in run.tap._own_streams if stream.selected}
    assert sum(tally.requests for tally in tallies.values()) + 1 == sum(paths.values())
    for stream, path in {"accounts": "accounts", "custom_tags": "custom-tags", "leads": "leads/list"}.items():
        assert tallies[stream].requests == paths[f"/api/v2/{path}"], stream


def test_a_list_that_several_streams_are_asked_for_by_is_asked_for_once(api: Server, config: dict[str, Any]) -> None:
    streams = ("account_analytics_daily", "account_details", "account_warmup", "account_warmup_daily")
    api.control.config(latency_ms=20)  # so that all of them need it before anybody has it
    run = run_tap(config, streams=streams)
    assert len(run.records("account_details")) == 120
    cursors = [request["query"].get("starting_after") for request in api.control.requests("/api/v2/accounts")]
    assert len(cursors) == len(set(cursors)) == 3


def test_a_workspace_whose_key_ends_is_given_up_and_what_was_read_ahead_of_it_is_not_written(
    api: Server, config: dict[str, Any]
) -> None:
    def revoke() -> None:
        api.control.config(paid=False)

    writer = Acting(revoke, lambda message: message["type"] == "RECORD" and message["stream"] == "accounts")
    tap = TapInstantly(
        config={**config, "max_retries": 0, "page_size": 1, "concurrency": 2},
        catalog=catalog_of(config, "accounts", "lead_lists", "leads", "workspaces"),
        message_writer=writer,
    )
    try:
        with pytest.raises(Exception, match="Not everything could be read"):
            tap.sync_all()
    finally:
        api.control.config(paid=True)
    assert order(writer.messages) == ["accounts"]
    assert tap.workspaces.left_out
    assert [s.name for s in tap._own_streams if s.selected and s.tally.was_read] == ["accounts"]


def test_the_same_tap_can_be_synced_again_and_goes_on_from_its_state(api: Server, config: dict[str, Any]) -> None:
    writer = CollectingWriter()
    tap = TapInstantly(
        config={**config, "lookback_hours": 0}, catalog=catalog_of(config, *STREAMS), message_writer=writer
    )
    tap.sync_all()
    first = Counter(m["stream"] for m in writer.messages if m["type"] == "RECORD")
    state = [m for m in writer.messages if m["type"] == "STATE"][-1]
    writer.messages.clear()
    tap.sync_all()
    second = Counter(m["stream"] for m in writer.messages if m["type"] == "RECORD")
    assert second["lead_lists"] == first["lead_lists"]  # read whole each time
    assert 0 < second["leads"] < first["leads"]
    assert [m for m in writer.messages if m["type"] == "STATE"][-1] == state


def test_emails_wait_for_their_limit_without_holding_up_the_streams_around_them(
    api: Server, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_instantly.api.limits.EMAILS_INTERVAL", 0.2)
    run = run_tap({**config, "concurrency": 2}, streams=("campaigns", "emails", "leads"))
    asked = [request["path"].removeprefix("/api/v2/") for request in api.control.requests()]
    first = asked.index("emails")
    assert first < asked.index("leads/list")  # they begin as early as others
    assert asked.index("emails", first + 1) > asked.index("leads/list")  # and go on when they may
    assert order(run.messages) == ["campaigns", "emails", "leads"]

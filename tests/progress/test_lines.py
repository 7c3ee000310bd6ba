"""What the log tells of a run, and what the figures come from."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.logging import StructuredFormatter

from tap_instantly.api import ErrorKind, InstantlyAPIError, Workspace
from tap_instantly.progress import figures, report
from tap_instantly.progress.figures import Watch, clock
from tap_instantly.progress.summary import MOST_ROWS, MOST_WORKSPACES, Summary
from tap_instantly.streams.part import Outcome
from tap_instantly.streams.tally import Tally
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tap_instantly.tap import TapInstantly


class Clock(threading.Event):
    """Time that passes where somebody waits for it, and ends after so many waits."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.now = 100.0
        self.waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0
        self.waits -= 1
        return self.waits < 0


class Budget:
    spent = False
    pause = 0.0

    def held_back(self, _path: str) -> float:
        return self.pause


class Client:
    def __init__(self) -> None:
        self.budget = Budget()


def tally_of(*names: str) -> tuple[Tally, list[Workspace]]:
    tally = Tally("/leads/list")
    workspaces = [Workspace(name, name, None, Client()) for name in names]  # type: ignore[arg-type]
    tally.prepare(workspaces)
    tally.open()
    return tally, workspaces


def read(tally: Tally, workspace: Workspace, records: int, left_out: int = 0) -> None:
    part = tally.parts[workspace.id]
    part.begin()
    part.requests += 1
    tally.turn_to(workspace.id)
    tally.records += records
    part.pages += 1
    part.read += records + left_out


# A line every now and then


def test_a_line_comes_every_thirty_seconds_and_none_after_the_end() -> None:
    clock, said = Clock(waits=4), []
    ticker = report.Ticker(lambda: said.append(clock.now), report.INTERVAL, clock)
    ticker.run()
    assert said == [130, 160, 190, 220]
    ticker.stop()
    clock.waits = 1
    ticker.run()
    assert len(said) == 4


def test_who_is_just_saying_something_does_not_hold_up_the_end() -> None:
    begun, never = threading.Event(), threading.Event()
    ticker = report.Ticker(lambda: (begun.set(), never.wait()), 0.001)
    ticker.start()
    begun.wait()
    ticker.stop()  # as a signal handler does that holds what the thread waits for
    never.set()
    ticker.join()
    assert not ticker._thread.is_alive()


def test_rates_are_those_of_late() -> None:
    tally, (workspace,) = tally_of("one")
    clock = Clock(waits=0)
    watch = Watch({"leads": tally}, 90, 30.0, lambda: clock.now)
    for records in (3_000, 600, 600):
        clock.wait(30)
        read(tally, workspace, records, left_out=records)
        now = watch.look()
        assert (now.records_per_second, now.requests_per_second) == (records * 2 / 30, 1 / 30)
    assert (now.records, now.records_read, now.pages, now.requests, now.seconds) == (4_200, 8_400, 3, 3, 90)


def test_a_pause_after_a_429_is_told_of_with_its_length() -> None:
    tally, workspaces = tally_of("one", "two", "three")
    for workspace in workspaces:
        read(tally, workspace, 10)
    workspaces[1].client.budget.pause = 42.0
    now = Watch({"leads": tally}, 90, 30.0).look()
    assert (now.workspaces_pausing, now.pause, now.requests_allowed) == (1, 42.0, 270)
    assert "1 pausing after a 429 (0:42 to go)" in now.line()


@pytest.mark.parametrize(("requests", "expected"), [(100, False), (880, True)])
def test_waiting_for_the_limit_is_said_where_requests_are_nearly_as_many_as_allowed(
    monkeypatch: pytest.MonkeyPatch, requests: int, *, expected: bool
) -> None:
    tally, (workspace,) = tally_of("one")
    part = tally.parts["one"]
    part.begin()
    part.requests += requests
    workspace.client.budget.spent = True  # also where threads wait for a processor
    monkeypatch.setattr(type(part), "seconds", 10.0)
    assert figures.at_limit([part], 90) is expected
    assert ("waiting for the limit" in Watch({"leads": tally}, 90, 30.0).look().line()) is expected


@pytest.fixture
def said(sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """Sync a stream, where the interval is over with each page that is written; the records of the log."""

    def run(*streams: str, **settings: Any) -> tuple[TapRun, list[logging.LogRecord]]:
        caplog.set_level(logging.INFO)
        tally_turn = Tally.turn_to
        monkeypatch.setattr(report.Report, "begin", lambda self: monkeypatch.setattr(Tally, "turn_to", saying(self)))

        def saying(told: report.Report) -> Callable[..., Any]:
            def turn_to(tally: Tally, workspace_id: str) -> Any:
                told.say()
                return tally_turn(tally, workspace_id)

            return turn_to

        finished = sync(*streams, **settings)
        return finished, [record for record in caplog.records if record.getMessage().startswith("Progress: ")]

    return run


def test_a_line_has_its_figures_as_fields_of_a_structured_log_too(said: Any) -> None:
    _, records = said("campaigns", "leads", page_size=10)
    lines = [json.loads(StructuredFormatter().format(record)) for record in records]
    leads = [line for line in lines if line["stream_name"] == "leads"]
    assert len(leads) >= 45
    last = leads[-1]
    assert last["message"].startswith("Progress: leads (stream 2 of 2), ")
    assert last["logger_name"] == "tap-instantly"
    whole = {
        "records",
        "records_read",
        "pages",
        "requests",
        "requests_allowed",
        "streams",
        "streams_done",
        "workspaces",
    }
    assert all(isinstance(last["extra"][name], int) for name in whole)
    assert all(isinstance(last["extra"][name], float) for name in ("seconds", "records_per_second"))
    # Those that Meltano's own logger has a use for would break its line.
    assert not last["extra"].keys() & {"event", "level", "name", "timestamp", "logger", "exc_info", "stack_info"}
    assert "api_key" not in json.dumps(lines)


def test_what_is_read_parent_by_parent_tells_its_share(said: Any) -> None:
    _, records = said("campaign_analytics_steps", concurrency=1)
    shares = [record.__dict__["share"] for record in records if "share" in record.__dict__]
    assert shares
    assert all(share.endswith(" %") for share in shares)


def test_short_runs_say_nothing_before_their_end(sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sync("campaigns")
    assert "Progress: " not in caplog.text
    assert "In all: records=6 " in caplog.text


# Time left


def test_time_left_is_told_where_everything_under_way_knows_how_much_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    tally, (one, two) = tally_of("one", "two")
    for workspace, total, done in ((one, 10, 4), (two, 30, 6)):
        read(tally, workspace, 1)
        tally.parts[workspace.id].expect(total)
        tally.parts[workspace.id].done = done
    parts = list(tally.parts.values())
    assert figures.seconds_left(parts, 20.0) == 20.0 * 30 / 10
    assert figures.share(parts) == "25 %"
    tally.parts["one"].end(Outcome.COMPLETE)
    assert figures.seconds_left(parts, 20.0) == 20.0 * 24 / 10
    tally.parts["two"].total = None
    assert figures.seconds_left(parts, 20.0) is None
    assert figures.share(parts) == ""


def test_nothing_is_said_of_time_left_too_early_or_of_windows_that_differ() -> None:
    tally, (workspace,) = tally_of("one")
    read(tally, workspace, 1)
    part = tally.parts["one"]
    part.expect(100)
    part.done = 50
    assert figures.seconds_left([part], figures.SOONEST - 1) is None
    part.done = figures.LEAST - 1
    assert figures.seconds_left([part], 1_000) is None
    part.at_window(4, 9)
    assert figures.share([part]) == "window 5 of 9"
    assert figures.seconds_left([part], 1_000) is None


def test_time_is_written_as_clocks_have_it() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.6, 754, 3_600)] == ["0:00", "1:00", "12:34", "1:00:00"]


# The summary


TURNS = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), st.integers(0, 100)), max_size=30)


@given(TURNS)
def test_each_workspace_has_the_records_of_its_turns_at_any_moment(turns: list[tuple[str, int]]) -> None:
    tally, workspaces = tally_of("one", "two", "three")
    found: Counter[str] = Counter()
    for name, records in turns:
        read(tally, next(workspace for workspace in workspaces if workspace.id == name), records)
        found[name] += records
        assert {part.workspace.label: tally.records_of(part) for part in tally.parts.values()} == {
            name: found[name] for name in tally.parts
        }
    assert tally.requests == len(turns)
    assert tally.records == sum(found.values())


def summary_of(tap: TapInstantly) -> Summary:
    tallies = {name: stream.tally for name, stream in tap.streams.items() if stream.selected}  # type: ignore[attr-defined]
    return Summary(tallies, tap.workspaces.left_out, 1.0)


def test_the_summary_has_what_came_out_and_what_was_asked_for(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/accounts", "status", status=500, count=1)
    run = run_tap(config, everything=False)
    tallies = {stream.name: stream.tally for stream in run.tap._own_streams if stream.selected}
    found = Counter(message["stream"] for message in run.messages if message["type"] == "RECORD")
    assert {name: tally.records for name, tally in tallies.items() if tally.records} == found
    connecting = 1
    total = sum(tally.requests for tally in tallies.values())
    assert total + connecting == api.control.counts()["total"] == run.tap.workspaces.requests_sent
    assert f"In all: records={found.total()} requests={total} seconds=" in caplog.text
    assert "Not complete" not in caplog.text
    assert caplog.text.count("Synced ") == len(tallies)


def test_what_was_skipped_or_incomplete_is_named_with_its_reason(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    workspaces = [{"name": "all", "api_key": api.api_key}, {"name": "none", "api_key": "wrong-key-of-nobody"}]
    settings = {"workspaces": workspaces, "api_url": config["api_url"], "max_retries": 0}
    api.control.fault("/api/v2/leads/list", "status", status=500, count=None)
    api.control.fault("/api/v2/accounts", "status", status=403, count=None)
    run_tap(settings, streams=("leads", "accounts", "campaigns"), incomplete=True)
    told = [message for message in caplog.messages if message.startswith("Not complete: ")]
    assert [line.split(":")[1].strip() for line in told] == [
        "accounts skipped in all",
        "leads incomplete in all",
        "workspace none was left out",
    ]
    assert "Give the API key accounts:read, or all:read" in told[0]
    assert "500" in told[1]
    (total,) = [record for record in caplog.records if record.getMessage().startswith("In all: ")]
    assert {name: total.__dict__[name] for name in ("skipped", "incomplete", "left_out", "streams")} == {
        "skipped": 1,
        "incomplete": 1,
        "left_out": 1,
        "streams": 3,
    }


def test_a_run_that_could_not_go_on_is_summed_up_too(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/leads/list", "status", status=302, headers={"Location": "/elsewhere"}, count=None)
    with pytest.raises(InstantlyAPIError, match="redirects are not followed"):
        run_tap(config, streams=("campaigns", "leads", "workspaces"))
    told = [message for message in caplog.messages if message.startswith(("Not complete: ", "In all: "))]
    assert [line.split(" in ")[0] for line in told[:2]] == [
        "Not complete: leads cut off",
        "Not complete: not come to: workspaces",
    ]
    assert told[2].startswith("In all: records=6 ")


def many(count: int) -> Summary:
    tally, workspaces = tally_of(*(f"w{number:03d}" for number in range(count)))
    for number, workspace in enumerate(workspaces):
        read(tally, workspace, 10)
        if number % 10 == 3:
            tally.skip(workspace.id, ErrorKind.FORBIDDEN, "Give the key leads:read")
        else:
            tally.parts[workspace.id].end(Outcome.COMPLETE)
    tally.close()
    return Summary({"leads": tally}, {}, 1.0)


def test_a_summary_of_hundreds_of_workspaces_stays_short_and_names_all_that_is_missing() -> None:
    few, hundreds = many(MOST_WORKSPACES), many(500)
    assert len(few.workspaces()) == MOST_WORKSPACES
    assert len(few.table()) == MOST_WORKSPACES + 2
    assert [total.name for total in hundreds.workspaces()] == [f"w{number:03d}" for number in range(3, 500, 10)]
    assert len(hundreds.table()) < MOST_ROWS
    assert hundreds.table()[1] == ("leads", "5,000", "500", "0.0", "skipped in 50 of 500")
    (reason,) = hundreds.reasons()
    assert reason.startswith("leads skipped in w003, w013, ")
    assert reason.endswith("w493: Give the key leads:read")


def test_a_name_of_several_lines_takes_one() -> None:
    _, (workspace,) = tally_of("a\nb\x1b[2J")
    assert workspace.label == "a\\nb\\x1b[2J"

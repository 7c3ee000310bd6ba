"""Progress lines of a run in the log, and the counts behind them."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.logging import StructuredFormatter

from tap_instantly.client import ErrorKind, InstantlyAPIError, Workspace
from tap_instantly.client.usage import Usage
from tap_instantly.progress import figures, report
from tap_instantly.progress.figures import Watch, clock
from tap_instantly.progress.summary import MOST_ROWS, MOST_WORKSPACES, Summary
from tap_instantly.sync.counts import Counts
from tap_instantly.sync.outcome import Outcome
from tap_instantly.sync.partition import Partition
from tests.support import TapRun, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server


class Clock(threading.Event):
    """A clock that advances only while somebody waits, and ends after a number of waits."""

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
        self.usage = Usage()


class Stream:
    path = "/leads/list"


def counts_of(*names: str) -> tuple[Counts, list[Workspace]]:
    counts = Counts()
    workspaces = [Workspace(name, name, None, Client()) for name in names]  # type: ignore[arg-type]
    counts.prepare(Partition(Stream(), workspace) for workspace in workspaces)  # type: ignore[arg-type]
    counts.open()
    return counts, workspaces


def read(counts: Counts, workspace: Workspace, records: int, left_out: int = 0) -> None:
    part = counts.partitions[workspace.id]
    part.start_clock()
    part.usage.add(requests=1)
    part.records += records
    part.pages_written += 1
    part.received += records + left_out


# Periodic lines


def test_progress_line_is_logged_every_thirty_seconds_until_the_end() -> None:
    clock, said = Clock(waits=4), []
    ticker = report.Ticker(lambda: said.append(clock.now), report.INTERVAL, clock)
    ticker.run()
    assert said == [130, 160, 190, 220]
    ticker.stop()
    clock.waits = 1
    ticker.run()
    assert len(said) == 4


def test_blocked_progress_line_does_not_delay_the_end() -> None:
    begun, never = threading.Event(), threading.Event()
    ticker = report.Ticker(lambda: (begun.set(), never.wait()), 0.001)
    ticker.start()
    begun.wait()
    ticker.stop()  # as a signal handler does while it holds the lock that the thread waits for
    never.set()
    ticker.join()
    assert not ticker._thread.is_alive()


def test_rates_cover_the_latest_interval() -> None:
    counts, (workspace,) = counts_of("one")
    clock = Clock(waits=0)
    watch = Watch({"leads": counts}, 90, 30.0, lambda: clock.now)
    for records in (3_000, 600, 600):
        clock.wait(30)
        read(counts, workspace, records, left_out=records)
        now = watch.look()
        assert (now.records_per_second, now.requests_per_second) == (records * 2 / 30, 1 / 30)
    assert (now.records, now.records_read, now.pages, now.requests, now.seconds) == (4_200, 8_400, 3, 3, 90)


def test_pause_after_a_429_is_shown_with_its_length() -> None:
    counts, workspaces = counts_of("one", "two", "three")
    for workspace in workspaces:
        read(counts, workspace, 10)
    workspaces[1].client.budget.pause = 42.0
    now = Watch({"leads": counts}, 90, 30.0).look()
    assert (now.workspaces_pausing, now.pause, now.requests_allowed) == (1, 42.0, 270)
    assert "1 pausing after a 429 (0:42 to go)" in now.line()


@pytest.mark.parametrize(("requests", "expected"), [(100, False), (880, True)])
def test_waiting_is_shown_when_the_request_rate_nears_the_limit(
    monkeypatch: pytest.MonkeyPatch, requests: int, *, expected: bool
) -> None:
    counts, (workspace,) = counts_of("one")
    part = counts.partitions["one"]
    part.start_clock()
    part.usage.add(requests=requests)
    workspace.client.budget.spent = True  # also while threads wait for a processor
    monkeypatch.setattr(type(part), "seconds", 10.0)
    assert figures.at_limit([part], 90) is expected
    assert ("waiting for the rate limit" in Watch({"leads": counts}, 90, 30.0).look().line()) is expected


@pytest.fixture
def said(sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """Sync a stream with an interval that ends at each written page; return the log records."""

    def run(*streams: str, **settings: Any) -> tuple[TapRun, list[logging.LogRecord]]:
        caplog.set_level(logging.INFO)
        written = Partition.page_arrives
        monkeypatch.setattr(
            report.Report, "begin", lambda self: monkeypatch.setattr(Partition, "page_arrives", saying(self))
        )

        def saying(told: report.Report) -> Callable[..., Any]:
            def page_arrives(partition: Partition, page: Any) -> None:
                told.say()
                written(partition, page)

            return page_arrives

        finished = sync(*streams, **settings)
        return finished, [record for record in caplog.records if record.getMessage().startswith("Progress: ")]

    return run


def test_a_line_has_its_figures_as_fields_of_a_structured_log_too(said: Any) -> None:
    _, records = said("campaigns", "leads", page_size=10)
    lines = [json.loads(StructuredFormatter().format(record)) for record in records]
    leads = [line for line in lines if line["stream_name"] == "leads"]
    assert len(leads) >= 45
    last = leads[-1]
    assert last["message"].startswith("Progress: leads (stream 1 of 2), ")
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
    # Names that Meltano's own logger interprets would break its line.
    assert not last["extra"].keys() & {"event", "level", "name", "timestamp", "logger", "exc_info", "stack_info"}
    assert "api_key" not in json.dumps(lines)


def test_streams_read_by_parent_show_their_share(said: Any) -> None:
    _, records = said("campaign_analytics_steps", concurrency=1)
    shares = [record.__dict__["share"] for record in records if "share" in record.__dict__]
    assert shares
    assert all(share.endswith(" %") for share in shares)


def test_short_runs_log_no_progress(sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sync("campaigns")
    assert "Progress: " not in caplog.text
    assert "Total: records=6 " in caplog.text


# Remaining time


def test_time_left_is_shown_when_all_totals_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, (one, two) = counts_of("one", "two")
    for workspace, total, done in ((one, 10, 4), (two, 30, 6)):
        read(counts, workspace, 1)
        counts.partitions[workspace.id].expect(total)
        counts.partitions[workspace.id].done = done
    parts = list(counts.partitions.values())
    assert figures.seconds_left(parts, 20.0) == 20.0 * 30 / 10
    assert figures.share(parts) == "25 %"
    counts.partitions["one"].end(Outcome.COMPLETE)
    assert figures.seconds_left(parts, 20.0) == 20.0 * 24 / 10
    counts.partitions["two"].total = None
    assert figures.seconds_left(parts, 20.0) is None
    assert figures.share(parts) == ""


def test_time_left_is_hidden_early_and_for_unequal_windows() -> None:
    counts, (workspace,) = counts_of("one")
    read(counts, workspace, 1)
    part = counts.partitions["one"]
    part.expect(100)
    part.done = 50
    assert figures.seconds_left([part], figures.SOONEST - 1) is None
    part.done = figures.LEAST - 1
    assert figures.seconds_left([part], 1_000) is None
    part.at_window(4, 9)
    assert figures.share([part]) == "window 5 of 9"
    assert figures.seconds_left([part], 1_000) is None


def test_durations_are_formatted_as_clock_times() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.6, 754, 3_600)] == ["0:00", "1:00", "12:34", "1:00:00"]


# The summary


def test_summary_counts_records_and_requests(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/accounts", "status", status=500, count=1)
    run = run_tap(config, streams=("account_details", "accounts", "campaigns", "leads"))
    found_of = {stream.name: stream.counts for stream in run.tap._own_streams if stream.selected}
    found = Counter(message["stream"] for message in run.messages if message["type"] == "RECORD")
    assert {name: counts.sums.records for name, counts in found_of.items() if counts.sums.records} == found
    connecting = 1
    total = sum(counts.sums.requests for counts in found_of.values())
    assert total + connecting == api.control.counts()["total"]
    assert total + connecting == sum(workspace.client.usage.requests for workspace in run.tap.workspaces)
    assert f"Total: records={found.total()} requests={total} seconds=" in caplog.text
    assert "Not complete" not in caplog.text
    assert caplog.text.count("Synced ") == len(found_of)


def test_skipped_and_incomplete_streams_are_named_with_reasons(
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
        "leads incomplete in all",
        "accounts skipped in all",
        "workspace none failed",
    ]
    assert "500" in told[0]
    assert "Give the API key accounts:read, or all:read" in told[1]
    (total,) = [record for record in caplog.records if record.getMessage().startswith("Total: ")]
    assert {name: total.__dict__[name] for name in ("skipped", "incomplete", "workspaces_failed", "streams")} == {
        "skipped": 1,
        "incomplete": 1,
        "workspaces_failed": 1,
        "streams": 3,
    }


def test_failed_run_has_a_summary(api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    api.control.fault("/api/v2/custom-tags", "status", status=302, headers={"Location": "/elsewhere"}, count=None)
    with pytest.raises(InstantlyAPIError, match="redirects are not followed"):
        run_tap(config, streams=("campaigns", "custom_tags", "workspaces"))
    told = [message for message in caplog.messages if message.startswith(("Not complete: ", "Total: "))]
    assert [line.split(" in ")[0] for line in told[:2]] == [
        "Not complete: custom_tags interrupted",
        "Not complete: not started: workspaces",
    ]
    assert told[2].startswith("Total: records=6 ")


def many(count: int) -> Summary:
    counts, workspaces = counts_of(*(f"w{number:03d}" for number in range(count)))
    for number, workspace in enumerate(workspaces):
        read(counts, workspace, 10)
        if number % 10 == 3:
            counts.partitions[workspace.id].end(Outcome.SKIPPED, "Give the key leads:read", ErrorKind.FORBIDDEN)
        else:
            counts.partitions[workspace.id].end(Outcome.COMPLETE)
    counts.close()
    return Summary({"leads": counts}, {}, 1.0)


def test_summary_of_hundreds_of_workspaces_is_short_and_names_all_gaps() -> None:
    few, hundreds = many(MOST_WORKSPACES), many(500)
    assert len(few.workspaces()) == MOST_WORKSPACES
    assert len(few.table()) == MOST_WORKSPACES + 2
    assert [total.name for total in hundreds.workspaces()] == [f"w{number:03d}" for number in range(3, 500, 10)]
    assert len(hundreds.table()) < MOST_ROWS
    assert hundreds.table()[1] == ("leads", "5,000", "500", "0.0", "skipped in 50 of 500")
    (reason,) = hundreds.reasons()
    assert reason.startswith("leads skipped in w003, w013, ")
    assert reason.endswith("w493: Give the key leads:read")


def test_multiline_name_is_logged_on_one_line() -> None:
    _, (workspace,) = counts_of("a\nb\x1b[2J")
    assert workspace.label == "a\\nb\\x1b[2J"

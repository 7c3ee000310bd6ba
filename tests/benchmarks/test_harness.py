"""The harness over tiny sizes, with the candidates that run in the tests' environment."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools.benchmarks import __main__ as command_line
from tools.benchmarks import harness, measure, results, sandbox_speed
from tools.benchmarks.results import Results, Run
from tools.benchmarks.scenarios import DEFAULT_STREAMS, EVERYDAY, PLAIN_STREAMS, SCENARIOS, UNKNOWN, Scenario

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Folder for quick results in these tests."""
    monkeypatch.setattr(command_line, "QUICK", tmp_path / "quick.json")
    return tmp_path / "quick.json"


@pytest.mark.long
def test_short_benchmark_measures_all_candidates_in_turn(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--only", "leads-0ms-10k", "--peers", "tap,sdk,floor", "--repeats", "2", "--scale", "0.025"]
    before = results.LATEST.read_bytes() if results.LATEST.exists() else None
    assert command_line.main(options) == 0
    outcome = Results.load(quick).outcomes["leads-0ms-10k"]
    assert {name: [run.records for run in runs] for name, runs in outcome.runs.items()} == {
        name: [250, 250] for name in ("tap", "sdk", "floor")
    }
    assert outcome.pages == 3
    for runs in outcome.runs.values():
        for run in runs:
            assert 4 <= run.requests <= 6
            assert run.in_flight >= 1
            assert run.size > 250 * 1000
            assert run.cpu > 0
            assert 10 < run.peak_mb < 500
    told = capsys.readouterr().out
    first, second = [[line.split()[0] for line in told.splitlines() if " CPU s" in line][at : at + 3] for at in (0, 3)]
    assert (first, second) == (["tap", "sdk", "floor"], ["sdk", "floor", "tap"])
    assert (results.LATEST.read_bytes() if results.LATEST.exists() else None) == before


@pytest.mark.long
def test_grouped_scenarios_run_forwards_then_backwards() -> None:
    sizes = [Scenario(f"of-{n}", "x", leads=n, candidates=("floor",), repeats=2, group="g") for n in (10, 20, 30)]
    ran: list[int] = []
    outcomes = harness.perform_in_turn(sizes, lambda _name, run: ran.append(run.records))
    assert ran == [10, 20, 30, 20, 10] * 2
    assert [(outcome.records, len(outcome.runs["floor"])) for outcome in outcomes] == [(10, 4), (20, 4), (30, 2)]
    assert not any(outcome.failures for outcome in outcomes)


@pytest.mark.long
def test_limits_latency_and_days_are_the_sandbox_s() -> None:
    scenario = Scenario(
        "days",
        "days",
        streams=("campaign_analytics_daily",),
        leads=200,
        campaigns=2,
        latency_ms=20,
        rate_limit=True,
        candidates=("tap", "floor"),
        settings={"page_size": 50},
        repeats=1,
    )
    outcome = harness.perform(scenario, lambda _name, _run: None)
    assert outcome.failures == []
    assert 2 <= outcome.pages <= 6
    assert outcome.records is not None
    assert outcome.records > 60
    assert outcome.runs["floor"][0].requests >= 7


@pytest.mark.long
def test_peers_read_workspaces_one_after_the_other() -> None:
    scenario = Scenario("w", "w", leads=150, workspaces=3, candidates=("tap", "sdk", "floor"), repeats=1)
    outcome = harness.perform(scenario, lambda *_: None)
    assert outcome.failures == []
    assert {name: run.records for name, (run,) in outcome.runs.items()} == {"tap": 450, "sdk": 450, "floor": 450}


def test_multi_stream_run_must_write_exactly_the_existing_records() -> None:
    several = Scenario(
        "s", "s", leads=150, campaigns=2, accounts=3, streams=PLAIN_STREAMS, candidates=("tap",), repeats=1
    )
    outcome = harness.perform(several, lambda *_: None)
    assert outcome.failures == []
    assert outcome.records is not None
    assert 150 + 2 + 3 < outcome.records == outcome.runs["tap"][0].records
    assert outcome.pages == 0


@pytest.mark.long
def test_second_run_gets_the_state_of_a_complete_run() -> None:
    again = Scenario("a", "a", leads=600, campaigns=2, streams=DEFAULT_STREAMS, candidates=("tap",), again=True)
    outcome = harness.perform(again, lambda *_: None)
    assert outcome.failures == []
    assert outcome.records is None
    assert all(0 < run.records < 600 for run in outcome.runs["tap"])


@pytest.mark.long
def test_one_key_opens_as_many_workspaces_of_a_group_as_are_wanted() -> None:
    group = Scenario("g", "g", leads=30, campaigns=2, workspaces=4, admin_key=True, candidates=("tap",), repeats=1)
    leads, everything = (
        harness.perform(scenario, lambda *_: None) for scenario in (group, replace(group, streams=DEFAULT_STREAMS))
    )
    assert leads.failures == everything.failures == []
    assert leads.records == leads.runs["tap"][0].records == 4 * 30
    assert [harness.group_size(number) for number in (1, 2, 4, 25)] == [1, 2, 5, 40]


@pytest.mark.long
def test_unknown_fields_are_those_of_each_lead() -> None:
    sizes = {}
    for name, fields in UNKNOWN.items():
        scenario = Scenario(name, name, leads=200, candidates=("tap",), repeats=1, fields=fields)
        outcome = harness.perform(scenario, lambda *_: None)
        assert outcome.failures == []
        sizes[name] = outcome.runs["tap"][0].size
    assert sizes["unknown-none"] < min(sizes["unknown-two"], sizes["unknown-nested"])


def test_scenarios_are_selected_by_name_prefix() -> None:
    chosen = command_line.choose(command_line.make_parser().parse_args(["--only", "everyday,version"]))
    assert [scenario.name for scenario in chosen] == ["version", *(scenario.name for scenario in EVERYDAY)]
    chosen = command_line.choose(command_line.make_parser().parse_args(["--only", "everyday-5k"]))
    assert [scenario.name for scenario in chosen] == ["everyday-5k", "everyday-5k-again"]


@pytest.mark.long
def test_requests_that_come_too_fast_are_counted() -> None:
    scenario = Scenario(
        "fast",
        "fast",
        leads=1500,
        rate_limit=True,
        candidates=("tap",),
        settings={"page_size": 10, "max_requests_per_second": 1000},
        repeats=1,
    )
    (run,) = harness.perform(scenario, lambda *_: None).runs["tap"]
    assert run.failure is None
    assert run.too_many > 0


def test_run_with_missing_records_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tools.benchmarks.harness.CANDIDATES",
        {"floor": _Fake([sys.executable, "-c", 'print(\'{"type":"RECORD"}\')'])},
    )
    outcome = harness.perform(Scenario("x", "x", leads=5, candidates=("floor",), repeats=1), lambda *_: None)
    assert outcome.failures == ["x, floor: 1 records, and there are 5"]


def test_failed_run_gives_its_last_error_line(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.stderr.write('first\\nlast words\\n'); sys.exit(3)"
    monkeypatch.setattr("tools.benchmarks.harness.CANDIDATES", {"floor": _Fake([sys.executable, "-c", code])})
    outcome = harness.perform(Scenario("x", "x", leads=5, candidates=("floor",), repeats=1), lambda *_: None)
    assert outcome.failures == ["x, floor: exit code 3: last words"]


class _Fake:
    def __init__(self, command: list[str]) -> None:
        self.prepare = lambda _candidate, _job: command


def test_memory_figure_covers_only_the_process(tmp_path: Path) -> None:
    ballast = bytearray(200_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    code = "x = bytearray(50_000_000); x[::4096] = b'x' * len(x[::4096]); sum(range(3_000_000))"
    usage = measure.run([sys.executable, "-S", "-c", code], tmp_path / "log", {}, tmp_path)
    assert usage.exit_code == 0
    assert 50 < usage.peak_mb < 120
    assert usage.cpu > 0
    del ballast


@pytest.mark.long
def test_start_up_is_measured_without_records() -> None:
    outcome = harness.perform(Scenario("v", "v", candidates=("tap",), option="--version", repeats=1), lambda *_: None)
    assert outcome.failures == []
    assert outcome.runs["tap"][0].requests == 0


def test_unknown_scenario_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--only", "leads-0ms-1k"]) == 2
    assert "there is no leads-0ms-1k" in capsys.readouterr().out


def test_failed_check_or_run_exits_with_1() -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "leads-300ms-300k")
    slow = Run(wall=100, cpu=1, peak_mb=60, records=300_000, requests=3001)
    for run, code in ((slow, 1), (Run(wall=30, cpu=1, peak_mb=60, records=300_000, requests=3001), 0)):
        measured = Results("2026-01-31", "2 cores", {}, 1.0)
        measured.outcomes[scenario.name] = results.Outcome(scenario, 300_000, 3000, runs={"tap": [run]})
        assert command_line.conclude(measured, whole=False, sizes_as_given=True) == code


def test_sandbox_speed_is_measured_over_one_and_four_connections() -> None:
    probes = sandbox_speed.probe(seconds=0.3, leads=1_000)
    assert [probe.connections for probe in probes] == [1, 4]
    assert all(probe.per_second > 0 and probe.per_cpu_second > 0 for probe in probes)

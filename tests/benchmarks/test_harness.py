"""The harness over tiny sizes, with the candidates that need no environment of their own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as command_line
from benchmarks import harness, measure, results, sandbox_speed
from benchmarks.results import Results, Run
from benchmarks.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where quick looks are written in these tests."""
    monkeypatch.setattr(command_line, "QUICK", tmp_path / "quick.json")
    return tmp_path / "quick.json"


def test_a_quick_look_measures_everybody_in_turn(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_scenarios_of_a_group_are_run_up_and_down_again() -> None:
    sizes = [Scenario(f"of-{n}", "x", leads=n, candidates=("floor",), repeats=2, group="g") for n in (10, 20, 30)]
    ran: list[int] = []
    outcomes = harness.perform_in_turn(sizes, lambda _name, run: ran.append(run.records))
    assert ran == [10, 20, 30, 20, 10] * 2
    assert [(outcome.records, len(outcome.runs["floor"])) for outcome in outcomes] == [(10, 4), (20, 4), (30, 2)]
    assert not any(outcome.failures for outcome in outcomes)


def test_limits_latency_and_days_are_the_sandbox_s() -> None:
    scenario = Scenario(
        "days",
        "days",
        stream="campaign_analytics_daily",
        leads=200,
        campaigns=2,
        latency_ms=20,
        rate_limit=True,
        candidates=("tap", "floor"),
        settings={"page_size": 50, "no_such_setting": 1},
        repeats=1,
    )
    outcome = harness.perform(scenario, lambda _name, _run: None)
    assert outcome.failures == []
    assert outcome.left_out == ["no_such_setting"]
    assert 2 <= outcome.pages <= 6
    assert outcome.records > 60
    assert outcome.runs["floor"][0].requests >= 7


def test_peers_are_run_for_one_workspace_after_the_other() -> None:
    scenario = Scenario("w", "w", leads=150, workspaces=3, candidates=("tap", "sdk", "floor"), repeats=1)
    outcome = harness.perform(scenario, lambda *_: None)
    assert outcome.failures == []
    assert {name: run.records for name, (run,) in outcome.runs.items()} == {"tap": 450, "sdk": 450, "floor": 450}


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


def test_a_run_that_does_not_write_what_there_is_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "benchmarks.harness.CANDIDATES",
        {"floor": _Fake([sys.executable, "-c", 'print(\'{"type":"RECORD"}\')'])},
    )
    outcome = harness.perform(Scenario("x", "x", leads=5, candidates=("floor",), repeats=1), lambda *_: None)
    assert outcome.failures == ["x, floor: 1 records, and there are 5"]


def test_a_run_that_ends_badly_fails_with_its_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.stderr.write('first\\nlast words\\n'); sys.exit(3)"
    monkeypatch.setattr("benchmarks.harness.CANDIDATES", {"floor": _Fake([sys.executable, "-c", code])})
    outcome = harness.perform(Scenario("x", "x", leads=5, candidates=("floor",), repeats=1), lambda *_: None)
    assert outcome.failures == ["x, floor: exit code 3: last words"]


class _Fake:
    def __init__(self, command: list[str]) -> None:
        self.prepare = lambda _candidate, _job: command


def test_memory_is_that_of_the_process_alone(tmp_path: Path) -> None:
    ballast = bytearray(200_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    code = "x = bytearray(50_000_000); x[::4096] = b'x' * len(x[::4096]); sum(range(3_000_000))"
    usage = measure.run([sys.executable, "-S", "-c", code], tmp_path / "log", {}, tmp_path)
    assert usage.exit_code == 0
    assert 50 < usage.peak_mb < 120
    assert usage.cpu > 0
    del ballast


def test_start_up_is_measured_without_records() -> None:
    outcome = harness.perform(Scenario("v", "v", candidates=("tap",), option="--version", repeats=1), lambda *_: None)
    assert outcome.failures == []
    assert outcome.runs["tap"][0].requests == 0


def test_what_there_is_not_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--only", "leads-0ms-1k"]) == 2
    assert "there is no leads-0ms-1k" in capsys.readouterr().out


def test_a_check_that_fails_or_a_run_that_fails_ends_in_exit_code_1() -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "leads-300ms-300k")
    slow = Run(wall=100, cpu=1, peak_mb=60, records=300_000, requests=3001)
    for run, code in ((slow, 1), (Run(wall=30, cpu=1, peak_mb=60, records=300_000, requests=3001), 0)):
        measured = Results("2026-01-31", "2 cores", {}, 1.0)
        measured.outcomes[scenario.name] = results.Outcome(scenario, 300_000, 3000, runs={"tap": [run]})
        assert command_line.conclude(measured, whole=False, sizes_as_given=True) == code


def test_the_sandbox_by_itself_is_measured_over_one_connection_and_over_four() -> None:
    probes = sandbox_speed.probe(seconds=0.3, leads=1_000)
    assert [probe.connections for probe in probes] == [1, 4]
    assert all(probe.per_second > 0 and probe.per_cpu_second > 0 for probe in probes)

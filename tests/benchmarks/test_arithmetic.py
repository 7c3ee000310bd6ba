"""Tables and verdicts from raw figures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools.benchmarks import chart, report
from tools.benchmarks.checks import CHECKS, Check, judge
from tools.benchmarks.figures import Spread, figures, growth, peer_figures, price, times_faster
from tools.benchmarks.measure import Tally
from tools.benchmarks.results import LATEST, Outcome, Probe, Results, Run
from tools.benchmarks.scenarios import EVERYDAY, GROWTH, SCENARIOS, Scenario

if TYPE_CHECKING:
    from pathlib import Path


def run(wall: float, records: int = 0, cpu: float = 1.0, **more: float) -> Run:
    return Run(wall=wall, cpu=cpu, peak_mb=more.pop("peak_mb", 60.0), records=records, **more)


def outcome(name: str, records: int, **runs: list[Run]) -> Outcome:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    return Outcome(scenario, records, -(-records // 100), runs=runs)


def results(*outcomes: Outcome) -> Results:
    return Results(
        "2026-01-31", "2 cores", {"tap": "tap-instantly 0.1.0"}, 60.0, {o.scenario.name: o for o in outcomes}
    )


def verdict_on(measured: Results, what: str) -> bool | None:
    (verdict,) = [verdict for verdict in judge(measured) if verdict.check.what == what]
    return verdict.passed


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert Spread.of([3, 1, 10]) == Spread(3, 1, 10)
    assert Spread.of([1, 2]) == Spread(1.5, 1, 2)


def test_output_is_counted_with_any_chunks_and_spacing() -> None:
    lines = b'{"type": "SCHEMA"}\n{"type":"RECORD","a":1}\n{"type": "RECORD"}\n{"type":"STATE","value":{}}\n'
    for size in (1, 7, 1000):
        tally = Tally()
        for at in range(0, len(lines), size):
            tally.feed(lines[at : at + size])
        assert (tally.records, tally.states, tally.state_bytes, tally.size) == (2, 1, 28, len(lines))
        assert tally.state == b'{"type":"STATE","value":{}}'


def test_summary_of_a_file_writer_is_counted() -> None:
    tally = Tally()
    tally.feed(b'{"type": "SUMMARY", "records": 12, "bytes": 345}\n')
    assert (tally.records, tally.size) == (12, 345)
    tally.feed(b'{"type": "SUMMARY", "records": 3, "bytes": 5}\n')
    assert (tally.records, tally.size) == (15, 350)


def test_rates_cpu_and_requests_are_medians_of_the_runs() -> None:
    runs = [run(w, 1000, cpu=c, requests=r) for w, c, r in ((1.0, 0.5, 11), (2.0, 0.7, 12), (4.0, 0.9, 20))]
    measured = results(
        outcome("empty", 0, tap=[run(0.4, cpu=0.2), run(0.4, cpu=0.3), run(0.4, cpu=0.4)]),
        outcome("leads-0ms-10k", 1000, tap=runs),
    )
    found = figures(measured, "leads-0ms-10k", "tap")
    assert found is not None
    assert found.rate == Spread(500, 250, 1000)
    assert found.cpu_per_100k == pytest.approx(70)
    assert found.net_us == pytest.approx(400)
    assert found.requests_per_page == pytest.approx(1.2)
    assert found.limit_share == pytest.approx(0.05)


def test_without_an_empty_run_startup_cannot_be_subtracted() -> None:
    found = figures(results(outcome("leads-0ms-10k", 1000, tap=[run(1.0, 1000)])), "leads-0ms-10k", "tap")
    assert found is not None
    assert found.net_us is None


def test_failed_run_is_reported_without_a_figure() -> None:
    measured = outcome("leads-0ms-10k", 1000, tap=[replace(run(1.0, 999), failure="999 records")])
    assert figures(results(measured), "leads-0ms-10k", "tap") is None
    assert measured.failures == ["leads-0ms-10k, tap: 999 records"]


def test_slow_peers_are_compared_by_the_rate_of_a_smaller_scenario() -> None:
    measured = results(
        outcome("leads-300ms-10k", 10_000, tap=[run(5, 10_000)], sdk=[run(32, 10_000)]),
        outcome("leads-300ms-300k", 300_000, tap=[run(30, 300_000)]),
    )
    peer = peer_figures(measured, "leads-300ms-300k", "sdk")
    assert peer is not None
    assert peer.records == 10_000
    assert times_faster(measured, "leads-300ms-300k", "sdk") == pytest.approx(32)
    assert times_faster(measured, "leads-300ms-10k", "sdk") == pytest.approx(6.4)


def grown(walls: dict[str, list[float]]) -> Results:
    return results(*(outcome(name, GROWTH[name], tap=[run(w, GROWTH[name]) for w in walls[name]]) for name in walls))


def test_growth_excludes_startup() -> None:
    def at(start_up: float, each: float, more: float) -> Results:
        return grown({name: [start_up + n * (each if n < 1e6 else more)] * 2 for name, n in GROWTH.items()})

    assert growth(at(5, 1e-4, 1e-4), *GROWTH) == pytest.approx(1)
    assert growth(at(0, 1e-4, 2e-4), *GROWTH) == pytest.approx((200 - 10) / 900 / 0.1)
    assert growth(results(), *GROWTH) is None


def test_machine_noise_does_not_affect_the_growth_figure() -> None:
    # Slower and slower in the first turn, constantly slow in the second and third.
    speeds = {"growth-10k": [1, 3, 4, 4, 9, 9], "growth-100k": [1.5, 2.5, 4, 4, 9, 9], "growth-1m": [2, 4, 9]}
    walls = {name: [speed * 1e-4 * GROWTH[name] for speed in each] for name, each in speeds.items()}
    assert growth(grown(walls), *GROWTH) == pytest.approx(1)


def test_runs_are_compared_turn_by_turn() -> None:
    slow_at_the_end = outcome(
        "leads-0ms-100k",
        100_000,
        tap=[run(4, 100_000), run(9, 100_000), run(8, 100_000)],
        dlt=[run(12, 100_000), run(18, 100_000), run(24, 100_000)],
    )
    assert times_faster(results(slow_at_the_end), "leads-0ms-100k", "dlt") == pytest.approx(3)


def test_a_check_passes_fails_or_was_not_measured() -> None:
    what = "300,000 leads at 300 ms: leads a second"
    assert verdict_on(results(outcome("leads-300ms-300k", 300_000, tap=[run(35, 300_000)])), what) is True
    assert verdict_on(results(outcome("leads-300ms-300k", 300_000, tap=[run(40, 300_000)])), what) is False
    assert verdict_on(results(), what) is None


def test_requests_may_exceed_pages_by_two_in_a_hundred() -> None:
    what = "100,000 leads: requests beyond pages"
    for requests, holds in ((1020, True), (1021, False)):
        measured = results(outcome("leads-0ms-100k", 100_000, tap=[run(4, 100_000, requests=requests)]))
        assert verdict_on(measured, what) is holds


def test_state_may_not_grow_faster_than_the_records() -> None:
    what = "bytes of STATE per lead at 1,000,000 against 100,000"
    for size, holds in ((20_000, True), (40_000, False)):
        measured = results(
            outcome("growth-100k", 100_000, tap=[run(4, 100_000, state_bytes=2_000)]),
            outcome("growth-1m", 1_000_000, tap=[run(40, 1_000_000, state_bytes=size)]),
        )
        assert verdict_on(measured, what) is holds


def test_cost_of_unknown_fields_excludes_startup() -> None:
    measured = results(
        outcome("empty", 0, tap=[run(1, cpu=0.5)]),
        outcome("unknown-none", 50_000, tap=[run(3, 50_000, cpu=2.5)]),
        outcome("unknown-two", 50_000, tap=[run(3, 50_000, cpu=c) for c in (2.9, 3.0, 9.0)]),
    )
    assert price(measured, "unknown-two", "unknown-none") == pytest.approx(1.25)
    assert price(measured, "unknown-nested", "unknown-none") is None


def test_429_in_any_run_with_default_settings_fails_the_check() -> None:
    what = "runs with default settings: refused with a 429"
    runs = {scenario.name: [run(5, 7_000, too_many=0)] for scenario in EVERYDAY}
    assert verdict_on(results(*(outcome(name, 7_000, tap=of) for name, of in runs.items())), what) is True
    runs["everyday-group"] = [run(20, 80_000, too_many=1)]
    assert verdict_on(results(*(outcome(name, 7_000, tap=of) for name, of in runs.items())), what) is False
    del runs["everyday-group"]
    assert verdict_on(results(*(outcome(name, 7_000, tap=of) for name, of in runs.items())), what) is None


def test_multi_stream_run_shows_requests_without_a_page_share() -> None:
    several = replace(outcome("everyday-5k-again", 0, tap=[run(5, 700, requests=130)]), records=None, pages=0)
    page = report.details(results(several))
    assert "| `tap` | 700 | 5.00 | 140 |  | 1.00 | 60.0 | 0 | 130 | 26.0 | 0 |" in page


def test_every_check_uses_existing_scenarios() -> None:
    everything = results(
        *(
            outcome(
                scenario.name,
                max(1, scenario.leads),
                **{
                    who: [run(1 + n / 1e4, max(1, n), cpu=1 + n / 1e5, requests=9, state_bytes=9)] * 2
                    for who in scenario.candidates
                },
            )
            for scenario in SCENARIOS
            for n in [scenario.leads]
        )
    )
    everything.probes = [Probe(1, 50_000, 60_000)]
    assert [verdict.check.what for verdict in judge(everything) if verdict.value is None] == []
    assert len({check.what for check in CHECKS}) == len(CHECKS)
    assert all(isinstance(check, Check) for check in CHECKS)


def test_results_survive_being_saved(tmp_path: Path) -> None:
    measured = results(outcome("leads-300ms-300k", 300_000, tap=[run(30, 300_000)]))
    measured.probes = [Probe(1, 50_000, 60_000)]
    measured.save(tmp_path / "r.json")
    assert Results.load(tmp_path / "r.json") == measured


def test_later_measurement_replaces_the_earlier_one_and_is_marked() -> None:
    first = results(outcome("empty", 0, tap=[run(9)]), outcome("leads-0ms-10k", 10_000, tap=[run(3, 10_000)]))
    later = results(outcome("empty", 0, tap=[run(0.5)]))
    later.day, later.commit = "2026-02-01", "abcdef01"
    first.add(later)
    page = report.details(first)
    assert "| `tap` | 0.50 |" in page
    assert page.count("Measured apart from the rest, on 2026-02-01, at commit `abcdef01`.") == 1
    assert "| `tap` | 10,000 | 3.00 |" in page


def test_page_links_the_targets_and_details_hold_the_figures() -> None:
    measured = results(
        outcome("empty", 0, tap=[run(0.5)]),
        outcome("leads-0ms-100k", 100_000, tap=[run(4, 100_000)], dlt=[run(8, 100_000)]),
    )
    details, page = report.details(measured), report.page(measured)
    assert "| `tap` | 100,000 | 4.00 | 25,000 |" in details
    assert "| `dlt` | 100,000 | 8.00 | 12,500 | 2.0 x |" in details
    assert re.search(r"\d \[targets\]\S+ are met, and \d+ were not measured", page)
    assert "not measured |" in details
    assert "2 cores" in page


def test_chart_shows_measured_scenarios_only() -> None:
    measured = results(outcome("leads-0ms-100k", 100_000, tap=[run(4, 100_000)], sdk=[run(8, 100_000)]))
    drawing = chart.draw(measured)
    assert drawing is not None
    assert drawing.count('rx="3"') == 2
    assert "25,000" in drawing
    assert chart.draw(results()) is None


def test_the_document_is_that_of_the_latest_results() -> None:
    latest = Results.load(LATEST) if LATEST.exists() else None
    assert report.PAGE.read_text(encoding="utf-8") == report.page(latest), "run `make bench BENCH=--report`"
    assert report.DETAILS.read_text(encoding="utf-8") == report.details(latest), "run `make bench BENCH=--report`"
    assert report.CHART.exists() == (latest is not None and chart.draw(latest) is not None)


def test_a_scenario_can_be_made_small() -> None:
    small = Scenario("x", "x", leads=10_000, campaigns=20, workspaces=50).scaled(0.01)
    assert (small.leads, small.campaigns, small.workspaces) == (100, 20, 2)
    days = Scenario("x", "x", streams=("campaign_analytics_daily",), campaigns=500).scaled(0.01)
    assert (days.campaigns, days.workspaces) == (5, 1)

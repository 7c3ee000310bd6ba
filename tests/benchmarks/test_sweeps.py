"""Figures on sweeps of leads, as their page shows them."""

from __future__ import annotations

import json

from tools.benchmarks.sweeps import PAGE, RESULTS, Took, failures, section


def test_the_page_shows_the_latest_results_and_they_hold() -> None:
    saved = json.loads(RESULTS.read_text(encoding="utf-8"))
    found = [Took(**took) for took in saved["found"]]
    assert section(saved["day"], found) in PAGE.read_text(encoding="utf-8")
    assert failures(found) == []


def test_lost_leads_and_costly_sweeps_are_reported() -> None:
    good = Took(leads=1_000_000, changed=10_000, mode="on", requests=300, records=10_000, full=10_000)
    lossy = Took(leads=1_000_000, changed=10_000, mode="on", requests=300, records=9_999, full=10_000)
    dear = Took(leads=1_000_000, changed=10_000, mode="on", requests=301, records=10_000, full=10_000)
    assert failures([good]) == []
    assert failures([good, lossy, dear]) == [
        "1000000 leads: 9999 written of 10000",
        "1000000 leads: 301 requests, a pass takes 10000",
    ]

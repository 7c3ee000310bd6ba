"""Each fault of the table, for each kind of stream in one of two workspaces."""

from __future__ import annotations

import logging
import os
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.reliability.conftest import BROKEN, SOUND, WITNESSES, Agency, Ended
from tests.reliability.table import (
    BY_PARENT,
    FAULTS,
    HALVES,
    INCOMPLETE,
    KINDS,
    LIST,
    OBJECT,
    PAGED,
    PARENTS,
    PASSES,
    RETRIES,
    SCAN,
    SKIPS,
    SORTED,
    STOPS,
    TAKES,
    WHOLE,
    WINDOWS,
    Fault,
    Kind,
    Outcome,
    cases,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_instantly.client.transport.PATIENCE", 1)


def meet(agency: Agency, fault: Fault, kind: Kind) -> Ended:
    """Run with a fault in one workspace for the stream of a kind."""
    order = {"after": kind.after, **fault.order}
    if "record" in order:
        order["record"] = in_the_middle(agency, kind)
    agency.server.control.within(BROKEN).fault(f"/api/v2{kind.path}", **order)
    run = agency.run(kind.stream, *WITNESSES, state=agency.state_of(kind), **fault.settings)
    assert any(fault["hits"] for fault in agency.server.control.faults())
    agency.server.control.clear_faults()
    return run


def in_the_middle(agency: Agency, kind: Kind) -> str:
    truth = "lead_lists" if kind.path == "/lead-lists" else kind.truth
    rows = sorted(agency.server.control.within(BROKEN).truth(truth), key=lambda row: row.get(kind.bookmark or "id"))
    return str(rows[len(rows) // 2]["id"])


DRAWN = 0.3
"""Share of the other pairs that one run of the long tests draws."""


def pairs() -> Iterator[Any]:
    """Each outcome of every fault with one kind of stream; long tests add a share of all other pairs, by their seed."""
    met, draw = set(), random.Random(os.environ.get("SEED", "1"))
    for fault, kind in sorted(cases(), key=lambda pair: (KINDS.index(pair[1]) - FAULTS.index(pair[0])) % len(KINDS)):
        first = (fault.name, fault.of(kind).does) not in met
        met.add((fault.name, fault.of(kind).does))
        if draw.random() < DRAWN or first:
            yield pytest.param(fault, kind, marks=() if first else pytest.mark.long)


@pytest.mark.parametrize(("fault", "kind"), list(pairs()), ids=lambda value: value.name.replace("/", " "))
def test_each_fault_has_the_documented_outcome(
    agency: Agency, fault: Fault, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run, outcome = meet(agency, fault, kind), fault.of(kind)
    check_log(caplog.messages, outcome, kind)
    assert all(f" ({next_start(agency, kind, run)}): " in line for line in caplog.messages if INCOMPLETE.said in line)
    sound, broken = agency.id_of(SOUND), agency.id_of(BROKEN)
    before, after = Ended(0, None, [], agency.state_of(kind)), run
    assert run.exit_code == outcome.exit_code, run.error

    truth, found = agency.truth(kind, BROKEN), run.keys(kind, broken)
    if outcome in WHOLE:
        assert found == truth
    elif outcome in {SKIPS, PASSES}:
        assert found == set()
    else:
        assert found < truth
    if kind.bookmark:
        moved = after.bookmark(kind, broken) != before.bookmark(kind, broken)
        if outcome in WHOLE:
            assert moved
        elif kind is not SORTED or not found:
            assert not moved

    if outcome is STOPS:
        assert not any(m["type"] == "RECORD" and m["stream"] > kind.stream for m in run.messages)
    else:
        assert run.keys(kind, sound) == agency.truth(kind, SOUND)
        assert run.keys(OBJECT, sound) == agency.truth(OBJECT, SOUND)
        if kind is not OBJECT:
            assert run.keys(OBJECT, broken) == agency.truth(OBJECT, BROKEN)

    if outcome in WHOLE:
        return
    again = agency.run(kind.stream, *WITNESSES, state=run.state)
    assert again.exit_code == 0
    for name, workspace in ((SOUND, sound), (BROKEN, broken)):
        assert run.kept(kind, workspace) | again.keys(kind, workspace) == agency.truth(kind, name)
        assert again.keys(OBJECT, workspace) == agency.truth(OBJECT, name)
    assert "progress_markers" not in str(again.state)


def next_start(agency: Agency, kind: Kind, run: Ended) -> str:
    """Return words that the log must contain about the next run's start, according to this run's state."""
    if any("scan" in part for part in run.parts(kind, agency.id_of(BROKEN))):
        return "the next run reads the rest"
    if kind.bookmark is None:
        return "the next run reads it in full"
    before, after = (
        each.bookmark(kind, agency.id_of(BROKEN)) for each in (Ended(0, None, [], agency.state_of(kind)), run)
    )
    return f"the bookmark stays at {after}" if after == before else f"the bookmark moved to {after}"


@pytest.mark.parametrize(
    ("kind", "with_state", "said"),
    [
        (SORTED, True, "the bookmark moved to 20"),
        (SORTED, False, "the bookmark moved to 20"),
        (LIST, True, "the bookmark stays at 2020-01-01T00:00:00.000Z"),
        (LIST, False, "the next run starts from the beginning, without a bookmark"),
        (SCAN, True, "the next run reads the rest"),
        (PARENTS, True, "the next run reads it in full"),
        (WINDOWS, True, "the bookmark stays at 2026-10-10"),
    ],
    ids=lambda value: value.name if isinstance(value, Kind) else "",
)
def test_logged_bookmark_of_an_incomplete_stream_matches_the_state(
    agency: Agency, caplog: pytest.LogCaptureFixture, kind: Kind, said: str, *, with_state: bool
) -> None:
    order = {"status": 400, "after": kind.after + 2, "count": None}
    agency.server.control.within(BROKEN).fault(f"/api/v2{kind.path}", "status", **order)
    run = agency.run(kind.stream, state=agency.state_of(kind) if with_state else {}, concurrency=1)
    assert run.exit_code == 3
    assert f"{kind.stream} incomplete in workspace {BROKEN} ({said}" in caplog.text
    if "moved to" in said:
        assert f"moved to {run.bookmark(kind, agency.id_of(BROKEN))}): " in caplog.text


def check_log(lines: list[str], outcome: Outcome, kind: Kind) -> None:
    """Check that log and summary describe this outcome and no other."""
    assert any(re.search(outcome.said, line) for line in lines)
    summary = [line for line in lines if line.startswith("Not complete: ")]
    if outcome in {SKIPS, INCOMPLETE}:
        noted = "skipped" if outcome is SKIPS else "incomplete"
        assert any(line.startswith(f"Not complete: {kind.stream} {noted} in {BROKEN}") for line in summary)
    elif outcome in WHOLE:
        assert not summary
    if outcome is TAKES:
        assert not any(re.search(f"{RETRIES.said}|{HALVES.said}", line) for line in lines)


@pytest.mark.parametrize(("kind", "outcome"), [(BY_PARENT, PASSES), (WINDOWS, INCOMPLETE)], ids=lambda each: each.name)
def test_missing_parent_is_skipped_and_the_others_are_read(agency: Agency, kind: Kind, outcome: Outcome) -> None:
    agency.server.control.within(BROKEN).fault(f"/api/v2{kind.path}", "status", status=404)
    run = agency.run(kind.stream, state=agency.state_of(kind))
    found, truth = run.keys(kind, agency.id_of(BROKEN)), agency.truth(kind, BROKEN)
    assert run.exit_code == outcome.exit_code
    assert found <= truth
    assert len({key[0] for key in truth - found}) <= 1
    again = agency.run(kind.stream, state=run.state)
    assert found | again.keys(kind, agency.id_of(BROKEN)) == truth


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_without_a_fault_all_is_read_and_bookmarks_move(agency: Agency, kind: Kind) -> None:
    run = agency.run(kind.stream, *WITNESSES, state=agency.state_of(kind))
    for name in (SOUND, BROKEN):
        assert run.keys(kind, agency.id_of(name)) == agency.truth(kind, name)
        assert len(agency.truth(kind, name)) > 1 or kind is OBJECT
        if kind.bookmark:
            assert (run.bookmark(kind, agency.id_of(name)) or "") > "2026-10-20"


def test_every_stream_kind_meets_every_applicable_fault() -> None:
    assert {fault.kinds for fault in FAULTS} == {KINDS, PAGED}


def test_every_outcome_belongs_to_a_fault() -> None:
    assert {fault.of(kind) for fault, kind in cases()} == {*WHOLE, SKIPS, PASSES, INCOMPLETE, STOPS}
    assert all(fault.of(LIST) is fault.outcome for fault, _ in cases())

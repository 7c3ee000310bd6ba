"""Each fault of the table, for each kind of stream in one of two workspaces."""

from __future__ import annotations

import itertools
import logging
import os
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.reliability.conftest import BROKEN, SOUND, WITNESSES, Agency, Ended
from tests.reliability.table import (
    FAULTS,
    FROM_ONE_PLACE,
    HALVES,
    INCOMPLETE,
    KINDS,
    LIST,
    OBJECT,
    PAGED,
    PASSES,
    RETRIES,
    SKIPS,
    SORTED,
    STOPS,
    TAKES,
    WAITS,
    WHOLE,
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


Pair = tuple[Fault, Kind]


def meet(agency: Agency, pairs: list[Pair]) -> Ended:
    """Run with faults in one workspace, each for the stream of its kind."""
    for fault, kind in pairs:
        order = {"after": kind.after, **fault.order}
        if "record" in order:
            order["record"] = in_the_middle(agency, kind)
        agency.server.control.within(BROKEN).fault(f"/api/v2{kind.path}", **order)
    run = agency.run(*streams_of(pairs), state=state_of(agency, pairs), **pairs[0][0].settings)
    assert [fault["path"] for fault in agency.server.control.faults() if not fault["hits"]] == []
    agency.server.control.clear_faults()
    return run


def streams_of(pairs: list[Pair]) -> list[str]:
    return [*(kind.stream for _, kind in pairs), *WITNESSES]


def state_of(agency: Agency, pairs: list[Pair]) -> dict[str, Any]:
    return agency.state_of(*(kind for _, kind in pairs))


def in_the_middle(agency: Agency, kind: Kind) -> str:
    truth = "lead_lists" if kind.path == "/lead-lists" else kind.truth
    rows = sorted(agency.server.control.within(BROKEN).truth(truth), key=lambda row: row.get(kind.bookmark or "id"))
    return str(rows[len(rows) // 2]["id"])


DRAWN = 0.3
"""Share of the other pairs that one run of the long tests draws."""


def pairs() -> Iterator[tuple[Pair, bool]]:
    """Each outcome of every fault with one kind of stream; long tests add a share of all other pairs, by their seed."""
    met, draw = set(), random.Random(os.environ.get("SEED", "1"))
    for fault, kind in sorted(cases(), key=lambda pair: (KINDS.index(pair[1]) - FAULTS.index(pair[0])) % len(KINDS)):
        first = (fault.name, fault.of(kind).does) not in met
        met.add((fault.name, fault.of(kind).does))
        if draw.random() < DRAWN or first:
            yield (fault, kind), not first


ALONE = {STOPS, PASSES}
"""Outcomes that other faults in the same run would hide."""

AT_MOST = 7
"""Faults of a run: a workspace with nine failing endpoints is abandoned."""


def meetings() -> Iterator[Any]:
    """Gather pairs into runs: of the same outcome and settings, each with another stream."""
    runs: list[tuple[list[Pair], tuple[Any, ...]]] = []
    for (fault, kind), long in pairs():
        outcome = fault.of(kind)
        # Other streams that are refused or fail ask for the workspace, too.
        alone = outcome in ALONE or (kind is OBJECT and outcome not in {TAKES, RETRIES})
        like = (long, outcome, fault.settings, (fault, kind) if alone else None)
        for met, as_ in runs:
            if as_ == like and len(met) < AT_MOST and kind.stream not in {each.stream for _, each in met}:
                met.append((fault, kind))
                break
        else:
            runs.append(([(fault, kind)], like))
    for number, (met, (long, outcome, *_)) in enumerate(runs):
        yield pytest.param(met, marks=pytest.mark.long if long else (), id=f"{outcome.name}, {number}")


@pytest.mark.parametrize("met", list(meetings()))
def test_each_fault_has_the_documented_outcome(
    agency: Agency, met: list[Pair], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run, before = meet(agency, met), Ended(0, None, [], state_of(agency, met))
    for fault, kind in met:
        assert run.exit_code == fault.of(kind).exit_code, (fault.name, run.error)
        check_log(caplog.messages, fault.of(kind), kind)
        incomplete = [line for line in caplog.messages if line.startswith(f"{kind.stream}{INCOMPLETE.said}")]
        assert all(f" ({next_start(agency, kind, run)}): " in line for line in incomplete)
        check_records(agency, fault, kind, before, run)
    if all(fault.of(kind) in WHOLE for fault, kind in met):
        return
    again = agency.run(*streams_of(met), state=run.state)
    assert again.exit_code == 0
    for name in (SOUND, BROKEN):
        id_ = agency.id_of(name)
        for fault, kind in met:
            assert run.kept(kind, id_) | again.keys(kind, id_) == agency.truth(kind, name), (fault.name, kind.name)
        assert again.keys(OBJECT, id_) == agency.truth(OBJECT, name)
    assert "progress_markers" not in str(again.state)


def check_records(agency: Agency, fault: Fault, kind: Kind, before: Ended, run: Ended) -> None:
    """Check the records and the bookmark of a run with a fault."""
    outcome, which = fault.of(kind), (fault.name, kind.name)
    sound, broken = agency.id_of(SOUND), agency.id_of(BROKEN)
    truth, found = agency.truth(kind, BROKEN), run.keys(kind, broken)
    if outcome in WHOLE:
        assert found == truth, which
    elif outcome in {SKIPS, PASSES}:
        assert found == set(), which
    else:
        assert found < truth, which
    if kind.bookmark:
        moved = run.bookmark(kind, broken) != before.bookmark(kind, broken)
        if outcome in WHOLE:
            assert moved, which
        elif kind is not SORTED or not found:
            assert not moved, which
    if outcome is STOPS:
        assert not any(m["type"] == "RECORD" and m["stream"] > kind.stream for m in run.messages), which
        return
    assert run.keys(kind, sound) == agency.truth(kind, SOUND), which
    assert run.keys(OBJECT, sound) == agency.truth(OBJECT, SOUND), which
    if kind is not OBJECT:
        assert run.keys(OBJECT, broken) == agency.truth(OBJECT, BROKEN), which


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


def check_log(lines: list[str], outcome: Outcome, kind: Kind) -> None:
    """Check that log and summary describe this outcome and no other."""
    where = {SKIPS: kind.stream, INCOMPLETE: kind.stream, **dict.fromkeys((FROM_ONE_PLACE, WAITS, TAKES, STOPS), "")}
    place = where.get(outcome, "/api/v2" + kind.path.replace("*", "[^ ]+") + " ")
    assert any(re.search(outcome.said, line) and re.search(place, line) for line in lines), (outcome.name, kind.name)
    summary = [line for line in lines if line.startswith("Not complete: ")]
    if outcome in {SKIPS, INCOMPLETE}:
        noted = "skipped" if outcome is SKIPS else "incomplete"
        assert any(line.startswith(f"Not complete: {kind.stream} {noted} in {BROKEN}") for line in summary)
    elif outcome in WHOLE:
        assert not summary
    if outcome is TAKES:
        assert not any(re.search(f"{RETRIES.said}|{HALVES.said}", line) for line in lines)


def test_without_a_fault_all_is_read_and_bookmarks_move(agency: Agency) -> None:
    run = agency.run(*{kind.stream for kind in KINDS}, *WITNESSES, state=agency.state_of(*KINDS))
    for name, kind in itertools.product((SOUND, BROKEN), KINDS):
        assert run.keys(kind, agency.id_of(name)) == agency.truth(kind, name)
        assert len(agency.truth(kind, name)) > 1 or kind is OBJECT
        if kind.bookmark:
            assert (run.bookmark(kind, agency.id_of(name)) or "") > "2026-10-20"


def test_every_stream_kind_meets_every_applicable_fault() -> None:
    assert {fault.kinds for fault in FAULTS} == {KINDS, PAGED}


def test_every_outcome_belongs_to_a_fault() -> None:
    assert {fault.of(kind) for fault, kind in cases()} == {*WHOLE, SKIPS, PASSES, INCOMPLETE, STOPS}
    assert all(fault.of(LIST) is fault.outcome for fault, _ in cases())

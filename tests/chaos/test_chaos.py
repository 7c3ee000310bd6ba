from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.endings import ENDINGS, FULL_DISK, FULL_QUOTA, STALLED_TARGET, Run
from tests.chaos.kinds import KINDS
from tests.chaos.ledger import Ledger, check_end
from tests.chaos.rounds import differences, failures, play, play_kind

if TYPE_CHECKING:
    from tests.forking import Forks

KILLS = 60

EACH_ENDING = {
    "list with a bookmark": (FULL_DISK, "SIGINT"),
    "scanned list of several workspaces": ("SIGKILL", "closed pipe"),
    "sorted list": ("SIGTERM", "dead target"),
    "daily windows": ("SIGINT and SIGTERM",),
    "several streams side by side, with deletions": (STALLED_TARGET, FULL_QUOTA),
}
"""Each way to end a run once, and the kinds of replication that differ most."""


@pytest.mark.parametrize(("kind", "endings"), EACH_ENDING.items(), ids=EACH_ENDING)
def test_nothing_is_lost_by_any_kind_of_ending(kind: str, endings: tuple[str, ...], forks: Forks) -> None:
    figures = play_kind(kind, len(endings), "each ending", endings, forks)
    assert not figures.failure
    assert set(figures.ended) == set(endings)


def test_each_way_to_end_a_run_is_tried() -> None:
    assert sorted(ending for endings in EACH_ENDING.values() for ending in endings) == sorted(ENDINGS)


@pytest.mark.long
def test_nothing_is_lost_by_repeated_kills_at_random_points(capsys: pytest.CaptureFixture[str]) -> None:
    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="")  # noqa: T201 (for the person who runs it)

    seed = os.environ.get("SEED") or secrets.token_hex(4)
    say(f"seed {seed}")
    found = play(KILLS, seed, say)
    assert not list(failures(found)), seed
    ended = {figures.kind: figures.ended for figures in found}
    assert ended.keys() == KINDS.keys()
    assert min(each.total() for each in ended.values()) >= KILLS // len(KINDS)
    assert sum(ended.values(), Counter()).keys() == ENDINGS.keys()
    assert sum(each.total() for each in ended.values()) >= KILLS


# Checks of the judge


def a_run(*messages: Any, ending: str = "SIGKILL", exit_code: int = -9, rest: str = "", log: str = "") -> Run:
    lines = "".join(f"{json.dumps(message)}\n" for message in messages)
    return Run(ending, (lines + rest).encode(), whole=True, exit_code=exit_code, log=log)


SCHEMA = {"type": "SCHEMA", "stream": "leads", "schema": {}, "key_properties": ["id"]}
A_RECORD = {"type": "RECORD", "stream": "leads", "record": {"id": 1}}
A_STATE = {"type": "STATE", "value": {"at": 1}}


def versioned(id_: int, version: int) -> Any:
    return {**A_RECORD, "record": {"id": id_}, "version": version}


def activation(version: int) -> Any:
    return {"type": "ACTIVATE_VERSION", "stream": "leads", "version": version}


def held(target: Ledger) -> tuple[list[int], ...]:
    """Return a target's ids: those confirmed by a STATE, and all."""
    return tuple([row["id"] for row in table.rows.values()] for table in target.tables("leads"))


def removed(target: Ledger) -> tuple[list[int], ...]:
    return tuple([row["id"] for row in table.removed.values()] for table in target.tables("leads"))


def test_unconfirmed_records_are_dropped() -> None:
    target = Ledger()
    target.take(a_run(SCHEMA, A_RECORD, A_STATE, {**A_RECORD, "record": {"id": 2}}))
    assert held(target) == ([1], [1, 2])
    assert target.seen == 2
    target.take(a_run(SCHEMA, {**A_RECORD, "record": {"id": 3}}, ending="none", exit_code=0))
    assert held(target) == ([1, 3], [1, 2, 3])


def test_a_stream_has_a_table_of_its_own() -> None:
    target = Ledger()
    target.take(
        a_run(SCHEMA, A_RECORD, {**SCHEMA, "stream": "campaigns"}, {**A_RECORD, "stream": "campaigns"}, A_STATE)
    )
    target.take(a_run({**activation(9), "stream": "campaigns"}, A_STATE))
    assert held(target) == ([1], [1])
    assert [table.rows for table in target.tables("campaigns")] == [{}, {}]


def test_ledger_keeps_the_last_complete_state() -> None:
    target = Ledger()
    assert target.state is None
    target.take(a_run(A_STATE, {"type": "STATE", "value": {"at": 2}}, SCHEMA))
    target.take(a_run(SCHEMA, A_RECORD, rest='{"type": "STATE", "val'))
    assert target.state == {"at": 2}


def test_ledger_can_go_back_to_an_earlier_state_and_its_records() -> None:
    target = Ledger()
    target.take(a_run(SCHEMA, A_RECORD, A_STATE, A_RECORD, {"type": "STATE", "value": {"at": 2}}))
    earlier = target.back_to(0)
    assert (held(earlier), earlier.state, earlier.keys) == (([1], [1]), {"at": 1}, {"leads": ["id"]})


def test_activate_version_removes_older_and_unversioned_records() -> None:
    target = Ledger()
    old = [A_RECORD, versioned(2, 7), versioned(3, 7)]
    target.take(a_run(SCHEMA, *old, A_STATE, versioned(2, 8), versioned(4, 8), activation(8), A_STATE))
    assert held(target) == ([2, 4], [2, 4])
    assert removed(target) == ([1, 3], [1, 3])
    assert target.version == 8
    target.take(a_run(SCHEMA, versioned(3, 9), A_STATE))
    assert removed(target) == ([1], [1])


def test_eager_target_removes_old_versions_without_waiting_for_a_state() -> None:
    target = Ledger()
    target.take(a_run(SCHEMA, versioned(1, 7), A_STATE, versioned(2, 8), activation(8)))
    assert held(target) == ([1], [2])
    assert removed(target) == ([], [1])
    assert Ledger().version == -1


def test_differences_include_missing_extra_and_changed_records() -> None:
    assert sorted(differences({1: "a", 2: "b", 3: "c"}, {1: "a", 2: "B", 4: "d"})) == [2, 3, 4]


LOST_SIGINT = """Exception ignored in: <function _get_module_lock.<locals>.cb at 0x1>
Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 451, in cb
KeyboardInterrupt:
"""
LOST_IN_WARNINGS = """'import warnings' failed; traceback:
Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 1176, in _find_and_load
KeyboardInterrupt
"""

STOPPED = {"ending": "SIGTERM", "exit_code": 143}
UNHEARD = {"ending": "SIGINT", "exit_code": 0}

EXPECTED = {
    "state last": a_run(SCHEMA, A_STATE, **STOPPED),
    "torn by SIGKILL": a_run(SCHEMA, A_RECORD, rest='{"type'),
    "closed pipe": a_run(SCHEMA, A_STATE, A_RECORD, ending="closed pipe", exit_code=1),
    "SIGINT before the start": a_run(ending="SIGINT", exit_code=-2),
    "full disk": a_run(ending="full disk", exit_code=1),
    "SIGINT lost in a lock": a_run(SCHEMA, A_STATE, log=f"{LOST_SIGINT}INFO Total: records=0", **UNHEARD),
    "SIGINT lost in warnings": a_run(SCHEMA, A_STATE, log=f"{LOST_IN_WARNINGS}INFO Total: records=0", **UNHEARD),
}
UNEXPECTED = {
    "no last state": a_run(SCHEMA, A_RECORD, **STOPPED),
    "torn": a_run(SCHEMA, A_STATE, rest='{"type', **STOPPED),
    "exit code": a_run(SCHEMA, A_STATE, ending="SIGTERM", exit_code=1),
    "killed by SIGPIPE": a_run(SCHEMA, A_STATE, ending="closed pipe", exit_code=-13),
    "traceback": a_run(SCHEMA, A_STATE, log="Traceback (most recent call last):", **STOPPED),
    "traceback behind a SIGINT unheard": a_run(SCHEMA, A_STATE, log=f"{LOST_SIGINT}Traceback (most recent", **UNHEARD),
    "full disk unseen": a_run(ending="full disk", exit_code=0),
    "failed by itself": a_run(SCHEMA, A_STATE, ending="none", exit_code=1),
}


@pytest.mark.parametrize("run", EXPECTED.values(), ids=EXPECTED)
def test_expected_run_endings_pass_the_check(run: Run) -> None:
    check_end(run)


@pytest.mark.parametrize("run", UNEXPECTED.values(), ids=UNEXPECTED)
def test_unexpected_run_endings_fail_the_check(run: Run) -> None:
    with pytest.raises(AssertionError):
        check_end(run)

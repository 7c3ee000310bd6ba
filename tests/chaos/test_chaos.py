from __future__ import annotations

import json
import secrets
from collections import Counter
from typing import Any

import pytest

from tests.chaos.endings import ENDINGS, Run
from tests.chaos.kinds import KINDS
from tests.chaos.ledger import Ledger, check_end
from tests.chaos.rounds import differences, failures, play

KILLS = 200


def test_nothing_is_lost_whatever_ends_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="")  # noqa: T201

    seed = secrets.token_hex(4)
    say(f"seed {seed}")
    found = play(KILLS, seed, say)
    assert not list(failures(found)), seed
    ended = {figures.kind: figures.ended for figures in found}
    assert ended.keys() == KINDS.keys()
    assert min(each.total() for each in ended.values()) >= KILLS // len(KINDS)
    assert sum(ended.values(), Counter()).keys() == ENDINGS.keys()
    assert sum(each.total() for each in ended.values()) >= KILLS


# What the rounds are judged by


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
    """The ids that a target holds that waits for a STATE, and one that does not."""
    return tuple([row["id"] for row in table.rows.values()] for table in target.tables("leads"))


def removed(target: Ledger) -> tuple[list[int], ...]:
    return tuple([row["id"] for row in table.removed.values()] for table in target.tables("leads"))


def test_records_that_no_state_has_confirmed_are_not_kept() -> None:
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


def test_the_state_for_the_next_run_is_the_last_one_that_was_read() -> None:
    target = Ledger()
    assert target.state is None
    target.take(a_run(A_STATE, {"type": "STATE", "value": {"at": 2}}, SCHEMA))
    target.take(a_run(SCHEMA, A_RECORD, rest='{"type": "STATE", "val'))
    assert target.state == {"at": 2}


def test_an_earlier_state_goes_with_what_had_been_written_by_then() -> None:
    target = Ledger()
    target.take(a_run(SCHEMA, A_RECORD, A_STATE, A_RECORD, {"type": "STATE", "value": {"at": 2}}))
    earlier = target.back_to(0)
    assert (held(earlier), earlier.state, earlier.keys) == (([1], [1]), {"at": 1}, {"leads": ["id"]})


def test_a_version_removes_what_has_a_lesser_one_or_none() -> None:
    target = Ledger()
    old = [A_RECORD, versioned(2, 7), versioned(3, 7)]
    target.take(a_run(SCHEMA, *old, A_STATE, versioned(2, 8), versioned(4, 8), activation(8), A_STATE))
    assert held(target) == ([2, 4], [2, 4])
    assert removed(target) == ([1, 3], [1, 3])
    assert target.version == 8
    target.take(a_run(SCHEMA, versioned(3, 9), A_STATE))
    assert removed(target) == ([1], [1])


def test_what_a_version_removes_before_a_state_is_gone_where_no_state_is_waited_for() -> None:
    target = Ledger()
    target.take(a_run(SCHEMA, versioned(1, 7), A_STATE, versioned(2, 8), activation(8)))
    assert held(target) == ([1], [2])
    assert removed(target) == ([], [1])
    assert Ledger().version == -1


def test_what_is_missing_too_much_or_otherwise_differs() -> None:
    assert sorted(differences({1: "a", 2: "b", 3: "c"}, {1: "a", 2: "B", 4: "d"})) == [2, 3, 4]


LOST_SIGINT = """Exception ignored in: <function _get_module_lock.<locals>.cb at 0x1>
Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 451, in cb
KeyboardInterrupt:
"""

STOPPED = {"ending": "SIGTERM", "exit_code": 143}


@pytest.mark.parametrize(
    "run",
    [
        a_run(SCHEMA, A_STATE, **STOPPED),
        a_run(SCHEMA, A_RECORD, rest='{"type'),
        a_run(SCHEMA, A_STATE, A_RECORD, ending="closed pipe", exit_code=1),
        a_run(ending="SIGINT", exit_code=-2),
        a_run(ending="full disk", exit_code=1),
        a_run(SCHEMA, A_STATE, ending="SIGINT", exit_code=0, log=f"{LOST_SIGINT}INFO In all: records=0"),
    ],
    ids=["state last", "torn by SIGKILL", "closed pipe", "SIGINT before the start", "full disk", "SIGINT unheard"],
)
def test_ends_that_are_as_they_should_be(run: Run) -> None:
    check_end(run)


@pytest.mark.parametrize(
    "run",
    [
        a_run(SCHEMA, A_RECORD, **STOPPED),
        a_run(SCHEMA, A_STATE, rest='{"type', **STOPPED),
        a_run(SCHEMA, A_STATE, ending="SIGTERM", exit_code=1),
        a_run(SCHEMA, A_STATE, ending="closed pipe", exit_code=-13),
        a_run(SCHEMA, A_STATE, log="Traceback (most recent call last):", **STOPPED),
        a_run(SCHEMA, A_STATE, ending="SIGINT", exit_code=0, log=f"{LOST_SIGINT}Traceback (most recent call last):"),
        a_run(ending="full disk", exit_code=0),
        a_run(SCHEMA, A_STATE, ending="none", exit_code=1),
    ],
    ids=[
        "no last state",
        "torn",
        "exit code",
        "killed by SIGPIPE",
        "traceback",
        "traceback behind a SIGINT unheard",
        "full disk unseen",
        "failed by itself",
    ],
)
def test_ends_that_are_not(run: Run) -> None:
    with pytest.raises(AssertionError):
        check_end(run)

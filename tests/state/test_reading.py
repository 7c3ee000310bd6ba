"""What is made of a state before anything is read: in whole sentences, and without a server."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import Any

import pytest

from tap_instantly.streams import state as states

KEYS = {"campaigns": "timestamp_updated", "lead_lists": None, "leads": "timestamp_updated"}
OTHERS = "The state has bookmarks of streams that this tap does not have; they are kept as they are:"
ANEW = "Give the state that the last run wrote, or {} to read everything anew."
MOMENT = "2026-10-01T00:00:00.000Z"
ONE = {"context": {"workspace_id": "one"}, "replication_key": "timestamp_updated", "replication_key_value": MOMENT}


def of(*parts: Any, stream: str = "campaigns", **more: Any) -> dict[str, Any]:
    """A state with these partitions of a stream."""
    return {"bookmarks": {stream: {"partitions": list(parts), **more}}}


def valued(value: Any, **more: Any) -> dict[str, Any]:
    return {**ONE, "replication_key_value": value, **more}


def deep() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def correct(what: str, stream: str = "campaigns") -> str:
    return f"bookmarks.{what}. Correct it, or remove that entry to read {stream} anew."


UNUSABLE = {
    "a list": ([1], f"it is a list and no object. {ANEW}"),
    "a text": ("x", f"it is a text and no object. {ANEW}"),
    "null": (None, f"it is null and no object. {ANEW}"),
    "a boolean": (True, f"it is a boolean and no object. {ANEW}"),
    "a number": (1.5, f"it is a number and no object. {ANEW}"),
    "a message": (
        {"type": "STATE", "value": {}},
        f"it is a whole STATE message, of which the value is the state. {ANEW}",
    ),
    "another message": ({"type": "RECORD", "value": {}}, f"it has no bookmarks, and so is none of this tap's. {ANEW}"),
    "half a message": ({"type": "STATE"}, f"it has no bookmarks, and so is none of this tap's. {ANEW}"),
    "Meltano's": (
        {"singer_state": {}},
        f"it is as Meltano keeps it, and what is in singer_state is the state. {ANEW}",
    ),
    "no bookmarks": ({"cursor": 5}, f"it has no bookmarks, and so is none of this tap's. {ANEW}"),
    "other bookmarks": ({"bookmarks": []}, f"bookmarks is a list and no object. {ANEW}"),
    "a stream": (
        {"bookmarks": {"leeds": [1]}},
        correct("leeds is a list and no object", "leeds"),
    ),
    "parts": (
        {"bookmarks": {"campaigns": {"partitions": {}}}},
        correct("campaigns.partitions is an object and no list"),
    ),
    "a part": (
        of({}, 5, stream="leeds"),
        correct("leeds.partitions[1] is a number and no object", "leeds"),
    ),
    "no context": (
        of(ONE, {}),
        correct("campaigns.partitions[1].context names no workspace_id"),
    ),
    "an empty id": (
        of({"context": {"workspace_id": ""}}),
        correct("campaigns.partitions[0].context names no workspace_id"),
    ),
    "an id that is no text": (
        of({"context": {"workspace_id": 5}}, stream="lead_lists"),
        correct("lead_lists.partitions[0].context names no workspace_id", "lead_lists"),
    ),
    "twice": (
        of(ONE, {"context": {"workspace_id": "two"}}, ONE),
        correct("campaigns.partitions[2] is a second entry of workspace one"),
    ),
    "no time": (
        of(valued("yesterday")),
        correct(
            "campaigns.partitions[0].replication_key_value is no timestamp to go on from in workspace one: yesterday"
        ),
    ),
    "too early a time": (
        of(valued("1899-12-31")),
        correct(
            "campaigns.partitions[0].replication_key_value is no timestamp to go on from in workspace one: 1899-12-31"
        ),
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_state_that_cannot_be_understood_is_refused_in_one_sentence_and_an_advice(case: str) -> None:
    given, said = UNUSABLE[case]
    with pytest.raises(states.StateError) as caught:
        states.read(given, KEYS)
    assert str(caught.value) == f"The state cannot be used: {said}"


@pytest.mark.parametrize("given", [{"bookmarks": object()}, {"bookmarks": deep()}])
def test_a_state_that_could_not_be_written_again_is_refused(given: Any) -> None:
    with pytest.raises(states.StateError) as caught:
        states.read(given, KEYS)
    said = str(caught.value)
    assert said.startswith("The state cannot be used: it could not be written again (")
    assert said.endswith(f"). {ANEW}")


USABLE: dict[str, tuple[Any, list[str]]] = {
    "nothing": ({}, []),
    "no stream": ({"bookmarks": {}}, []),
    "a bookmark": (of(ONE), []),
    "two workspaces": (of(ONE, {**ONE, "context": {"workspace_id": "two"}}), []),
    "no bookmark yet": (of({"context": {"workspace_id": "one"}}), []),
    "a null": (of(valued(None)), []),
    "a bookmark of another key": (of(valued("yesterday", replication_key="other")), []),
    "a bookmark of a stream that has none": (of(valued("yesterday"), stream="lead_lists"), []),
    "a day": (of(valued("2026-10-01")), []),
    "the earliest day": (of(valued("1900-01-01")), []),
    "no parts": ({"bookmarks": {"campaigns": {}}}, []),
    "an unknown stream": (
        {"bookmarks": {"leeds": {}, "x\ny": {}}},
        [
            f"{OTHERS} 'leeds': did you mean 'leads'?; 'x\\ny'",
        ],
    ),
    "finer parts": (
        of({"context": {"workspace_id": "one", "b": 1}}, ONE, {"context": {"workspace_id": "one", "c": 1}}),
        ["The state of campaigns has parts that go by workspace_id, b, c; they are kept but not used"],
    ),
    "of no workspace": (
        of(replication_key_value=MOMENT),
        ["The state of campaigns has a bookmark of no workspace, which is not used: the stream is read anew"],
    ),
    "of no workspace, beside one": (of(ONE, replication_key_value=MOMENT), []),
    "of no workspace, in a stream that has none": (of(stream="lead_lists", replication_key_value=MOMENT), []),
}


@pytest.mark.parametrize("case", USABLE)
def test_a_state_that_can_be_understood_is_kept_as_it_is_with_a_line_on_what_is_not_used(case: str) -> None:
    given, said = USABLE[case]
    before = copy.deepcopy(given)
    state, notes = states.read(given, KEYS)
    assert (state, notes) == (before, said)
    assert given == before
    assert not given or state is not given


def test_what_is_of_one_run_is_left_out_and_times_get_one_form() -> None:
    transient = {"progress_markers": {}, "replication_key_signpost": 1, "starting_replication_value": 2}
    for value in ("2026-10-01T02:00:00+02:00", "2026-10-01 00:00:00Z", "2026-10-01t00:00:00z"):
        state, notes = states.read(of(valued(value, **transient), **transient, more=1), KEYS)
        assert (state, notes) == (of(ONE, more=1), [])


NOW = datetime(2026, 10, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("part", "key", "why"),
    [
        (ONE, "timestamp_updated", None),
        (ONE, None, None),
        (valued(None, replication_key="other"), "timestamp_updated", None),
        (
            valued(MOMENT, replication_key="a\nb"),
            "timestamp_updated",
            "its bookmark is one of a\\nb, and the stream goes by timestamp_updated now",
        ),
        (
            valued("2026-10-01T00:00:00.001Z"),
            "timestamp_updated",
            f"its bookmark 2026-10-01T00:00:00.001Z lies in the future of the server, where it is {MOMENT}",
        ),
    ],
)
def test_why_a_bookmark_does_not_tell_what_was_read(part: Any, key: str | None, why: str | None) -> None:
    assert states.why_anew(part, key, lambda: NOW) == why


def test_where_the_server_s_time_is_not_known_this_machine_s_is_taken() -> None:
    assert states.why_anew(ONE, "timestamp_updated", lambda: None) is None
    why = states.why_anew(valued("2199-01-01"), "timestamp_updated", lambda: None)
    assert why is not None
    assert "lies in the future of the server" in why


def test_what_is_forgotten_is_the_bookmark_and_what_remained_of_a_pass() -> None:
    part = {**ONE, "scan": {}, "more": 1}
    states.forget(part)
    assert part == {"context": ONE["context"], "more": 1}
    states.forget(part)


@pytest.mark.parametrize(
    ("text", "quoted"), [("x" * 80, "x" * 80), ("x" * 81, "x" * 80 + "..."), ("a\nb", "a\\nb"), ("é", "é"), ("", "")]
)
def test_a_text_is_quoted_short_and_on_one_line(text: str, quoted: str) -> None:
    assert states.quoted(text) == quoted

"""Check states before any request: messages in whole sentences, no server."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import Any

import pytest

from tap_instantly.sync import state as states
from tap_instantly.text import excerpt
from tap_instantly.validation.state import StateError, check_state

KEYS = {"campaigns": "timestamp_updated", "lead_lists": None, "leads": "timestamp_updated"}
OTHERS = "The state has bookmarks of unknown streams, which are kept unchanged:"
ADVICE = "Pass the state that the last run wrote, or {} to read everything again."
MOMENT = "2026-10-01T00:00:00.000Z"
ONE = {"context": {"workspace_id": "one"}, "replication_key": "timestamp_updated", "replication_key_value": MOMENT}


def of(*parts: Any, stream: str = "campaigns", **more: Any) -> dict[str, Any]:
    """Return a state with these partitions of a stream."""
    return {"bookmarks": {stream: {"partitions": list(parts), **more}}}


def valued(value: Any, **more: Any) -> dict[str, Any]:
    return {**ONE, "replication_key_value": value, **more}


def deep() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def correct(what: str, stream: str = "campaigns") -> str:
    return f"bookmarks.{what}. Correct it, or remove that entry to read {stream} again."


NO_STATE = f"it has no bookmarks, so it is not a state of this tap. {ADVICE}"
UNUSABLE: dict[str, tuple[Any, str]] = {
    "a text": ("x", f"it is a string, not an object. {ADVICE}"),
    "null": (None, f"it is null, not an object. {ADVICE}"),
    "a boolean": (True, f"it is a boolean, not an object. {ADVICE}"),
    "a number": (1.5, f"it is a number, not an object. {ADVICE}"),
    "another message": ({"type": "RECORD", "value": {}}, NO_STATE),
    "half a message": ({"type": "STATE"}, NO_STATE),
    "an unknown stream": ({"bookmarks": {"leeds": [1]}}, correct("leeds is a list, not an object", "leeds")),
    "its part": (of({}, 5, stream="leeds"), correct("leeds.partitions[1] is a number, not an object", "leeds")),
    "no context": (of(ONE, {}), correct("campaigns.partitions[1].context has no workspace_id")),
    "an empty id": (
        of({"context": {"workspace_id": ""}}),
        correct("campaigns.partitions[0].context has no workspace_id"),
    ),
    "an id that is no text": (
        of({"context": {"workspace_id": 5}}, stream="lead_lists"),
        correct("lead_lists.partitions[0].context has no workspace_id", "lead_lists"),
    ),
    "too early a time": (
        of(valued("1899-12-31")),
        correct("campaigns.partitions[0].replication_key_value is not a valid timestamp in workspace one: 1899-12-31"),
    ),
}
"""States that the table of the document does not have."""


@pytest.mark.parametrize("case", UNUSABLE)
def test_invalid_state_is_refused_in_one_sentence_with_advice(case: str) -> None:
    given, said = UNUSABLE[case]
    with pytest.raises(StateError) as caught:
        check_state(given, KEYS)
    assert str(caught.value) == f"Invalid state: {said}"


@pytest.mark.parametrize("given", [{"bookmarks": object()}, {"bookmarks": deep()}])
def test_unserialisable_state_is_refused(given: Any) -> None:
    with pytest.raises(StateError) as caught:
        check_state(given, KEYS)
    said = str(caught.value)
    assert said.startswith("Invalid state: it cannot be serialised (")
    assert said.endswith(f"). {ADVICE}")


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
        ["The state of campaigns has partitions by workspace_id, b, c, which are kept but not used"],
    ),
    "of no workspace": (
        of(replication_key_value=MOMENT),
        ["The state of campaigns has a bookmark without a workspace, which is ignored: the stream is read again"],
    ),
    "of no workspace, beside one": (of(ONE, replication_key_value=MOMENT), []),
    "of no workspace, in a stream that has none": (of(stream="lead_lists", replication_key_value=MOMENT), []),
}


@pytest.mark.parametrize("case", USABLE)
def test_valid_state_is_kept_and_unused_parts_are_noted(case: str) -> None:
    given, said = USABLE[case]
    before = copy.deepcopy(given)
    state, notes = check_state(given, KEYS)
    assert (state, notes) == (before, said)
    assert given == before
    assert not given or state is not given


def test_transient_parts_are_dropped_and_times_normalised() -> None:
    transient = {"progress_markers": {}, "replication_key_signpost": 1, "starting_replication_value": 2}
    for value in ("2026-10-01T02:00:00+02:00", "2026-10-01 00:00:00Z", "2026-10-01T00:00:00", "2026-10-01t00:00:00z"):
        state, notes = check_state(of(valued(value, **transient), **transient, more=1), KEYS)
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
            "its replication key is a\\nb, and the stream now uses timestamp_updated",
        ),
        (
            valued("2026-10-01T00:00:00.001Z"),
            "timestamp_updated",
            f"2026-10-01T00:00:00.001Z is in the future (server time {MOMENT})",
        ),
    ],
)
def test_unusable_bookmark_is_explained(part: Any, key: str | None, why: str | None) -> None:
    assert states.why_bookmark_ignored(part, key, lambda: NOW) == why


def test_without_server_time_the_local_clock_is_used() -> None:
    assert states.why_bookmark_ignored(ONE, "timestamp_updated", lambda: None) is None
    why = states.why_bookmark_ignored(valued("2199-01-01"), "timestamp_updated", lambda: None)
    assert why is not None
    assert "is in the future" in why


def test_forgetting_removes_the_bookmark_and_the_scan() -> None:
    part = {**ONE, "scan": {}, "more": 1}
    states.forget(part)
    assert part == {"context": ONE["context"], "more": 1}
    states.forget(part)


@pytest.mark.parametrize(
    ("text", "quoted"), [("x" * 80, "x" * 80), ("x" * 81, "x" * 80 + "..."), ("a\nb", "a\\nb"), ("é", "é"), ("", "")]
)
def test_a_text_is_quoted_short_and_on_one_line(text: str, quoted: str) -> None:
    assert excerpt(text) == quoted

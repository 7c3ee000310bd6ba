"""Any state: either a message that says what to do, or nothing lost."""

from __future__ import annotations

import copy
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from singer_sdk.singerlib import StateMessage

from tap_instantly.sync.writer import BufferedWriter
from tap_instantly.validation.state import StateError, check_state
from tests.state.conftest import STREAMS, keys
from tests.state.table import (
    BEGINS,
    CASES,
    FROM_THERE,
    FUTURE,
    IGNORES,
    KEEPS,
    NOT_USED,
    READ_AGAIN,
    REFUSES,
    SOMEWHERE_ELSE,
    Case,
    part,
)
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.state.conftest import Continued
    from tests.support import TapRun

Path = tuple[Any, ...]

IN_PROCESS = [case for case in CASES if case.said or case.outcome is not REFUSES]


def cases(*outcomes: Any) -> pytest.MarkDecorator:
    chosen = [case for case in IN_PROCESS if case.outcome in outcomes]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name.replace("/", " "))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("tap-instantly")
    ]


def test_run_ends_with_a_state_even_if_unchanged(sync: Callable[..., TapRun]) -> None:
    # Older loaders pass on a state only if no record follows it.
    second = sync("campaigns", "workspaces", state=sync("campaigns", "workspaces").state)
    assert second.records("workspaces")
    assert second.messages[-1]["type"] == "STATE"


@cases(REFUSES)
def test_invalid_state_ends_the_run_before_any_request(continued: Continued, case: Case) -> None:
    continued.server.control.clear_requests()
    with pytest.raises(StateError) as caught:
        continued.run(case.of(continued.state))
    said = str(caught.value)
    assert said.startswith(f"Invalid state: {case.said}")
    assert re.search(r"\. (Pass the .*, or .* again|Correct it, or .* again|Remove it)\.$", said)
    assert "\n" not in said
    assert list(continued.server.control.requests()) == []


@cases(READ_AGAIN, FROM_THERE, NOT_USED)
def test_unusable_state_is_ignored_with_a_warning(
    continued: Continued, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    run = continued.run(case.of(continued.state))
    assert len([line for line in warnings(caplog) if case.said in line]) == 1
    stream = "leads" if "scan" in case.name else "campaigns"
    everything = {(row["id"],) for row in continued.server.control.truth(stream)}
    assert keys(run) == {**continued.due, stream: everything}
    caplog.clear()
    again = continued.run(run.state)
    assert keys(again)[stream] < everything
    assert not [line for line in warnings(caplog) if case.outcome is not NOT_USED and case.said in line]


@cases(KEEPS, IGNORES)
def test_foreign_parts_are_kept_in_every_state(
    continued: Continued, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    given_ = case.of(continued.state)
    run = continued.run(copy.deepcopy(given_))
    assert keys(run) == continued.due
    assert len([line for line in warnings(caplog) if case.said and case.said in line]) == bool(case.said)
    assert case.outcome is KEEPS or not [line for line in warnings(caplog) if "state" in line.lower()]
    written = [message["value"] for message in run.messages if message["type"] == "STATE"]
    assert len(written) > 1
    for state in written:
        assert state.get("more") == given_.get("more")
        if "leeds" in given_["bookmarks"]:
            assert state["bookmarks"]["leeds"] == given_["bookmarks"]["leeds"]
        before, after = (value["bookmarks"]["campaigns"] for value in (given_, state))
        assert after.get("more") == before.get("more")
        assert after["partitions"][0].get("more") == before["partitions"][0].get("more")
        assert after["partitions"][1:] == before["partitions"][1:]
    assert (
        case.name != "workspaces that are not configured"
        or SOMEWHERE_ELSE in written[-1]["bookmarks"]["campaigns"]["partitions"]
    )


@cases(BEGINS)
def test_empty_state_counts_as_no_state(continued: Continued, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    run = continued.run(case.of(continued.state))
    assert keys(run)["leads"] == {(row["id"],) for row in continued.server.control.truth("leads")}
    assert not [line for line in warnings(caplog) if "state" in line.lower()]


def test_bookmark_may_use_another_time_format(continued: Continued) -> None:
    state = copy.deepcopy(continued.state)
    for stream in ("campaigns", "emails"):
        part(state, stream)["replication_key_value"] = "2026-11-01T12:00:00+02:00"
    run = continued.run(state)
    assert keys(run)["campaigns"] == {
        (row["id"],)
        for row in continued.server.control.truth("campaigns")
        if row["timestamp_updated"] >= "2026-11-01T10:00:00.000Z"
    }
    assert len(run.records("emails")) == 1


# Any JSON in any place

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from([FUTURE, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999-12:00", "2026-02-30", "", 2**70]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*STREAMS, "bookmarks", "partitions", "context", "workspace_id", "scan", "version"])
            | st.text(max_size=6),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
REMOVED = object()


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in a state."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*path, name))


def put(state: Any, path: Path, value: Any) -> Any:
    """Return a copy of a state with ``value`` at ``path``, or without that place."""
    if not path:
        return {} if value is REMOVED else value
    changed = copy.deepcopy(state)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    if value is REMOVED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 999), value=JSON | st.just(REMOVED))
def test_arbitrary_json_in_the_state_fails_in_one_line_or_loses_nothing(
    continued: Continued, number: int, value: Any
) -> None:
    everywhere = list(places(continued.state))
    state = put(continued.state, everywhere[number % len(everywhere)], value)
    continued.server.control.clear_requests()
    try:
        found = keys(continued.run(state))
    except StateError as error:
        found, said = None, str(error)
    if found is None:
        assert "\n" not in said
        assert list(continued.server.control.requests()) == []
        return
    assert [name for name in STREAMS if not found[name] >= continued.due[name]] == []


@pytest.mark.parametrize("name", ["since", "signpost", "latest", "remaining", "pages"])
def test_incomplete_scan_makes_the_list_be_read_in_full(continued: Continued, name: str) -> None:
    path = ("bookmarks", "leads", "partitions", 0, "scan", name)  # also if it was null, as its checksum still holds
    assert keys(continued.run(put(continued.state, path, REMOVED)))["leads"] >= continued.due["leads"]


@examples(300)
@given(state=JSON)
@example(state={"bookmarks": {"campaigns": {"partitions": [{"context": {"workspace_id": "a\nb"}}] * 2}}})
@example(state={"bookmarks": {"a\nb": 5}})
@example(state={"bookmarks": {"campaigns": {"progress_markers": 5, "partitions": [{"context": {"workspace_id": 5}}]}}})
def test_arbitrary_json_states_can_be_written_after_reading(state: Any) -> None:
    try:
        read, said = check_state(state, {"campaigns": "timestamp_updated", "lead_lists": None})
    except StateError as error:
        read, said = {}, [str(error)]
    assert not any("\n" in line for line in said)
    assert json.loads(BufferedWriter().serialize_message(StateMessage(read)))["value"] == read

"""Every kind of unusual state and its outcome: tested, and listed in docs/reliability.md."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    State = dict[str, Any]

INVALID_TIME = "bookmarks.campaigns.partitions[0].replication_key_value is not a valid timestamp in workspace "
FUTURE = "2199-01-01T00:00:00.000Z"
SOMEWHERE_ELSE = {
    "context": {"workspace_id": "a-workspace-of-last-year"},
    "replication_key": "timestamp_updated",
    "replication_key_value": "2026-01-01T00:00:00.000Z",
    "of_a_newer_tap": {"nested": [1, None]},
}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run, in the words of the document."""

    does: str
    log: str
    exit_code: int = 0


REFUSES = Outcome("stops before the first request", "an error: the place, the fault, the remedy", 2)
READ_AGAIN = Outcome(
    "ignores the bookmark: reads the stream in that workspace again from `start_date`", "a warning with the reason"
)
FROM_THERE = Outcome("starts the pass over the list again, and keeps the bookmark", "a warning with the reason")
KEEPS = Outcome("ignores it and keeps it in the state", "a warning with its name")
IGNORES = Outcome("ignores it and keeps it in the state", "nothing")
NOT_USED = Outcome("keeps it in the state and reads the stream again", "a warning with its name")
BEGINS = Outcome("reads everything", "nothing")


@dataclass(frozen=True)
class Case:
    """An unusual state.

    Attributes:
        name: Name in the document.
        outcome: Outcome of the run.
        change: Changes a state in place, or returns another one.
        said: Expected log message, if any.
    """

    name: str
    outcome: Outcome
    change: Callable[[State], object]
    said: str = ""

    def of(self, state: State) -> Any:
        """Return a copy of ``state`` with this change."""
        odd = copy.deepcopy(state)
        return odd if (other := self.change(odd)) is None else other


def campaigns(state: State) -> State:
    """Return the state of the campaigns."""
    found: State = state["bookmarks"]["campaigns"]
    return found


def part(state: State, stream: str = "campaigns") -> State:
    """Return the state of the first workspace."""
    found: State = state["bookmarks"][stream]["partitions"][0]
    return found


def _move_up(state: State) -> None:
    entry = campaigns(state).pop("partitions")[0]
    campaigns(state).update({name: entry[name] for name in ("replication_key", "replication_key_value")})


def _lose_a_range(state: State) -> None:
    part(state, "leads")["scan"]["remaining"].pop()


CASES = (
    Case("`{}`", BEGINS, lambda _: {}),
    Case("a file that is not JSON, is empty, or has several lines", REFUSES, lambda _: None),  # tested with real files
    Case("a value that is not an object", REFUSES, lambda state: [state], "it is a list, not an object"),
    Case(
        "a whole STATE message",
        REFUSES,
        lambda state: {"type": "STATE", "value": state},
        "it is a whole STATE message, not its value",
    ),
    Case(
        "what `meltano state get` prints",
        REFUSES,
        lambda state: {"singer_state": state},
        "it is in Meltano's format, not the content of singer_state",
    ),
    Case("no `bookmarks`", REFUSES, lambda _: {"cursor": 5}, "it has no bookmarks, so it is not a state"),
    Case(
        "`bookmarks` that is not an object", REFUSES, lambda _: {"bookmarks": []}, "bookmarks is a list, not an object"
    ),
    Case(
        "`workspaces` that is not an object", REFUSES, lambda state: state.update(workspaces=[]), "workspaces is a list"
    ),
    Case(
        "a stream's state that is not an object",
        REFUSES,
        lambda state: state["bookmarks"].update(campaigns="2026-01-01"),
        "bookmarks.campaigns is a string, not an object. Correct it, or remove that entry to read campaigns again",
    ),
    Case(
        "`partitions` that is not a list",
        REFUSES,
        lambda state: campaigns(state).update(partitions=None),
        "bookmarks.campaigns.partitions is null, not a list",
    ),
    Case(
        "an entry of `partitions` that is not an object",
        REFUSES,
        lambda state: campaigns(state)["partitions"].append(5),
        "bookmarks.campaigns.partitions[1] is a number, not an object",
    ),
    Case(
        "an entry without `workspace_id`",
        REFUSES,
        lambda state: part(state).update(context={"account": "x"}),
        "bookmarks.campaigns.partitions[0].context has no workspace_id",
    ),
    Case(
        "two entries of one workspace",
        REFUSES,
        lambda state: campaigns(state)["partitions"].append(part(state)),
        "bookmarks.campaigns.partitions[1] is a second entry of workspace ",
    ),
    Case(
        "a bookmark that is not a timestamp",
        REFUSES,
        lambda state: part(state).update(replication_key_value="yesterday"),
        INVALID_TIME,
    ),
    Case(
        "a bookmark of the wrong type",
        REFUSES,
        lambda state: part(state).update(replication_key_value=1767225600),
        INVALID_TIME,
    ),
    Case(
        "a bookmark in the future of the server",
        READ_AGAIN,
        lambda state: part(state).update(replication_key_value=FUTURE),
        f"{FUTURE} is in the future",
    ),
    Case(
        "a bookmark of another replication key",
        READ_AGAIN,
        lambda state: part(state).update(replication_key="timestamp_created"),
        "its replication key is timestamp_created, and the stream now uses timestamp_updated",
    ),
    Case(
        "a bookmark without a workspace",
        NOT_USED,
        _move_up,
        "The state of campaigns has a bookmark without a workspace",
    ),
    Case(
        "a bookmark of a part of a workspace",
        NOT_USED,
        lambda state: part(state)["context"].update(campaign_id="x"),
        "The state of campaigns has partitions by workspace_id, campaign_id",
    ),
    Case(
        "`scan` of a newer version",
        FROM_THERE,
        lambda state: part(state, "leads")["scan"].update(version=99),
        "starting again: it is from another version",
    ),
    Case(
        "a damaged `scan`",
        FROM_THERE,
        _lose_a_range,
        "starting again: its state is damaged",
    ),
    Case(
        "`scan` of another bookmark",
        FROM_THERE,
        lambda state: part(state, "leads").update(
            replication_key="timestamp_updated", replication_key_value="2020-01-01T00:00:00.000Z"
        ),
        "starting again: it started with another bookmark",
    ),
    Case(
        "streams that this tap does not have",
        KEEPS,
        lambda state: state["bookmarks"].update(leeds={"replication_key_value": 5, "of_a_newer_tap": [{}]}),
        "bookmarks of unknown streams, which are kept unchanged: 'leeds': did you mean 'leads'?",
    ),
    Case(
        "workspaces that are not configured",
        IGNORES,
        lambda state: campaigns(state)["partitions"].append(SOMEWHERE_ELSE),
    ),
    Case(
        "fields that this tap does not know, at any place",
        IGNORES,
        lambda state: [place.update(more={"a": 1.5}) for place in (state, campaigns(state), part(state))] and None,
    ),
)


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the document's table: each outcome with its states."""
    found: dict[Outcome, list[str]] = {}
    for case in CASES:
        found.setdefault(case.outcome, []).append(case.name)
    for outcome, names in found.items():
        yield "; ".join(names), outcome.does, outcome.log, str(outcome.exit_code)

"""Everything that can be odd about a state, and what becomes of the run: tested, and shown in docs/reliability.md."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    State = dict[str, Any]

FUTURE = "2199-01-01T00:00:00.000Z"
SOMEWHERE_ELSE = {
    "context": {"workspace_id": "a-workspace-of-last-year"},
    "replication_key": "timestamp_updated",
    "replication_key_value": "2026-01-01T00:00:00.000Z",
    "of_a_newer_tap": {"nested": [1, None]},
}


@dataclass(frozen=True)
class Outcome:
    """What becomes of a run, in the words of the document."""

    does: str
    log: str
    exit_code: int = 0


REFUSES = Outcome("ends before anything is asked for or written", "one error: where, what, what to do", 1)
ANEW = Outcome("reads that stream anew in that workspace, from `start_date` or all of it", "one warning: which and why")
FROM_THERE = Outcome(
    "reads that list anew in that workspace, from its bookmark, `start_date` or all of it", "one warning: which and why"
)
KEEPS = Outcome("keeps it as it is, in each state that it writes", "one warning: which")
IGNORES = Outcome("keeps it as it is, in each state that it writes", "nothing")
NOT_USED = Outcome("keeps it as it is, and reads the stream anew", "one warning: which")
BEGINS = Outcome("reads everything", "nothing")


@dataclass(frozen=True)
class Case:
    """Something odd about a state.

    Attributes:
        name: What the document calls it.
        outcome: What becomes of the run.
        change: Makes a state odd, in place or by returning another one.
        said: What the log has to say, if anything.
    """

    name: str
    outcome: Outcome
    change: Callable[[State], object]
    said: str = ""

    def of(self, state: State) -> Any:
        """A copy of ``state`` that is odd in this way."""
        odd = copy.deepcopy(state)
        return odd if (other := self.change(odd)) is None else other


def campaigns(state: State) -> State:
    """The state of the campaigns."""
    found: State = state["bookmarks"]["campaigns"]
    return found


def part(state: State, stream: str = "campaigns") -> State:
    """The state of the first workspace."""
    found: State = state["bookmarks"][stream]["partitions"][0]
    return found


def _move_up(state: State) -> None:
    entry = campaigns(state).pop("partitions")[0]
    campaigns(state).update({name: entry[name] for name in ("replication_key", "replication_key_value")})


def _lose_a_range(state: State) -> None:
    part(state, "leads")["scan"]["remaining"].pop()


CASES = (
    Case("`{}`", BEGINS, lambda _: {}),
    Case("a file that is no JSON, is empty, or has several lines", REFUSES, lambda _: None),  # tested with real files
    Case("something else than an object", REFUSES, lambda state: [state], "it is a list and no object"),
    Case(
        "a whole STATE message",
        REFUSES,
        lambda state: {"type": "STATE", "value": state},
        "of which the value is the state",
    ),
    Case(
        "what `meltano state get` prints",
        REFUSES,
        lambda state: {"singer_state": state},
        "what is in singer_state is the state",
    ),
    Case("no `bookmarks`", REFUSES, lambda _: {"cursor": 5}, "it has no bookmarks"),
    Case("`bookmarks` that are no object", REFUSES, lambda _: {"bookmarks": []}, "bookmarks is a list"),
    Case("`workspaces` that are no object", REFUSES, lambda state: state.update(workspaces=[]), "workspaces is a list"),
    Case(
        "a stream's state that is no object",
        REFUSES,
        lambda state: state["bookmarks"].update(campaigns="2026-01-01"),
        "bookmarks.campaigns is a text and no object. Correct it, or remove that entry to read campaigns anew",
    ),
    Case(
        "`partitions` that are no list",
        REFUSES,
        lambda state: campaigns(state).update(partitions=None),
        "bookmarks.campaigns.partitions is null and no list",
    ),
    Case(
        "an entry of `partitions` that is no object",
        REFUSES,
        lambda state: campaigns(state)["partitions"].append(5),
        "bookmarks.campaigns.partitions[1] is a number and no object",
    ),
    Case(
        "an entry without `workspace_id`",
        REFUSES,
        lambda state: part(state).update(context={"account": "x"}),
        "bookmarks.campaigns.partitions[0].context names no workspace_id",
    ),
    Case(
        "two entries of one workspace",
        REFUSES,
        lambda state: campaigns(state)["partitions"].append(part(state)),
        "bookmarks.campaigns.partitions[1] is a second entry of workspace ",
    ),
    Case(
        "a bookmark that is no timestamp",
        REFUSES,
        lambda state: part(state).update(replication_key_value="yesterday"),
        "replication_key_value is no timestamp to go on from in workspace ",
    ),
    Case(
        "a bookmark of the wrong type",
        REFUSES,
        lambda state: part(state).update(replication_key_value=1767225600),
        "replication_key_value is no timestamp to go on from in workspace ",
    ),
    Case(
        "a bookmark that lies in the future of the server",
        ANEW,
        lambda state: part(state).update(replication_key_value=FUTURE),
        f"its bookmark {FUTURE} lies in the future",
    ),
    Case(
        "a bookmark of another replication key",
        ANEW,
        lambda state: part(state).update(replication_key="timestamp_created"),
        "its bookmark is one of timestamp_created, and the stream goes by timestamp_updated now",
    ),
    Case("a bookmark of no workspace", NOT_USED, _move_up, "The state of campaigns has a bookmark of no workspace"),
    Case(
        "a bookmark of parts of a workspace",
        NOT_USED,
        lambda state: part(state)["context"].update(campaign_id="x"),
        "The state of campaigns has parts that go by workspace_id, campaign_id",
    ),
    Case(
        "`scan` of a newer version",
        FROM_THERE,
        lambda state: part(state, "leads")["scan"].update(version=99),
        "cannot be taken up: it was left by another version",
    ),
    Case(
        "`scan` that is damaged: a range less, moved, or no range",
        FROM_THERE,
        _lose_a_range,
        "cannot be taken up: what the state holds of it is damaged",
    ),
    Case(
        "`scan` of another bookmark",
        FROM_THERE,
        lambda state: part(state, "leads").update(
            replication_key="timestamp_updated", replication_key_value="2020-01-01T00:00:00.000Z"
        ),
        "cannot be taken up: it was begun with another bookmark",
    ),
    Case(
        "streams that this tap does not have",
        KEEPS,
        lambda state: state["bookmarks"].update(leeds={"replication_key_value": 5, "of_a_newer_tap": [{}]}),
        "streams that this tap does not have; they are kept as they are: 'leeds': did you mean 'leads'?",
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
    """The rows of the document's table."""
    for case in CASES:
        yield case.name, case.outcome.does, case.outcome.log, str(case.outcome.exit_code)

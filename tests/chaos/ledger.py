"""A target that keeps track of interrupted runs, and checks of how they ended."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.endings import Run

Message = dict[str, Any]
Key = tuple[Any, ...]

TEARS = {"SIGKILL", "closed pipe", "dead target", "full quota", "stalled target"}
"""Endings that may cut off the last line; targets drop it."""

SIGNALS = {
    "SIGTERM": {signal.SIGTERM},
    "SIGINT": {signal.SIGINT},
    "SIGINT and SIGTERM": {signal.SIGINT, signal.SIGTERM},
    "stalled target": {signal.SIGTERM},
}

UNHEARD = re.compile(
    r"^(Exception ignored in: <function _get_module_lock|'import warnings' failed; traceback:)"
    r".*?^KeyboardInterrupt:? *$",
    re.DOTALL | re.MULTILINE,
)
"""Python's lines about a SIGINT lost during an import, before the tap handles signals."""


def messages(run: Run) -> list[Message]:
    """Parse the messages of a run.

    Raises:
        AssertionError: A message is incomplete.
    """
    *lines, last = run.output.split(b"\n")
    assert not last or run.ending in TEARS, f"a torn line: {last[:200]!r}"
    found = [json.loads(line) for line in lines]
    assert all(message["type"] in {"SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION"} for message in found)
    return found


def check_end(run: Run) -> None:
    """Check exit code, last message and log of a run.

    Raises:
        AssertionError: One of them is wrong.
    """
    seen = messages(run)
    signals = SIGNALS.get(run.ending)
    before_the_start = not run.output
    assert before_the_start or "Traceback" not in UNHEARD.sub("", run.log), run.log
    assert "sandbox-key" not in run.log
    assert b"sandbox-key" not in run.output
    if run.exit_code == 0:
        assert run.ending != "full disk"
    elif signals is None:
        expected = {"none": 0, "SIGKILL": -signal.SIGKILL}.get(run.ending, 1)
        assert run.exit_code == expected, (run.exit_code, run.log)
    elif run.exit_code - 128 not in signals:
        # Python is still starting or already exiting.
        assert -run.exit_code in signals or (run.exit_code == 1 and before_the_start), (run.exit_code, run.log)
    elif run.ending != "stalled target" and not before_the_start:
        assert seen[-1]["type"] == "STATE", seen[-1]


class Table:
    """Rows of a stream by key, as loaders with upserts and hard deletes keep them.

    An ACTIVATE_VERSION removes the rows of older versions, and those without one.
    """

    def __init__(self, keys: list[str], messages: Iterable[Message]) -> None:
        self.rows: dict[Key, Message] = {}
        self.removed: dict[Key, Message] = {}
        """Rows that an ACTIVATE_VERSION removed and that did not return."""
        versions: dict[Key, int] = {}
        for message in messages:
            if message["type"] == "RECORD":
                key = tuple(message["record"][name] for name in keys)
                self.rows[key], versions[key] = message["record"], message.get("version", -1)
                self.removed.pop(key, None)
            else:
                for key in [key for key in self.rows if versions[key] < message["version"]]:
                    self.removed[key] = self.rows.pop(key)


class Ledger:
    """A target that keeps only confirmed records, and passes the last STATE to the next run.

    Other targets keep more, so this one is the worst case, with one exception: targets may apply an ACTIVATE_VERSION
    before a STATE confirms it. For that, it also tracks a target that applies every message at once.
    """

    def __init__(self) -> None:
        self.kept: list[Message] = []
        self.read: list[Message] = []
        self.states: list[tuple[int, Any]] = []
        self.keys: dict[str, list[str]] = {}
        """Key properties of each stream."""

    @property
    def state(self) -> Any:
        """Return the state for the next run, or None before the first."""
        return self.states[-1][1] if self.states else None

    @property
    def seen(self) -> int:
        """Return the number of records read."""
        return sum(message["type"] == "RECORD" for message in self.read)

    @property
    def version(self) -> int:
        """Return the greatest version of the records read, or -1 without versions."""
        return max((message.get("version", -1) for message in self.read), default=-1)

    def tables(self, stream: str) -> tuple[Table, Table]:
        """Return a stream's rows in the target that waits for a STATE and in the one that does not."""
        kept, read = ([one for one in of if one["stream"] == stream] for of in (self.kept, self.read))
        return Table(self.keys[stream], kept), Table(self.keys[stream], read)

    def take(self, run: Run) -> None:
        """Process the messages of a run."""
        waiting: list[Message] = []
        for message in messages(run):
            if message["type"] == "SCHEMA":
                self.keys[message["stream"]] = message["key_properties"]
            elif message["type"] == "STATE":
                self.kept += waiting
                waiting.clear()
                self.states.append((len(self.kept), message["value"]))
            else:
                waiting.append(message)
                self.read.append(message)
        if run.finished:
            self.kept += waiting

    def back_to(self, number: int) -> Ledger:
        """Return a copy of this target as of one of its states."""
        earlier = Ledger()
        earlier.keys = self.keys
        earlier.states = self.states[: number + 1]
        earlier.kept = self.kept[: earlier.states[-1][0]]
        earlier.read = list(earlier.kept)
        return earlier

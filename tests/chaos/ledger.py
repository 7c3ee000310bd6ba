"""What a target holds after runs that were ended, and whether they ended as they should."""

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
"""What may leave the beginning of a line as the last one; targets drop it."""

SIGNALS = {
    "SIGTERM": {signal.SIGTERM},
    "SIGINT": {signal.SIGINT},
    "SIGINT and SIGTERM": {signal.SIGINT, signal.SIGTERM},
    "stalled target": {signal.SIGTERM},
}

UNHEARD = re.compile(
    r"^Exception ignored in: <function _get_module_lock.*?^KeyboardInterrupt:? *$", re.DOTALL | re.MULTILINE
)
"""What Python says where SIGINT comes while it imports, before the tap listens, and at a place where it is lost."""


def messages(run: Run) -> list[Message]:
    """The messages of a run, all of them whole.

    Raises:
        AssertionError: Some are not.
    """
    *lines, last = run.output.split(b"\n")
    assert not last or run.ending in TEARS, f"a torn line: {last[:200]!r}"
    found = [json.loads(line) for line in lines]
    assert all(message["type"] in {"SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION"} for message in found)
    return found


def check_end(run: Run) -> None:
    """Check exit code, last message and log of a run.

    Raises:
        AssertionError: They are not what they should be.
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
        # Python is not up yet, or has come to its end.
        assert -run.exit_code in signals or (run.exit_code == 1 and before_the_start), (run.exit_code, run.log)
    elif run.ending != "stalled target" and not before_the_start:
        assert seen[-1]["type"] == "STATE", seen[-1]


class Table:
    """Rows of a stream by key, as loaders that merge by key and delete for good have them.

    An ACTIVATE_VERSION removes the rows of lesser versions, and of none.
    """

    def __init__(self, keys: list[str], messages: Iterable[Message]) -> None:
        self.rows: dict[Key, Message] = {}
        self.removed: dict[Key, Message] = {}
        """Rows that an ACTIVATE_VERSION removed and that did not come again."""
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
    """A target that keeps what a STATE has confirmed, and no more, and hands the last STATE to the next run.

    Others keep more; whatever they lose, this one loses too. Only what an ACTIVATE_VERSION removes, they may remove
    before a STATE: beside it is a target that keeps all that was read, at once.
    """

    def __init__(self) -> None:
        self.kept: list[Message] = []
        self.read: list[Message] = []
        self.states: list[tuple[int, Any]] = []
        self.keys: dict[str, list[str]] = {}
        """Names of each stream's keys."""

    @property
    def state(self) -> Any:
        """The state for the next run; None if there is none yet."""
        return self.states[-1][1] if self.states else None

    @property
    def seen(self) -> int:
        """How many records were read."""
        return sum(message["type"] == "RECORD" for message in self.read)

    @property
    def version(self) -> int:
        """The greatest version of the records that were read; -1 if they have none."""
        return max((message.get("version", -1) for message in self.read), default=-1)

    def tables(self, stream: str) -> tuple[Table, Table]:
        """What of a stream is held by the target that waits for a STATE, and by the one that does not."""
        kept, read = ([one for one in of if one["stream"] == stream] for of in (self.kept, self.read))
        return Table(self.keys[stream], kept), Table(self.keys[stream], read)

    def take(self, run: Run) -> None:
        """Take in what was read of a run."""
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
        """This target as it was when it had just got one of its states."""
        earlier = Ledger()
        earlier.keys = self.keys
        earlier.states = self.states[: number + 1]
        earlier.kept = self.kept[: earlier.states[-1][0]]
        earlier.read = list(earlier.kept)
        return earlier

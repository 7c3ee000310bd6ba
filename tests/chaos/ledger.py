"""What a target holds after runs that were ended, and whether they ended as they should."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.chaos.endings import Run

Message = dict[str, Any]

TEARS = {"SIGKILL", "closed pipe", "dead target", "full quota", "stalled target"}
"""What may leave the beginning of a line as the last one; targets drop it."""

SIGNALS = {
    "SIGTERM": {signal.SIGTERM},
    "SIGINT": {signal.SIGINT},
    "SIGINT and SIGTERM": {signal.SIGINT, signal.SIGTERM},
    "stalled target": {signal.SIGTERM},
}


def messages(run: Run) -> list[Message]:
    """The messages of a run, all of them whole.

    Raises:
        AssertionError: Some are not.
    """
    *lines, last = run.output.split(b"\n")
    assert not last or run.ending in TEARS, f"a torn line: {last[:200]!r}"
    found = [json.loads(line) for line in lines]
    assert all(message["type"] in {"SCHEMA", "RECORD", "STATE"} for message in found)
    return found


def check_end(run: Run) -> None:
    """Check exit code, last message and log of a run.

    Raises:
        AssertionError: They are not what they should be.
    """
    seen = messages(run)
    signals = SIGNALS.get(run.ending)
    before_the_start = not run.output
    assert before_the_start or "Traceback" not in run.log, run.log
    assert "sandbox-key" not in run.log
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


class Ledger:
    """A target that keeps what a STATE has confirmed, and no more, and hands the last STATE to the next run.

    Others keep more; whatever they lose, this one loses too.
    """

    def __init__(self) -> None:
        self.records: list[Message] = []
        self.states: list[tuple[int, Any]] = []
        self.keys: list[str] = []
        self.seen = 0

    @property
    def state(self) -> Any:
        """The state for the next run; None if there is none yet."""
        return self.states[-1][1] if self.states else None

    def take(self, run: Run) -> None:
        """Take in what was read of a run."""
        waiting: list[Message] = []
        for message in messages(run):
            if message["type"] == "SCHEMA":
                self.keys = message["key_properties"]
            elif message["type"] == "RECORD":
                waiting.append(message["record"])
                self.seen += 1
            else:
                self.records += waiting
                waiting.clear()
                self.states.append((len(self.records), message["value"]))
        if run.finished:
            self.records += waiting

    def back_to(self, number: int) -> Ledger:
        """This target as it was when it had just got one of its states."""
        earlier = Ledger()
        earlier.keys = self.keys
        earlier.states = self.states[: number + 1]
        earlier.records = self.records[: earlier.states[-1][0]]
        return earlier

"""The log on standard error: lines of this program, and shortened lines of Meltano."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TextIO

PROGRAM = "instantly"
NOISE = {"METRIC", "Force option is enabled, ignoring stale job check."}
"""Events too noisy to pass on."""


@dataclass
class Log:
    """A log of text, or of one JSON object a line.

    Attributes:
        as_json: JSON is wanted, as Meltano writes it.
        file: Output of the log; standard error by default.
        last_error: The last error that Meltano or one of its plugins logged.
    """

    as_json: bool = False
    file: TextIO | None = None
    last_error: str = ""

    def say(self, text: str, level: str = "info", name: str = PROGRAM, timestamp: str = "") -> None:
        """Write one line."""
        timestamp = timestamp or datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
        if self.as_json:
            self._write(json.dumps({"timestamp": timestamp, "level": level, "name": name, "event": text}))
        else:
            word = "" if level == "info" else f"{level.upper()}: "
            self._write(f"{timestamp[:19]}Z {name}: {word}{text}")

    def pass_on(self, line: str) -> dict[str, Any]:
        """Write a line of Meltano's JSON log, and return its fields; noise is left out."""
        found: Any = None
        with suppress(ValueError):
            found = json.loads(line)
        if not isinstance(found, dict):
            self._write(line)
            return {}
        level, name, event = str(found.get("level", "info")), str(found.get("name", "meltano")), str(found.get("event"))
        if level in {"error", "critical"} and "exit_codes" not in found and (name != "meltano" or not self.last_error):
            self.last_error = " ".join(event.split())
        if event in NOISE or level == "debug":
            pass
        elif self.as_json:
            self._write(line)
        else:
            self.say(event, level, name, str(found.get("timestamp", "")))
        return found

    def _write(self, line: str) -> None:
        print(line, file=self.file or sys.stderr, flush=True)

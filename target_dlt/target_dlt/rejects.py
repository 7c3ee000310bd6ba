"""Rejected records."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from target_dlt.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from logging import Logger
    from pathlib import Path

NAMED = 10
"""Number of rejected records of a stream that the log names one by one."""


class Rejects:
    """Writes records that cannot be loaded to a file per stream, or ends the load at the first one."""

    def __init__(self, folder: Path | None, logger: Logger) -> None:
        """Prepare without creating files.

        Args:
            folder: Folder for the files; None to end the load at the first record that cannot be loaded.
            logger: Logs each record.
        """
        self._folder, self._logger = folder, logger
        self.counts: Counter[str] = Counter()
        self._mended: set[str] = set()
        self._unknown: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, stream: str, raw: bytes, keys: Sequence[str], why: str) -> None:
        """Write a record to the file of its stream, with its key and the reason.

        Raises:
            RejectedError: There is no folder for it.
        """
        text = raw.decode("utf-8", "replace")
        key = _key(text, keys)
        if self._folder is None:
            msg = f"Cannot load a record of {stream} ({key}): {why}. Fix the record, or set rejects to keep."
            raise RejectedError(msg)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', stream)[:100]}.jsonl"
        line = json.dumps({"stream": stream, "key": key, "reason": why, "record": text})
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        self.counts[stream] += 1
        if self.counts[stream] <= NAMED:
            self._logger.warning("Cannot load a record of %s (%s): %s. The record is in %s.", stream, key, why, path)

    def mended(self, stream: str) -> None:
        """Log once per stream that characters were replaced."""
        if stream not in self._mended:
            self._mended.add(stream)
            self._logger.warning(
                "Replaced characters in %s that cannot be stored (NUL, half a surrogate pair) with U+FFFD.", stream
            )

    def unknown(self, stream: str, names: Iterable[str]) -> None:
        """Log once per property that records have it and the schema does not."""
        if new := sorted(set(names) - self._unknown[stream]):
            self._unknown[stream].update(new)
            listed = ", ".join(f"{name[:100]!r}" for name in new[:NAMED])
            self._logger.warning("Records of %s have properties that are not in its schema: %s.", stream, listed)
            self._logger.warning("They are not loaded. Add them to the schema in the tap, and load the stream in full.")

    def summarize(self) -> None:
        """Log the number of rejected records of each stream."""
        for stream, count in sorted(self.counts.items()):
            self._logger.warning("%d records of %s could not be loaded; they are in %s.", count, stream, self._folder)


def _key(text: str, keys: Sequence[str]) -> str:
    try:
        record = json.loads(text, parse_int=str)  # Python refuses to parse numbers of thousands of digits
    except (ValueError, RecursionError):
        return "unreadable"
    if not isinstance(record, dict):
        return "not an object"
    return ", ".join(f"{key}={str(record.get(key))[:100]!r}" for key in keys) or "no key"

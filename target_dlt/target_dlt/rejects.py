"""Records that cannot be loaded."""

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
"""How many records of a stream are named in the log one by one."""


class Rejects:
    """Keeps records that cannot be loaded in a file per stream, or ends the load with the first one."""

    def __init__(self, folder: Path | None, logger: Logger) -> None:
        """Prepare.

        Args:
            folder: Where the files lie; None if a record that cannot be loaded is to end the load.
            logger: Names each record.
        """
        self._folder, self._logger = folder, logger
        self.counts: Counter[str] = Counter()
        self._mended: set[str] = set()
        self._unknown: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, stream: str, raw: bytes, keys: Sequence[str], why: str) -> None:
        """Keep a record as it came, with its stream, its key and the reason.

        Raises:
            RejectedError: There is no folder to keep it in.
        """
        text = raw.decode("utf-8", "replace")
        key = _key(text, keys)
        if self._folder is None:
            msg = f"Cannot load a record of {stream} ({key}): {why}. Mend it, or set rejects to keep."
            raise RejectedError(msg)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', stream)[:100]}.jsonl"
        line = json.dumps({"stream": stream, "key": key, "reason": why, "record": text})
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        self.counts[stream] += 1
        if self.counts[stream] <= NAMED:
            self._logger.warning("Cannot load a record of %s (%s): %s. It is kept in %s.", stream, key, why, path)

    def mended(self, stream: str) -> None:
        """Say once for a stream that characters were replaced."""
        if stream not in self._mended:
            self._mended.add(stream)
            self._logger.warning(
                "Characters in %s cannot be stored (NUL, half a surrogate pair): U+FFFD replaces each.",
                stream,
            )

    def unknown(self, stream: str, names: Iterable[str]) -> None:
        """Say once for each property of records that the schema does not have."""
        if new := sorted(set(names) - self._unknown[stream]):
            self._unknown[stream].update(new)
            listed = ", ".join(f"{name[:100]!r}" for name in new[:NAMED])
            self._logger.warning("Records of %s have properties that are not in its schema: %s.", stream, listed)
            self._logger.warning("Those are not loaded. Mend the schema of the tap, and load the stream in full.")

    def summarize(self) -> None:
        """Say how many records of each stream were kept aside."""
        for stream, count in sorted(self.counts.items()):
            self._logger.warning("%d records of %s could not be loaded; they are in %s.", count, stream, self._folder)


def _key(text: str, keys: Sequence[str]) -> str:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return "unreadable"
    if not isinstance(record, dict):
        return "no object"
    return ", ".join(f"{key}={str(record.get(key))[:100]!r}" for key in keys) or "no key"

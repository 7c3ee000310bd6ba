"""Buffered writer of whole Singer messages, safe against signals."""

from __future__ import annotations

import io
import os
import select
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

BUFFER_BYTES = 1 << 16
"""Capacity of a pipe on Linux; larger writes would wait for the reader."""


def _plain(value: object) -> str:
    """Convert a value that JSON does not support, as the SDK's writers do."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode


class RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True, frozen=True):
    """RECORD message like the SDK's ``RecordMessage``, but faster to create and to encode."""

    stream: str
    record: dict[str, Any]
    version: int | None = None
    time_extracted: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Convert to the form of the SDK's writers."""
        return RecordMessage(self.stream, self.record, self.version, self.time_extracted).to_dict()


class BufferedWriter(GenericSingerWriter[bytes, Message]):
    """Writes to standard output like the SDK's writers, with two differences.

    * Records are buffered until :meth:`flush`. Every other message is written immediately, after the buffered records.
    So a STATE never precedes its records, and the output ends with a whole line.
    * A signal waits for the end of a write (:meth:`when_idle`). With a slow reader, the SDK's writers lose the last
    STATE or cut a line in two (measured).
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[bytes] = []
        self._size = 0
        self._busy = False
        self._postponed: Callable[[], None] | None = None

    @override
    def serialize_message(self, message: Message | RecordLine) -> bytes:
        return _encode(message if isinstance(message, RecordLine) else message.to_dict()) + b"\n"

    @override
    def write_message(self, message: Message | RecordLine) -> None:
        """Write a message, or buffer it if it is a record.

        Raises:
            OSError: Standard output is closed or full.
        """
        line = self.serialize_message(message)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BUFFER_BYTES or not isinstance(message, (RecordLine, RecordMessage)):
            self.flush()

    def flush(self) -> None:
        """Write the buffer. Call this if no other message may follow.

        Raises:
            OSError: Standard output is closed or full.
        """
        self._busy = True
        try:
            self._write_out()
        finally:
            self._busy = False
        if self._postponed is not None:
            act, self._postponed = self._postponed, None
            act()

    def when_idle(self, act: Callable[[], None]) -> None:
        """Call ``act`` as soon as no write is in progress; for signal handlers. It may write itself."""
        if self._busy:
            self._postponed = act
        else:
            act()

    def _write_out(self) -> None:
        # Emptied before the join: a signal handler's write takes later records only.
        lines, self._lines, self._size = self._lines, [], 0
        waiting = memoryview(b"".join(lines))
        try:
            # Bypasses sys.stdout, whose buffer a signal handler cannot re-enter.
            output = sys.stdout.fileno()
        except io.UnsupportedOperation:  # replaced by an in-memory stream
            sys.stdout.write(str(waiting, "utf-8"))
            return
        write_all(output, waiting)


def write_all(descriptor: int, waiting: bytes | memoryview) -> None:
    """Write to a file that may accept only a part at a time, or block.

    Raises:
        OSError: The file is closed or full.
    """
    while waiting:
        waiting = waiting[_write_some(descriptor, waiting) :]


def _write_some(output: int, waiting: bytes | memoryview) -> int:
    try:
        return os.write(output, waiting)
    except BlockingIOError:  # opened as non-blocking, or made so by another process
        select.select([], [output], [])
        return 0

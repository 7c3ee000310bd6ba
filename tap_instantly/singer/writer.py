"""Writing Singer messages: whole lines, many at a time, and safe against being stopped."""

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
"""What a pipe holds on Linux: more at once would only wait for the reader."""


def _plain(value: object) -> str:
    """The text of a value that JSON does not know, as the SDK's own writers give it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode


class RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True, frozen=True):
    """A RECORD message, as the SDK's own (``RecordMessage``) and quicker to make and to write."""

    stream: str
    record: dict[str, Any]
    version: int | None = None
    time_extracted: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """What the SDK's own writers write."""
        return RecordMessage(self.stream, self.record, self.version, self.time_extracted).to_dict()


class BufferedWriter(GenericSingerWriter[bytes, Message]):
    """Writes to standard output as the SDK's own writers do, and in these ways otherwise.

    * Records wait in a buffer, until :meth:`flush`; every other message goes out at once, with what waits before it.
      So a STATE never overtakes the records that it covers, and what has been written ends in a whole line.
    * Being stopped waits for the end of a write (:meth:`when_idle`). The SDK's writers lose the last STATE, or cut a
      line in two, where the signal comes while the reader is slow (measured).
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
        """Write a message, or keep it for the next write if it is a record.

        Raises:
            OSError: Standard output is closed or full.
        """
        line = self.serialize_message(message)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BUFFER_BYTES or not isinstance(message, (RecordLine, RecordMessage)):
            self.flush()

    def flush(self) -> None:
        """Write what waits. Due at the end of whatever may not be followed by another message.

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
        """Call ``act``, which may itself write, as soon as no write is under way; for signal handlers."""
        if self._busy:
            self._postponed = act
        else:
            act()

    def _write_out(self) -> None:
        # Taken before they are joined: a signal handler that writes takes what is left.
        lines, self._lines, self._size = self._lines, [], 0
        waiting = memoryview(b"".join(lines))
        try:
            # Not through sys.stdout, whose buffer a signal handler cannot enter a second time.
            output = sys.stdout.fileno()
        except io.UnsupportedOperation:  # replaced by something in memory
            sys.stdout.write(str(waiting, "utf-8"))
            return
        write_all(output, waiting)


def write_all(descriptor: int, waiting: bytes | memoryview) -> None:
    """Write to a file that may not take everything at once, or not now.

    Raises:
        OSError: It is closed or full.
    """
    while waiting:
        waiting = waiting[_write_some(descriptor, waiting) :]


def _write_some(output: int, waiting: bytes | memoryview) -> int:
    try:
        return os.write(output, waiting)
    except BlockingIOError:  # whoever opened it, or shares it, does not want to wait
        select.select([], [output], [])
        return 0

"""Singer messages, read from a stream of bytes."""

from __future__ import annotations

import io
import json
import os
import re
from typing import IO, TYPE_CHECKING, Any

import msgspec

from target_dlt.errors import InputError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD_OF = re.compile(rb'\s*\{\s*"type"\s*:\s*"RECORD"\s*,\s*"stream"\s*:\s*"([^"\\]+)"')
"""The start of a RECORD message, as Singer taps write it."""

READ = 1 << 20
"""Bytes of one read, at most."""


class Message(msgspec.Struct, gc=False):
    """A message. Its record, schema or state is still JSON."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw()
    schema: msgspec.Raw = msgspec.Raw()
    value: msgspec.Raw = msgspec.Raw()
    key_properties: list[str] | None = None
    version: int | None = None
    time_extracted: str | None = None


decode = msgspec.json.Decoder(Message).decode


def message_of(line: bytes) -> Message:
    """Decode a line.

    A record that other JSON parsers accept, but this one does not (``NaN``, for example), still becomes a message.
    Decoding the record itself fails later.

    Raises:
        InputError: The line is not a Singer message.
    """
    try:
        return decode(line)
    except RecursionError:
        if start := RECORD_OF.match(line):  # decoding this record fails later
            return Message("RECORD", start[1].decode("utf-8", "replace"), msgspec.Raw(line))
        why = "its JSON is nested too deeply"
    except (msgspec.DecodeError, UnicodeError) as error:
        why = one_line(error)
    try:
        found = json.loads(line.decode("utf-8", "surrogateescape"))
        if isinstance(found, dict) and found["type"] == "RECORD" and isinstance(found["record"], dict):
            record = json.dumps(found["record"]).encode()
            return Message("RECORD", str(found["stream"]), msgspec.Raw(record), version=found.get("version"))
    except (ValueError, KeyError, RecursionError):
        pass
    msg = f"The input has a line that is not a Singer message: {why}"
    raise InputError(msg)


def lines_of(source: IO[Any] | None) -> Iterator[bytes]:
    """Yield lines as they arrive, without line endings; empty lines are skipped.

    Args:
        source: A stream of text or bytes; None for standard input.
    """
    if source is not None and (isinstance(source, io.StringIO) or not _has_descriptor(source)):
        for line in source:
            text = line if isinstance(line, bytes) else line.encode()
            if text.strip():
                yield text
        return
    # Bypasses Python's buffer, which cannot be closed at exit while a thread waits in it.
    descriptor = os.dup(0 if source is None else source.fileno())
    rest: list[bytes] = []
    with io.FileIO(descriptor) as file:
        while block := file.read(READ):
            first, *others = block.split(b"\n")
            rest.append(first)
            if not others:
                continue
            lines = [b"".join(rest), *others]
            rest = [lines.pop()]
            yield from filter(None, map(bytes.strip, lines))
    if last := b"".join(rest).strip():
        yield last


def _has_descriptor(source: IO[Any]) -> bool:
    try:
        source.fileno()
    except (OSError, AttributeError):
        return False
    return True

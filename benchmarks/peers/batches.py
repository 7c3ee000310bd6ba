"""A filter between tap and loader: records go into files, named by BATCH messages; all other messages as they are.

    tap | python batches.py FOLDER ROWS | loader

What the SDK's own taps write as BATCH are their records before selection and stream maps; here they come from behind
both. The loader adds its own columns to no record of a file, so this does, as far as deletions need them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec


class Message(msgspec.Struct):
    """Of a message, what matters here."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw(b"")
    version: int | None = None
    time_extracted: str | None = None


class Batches:
    """Writes the files.

    Args:
        folder: Where to.
        rows: How many records a file holds at most.
    """

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder, self._rows = folder, rows
        self._lines: dict[str, list[bytes]] = {}
        self._files = 0

    def add(self, message: Message) -> None:
        """Keep a record; a full file is announced at once."""
        own = b',"_sdc_extracted_at":%s,"_sdc_table_version":%s}\n' % (
            msgspec.json.encode(message.time_extracted),
            msgspec.json.encode(message.version),
        )
        lines = self._lines.setdefault(message.stream, [])
        lines.append(bytes(message.record)[:-1] + own)
        if len(lines) >= self._rows:
            self.announce(message.stream)

    def announce(self, stream: str) -> None:
        """Write what is kept of a stream into a file and name that to the loader."""
        if not (lines := self._lines.pop(stream, [])):
            return
        self._files += 1
        path = self._folder / f"{stream}-{self._files}.jsonl"
        path.write_bytes(b"".join(lines))
        batch = {"type": "BATCH", "stream": stream, "encoding": {"format": "jsonl"}, "manifest": [path.as_uri()]}
        sys.stdout.buffer.write(msgspec.json.encode(batch) + b"\n")

    def announce_all(self) -> None:
        """Do so for all streams: a state must not come before what it covers."""
        for stream in [*self._lines]:
            self.announce(stream)


def main(folder: str, rows: str) -> None:
    """Filter standard input into standard output."""
    decode, batches, held = msgspec.json.Decoder(Message).decode, Batches(Path(folder), int(rows)), b""
    for line in sys.stdin.buffer:
        message = decode(line)
        if message.type == "RECORD":
            batches.add(message)
        elif message.type == "STATE":
            held = line  # a later one says more: the files would be small otherwise
        else:
            batches.announce_all()
            sys.stdout.buffer.write(held + line)
            held = b""
    batches.announce_all()
    sys.stdout.buffer.write(held)


if __name__ == "__main__":
    main(*sys.argv[1:])

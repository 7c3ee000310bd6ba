"""Generate rows from the schemas, for streams that are not selected by default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_instantly.streams import STREAMS
from tests.transform import duck
from tests.transform.package import ROOT
from tools.transform import codes_of, columns_of

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]

KEYS = {stream.name: tuple(stream.primary_keys) for stream in STREAMS if stream.why_deselected is not None}
EARLIER, LATER = "2026-11-01 06:00:00", "2026-11-01 07:00:00"

ROWS = (
    # Key, contents, load time, sequence, true if marked as deleted, true if the row counts.
    (1, 11, LATER, 5, False, True),
    (1, 12, EARLIER, 6, False, False),
    (2, 13, LATER, 2, False, False),
    (2, 14, LATER, 3, False, True),
    (2, 15, LATER, 1, False, False),
    (3, 16, LATER, 4, True, False),
)
BARE = "webhooks"
"""A stream loaded without a loader's own columns, so that it has no duplicates."""
NARROW, LEFT_OUT = "emails", "subject"
"""A stream with a deselected column."""


def schema_of(stream: str) -> Row:
    """Return the schema of a stream."""
    schema: Row = json.loads((ROOT / "schemas" / f"{stream}.json").read_text(encoding="utf-8"))
    return schema


def record(stream: str, key: int, contents: int) -> Row:
    """Return a record with a value for every property; the capitals of addresses vary."""
    of = schema_of(stream)["properties"]
    made = {name: _value(name, schema, key if name in KEYS[stream] else contents) for name, schema in of.items()}
    for column in columns_of(stream, schema_of(stream)):
        if column.is_address:
            made[column.source] = made[column.source].upper() if contents % 2 else made[column.source].capitalize()
    return made | ({"timestamp_updated": "2026-01-01T00:00:00.000Z"} if "timestamp_updated" in of else {})


def _value(name: str, schema: Row, number: int) -> Any:
    """Return a value of a property's type; for a code, a documented one."""
    declared = schema["type"]
    (kind,) = {declared} if isinstance(declared, str) else set(declared) - {"null"}
    if kind == "integer":
        codes = sorted(codes_of(schema.get("description", "")))
        return codes[number % len(codes)] if codes else number
    if kind == "string":
        texts = {"date": f"2026-01-{number:02}", "date-time": f"2026-01-01T00:00:{number:02}.000Z"}
        return texts.get(schema.get("format", ""), f"{name} {number}")
    return {"number": number + 0.5, "boolean": number % 2 == 0, "array": [name], "object": {name: number}}[kind]


def fill(path: Path) -> None:
    """Add a table for each of these streams."""
    records = {stream: [record(stream, key, contents) for key, contents, *_ in ROWS] for stream in KEYS}
    records[BARE] = [record(BARE, key, contents) for key, contents, *_, counts in ROWS if counts]
    duck.fill(path, records, EARLIER)
    changes = [f"alter table instantly.{NARROW} drop column {LEFT_OUT}"]
    for stream in set(KEYS) - {BARE}:
        changes.append(f"alter table instantly.{stream} add column _sdc_sequence bigint")
        for number, (_, _, loaded, place, deleted, _) in enumerate(ROWS):
            gone = "_sdc_batched_at" if deleted else "null"
            changes.append(
                f"update instantly.{stream} set _sdc_batched_at = timestamp '{loaded}', _sdc_sequence = {place},"  # noqa: S608 (ours)
                f" _sdc_deleted_at = {gone} where rowid = {number}"
            )
    changes += [f"alter table instantly.{BARE} drop column _sdc_{name}" for name in ("batched_at", "deleted_at")]
    duck.execute(path, "begin", *changes, "commit")

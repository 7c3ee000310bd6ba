"""Loads difficult texts, each in its own stream, and compares them afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tools.benchmarks.databases import Database
from tools.demo.tables import Row
from tools.demo.texts import TEXTS, carried

COLUMNS = {
    "id": {"type": "string"},
    "company_name": {"type": ["string", "null"]},
    "payload": {"type": ["object", "null"]},
}
ORDINARY = {"id": "2", "company_name": "Acme", "payload": {"firstName": "Jan"}}


def streams() -> Mapping[str, list[Row]]:
    """Return the records of each stream as the tap writes them: without NUL."""
    odd = ({"id": "1", "company_name": text, "payload": {"text": text}} for text in TEXTS)
    return {f"text_{number:02}": [carried(row)[0], ORDINARY] for number, row in enumerate(odd)}


def messages() -> Iterator[str]:
    """Yield all of them as Singer messages, one a line."""
    for stream, rows in streams().items():
        schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": COLUMNS}, "key_properties": ["id"]}
        for message in (schema, *({"type": "RECORD", "stream": stream, "record": row} for row in rows)):
            yield json.dumps(message) + "\n"


def equal(database: Database) -> int:
    """Count the streams that arrived unchanged."""
    return sum(_table(database, stream) == {row["id"]: row for row in rows} for stream, rows in streams().items())


def _table(database: Database, stream: str) -> dict[str, Row]:
    rows = database.rows(stream, {"payload"})
    return {row["id"]: {name: row.get(name) for name in COLUMNS} for row in rows}

"""Expected and actual contents of Postgres, in one form."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tests.warehouse.pipeline import SCHEMA
from tools.demo.paths import SCHEMAS
from tools.demo.tables import TABLES, Key, Kind, Row, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tests.warehouse.pipeline import Pipeline
    from tools.demo.truth import Truth

Rows = dict[Key, Row]

SCALARS = {"integer": "bigint", "number": "numeric", "boolean": "boolean", "object": "jsonb", "string": "text"}
FORMATS = {"date-time": "timestamp without time zone", "date": "date"}

LOADERS_OWN = {
    "_sdc_extracted_at": "timestamp without time zone",
    "_sdc_received_at": "timestamp without time zone",
    "_sdc_batched_at": "timestamp without time zone",
    "_sdc_deleted_at": "timestamp without time zone",
    "_sdc_sequence": "bigint",
    "_sdc_table_version": "bigint",
    "_sdc_sync_started_at": "bigint",
}


def named(name: str) -> Table:
    """The table of a stream."""
    return next(table for table in TABLES if table.name == name)


def due(
    truths: Iterable[Truth],
    table: Table,
    added_fields: Collection[str] = (),
    carriers: Collection[Key] = (),
) -> Rows:
    """Return the expected rows of a table for several workspaces; see ``Truth.expected``."""
    rows: Rows = {}
    for truth in truths:
        for row in truth.expected(table, added_fields, carriers):
            assert table.key_of(row) not in rows
            rows[table.key_of(row)] = as_held(row, table)
    return rows


def as_held(row: Row, table: Table) -> Row:
    """Return the expected row for a record of the API."""
    assert row.keys() <= table.columns.keys()
    return {name: _plain(row.get(name), kind) for name, kind in table.columns.items()}


def column_types(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """Return the types of each table's columns as Postgres calls them; arrays as ``text[]``."""
    kind = "case data_type when 'ARRAY' then substr(udt_name, 2) || '[]' else data_type end"
    columns = f"table_name, column_name, {kind} as type from information_schema.columns"
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in pipeline.postgres.rows(f"select {columns} where table_schema = '{SCHEMA}'", pipeline.database):
        found[row["table_name"]][row["column_name"]] = row["type"]
    return found


def declared_types(table: str) -> dict[str, str]:
    """Return the expected types of the columns by the stream's schema."""
    schema = json.loads((SCHEMAS / f"{table}.json").read_text(encoding="utf-8"))
    return {name: _sql_type(property_) for name, property_ in schema["properties"].items()}


def _sql_type(schema: Mapping[str, Any]) -> str:
    declared = schema["type"]
    kinds = {declared} if isinstance(declared, str) else {*declared} - {"null"}
    if kinds == {"array"}:
        return f"{_sql_type(schema['items'])}[]" if "items" in schema else "jsonb"
    if kinds == {"string"} and "format" in schema:
        return FORMATS[schema["format"]]
    (kind,) = kinds
    return SCALARS[kind]


def _plain(value: Any, kind: Kind) -> Any:
    if kind is not Kind.TIMESTAMP or value is None:
        return value
    moment = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")

"""Create target-snowflake's tables in an emulated Snowflake; runs in the environment with the connector.

    python emulated.py fill PORT FOLDER
    python emulated.py read PORT FOLDER

The folder contains a file of records for each stream, `<stream>.jsonl`, and `columns.json` with their column kinds.
Reading runs named queries from `queries.json` and writes their rows to `rows.json`, with lower-case names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import snowflake.connector

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

TYPES = {
    "TEXT": "varchar",
    "TIMESTAMP": "timestamp_ntz",
    "DATE": "date",
    "INTEGER": "number(38, 0)",
    "NUMBER": "double",
    "BOOLEAN": "boolean",
    "JSON": "variant",
}
LOADED_AT = "2026-11-01 06:00:00"


def fill(cursor: SnowflakeCursor, folder: Path) -> None:
    """Create and fill a table for each stream."""
    cursor.execute("create database if not exists OUTREACH")
    cursor.execute("create schema if not exists OUTREACH.INSTANTLY")
    for stream, columns in json.loads((folder / "columns.json").read_text(encoding="utf-8")).items():
        table = f"OUTREACH.INSTANTLY.{stream.upper()}"
        declared = [f'"{name.upper()}" {TYPES[kind]}' for name, kind in columns.items()]
        declared += ["_SDC_BATCHED_AT timestamp_ntz", "_SDC_DELETED_AT timestamp_ntz"]
        cursor.execute(f"create table {table} ({', '.join(declared)})")
        rows = [json.loads(line) for line in (folder / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines()]
        for start in range(0, len(rows), 200):
            selects = [
                f"select {', '.join(literal(row.get(name), kind) for name, kind in columns.items())},"
                f" cast('{LOADED_AT}' as timestamp_ntz), cast(null as timestamp_ntz)"
                for row in rows[start : start + 200]
            ]
            cursor.execute(f"insert into {table} {' union all '.join(selects)}")


def read(cursor: SnowflakeCursor, folder: Path) -> None:
    """Write the rows of each query."""
    cursor.execute("use database OUTREACH")
    found = {}
    for name, query in json.loads((folder / "queries.json").read_text(encoding="utf-8")).items():
        rows = cursor.execute(query).fetchall()
        names = [column.name.lower() for column in cursor.description]
        found[name] = [dict(zip(names, row, strict=True)) for row in rows]
    (folder / "rows.json").write_text(json.dumps(found, default=float), encoding="utf-8")


def literal(value: object, kind: str) -> str:
    """Format a value as SQL."""
    if value is None:
        return f"cast(null as {TYPES[kind]})"
    text = json.dumps(value) if kind == "JSON" else str(value).removesuffix("Z" if kind == "TIMESTAMP" else "")
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"parse_json({quoted})" if kind == "JSON" else f"cast({quoted} as {TYPES[kind]})"


def main(what: str, port: int, folder: Path) -> None:
    """Run the command line."""
    own = dict.fromkeys(("user", "password", "account"), "emulated")
    connection = snowflake.connector.connect(**own, host="127.0.0.1", port=port, protocol="http")
    {"fill": fill, "read": read}[what](connection.cursor(), folder)
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))

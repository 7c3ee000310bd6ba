"""Compile the package for BigQuery or Redshift without an account, and parse the SQL.

Runs in the environment with the adapters:

    python compiled.py TARGET FOLDER

The tables are those of the schemas. `compiled.json` in the folder gets the parser's complaint about each query, if any,
and the functions that it does not know.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import sqlglot
from dbt.cli.main import dbtRunner
from sqlglot import exp

ROOT = Path(__file__).parents[2]
BIGQUERY = {
    "integer": "INT64",
    "number": "FLOAT64",
    "boolean": "BOOL",
    "object": "JSON",
    "array": "STRING",
    "date": "DATE",
    "date-time": "TIMESTAMP",
    "string": "STRING",
}
REDSHIFT = {
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "object": "super",
    "array": "character varying",
    "date": "date",
    "date-time": "timestamp with time zone",
    "string": "character varying",
}
TARGETS = {
    "bigquery": ("dbt.adapters.bigquery.impl", "BigQueryAdapter", BIGQUERY),
    "redshift": ("dbt.adapters.redshift.impl", "RedshiftAdapter", REDSHIFT),
}
FOREIGN = {
    "bigquery": r"\bas (text|double precision|varchar|jsonb?|timestamp)\)(?!, 'UTC'\))|::|\blateral\b|\bpi\(",
    "redshift": r"\bas (text|jsonb?|variant|string)\)|\blateral\b|\bwindow \w+ as\b|\bunnest\(",
}
"""Spelling that the parser lets pass though the database does not know it."""
LOADED = {"_sdc_batched_at": "date-time", "_sdc_deleted_at": "date-time", "_sdc_sequence": "integer"}


def make_up_tables(target: str) -> None:
    """Let the adapter take the columns of a table from the schema of its stream."""
    module, name, types = TARGETS[target]
    adapter = getattr(importlib.import_module(module), name)

    def columns(_: Any, relation: Any) -> list[Any]:
        schema = json.loads((ROOT / "schemas" / f"{relation.identifier}.json").read_text(encoding="utf-8"))
        kinds = {name: kind(declared) for name, declared in schema["properties"].items()} | LOADED
        return [adapter.Column.create(name, types[found]) for name, found in kinds.items()]

    adapter.get_columns_in_relation = columns
    adapter.get_relation = lambda *_, **__: None  # nothing was built before


def kind(declared: dict[str, Any]) -> str:
    """Return the type or format of a property."""
    types = declared["type"]
    (found,) = {types} if isinstance(types, str) else set(types) - {"null"}
    return declared["format"] if declared.get("format") in BIGQUERY else found


def complaints(sql: str, target: str) -> list[str]:
    """Return what is wrong with a query."""
    try:
        parsed = sqlglot.parse(sql, read=target)
    except sqlglot.ParseError as error:
        return [str(error)]
    unknown = {function.name.lower() for query in parsed if query for function in query.find_all(exp.Anonymous)}
    return [
        *(f"unknown: {name}" for name in sorted(unknown)),
        *(found[0] for found in re.finditer(FOREIGN[target], sql)),
    ]


def main(target: str, folder: Path) -> None:
    """Run the command line."""
    make_up_tables(target)
    where = [
        "--project-dir",
        str(ROOT / "transform"),
        "--profiles-dir",
        str(folder),
        "--log-path",
        str(folder / "logs"),
    ]
    offline = ["--no-introspect", "--no-populate-cache", "--exclude", "resource_type:unit_test", "--quiet"]
    variables = json.loads((folder / "vars.json").read_text(encoding="utf-8"))
    done = dbtRunner().invoke(
        ["compile", *where, *offline, "--target", target, "--target-path", str(folder), "--vars", json.dumps(variables)]
    )
    if not done.success:
        sys.exit(str(done.exception or [f"{result.node.name}: {result.message}" for result in done.result]))
    found = {
        result.node.name: complaints(result.node.compiled_code, target)
        for result in done.result
        if hasattr(result.node, "compiled_code")
    }
    (folder / "compiled.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

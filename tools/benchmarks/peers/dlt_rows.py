"""Runs dlt alone as a loader: merges a Singer tap's records by key, as plain rows."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
from dlt.common.json import json as fast

ROWS_AT_A_TIME = 1000
SIMPLE = {"string": "text", "integer": "bigint", "number": "double", "boolean": "bool"}
FORMATS = {"date-time": "timestamp", "date": "date"}
FILES = {"duckdb": "parquet", "postgres": "csv"}
"""File formats. dlt's default, INSERT statements, takes DuckDB minutes."""


def data_type(definition: Mapping[str, Any]) -> str:
    """Return dlt's type for a property."""
    types = {definition["type"]} if isinstance(definition["type"], str) else {*definition["type"]} - {"null"}
    if len(types) > 1:
        return "json"
    (type_,) = types
    return FORMATS.get(definition.get("format", ""), SIMPLE.get(type_, "json"))


def messages() -> Iterator[Mapping[str, Any]]:
    """Read the messages of the tap."""
    return map(fast.loadb, sys.stdin.buffer)


def main() -> None:
    """Load the single stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_text(encoding="utf-8"))
    source = messages()
    schema = next(message for message in source if message["type"] == "SCHEMA")

    def rows() -> Iterator[list[Any]]:
        page: list[Any] = []
        for message in source:
            if message["type"] == "RECORD":
                page.append(message["record"])
            if len(page) >= ROWS_AT_A_TIME:
                yield page
                page = []
        yield page

    properties = schema["schema"]["properties"].items()
    leads = dlt.resource(
        rows,
        name=schema["stream"],
        primary_key=schema["key_properties"],
        write_disposition={"disposition": "merge", "strategy": "upsert"},
        columns={name: {"data_type": data_type(definition)} for name, definition in properties},
        max_table_nesting=0,
    )
    destination = getattr(dlt.destinations, config["destination"])(config["credentials"])
    folder, dataset = str(Path.cwd() / "dlt-rows"), config["default_target_schema"]
    pipeline = dlt.pipeline("rows", pipelines_dir=folder, destination=destination, dataset_name=dataset)
    pipeline.run(leads, loader_file_format=FILES[config["destination"]])


if __name__ == "__main__":
    main()

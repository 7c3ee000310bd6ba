"""Staging models of streams that are not selected by default, over generated rows."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.streams import STREAMS
from tests.report.expected import labels
from tests.streams.test_catalogue import truth
from tests.transform import duck
from tests.transform.conftest import LOADED_SCHEMA
from tests.transform.made import BARE, KEYS, LATER, LEFT_OUT, NARROW, ROWS, Row, record, schema_of
from tests.transform.package import ordered
from tools.transform import columns_of

if TYPE_CHECKING:
    from sandbox import Server
    from tests.transform.conftest import Elsewhere
    from tools.transform import Column


def expected(stream: str, key: int, contents: int) -> Row:
    """Return a record's expected row in the staging model: addresses in lower case."""
    sent = record(stream, key, contents)
    loaded = None if stream == BARE else datetime.fromisoformat(LATER)
    row: Row = {"loaded_at": loaded, "extracted_at": loaded, "source_relation": LOADED_SCHEMA}
    for column in columns_of(stream, schema_of(stream)):
        held = None if (stream, column.source) == (NARROW, LEFT_OUT) else sent[column.source]
        row[column.name] = typed(column, held)
        if column.label and column.code:
            row[column.label] = labels(*column.code).get(held)
    return row


def typed(column: Column, held: Any) -> Any:
    if held is None:
        return None
    if column.type == "timestamp":
        return datetime.fromisoformat(held.removesuffix("Z"))
    if column.is_address:
        return held.lower()
    return date.fromisoformat(held) if column.type == "date" else held


@pytest.mark.long
@pytest.mark.parametrize("stream", sorted(KEYS))
def test_staging_model_has_the_latest_version_of_each_undeleted_record(elsewhere: Elsewhere, stream: str) -> None:
    columns = columns_of(stream, schema_of(stream))
    objects = {column.name for column in columns if column.type == "json"}
    found = duck.rows(elsewhere.path, f"from analytics_staging.stg_instantly__{stream}", tables=elsewhere.tables)
    rows = [{name: json.loads(held) if name in objects else held for name, held in row.items()} for row in found]
    due = [expected(stream, key, contents) for key, contents, *_, counts in ROWS if counts]
    assert ordered(rows) == ordered(due)


ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.example")


def test_address_and_domain_columns_are_staged_in_lower_case(api: Server) -> None:
    missing = []
    for stream in STREAMS:
        rows = truth(api, stream.name)
        for column in columns_of(stream.name, schema_of(stream.name)):
            texts = [text for row in rows if isinstance(text := row.get(column.source), str)]
            holds = any(map(ADDRESS.fullmatch, texts)) or (texts and all(map(DOMAIN.fullmatch, texts)))
            if holds and not column.is_address:
                missing.append((stream.name, column.source))
    assert missing == []

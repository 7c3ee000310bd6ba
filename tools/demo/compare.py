"""Compares tables with the expected data, row by row and column by column."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from tools.demo.tables import Key, Kind, Row, Table
from tools.demo.warehouse import Warehouse

SHOWN = 3
"""Number of differing keys to show."""

LONGEST = 60
"""Number of characters of a value to show."""


def checksum(texts: Iterable[str]) -> str:
    """Return a checksum of texts in any order: the sum of their digests."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts)
    return f"{sum(int.from_bytes(digest, 'big') for digest in digests) % (1 << 256):064x}"


@dataclass
class Comparison:
    """Result of comparing a table."""

    table: str
    rows: int = 0  # in the table
    checksum: str = ""  # of the table
    expected_checksum: str = ""
    differing: int = 0  # number of differences
    examples: list[str] = field(default_factory=list)  # the first differences, a line each

    @property
    def same(self) -> bool:
        """True if the table equals the expected data."""
        return not self.differing and self.checksum == self.expected_checksum

    def differ(self, line: str) -> None:
        """Add a difference."""
        self.differing += 1
        if self.differing <= SHOWN:
            self.examples.append(line)


def canonical(value: Any, kind: Kind) -> Any:  # noqa: ANN401 - any JSON value, or what the database has for it
    """Return the canonical form of a value, so that both sides can be compared.

    A missing value, null and NULL are equal. The empty string differs from them.
    """
    if value is None:
        return None
    if kind is Kind.TIMESTAMP:
        return _utc(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if kind is Kind.NUMBER:
        return float(value)
    if kind is Kind.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _utc(value: Any) -> Any:  # noqa: ANN401 - see above
    """Format a timestamp as UTC, to the millisecond or finer."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    # The loader converts times to UTC and drops the time zone.
    moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    return moment.isoformat(timespec="microseconds" if moment.microsecond % 1000 else "milliseconds")


def canonical_text(table: Table, row: Row) -> str:
    """Return the canonical text of a row with all its columns."""
    values = {name: canonical(row.get(name), kind) for name, kind in table.columns.items()}
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def compare(table: Table, expected: Iterable[Row], warehouse: Warehouse) -> Comparison:
    """Compare a table with its expected rows."""
    result = Comparison(table.name)
    for problem in warehouse.wrong_columns(table):
        result.differ(problem)
    if result.differing:
        return result
    return compare_rows(table, expected, warehouse.rows(table))


def compare_rows(table: Table, expected: Iterable[Row], actual: Iterable[Row]) -> Comparison:
    """Compare two collections of rows in any order."""
    result = Comparison(table.name)
    due, texts = _index(table, expected, result), list[str]()
    for row in actual:
        key, text = table.key_of(row), canonical_text(table, row)
        texts.append(text)
        wanted = due.pop(key, None)
        if wanted is None:
            result.differ(f"{_name(table, key)}: the row is in the table but not in the API, or twice in the table")
        elif wanted != text:
            result.differ(f"{_name(table, key)}: {'; '.join(_columns_that_differ(wanted, text))}")
    for key in due:
        result.differ(f"{_name(table, key)}: the row is in the API but not in the table")
    result.rows, result.checksum = len(texts), checksum(texts)
    return result


def _index(table: Table, expected: Iterable[Row], result: Comparison) -> dict[Key, str]:
    """Index the expected rows by key, and report contradictions among them."""
    due: dict[Key, str] = {}
    for row in expected:
        key, text = table.key_of(row), canonical_text(table, row)
        if unheard := row.keys() - table.columns.keys():
            result.differ(f"{_name(table, key)}: the API sends fields that the schema lacks: {sorted(unheard)}")
        if key in due:
            result.differ(f"{_name(table, key)}: the API has two rows with this key")
        due[key] = text
    result.expected_checksum = checksum(due.values())
    return due


def _columns_that_differ(wanted: str, found: str) -> Iterator[str]:
    expected, actual = json.loads(wanted), json.loads(found)
    for name, value in expected.items():
        if json.dumps(value, sort_keys=True) != json.dumps(actual[name], sort_keys=True):
            yield f"{name} is {_short(actual[name])}, the API has {_short(value)}"


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = "NULL" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _name(table: Table, key: Key) -> str:
    return ", ".join(f"{name}={value}" for name, value in zip(table.keys, key, strict=True))

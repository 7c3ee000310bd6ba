"""The table against the truth: every row, every column."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from demo.tables import Key, Kind, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from demo.warehouse import Warehouse

SHOWN = 3
"""How many of the keys that differ are shown."""

LONGEST = 60
"""How much of a value is shown."""


class Checksum:
    """A checksum of rows in any order: the sum of the checksums of each."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, text: str) -> None:
        """Take in a row."""
        self._sum += int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(), "big")

    def __str__(self) -> str:
        return f"{self._sum % (1 << 256):064x}"


@dataclass
class Comparison:
    """What came of comparing a table.

    Attributes:
        table: Its name.
        rows: How many rows the table has.
        checksum: Over all rows and columns of the table.
        expected_checksum: The same of the truth.
        differing: How many things differ.
        examples: The first few of them, a line each.
    """

    table: str
    rows: int = 0
    checksum: str = ""
    expected_checksum: str = ""
    differing: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether table and truth are identical."""
        return not self.differing and self.checksum == self.expected_checksum

    def differ(self, line: str) -> None:
        """Note a difference."""
        self.differing += 1
        if self.differing <= SHOWN:
            self.examples.append(line)


def canonical(value: Any, kind: Kind) -> Any:  # noqa: ANN401 - any JSON value, or what the database has for it
    """Bring a value into the one form in which both sides can be compared.

    Missing, null and NULL are one; the empty text is another.
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
    """Write a point in time as UTC to the millisecond, and finer where it is finer."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    # The database has no time zones: the loader converts to UTC and leaves the zone out.
    moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    return moment.isoformat(timespec="microseconds" if moment.microsecond % 1000 else "milliseconds")


def canonical_text(table: Table, row: Row) -> str:
    """Write a row with all its columns in the one form."""
    values = {name: canonical(row.get(name), kind) for name, kind in table.columns.items()}
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def compare(table: Table, expected: Iterable[Row], warehouse: Warehouse) -> Comparison:
    """Compare a table with the rows that it has to hold."""
    result = Comparison(table.name)
    for problem in warehouse.wrong_columns(table):
        result.differ(problem)
    if result.differing:
        return result
    return compare_rows(table, expected, warehouse.rows(table))


def compare_rows(table: Table, expected: Iterable[Row], actual: Iterable[Row]) -> Comparison:
    """Compare rows with rows, in any order."""
    result = Comparison(table.name)
    due = _index(table, expected, result)
    checksum = Checksum()
    for row in actual:
        key, text = table.key_of(row), canonical_text(table, row)
        result.rows += 1
        checksum.add(text)
        wanted = due.pop(key, None)
        if wanted is None:
            result.differ(f"{_name(table, key)}: the row is in the table and not in the API, or in the table twice")
        elif wanted != text:
            result.differ(f"{_name(table, key)}: {'; '.join(_columns_that_differ(wanted, text))}")
    for key in due:
        result.differ(f"{_name(table, key)}: the row is in the API and not in the table")
    result.checksum = str(checksum)
    return result


def _index(table: Table, expected: Iterable[Row], result: Comparison) -> dict[Key, str]:
    """Write down what is due, by key, and complain where the truth cannot be right."""
    due: dict[Key, str] = {}
    checksum = Checksum()
    for row in expected:
        key, text = table.key_of(row), canonical_text(table, row)
        if unheard := row.keys() - table.columns.keys():
            result.differ(f"{_name(table, key)}: the API sends fields that the schema lacks: {sorted(unheard)}")
        if key in due:
            result.differ(f"{_name(table, key)}: the API has two rows of this key")
        due[key] = text
        checksum.add(text)
    result.expected_checksum = str(checksum)
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

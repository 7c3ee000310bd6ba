"""The seam to the warehouse: plain SQL in, rows as dictionaries out."""

from __future__ import annotations

import contextlib
import importlib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from report.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

POSTGRES = ("postgresql://", "postgres://")


class Cursor(Protocol):
    """What of a DB-API cursor is needed; that of any warehouse will do."""

    @property
    def description(self) -> Any: ...  # noqa: ANN401, D102 - as the DB-API has it
    def execute(self, operation: str, /) -> Any: ...  # noqa: ANN401, D102
    def fetchall(self) -> Sequence[Sequence[Any]]: ...  # noqa: D102


class Database:
    """A warehouse that is open.

    Args:
        cursor: Of a connection to it.
        errors: What its driver raises.
    """

    def __init__(self, cursor: Cursor, errors: type[Exception]) -> None:
        self._cursor = cursor
        self._errors = errors

    def rows(self, query: str) -> list[Row]:
        """Give what a query finds.

        Raises:
            ReportError: The query failed, such as for want of a mart.
        """
        try:
            self._cursor.execute(query)
            names = [column[0].lower() for column in self._cursor.description]
            return [dict(zip(names, map(_plain, values), strict=True)) for values in self._cursor.fetchall()]
        except self._errors as error:
            message = f"the marts cannot be read; has `dbt build` been run there? {' '.join(str(error).split())}"
            raise ReportError(message) from error


def _plain(value: object) -> object:
    # Some databases give sums as decimals, whole ones too.
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


@contextlib.contextmanager
def opened(address: str) -> Iterator[Database]:
    """Open a warehouse for reading: the path of a DuckDB file, or the address of a Postgres database.

    Raises:
        ReportError: It cannot be opened.
    """
    driver: Any = importlib.import_module("psycopg") if address.startswith(POSTGRES) else duckdb
    try:
        if driver is duckdb:
            if not Path(address).is_file():
                message = f"there is no DuckDB file {address}"
                raise ReportError(message)
            connection = duckdb.connect(address, read_only=True)
        else:
            connection = driver.connect(address, options="-c default_transaction_read_only=on")
    except driver.Error as error:
        message = f"the warehouse cannot be opened: {' '.join(str(error).split())}"
        raise ReportError(message) from error
    with contextlib.closing(connection):
        yield Database(connection.cursor(), driver.Error)

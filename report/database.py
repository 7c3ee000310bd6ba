"""The seam to the warehouse: plain SQL in, rows as dictionaries out."""

from __future__ import annotations

import contextlib
import importlib
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from report.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

_POSTGRES = re.compile(r"postgres(ql)?(\+\w+)?://")
"""Beginning of an address of Postgres, in the form of libpq or of SQLAlchemy, which may name a driver."""
_PASSWORD = re.compile(r"(://[^:/\s]*:)\S*@|(password=)[^&\s]+", re.IGNORECASE)
_READABLE = re.compile(r"(?!.*%(?![0-9A-Fa-f]{2}))postgresql://([^@/]*@)?[^@]*")
"""An address of which libpq's messages quote no part of the password."""


def without_password(text: str) -> str:
    """The text with `***` in the place of each password in an address of a database."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)


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

    def qualified(self, schema: str) -> str:
        """Give the name of a schema as SQL has it, with that of the database, which may be the same.

        Raises:
            ReportError: There is no such schema; capitals matter only where there are several.
        """
        there = self.rows(
            "select catalog_name, schema_name from information_schema.schemata where catalog_name = current_database()"
        )
        alike = [row for row in there if row["schema_name"].lower() == schema.lower()]
        if not alike:
            message = f"there is no schema {schema!r}; has `dbt build` been run there, and with which DBT_SCHEMA?"
            raise ReportError(message)
        found = min(alike, key=lambda row: bool(row["schema_name"] != schema))
        return ".".join('"{}"'.format(name.replace('"', '""')) for name in found.values())

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

    Args:
        address: As libpq takes it, or as SQLAlchemy does: `postgresql+psycopg://...`.

    Raises:
        ReportError: It cannot be opened. The text has no password in it.
    """
    driver: Any = importlib.import_module("psycopg") if _POSTGRES.match(address) else duckdb
    try:
        if driver is duckdb:
            connection = duckdb.connect(_existing(address), read_only=True)
        else:
            connection = driver.connect(_libpqs(address), options="-c default_transaction_read_only=on")
    except driver.Error as error:
        message = f"the warehouse cannot be opened: {without_password(' '.join(str(error).split()))}"
        raise ReportError(message) from None  # what the driver raises may quote the address
    with contextlib.closing(connection):
        yield Database(connection.cursor(), driver.Error)


def _existing(path: str) -> str:
    if not Path(path).is_file():
        # What is no path may be an address with a password, in a form that is not known here.
        said = f" {path}" if "://" not in path and "=" not in path else ""
        message = f"there is no DuckDB file{said}; a Postgres database is given as postgresql://user@host/name"
        raise ReportError(message)
    return path


def _libpqs(address: str) -> str:
    """The address as libpq takes it.

    Raises:
        ReportError: It has a sign in user or password that would end them, and libpq's message would quote the rest.
    """
    plain = _POSTGRES.sub("postgresql://", address, count=1)
    if not _READABLE.fullmatch(plain):
        message = (
            "the address of the database cannot be read: write %, / and @ in user and password as %25, %2F and %40"
        )
        raise ReportError(message)
    return plain

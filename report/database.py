"""The seam to the warehouse: plain SQL in, rows as dictionaries out."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from report.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Row = dict[str, Any]

_POSTGRES = re.compile(r"postgres(ql)?(\+\w+)?://")
"""Beginning of an address of Postgres, in the form of libpq or of SQLAlchemy, which may name a driver."""
_READABLE = re.compile(r"(?!.*%(?![0-9A-Fa-f]{2}))postgresql://([^@/]*@)?[^@]*")
"""An address whose user and password hold no sign that would end them early."""

LONGEST_NAME = 63
"""Bytes of a user or a database, at most: of a longer one the server's messages have the beginning."""


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
        ReportError: It cannot be opened. The text repeats no part of an address: any may be the password, misplaced.
    """
    driver: Any = importlib.import_module("psycopg") if _POSTGRES.match(address) else duckdb
    parts: Mapping[str, str] = {}
    try:
        if driver is duckdb:
            connection = duckdb.connect(_existing(address), read_only=True)
        else:
            address, parts = _read(address)
            connection = driver.connect(address, options="-c default_transaction_read_only=on")
    except driver.Error as error:
        message = f"the warehouse cannot be opened: {' '.join(_without(parts, str(error)).split())}"
        raise ReportError(message) from None  # what the driver raises may quote the address
    with contextlib.closing(connection):
        yield Database(connection.cursor(), driver.Error)


def _existing(path: str) -> str:
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file() raises an error with the whole text, if it is long
        message = (
            "there is no DuckDB file at the path given (output/warehouse.duckdb unless --database gives another); "
            "a Postgres database is given as postgresql://user@host/name"
        )
        raise ReportError(message)
    return path


def _read(address: str) -> tuple[str, dict[str, str]]:
    """The address as libpq takes it, and what it finds in it, by name.

    Raises:
        ReportError: libpq cannot read it, or takes it for another than is meant.
    """
    psycopg, conninfo = importlib.import_module("psycopg"), importlib.import_module("psycopg.conninfo")
    plain = _POSTGRES.sub("postgresql://", address, count=1)
    with contextlib.suppress(psycopg.Error, ValueError):  # the second where it is no text at all
        parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(plain).items()}
        too_long = any(len(parts.get(name, "").encode()) > LONGEST_NAME for name in ("user", "dbname"))
        if _READABLE.fullmatch(plain) and not too_long:
            return plain, parts
    message = (
        "the address of the database cannot be read: it is postgresql://user:password@host:port/name, with "
        "%, /, @ and spaces in user and password written as %25, %2F, %40 and %20"
    )
    raise ReportError(message)


def _without(parts: Mapping[str, str], text: str) -> str:
    """The text with the names of the parts of an address, such as ``{host}``, in their place."""
    names = {value: name for name, whole in parts.items() for value in (whole, *whole.split(",")) if value}
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)({known})(?!\w)", lambda found: f"{{{names[found[0]]}}}", text) if known else text

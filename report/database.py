"""Database access: plain SQL in, rows as dictionaries out."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import duckdb

from report.errors import ReportError

Row = dict[str, Any]

_POSTGRES = re.compile(r"postgres(ql)?(\+\w+)?://")
"""Start of a Postgres address, in the form of libpq or of SQLAlchemy, which may name a driver."""
_READABLE = re.compile(r"(?!.*%(?![0-9A-Fa-f]{2}))postgresql://([^@/]*@)?[^@]*")
"""An address whose user and password contain no character that would end them early."""

_SNOWFLAKE = re.compile(r"snowflake(?::([\w.-]+))?")
"""Snowflake, with the name of a connection of its ``connections.toml`` if dbt's variables do not say which."""
_VARIABLES = ("DBT_SNOWFLAKE_", "TARGET_SNOWFLAKE_")
"""Prefixes of the variables of a Snowflake account, as in transform/profiles.yml: dbt's own, or else the loader's."""
_SECRETS = {"private_key_path": "private_key_file", "private_key_passphrase": "private_key_file_pwd"}
"""Variables that the connector has other names for."""
_NEEDED = ("account", "user", "database")
LOGIN_SECONDS = 60
"""Seconds after which a login to Snowflake fails; the connector's default is five minutes."""

LONGEST_NAME = 63
"""Maximum bytes of a user or database name; the server's messages truncate longer ones."""


class Database:
    """An open warehouse: a DB-API cursor of a connection to it, and the exceptions that its driver raises."""

    def __init__(self, cursor: Any, errors: type[Exception]) -> None:  # noqa: ANN401 - any driver's
        self._cursor = cursor
        self._errors = errors

    def qualified(self, schema: str) -> str:
        """Return the name of a schema for SQL, qualified with the database, because both may have the same name.

        Raises:
            ReportError: There is no such schema. Case matters only if several schemas match.
        """
        there = self.rows(
            "select catalog_name, schema_name from information_schema.schemata where catalog_name = current_database()"
        )
        alike = [row for row in there if row["schema_name"].lower() == schema.lower()]
        if not alike:
            message = f"there is no schema {schema!r}: run `make transform`, or pass its DBT_SCHEMA as --schema"
            raise ReportError(message)
        found = min(alike, key=lambda row: bool(row["schema_name"] != schema))
        return ".".join('"{}"'.format(name.replace('"', '""')) for name in found.values())

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query.

        Raises:
            ReportError: The query failed, for example because a mart is missing.
        """
        try:
            self._cursor.execute(query)
            names = [column[0].lower() for column in self._cursor.description]
            return [dict(zip(names, map(_plain, values), strict=True)) for values in self._cursor.fetchall()]
        except self._errors as error:
            message = f"the marts cannot be read; has `dbt build` been run there? {' '.join(str(error).split())}"
            raise ReportError(message) from error


def _plain(value: object) -> object:
    # Some databases return sums as decimals, even of integers.
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


@contextlib.contextmanager
def opened(address: str) -> Iterator[Database]:
    """Open a warehouse for reading: the path of a DuckDB file, the address of a Postgres database, or Snowflake.

    Args:
        address: A path; an address in libpq's form or SQLAlchemy's, `postgresql+psycopg://...`; `snowflake`, with the
            account in dbt's variables; or `snowflake:NAME`, a connection of the connector's `connections.toml`.

    Raises:
        ReportError: It cannot be opened. The message repeats no part of the address: any part may be a misplaced
            password.
    """
    connection, errors = _connect(address)
    with contextlib.closing(connection):
        yield Database(connection.cursor(), errors)


def _connect(address: str) -> tuple[Any, type[Exception]]:
    if found := _SNOWFLAKE.fullmatch(address):
        return _connect_snowflake(found[1])
    if _POSTGRES.match(address):
        return _connect_postgres(address)
    try:
        return duckdb.connect(_existing(address), read_only=True), duckdb.Error
    except duckdb.Error as error:
        raise _not_opened(error) from None


def _connect_postgres(address: str) -> tuple[Any, type[Exception]]:
    driver: Any = importlib.import_module("psycopg")
    plain, parts = _read(address)
    try:
        return driver.connect(plain, options="-c default_transaction_read_only=on"), driver.Error
    except driver.Error as error:
        raise _not_opened(error, parts) from None


def _connect_snowflake(name: str | None) -> tuple[Any, type[Exception]]:
    driver = _snowflake_driver()
    parts = {} if name else _account(os.environ)
    try:
        which = {"connection_name": name} if name else parts
        return driver.connect(**which, login_timeout=LOGIN_SECONDS), driver.Error
    except (driver.Error, OSError, TypeError, ValueError) as error:  # the last three of a key file
        if name:  # nothing here knows its secrets
            message = f"the connection {name} of connections.toml cannot be opened: {type(error).__name__}"
            raise ReportError(message) from None
        raise _not_opened(error, parts) from None


def _not_opened(error: Exception, parts: Mapping[str, str] | None = None) -> ReportError:
    """Return the error to raise instead of the driver's, which may quote the address."""
    return ReportError(f"the warehouse cannot be opened: {' '.join(_without(parts or {}, str(error)).split())}")


def _snowflake_driver() -> Any:  # noqa: ANN401 - a module that most installations lack
    try:
        return importlib.import_module("snowflake.connector")
    except ModuleNotFoundError:
        message = 'Snowflake needs a package of its own: `make report REPORT="--database snowflake"` installs it'
        raise ReportError(message) from None


def _account(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments of a login to Snowflake.

    Raises:
        ReportError: A variable is missing.
    """
    names = (*_NEEDED, "role", "warehouse", "password", *_SECRETS)
    found = {
        name: value
        for name in names
        if (value := next(filter(None, (variables.get(prefix + name.upper()) for prefix in _VARIABLES)), ""))
    }
    missing = [name for name in _NEEDED if name not in found]
    missing += [] if found.keys() & {"password", "private_key_path"} else ["password (or _PRIVATE_KEY_PATH)"]
    if missing:
        message = f"set {', '.join(f'DBT_SNOWFLAKE_{name.upper()}' for name in missing)} to read Snowflake"
        raise ReportError(message)
    return {_SECRETS.get(name, name): value for name, value in found.items()}


def _existing(path: str) -> str:
    if path.startswith("snowflake:"):
        message = "Snowflake is --database snowflake, with the account in DBT_SNOWFLAKE_ACCOUNT, ..., or snowflake:NAME"
        raise ReportError(message)
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file() raises an error that quotes a long text
        message = (
            "there is no DuckDB file at the path given (output/warehouse.duckdb unless --database gives another); "
            "a Postgres database is given as postgresql://user@host/name"
        )
        raise ReportError(message)
    return path


def _read(address: str) -> tuple[str, dict[str, str]]:
    """Return the address in libpq's form, and its parts by name.

    Raises:
        ReportError: libpq cannot parse it, or parses it differently than intended.
    """
    psycopg, conninfo = importlib.import_module("psycopg"), importlib.import_module("psycopg.conninfo")
    plain = _POSTGRES.sub("postgresql://", address, count=1)
    with contextlib.suppress(psycopg.Error, ValueError):  # the second if it is not a string
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
    """Replace the parts of an address in a text by their names, such as ``{host}``."""
    names = {value: name for name, whole in parts.items() for value in (whole, *whole.split(",")) if value}
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)({known})(?!\w)", lambda found: f"{{{names[found[0]]}}}", text) if known else text

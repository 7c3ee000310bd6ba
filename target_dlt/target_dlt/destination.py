"""Destinations of dlt, made from the settings of the target."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dlt
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import UnknownDestinationModule
from dlt.common.exceptions import DltException, TerminalValueError
from dlt.destinations.impl.duckdb.factory import DuckDbTypeMapper
from dlt.destinations.impl.postgres.factory import PostgresTypeMapper
from dlt.destinations.job_client_impl import SqlJobClientBase
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from typing_extensions import override

from target_dlt.errors import DestinationError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    from dlt.common.destination.client import PreparedTableSchema
    from dlt.common.schema.typing import TColumnSchema, TColumnType

DUCKDB, POSTGRES = "duckdb", "postgres"
REFUSE_NUL = {POSTGRES, "redshift"}


UNBOUNDED_TEXTS = {"varchar", "text", "character varying", "json"}
"""Types that hold any text as it is. dlt counts all types that it does not know among the texts."""

COARSE_TIMES = {"timestamp_s", "timestamp_ms"}


def _exact(db_type: str, found: TColumnType, precision: int | None) -> TColumnType:
    """Return the type of a column that is there already; none where values would be rounded or refused."""
    name, kind = db_type.lower(), found.get("data_type")
    if kind == "text":
        return found if name in UNBOUNDED_TEXTS else {}
    bounded = precision is not None or "(" in name
    return {} if name in COARSE_TIMES or (kind == "decimal" and bounded) else found


class DuckTypes(DuckDbTypeMapper):
    """Types of DuckDB, of which those that others' tables have count only if they hold all values."""

    @override
    def from_destination_type(self, db_type: str, precision: int | None, scale: int | None) -> TColumnType:
        return _exact(db_type, super().from_destination_type(db_type, precision, scale), precision)


class JsonbTypes(PostgresTypeMapper):
    """Types of Postgres with jsonb for JSON.

    dlt makes columns of type json for Parquet files, since its driver copies texts into them alone; where the file
    declares JSON to be JSON, it copies into jsonb as well.
    """

    @override
    def to_destination_type(self, column: TColumnSchema, table: PreparedTableSchema) -> str:
        return "jsonb" if column["data_type"] == "json" else super().to_destination_type(column, table)

    @override
    def from_destination_type(self, db_type: str, precision: int | None, scale: int | None) -> TColumnType:
        return _exact(db_type, super().from_destination_type(db_type, precision, scale), precision)


TYPES = {DUCKDB: DuckTypes, POSTGRES: JsonbTypes}


def connect_duckdb(config: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open the DuckDB file of the settings, and make it and its folder where there are none.

    Raises:
        DestinationError: The file cannot be opened.
    """
    import duckdb  # noqa: PLC0415 (other destinations need none)

    path = config.get("credentials")
    if not isinstance(path, str) or not path:
        msg = "Setting credentials has to be the path of the DuckDB file."
        raise DestinationError(msg)
    path = path.removeprefix("duckdb:///")
    if path == ":memory:":
        msg = "Setting credentials is :memory:, and all would be lost at the end: name a file."
        raise DestinationError(msg)
    schema = config["default_target_schema"]
    if Path(path).stem.lower() == schema.lower():
        msg = f"The DuckDB file {path} is called like the schema, and DuckDB cannot tell them apart: rename either."
        raise DestinationError(msg)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(path, config={"memory_limit": f"{config['memory_limit_mb']}MB", "threads": 1})
        connection.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    except (duckdb.Error, OSError) as error:
        msg = f"Cannot open the DuckDB file {path}: {one_line(error)}"
        raise DestinationError(msg) from None
    return connection


def destination_of(config: Mapping[str, Any], connection: Any, staging: str) -> Destination[Any, Any]:  # noqa: ANN401
    """Return the destination of the settings.

    Args:
        config: The settings of the target.
        connection: An open connection to use; None where dlt opens its own.
        staging: Name of the schema for staged rows, which no other load may use.

    Raises:
        DestinationError: dlt has no such destination, or lacks a package for it.
    """
    name = config["destination"]
    options = dict(config["destination_options"])
    credentials = connection if connection is not None else config.get("credentials")
    if isinstance(credentials, str) and name == POSTGRES:
        credentials = _postgres(credentials)
    if credentials is not None:
        options["credentials"] = credentials
    try:
        factory: Any = Destination.from_reference(name)
        if factory.capabilities().supported_merge_strategies:
            options["staging_dataset_name_layout"] = staging
        if name in TYPES:
            options["type_mapper"] = TYPES[name]
        if name == POSTGRES:
            os.environ["PGTZ"] = "UTC"  # of the session: a column with time zone takes a time without one to be in it
        return type(factory)(**options)
    except UnknownDestinationModule:
        msg = f"dlt has no destination {name!r:.100}; others are duckdb, postgres, snowflake, bigquery and filesystem."
        raise DestinationError(msg) from None
    except (ImportError, TypeError, DltException) as error:
        # The text of a wrong address would repeat it with its password.
        why = type(error).__name__
        msg = f"Cannot use destination {name!r}: {why}. Check destination_options, credentials and packages."
        raise DestinationError(msg) from None


def takes_json(destination: Destination[Any, Any]) -> bool:
    """Return whether a destination has columns of JSON that Parquet files can be loaded into; BigQuery has not."""
    column: Any = {"name": "value", "data_type": "json"}
    table: Any = {"name": "table", "columns": {"value": column}}
    capabilities = destination.capabilities()
    if capabilities.type_mapper is None:  # files hold what they hold
        return True
    try:
        capabilities.get_type_mapper().ensure_supported_type(column, table, "parquet")
    except TerminalValueError:
        return False
    return True


def is_database(destination: Destination[Any, Any]) -> bool:
    """Return whether rows can be merged. Files could be in formats of tables only, which are not tried here.

    Raises:
        DestinationError: A package for the destination is missing.
    """
    try:
        return issubclass(destination.client_class, SqlJobClientBase)
    except (ImportError, DltException) as error:
        name = destination.destination_name
        msg = f"A package for destination {name} is missing ({one_line(error)[:80]}): pip install 'target-dlt[{name}]'."
        raise DestinationError(msg) from None


def _postgres(address: str) -> str | dict[str, Any]:
    """Return an address of Postgres, libpq's or SQLAlchemy's, as dlt takes it.

    dlt wants a password, which need not be in the address (``.pgpass``, ``peer``), and a host; that of a socket is its
    folder, percent-encoded.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return address  # dlt refuses it
    query = dict(url.query)
    host = query.pop("host", None) or url.host
    port = query.pop("port", None) or url.port
    if url.get_backend_name() not in {"postgres", "postgresql"} or not isinstance(host, str):
        return address
    place = {"host": quote(host, safe=":"), "port": int(str(port or 5432)), "database": url.database}
    return {**place, "username": url.username, "password": url.password or "", "query": query}


def silence() -> None:
    """Have dlt report nothing to its makers, nor log, unless variables of its own say otherwise."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")


def make_pipeline(destination: Destination[Any, Any], dataset: str, folder: Path) -> dlt.Pipeline:
    """Return a pipeline that knows of nothing but this load; what it has to know is in the destination."""
    os.environ.setdefault("SCHEMA__NAMING", "sql_ci_v1")
    pipeline = dlt.pipeline("target_dlt", pipelines_dir=str(folder), destination=destination, dataset_name=dataset)
    pipeline.config.restore_from_destination = False
    return pipeline

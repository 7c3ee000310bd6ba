"""Destinations of dlt, built from the settings of the target."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dlt
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import UnknownDestinationModule
from dlt.common.exceptions import DltException, TerminalValueError
from dlt.common.libs.sql_alchemy_shims import make_url  # importing SQLAlchemy itself takes 0.2 s
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.destinations.impl.duckdb.factory import DuckDbTypeMapper
from dlt.destinations.impl.postgres.factory import PostgresTypeMapper
from dlt.destinations.job_client_impl import SqlJobClientBase
from typing_extensions import override

from target_dlt.errors import DestinationError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    from dlt.common.destination.client import PreparedTableSchema
    from dlt.common.schema.typing import TColumnSchema, TColumnType

DUCKDB, POSTGRES = "duckdb", "postgres"
EXTRAS = {POSTGRES, "snowflake", "bigquery"}
REFUSE_NUL = {POSTGRES, "redshift"}


UNBOUNDED_TEXTS = {"varchar", "text", "character varying", "json"}
"""Types that hold any text unchanged. dlt reports every type that it does not know as text."""

DUCKDB_CHECKPOINTS = "SET GLOBAL checkpoint_threshold = '16MB'"
"""DuckDB's default. With dlt's 1 GB, rows are written twice: to the write-ahead log and to the database."""

COARSE_TIMES = {"timestamp_s", "timestamp_ms"}


def _exact(db_type: str, found: TColumnType, precision: int | None) -> TColumnType:
    """Return the type of an existing column; none if the column would round or refuse values."""
    name, kind = db_type.lower(), found.get("data_type")
    if kind == "text":
        return found if name in UNBOUNDED_TEXTS else {}
    bounded = precision is not None or "(" in name
    return {} if name in COARSE_TIMES or (kind == "decimal" and bounded) else found


class DuckTypes(DuckDbTypeMapper):
    """DuckDB types. A column type of another loader counts only if it holds all values."""

    @override
    def from_destination_type(self, db_type: str, precision: int | None, scale: int | None) -> TColumnType:
        return _exact(db_type, super().from_destination_type(db_type, precision, scale), precision)


class JsonbTypes(PostgresTypeMapper):
    """Postgres types, with jsonb for JSON.

    dlt uses json for Parquet files, because its driver copies text only into json. If the file declares JSON, the
    driver also copies into jsonb.
    """

    @override
    def to_destination_type(self, column: TColumnSchema, table: PreparedTableSchema) -> str:
        return "jsonb" if column["data_type"] == "json" else super().to_destination_type(column, table)

    @override
    def from_destination_type(self, db_type: str, precision: int | None, scale: int | None) -> TColumnType:
        return _exact(db_type, super().from_destination_type(db_type, precision, scale), precision)


TYPES = {DUCKDB: DuckTypes, POSTGRES: JsonbTypes}


def connect_duckdb(config: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open the DuckDB file of the settings, and create the file and its folder if they do not exist.

    Raises:
        DestinationError: The file cannot be opened.
    """
    import duckdb  # noqa: PLC0415 (other destinations need none)

    path = config.get("credentials")
    if not isinstance(path, str) or not path:
        msg = "The setting credentials must be the path of the DuckDB file."
        raise DestinationError(msg)
    path = path.removeprefix("duckdb:///")
    if path == ":memory:":
        msg = "The setting credentials is :memory:, and all data would be lost at the end: set the path of a file."
        raise DestinationError(msg)
    schema = config["default_target_schema"]
    if Path(path).stem.lower() == schema.lower():
        msg = f"The DuckDB file {path} has the name of the schema, which DuckDB cannot handle: rename one of them."
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
        connection: An open connection to use; None if dlt opens its own.
        staging: Name of the staging schema, which must be unique to this load.

    Raises:
        DestinationError: dlt has no such destination, or a package for it is missing.
    """
    name = config["destination"]
    options = dict(config["destination_options"])
    credentials = config.get("credentials")
    if connection is not None:
        credentials = DuckDbCredentials(connection, statements=[DUCKDB_CHECKPOINTS])
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
            os.environ["PGTZ"] = "UTC"  # for the session: a column with time zone interprets a time without one in it
        return type(factory)(**options)
    except UnknownDestinationModule:
        msg = f"dlt has no destination {name!r:.100}; others are duckdb, postgres, snowflake, bigquery and filesystem."
        raise DestinationError(msg) from None
    except (ImportError, TypeError, DltException) as error:
        # The error of an invalid address repeats the address with its password.
        why = type(error).__name__
        msg = f"Cannot use destination {name!r}: {why}. Check destination_options, credentials and installed packages."
        raise DestinationError(msg) from None


def takes_json(destination: Destination[Any, Any]) -> bool:
    """Return whether the destination has JSON columns that Parquet files can be loaded into. BigQuery has none."""
    column: Any = {"name": "value", "data_type": "json"}
    table: Any = {"name": "table", "columns": {"value": column}}
    capabilities = destination.capabilities()
    if capabilities.type_mapper is None:  # files keep any JSON
        return True
    try:
        capabilities.get_type_mapper().ensure_supported_type(column, table, "parquet")
    except TerminalValueError:
        return False
    return True


def is_database(destination: Destination[Any, Any]) -> bool:
    """Return whether the destination can merge rows. Table formats for files could too, but are not supported here.

    Raises:
        DestinationError: A package for the destination is missing.
    """
    try:
        return issubclass(destination.client_class, SqlJobClientBase)
    except (ImportError, DltException) as error:
        name = destination.destination_name
        # target-dlt is in no package index.
        how = f"install target-dlt again, as 'target-dlt[{name}]'" if name in EXTRAS else f"pip install 'dlt[{name}]'"
        msg = f"A package for destination {name} is missing ({one_line(error)[:80]}): {how}."
        raise DestinationError(msg) from None


def _postgres(address: str) -> str | dict[str, Any]:
    """Return a Postgres address, in the form of libpq or SQLAlchemy, as dlt needs it.

    dlt requires a password, even if it comes from elsewhere (``.pgpass``, ``peer``), and a host. The host of a socket
    is its folder, percent-encoded.
    """
    try:
        url = make_url(address)
    except ValueError:
        return address  # dlt reports the error
    query = dict(url.query)
    host = query.pop("host", None) or url.host
    port = query.pop("port", None) or url.port
    if url.get_backend_name() not in {"postgres", "postgresql"} or not isinstance(host, str):
        return address
    place = {"host": quote(host, safe=":"), "port": int(str(port or 5432)), "database": url.database}
    return {**place, "username": url.username, "password": url.password or "", "query": query}


def silence() -> None:
    """Turn off dlt's telemetry and logging, unless its environment variables are set."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")


def make_pipeline(destination: Destination[Any, Any], dataset: str, folder: Path) -> dlt.Pipeline:
    """Return a pipeline without state of its own; the destination holds all state."""
    os.environ.setdefault("SCHEMA__NAMING", "sql_ci_v1")
    pipeline = dlt.pipeline("target_dlt", pipelines_dir=str(folder), destination=destination, dataset_name=dataset)
    pipeline.config.restore_from_destination = False
    return pipeline

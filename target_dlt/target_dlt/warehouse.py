"""The destination of a load."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from target_dlt.destination import (
    DUCKDB,
    POSTGRES,
    REFUSE_NUL,
    connect_duckdb,
    destination_of,
    is_database,
    make_pipeline,
    silence,
    takes_json,
)

silence()  # before dlt reads its environment variables

import dlt  # noqa: E402
from dlt.common.exceptions import DltException, TerminalException  # noqa: E402

from target_dlt import changes, failures  # noqa: E402
from target_dlt.columns import tagged  # noqa: E402
from target_dlt.errors import DestinationError, TargetError  # noqa: E402
from target_dlt.streams import Form  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from logging import Logger
    from pathlib import Path

    from typing_extensions import Self

    from target_dlt.batches import Batch
    from target_dlt.streams import Part

OUT_OF_MEMORY = ("Out of Memory", "failed to pin block", "could not allocate block")
"""Phrases in DuckDB's errors when its memory limit is too low."""

TRIES = 4
"""Attempts per batch: concurrent loads that create the same schema can collide."""

STALE_SECONDS = 3 * 24 * 3600
"""Age after which staged rows are orphans of a killed load."""


class Warehouse:
    """Loads batches through dlt, one package each.

    Rows go to a staging schema of this load first, then to their tables, in one transaction per table. New tables skip
    the staging schema.
    """

    def __init__(self, config: Mapping[str, Any], folder: Path, logger: Logger) -> None:
        """Prepare. Only DuckDB is connected to here.

        Args:
            config: The settings of the target.
            folder: Folder for files of this load.
            logger: Logs a line for each batch.

        Raises:
            DestinationError: The settings name no destination.
        """
        self._config, self._logger = config, logger
        self._dataset: str = config["default_target_schema"]
        self._stage = f"_staging_{int(time.time()):08x}_{secrets.token_hex(2)}"
        self._connection = connect_duckdb(config) if config["destination"] == DUCKDB else None
        self._destination = destination_of(config, self._connection, f"%s{self._stage}")
        self._pipeline = make_pipeline(self._destination, self._dataset, folder / "dlt")
        capabilities = self._destination.capabilities()
        self._merges = is_database(self._destination)
        self._upserts = "upsert" in (capabilities.supported_merge_strategies or ())
        self._json = takes_json(self._destination)
        self._formats = set(capabilities.supported_loader_file_formats or ())
        self._stored: dict[str, dict[str, str]] = {}
        self._staged = False
        self._memory: int | None = config["memory_limit_mb"]
        naming = dlt.Schema("singer").naming
        length = min(capabilities.max_identifier_length, capabilities.max_column_identifier_length)

        def normalize(name: str) -> str:
            if not re.search("[0-9A-Za-z]", name):  # normalizing would leave nothing of it
                return tagged("", name)
            return str(naming.shorten_identifier(naming.normalize_identifier(name), name, length))

        self.form = Form(
            normalize,
            native_json=config["destination"] == POSTGRES,
            no_nul=config["destination"] in REFUSE_NUL,
            packed=config["destination"] not in {DUCKDB, POSTGRES},
        )
        """File format that the destination needs."""

    def __enter__(self) -> Self:
        """Remove leftovers of killed loads."""
        if self._merges:
            with self._client() as client:
                self._drop_stale(client.sql_client)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the staged rows and close the connection."""
        with contextlib.suppress(Exception):
            if self._staged:
                self._drop_staging()
        if self._connection is not None:
            self._connection.close()

    def load(self, batch: Batch) -> None:
        """Load a batch, then mark or remove the rows of earlier versions.

        Raises:
            DestinationError: The destination refused the batch.
        """
        started = time.monotonic()
        parts = [part for part in batch.parts if part.rows or part.table not in self._stored]
        if parts:
            self._load(parts)
        for table, version in batch.versions.items():
            self._activate(table, version)
        for part in batch.parts:
            part.path.unlink(missing_ok=True)
        if rows := sum(part.rows for part in parts):
            self._logger.info(
                "Loaded %d rows in %.1f s: %s",
                rows,
                time.monotonic() - started,
                ", ".join(f"{part.table} {part.rows}" for part in parts if part.rows),
            )

    def _load(self, parts: list[Part]) -> None:
        attempt, parts = 1, list(parts)
        while (failed := self._try(parts)) is not None:
            error = failures.cause(failed)
            if failures.is_refused(error):
                msg = (
                    f"Table {failures.table_of(failed)} rejects a row: {failures.said(error)}. A column is too narrow, "
                    "lacks a value that it must have, or has a constraint. Alter or rename the table, and load again."
                )
                raise DestinationError(msg) from None
            if self._give_more_memory(error):
                continue
            if attempt == TRIES or isinstance(error, TerminalException):
                destination = self._config["destination"]
                msg = f"Cannot load into {destination}: {failures.said(error)}. Run again; the state is kept."
                raise DestinationError(msg) from None
            self._logger.warning("Cannot load %s, retrying: %s", failures.table_of(failed), failures.said(error))
            time.sleep(0.2 * 2**attempt)
            attempt += 1

    def _try(self, parts: list[Part]) -> BaseException | None:
        """Load parts; return the error, if any. Then only parts remain that are not loaded, or that a retry merges."""
        try:
            self._load_once(parts)
        except DltException as error:
            failed: BaseException = error
            self._stored.clear()
            loaded = self._loaded()
            parts[:] = [part for part in parts if part.keys or part.table not in loaded]
            return failed
        return None

    def _loaded(self) -> set[str]:
        """Return the tables that have received their rows of the failed package."""
        packages = [self._pipeline.get_load_package_info(id_) for id_ in self._pipeline.list_normalized_load_packages()]
        return {job.job_file_info.table_name for package in packages for job in package.jobs["completed_jobs"]}

    def _load_once(self, parts: list[Part]) -> None:
        for part in parts:
            stored = self._columns(part.table)
            columns = changes.fit(part, stored, json=self._json)
            if columns != part.columns:
                changes.rewrite(part, columns, native_json=self.form.native_json)
        self._pipeline.abort_packages()
        source = dlt.sources.DltSource(dlt.Schema("singer"), "target_dlt", [self._resource(part) for part in parts])
        source.max_table_nesting = 0
        self._pipeline.extract(source)
        self._pipeline.normalize()
        self._pipeline.load(raise_on_failed_jobs=True)
        for part in parts:
            self._stored.setdefault(part.table, {}).update({column.name: column.kind for column in part.columns})

    def _resource(self, part: Part) -> Any:  # noqa: ANN401 (of dlt)
        disposition: Any = "append"
        if part.keys and self._merges and self._stored.get(part.table):
            disposition = {
                "disposition": "merge",
                "strategy": "upsert" if self._upserts and self._should_upsert(part) else "delete-insert",
                "deduplicated": True,
            }
            self._staged = True

        def rows() -> Iterator[Any]:
            yield dlt.mark.with_file_import(str(part.path), "parquet", part.rows)

        hints: Any = {column.name: column.hints for column in part.columns}
        # An empty file creates the table, but the Postgres driver cannot copy it; INSERT can.
        form: Any = "parquet" if "parquet" in self._formats else None
        if not part.rows and "insert_values" in self._formats:
            form = "insert_values"
        return dlt.resource(
            rows, name=part.table, table_name=part.table, columns=hints, write_disposition=disposition, file_format=form
        )

    def _should_upsert(self, part: Part) -> bool:
        """Return whether to update rows in place, so that columns dropped from the schema keep their values.

        DuckDB's MERGE takes several times the memory. There, rows that have all columns are deleted and inserted.
        """
        names = {column.name for column in part.columns}
        return self._connection is None or any(name not in names for name in self._stored[part.table])

    def _columns(self, table: str) -> dict[str, str]:
        """Return the columns of a table in the destination and their types; empty if there is no table."""
        if table not in self._stored:
            self._stored[table] = {}
            with self._client() as client:
                if self._merges and client.is_storage_initialized():
                    _, columns = client.get_storage_table(table)
                    self._stored[table] = {
                        name.lower(): column.get("data_type", "other") for name, column in columns.items()
                    }
        return self._stored[table]

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        try:
            with self._pipeline.destination_client("singer" if "singer" in self._pipeline.schemas else None) as client:
                yield client
        except TargetError:
            raise
        except Exception as error:  # noqa: BLE001 (drivers raise their own errors)
            msg = f"Cannot connect to {self._config['destination']}: {failures.plain(failures.cause(error))}"
            raise DestinationError(msg) from None

    def _activate(self, table: str, version: int) -> None:
        """Mark or remove the rows of versions before this one."""
        if not self._config["add_record_metadata"] or not self._merges:
            self._logger.warning(
                "Rows of earlier versions stay in %s: deletions need add_record_metadata and a database.", table
            )
            return
        with self._client() as client:
            sql = client.sql_client
            name = sql.make_qualified_table_name(table)
            column = sql.escape_column_name("_sdc_table_version")
            old = f"({column} < {int(version)} OR {column} IS NULL)"
            deleted = sql.escape_column_name("_sdc_deleted_at")
            if self._config["hard_delete"]:
                sql.execute_sql(f"DELETE FROM {name} WHERE {old}")  # noqa: S608 (names from dlt, a number)
            else:
                now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
                marked = f"UPDATE {name} SET {deleted} = '{now}'"  # noqa: S608 (as above)
                sql.execute_sql(f"{marked} WHERE {old} AND {deleted} IS NULL")

    def _give_more_memory(self, error: BaseException) -> bool:
        """Raise DuckDB's memory limit, once, if a record does not fit."""
        if self._connection is None or self._memory is None or not any(words in str(error) for words in OUT_OF_MEMORY):
            return False
        self._memory = None
        enough = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 4 // 5
        # RESET shows another limit but keeps this one.
        self._connection.execute(f"set memory_limit = '{enough // 1_000_000}MB'")
        self._logger.warning("Records do not fit in memory_limit_mb: DuckDB may now use four fifths of the memory.")
        return True

    def _drop_stale(self, sql: Any) -> None:  # noqa: ANN401 (of dlt)
        """Drop staging schemas that are too old for their load to be running."""
        layout = re.compile(rf"{re.escape(sql.dataset_name)}_staging_([0-9a-f]{{8}})_[0-9a-f]{{4}}", re.IGNORECASE)
        for (name,) in sql.execute_sql("SELECT schema_name FROM information_schema.schemata") or ():
            match = layout.fullmatch(name)
            if match and time.time() - int(match[1], 16) > STALE_SECONDS:
                sql.execute_sql(f"DROP SCHEMA {sql.escape_column_name(name)} CASCADE")

    def _drop_staging(self) -> None:
        with self._client() as client, client.sql_client.with_staging_dataset():
            client.sql_client.drop_dataset()

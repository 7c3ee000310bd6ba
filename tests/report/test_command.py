"""The command that writes the report, as far as it goes without what draws charts."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pytest

from report import marts
from report.database import Database, opened
from report.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = "workspace_id varchar, workspace_name varchar, as_of_date date, loaded_until date, loaded_at timestamp"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("create schema analytics")
        connection.execute(f"create table analytics.instantly__data_as_of ({COLUMNS})")
    return path


def test_missing_file_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="there is no DuckDB file"), opened(str(tmp_path / "none.duckdb")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a database", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot be opened"), opened(str(tmp_path / "notes")):
        pass


def test_warehouse_in_which_dbt_has_not_been_run_is_told(database: Path) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="has `dbt build` been run"):
        marts.read(warehouse, "elsewhere", 28)


def test_warehouse_without_a_day_of_figures_is_told(database: Path) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="no day of figures yet"):
        marts.read(warehouse, "analytics", 28)


@pytest.mark.parametrize("schema", ["", "a b", "analytics; drop table x", "a.b.c", 'a"b'])
def test_schema_that_is_not_there_is_told(database: Path, schema: str) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="there is no schema"):
        marts.read(warehouse, schema, 28)


@pytest.mark.parametrize("file", ["acme.com", "main", "temp", "system", "analytics", "an acme-gmbh", "2026", "select"])
@pytest.mark.parametrize("schema", ["analytics", "an-acme-gmbh", "acme.com", "main", 'An "Acme"'])
def test_files_and_schemas_may_be_called_anything(tmp_path: Path, file: str, schema: str) -> None:
    path = tmp_path / f"{file}.duckdb"
    quoted = schema.replace('"', '""')
    with closing(duckdb.connect(str(path))) as connection:
        database, *_ = connection.execute("select current_database()").fetchone() or ("",)
        connection.execute(f'create schema if not exists "{database}"."{quoted}"')
        connection.execute(f'create table "{database}"."{quoted}".instantly__data_as_of ({COLUMNS})')
    for name in (schema, schema.upper()):
        with opened(str(path)) as warehouse, pytest.raises(ReportError, match="no day of figures yet"):
            marts.read(warehouse, name, 28)


def test_of_schemas_that_differ_in_capitals_alone_the_one_that_is_named_is_read() -> None:
    class Schemas:
        """As of Postgres, where DuckDB would not have them all."""

        description = (("catalog_name",), ("schema_name",))

        def execute(self, operation: str, /) -> None: ...

        def fetchall(self) -> list[tuple[str, str]]:
            return [("db", name) for name in ("MARTS", "marts", "Marts")]

    warehouse = Database(Schemas(), Exception)
    assert warehouse.qualified("marts") == '"db"."marts"'
    assert warehouse.qualified("Marts") == '"db"."Marts"'


def test_report_cannot_write_into_the_warehouse(database: Path) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="read-only"):
        warehouse.rows("create table analytics.mine (one integer)")

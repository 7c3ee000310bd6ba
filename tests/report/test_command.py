"""The report's command, as far as it works without the chart library."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pytest

from report import marts
from report.database import Database, opened
from report.errors import ReportError
from report.queries import QUERIES

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


def test_missing_file_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="there is no DuckDB file"), opened(str(tmp_path / "none.duckdb")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_snowflake_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(ReportError, match="Snowflake is --database snowflake") as told:
        opened("snowflake://ida:Secret@acme").__enter__()
    assert "Secret" not in str(told.value)


def test_snowflake_without_its_connector_says_how_to_install_it() -> None:
    with pytest.raises(ReportError, match="installs it"):
        opened("snowflake").__enter__()


@pytest.mark.parametrize(
    ("until", "meetings", "is_whole"), [("2026-06-30", 1, 1), ("2026-06-10", 1, 0), ("2026-04-30", 1, 0)]
)
def test_meetings_are_partial_if_one_workspace_was_loaded_earlier(until: str, meetings: int, is_whole: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table instantly__data_as_of (workspace_id text, stream text, complete_until date)")
        rows = [("a", "leads", "2026-06-30"), ("b", "leads", until)]
        connection.executemany("insert into instantly__data_as_of values (?, ?, ?)", rows)
        connection.execute(
            "create table instantly__leads as select 'a' as workspace_id, 'x' as lead_id, 6 as stage_number, "
            "timestamp '2026-06-20 12:00:00' as last_interest_change_at"
        )
        query = QUERIES["meetings"].format(marts="main", start="date '2026-06-03'", end="date '2026-06-30'")
        assert connection.sql(query).fetchall() == [(meetings, 1, is_whole)]


def test_other_file_type_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a database", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot be opened"), opened(str(tmp_path / "notes")):
        pass


def test_warehouse_without_dbt_models_is_an_error(database: Path) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="run `make transform`"):
        marts.read(warehouse, "elsewhere", 28)


def test_warehouse_without_daily_figures_is_an_error(database: Path) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="have no daily figures"):
        marts.read(warehouse, "analytics", 28)


@pytest.mark.parametrize("schema", ["", "a b", "analytics; drop table x", "a.b.c", 'a"b'])
def test_missing_schema_is_an_error(database: Path, schema: str) -> None:
    with opened(str(database)) as warehouse, pytest.raises(ReportError, match="there is no schema"):
        marts.read(warehouse, schema, 28)


@pytest.mark.parametrize("file", ["acme.com", "main", "temp", "system", "analytics", "an acme-gmbh", "2026", "select"])
def test_files_and_schemas_may_have_any_name(tmp_path: Path, file: str) -> None:
    path = tmp_path / f"{file}.duckdb"
    schemas = ("analytics", "an-acme-gmbh", "acme.com", "main", 'An "Acme"')
    with closing(duckdb.connect(str(path))) as connection:
        database, *_ = connection.execute("select current_database()").fetchone() or ("",)
        for quoted in (schema.replace('"', '""') for schema in schemas):
            connection.execute(f'create schema if not exists "{database}"."{quoted}"')
            connection.execute(f'create table "{database}"."{quoted}".instantly__data_as_of ({COLUMNS})')
    with opened(str(path)) as warehouse:
        for name in (name for schema in schemas for name in (schema, schema.upper())):
            with pytest.raises(ReportError, match="have no daily figures"):
                marts.read(warehouse, name, 28)


def test_schemas_differing_only_by_case_are_distinguished() -> None:
    class Schemas:
        """As in Postgres; DuckDB cannot hold schemas that differ only in capitals."""

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

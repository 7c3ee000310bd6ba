"""The profile's address of the warehouse, or one line of what to do where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.transform.package import Dbt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"DBT_DUCKDB_PATH": "/nowhere/main.duckdb"}, "DBT_DUCKDB_PATH of a file with another name"),
        ({"DBT_DUCKDB_PATH": "Temp.acme.db"}, "DBT_DUCKDB_PATH of a file with another name"),
        ({"DBT_DUCKDB_PATH": "../output/system"}, "DBT_DUCKDB_PATH of a file with another name"),
        (
            {"DBT_TARGET": "postgres", "TARGET_POSTGRES_SQLALCHEMY_URL": "postgresql+psycopg://ida:Opensesame@h/w"},
            "dbt does not read TARGET_POSTGRES_SQLALCHEMY_URL",
        ),
    ],
    ids=["main", "temp", "system", "a url"],
)
def test_a_warehouse_that_dbt_cannot_find_is_refused_in_a_line(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    process = Dbt(tmp_path, settings).start("parse")
    said, _ = process.communicate()
    assert process.returncode == 2
    assert line in said.splitlines()[-1]
    assert "Opensesame" not in said

"""The profile's warehouse address, or a one-line error that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.transform.package import Dbt

if TYPE_CHECKING:
    from pathlib import Path


NAMED_OTHERWISE = "DBT_DUCKDB_PATH of a file with another name"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"DBT_DUCKDB_PATH": "Temp.acme.db"}, NAMED_OTHERWISE),
        ({"DBT_DUCKDB_PATH": "../output/system"}, NAMED_OTHERWISE),
        (
            {"DBT_TARGET": "postgres", "TARGET_POSTGRES_SQLALCHEMY_URL": "postgresql+psycopg://ida:Opensesame@h/w"},
            "dbt does not read TARGET_POSTGRES_SQLALCHEMY_URL",
        ),
    ],
    ids=["temp", "system", "a url"],
)
def test_warehouse_settings_unsupported_by_dbt_are_refused_in_one_line(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    done = Dbt(tmp_path, settings).start("parse").finish()
    assert done.returncode == 2
    assert line in done.stdout.splitlines()[-1]
    assert "Opensesame" not in done.stdout + done.stderr

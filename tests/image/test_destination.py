"""Which database the image loads, and how dbt and the report find the same one."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.image.destination import destination
from orchestrate.image.errors import UNUSABLE, ImageError

SECRET = "a-password-of-the-tests"  # noqa: S105 (of nothing else)
HOST = {
    "TARGET_POSTGRES_HOST": "db",
    "TARGET_POSTGRES_PORT": "6543",
    "TARGET_POSTGRES_USER": "loader",
    "TARGET_POSTGRES_PASSWORD": SECRET,
    "TARGET_POSTGRES_DATABASE": "warehouse",
}
ADDRESS = f"postgresql://loader:{SECRET}@db:6543/warehouse"


def test_default_destination_is_a_duckdb_file_in_the_data_folder() -> None:
    found = destination({}, "/data")
    assert (found.loader, found.adapter, found.report) == ("target-dlt", "duckdb", "/data/warehouse.duckdb")
    assert found.load["TARGET_DLT_CREDENTIALS"] == found.marts["DBT_DUCKDB_PATH"] == "/data/warehouse.duckdb"
    assert found.load["TARGET_DLT_REJECTS_PATH"] == "/data/rejects"


@pytest.mark.parametrize(
    ("variables", "loader"),
    [
        (HOST, "target-postgres"),
        ({"TARGET_POSTGRES_SQLALCHEMY_URL": ADDRESS.replace("://", "+psycopg://")}, "target-postgres"),
        ({"TARGET_DLT_DESTINATION": "postgres", "TARGET_DLT_CREDENTIALS": ADDRESS}, "target-dlt"),
    ],
    ids=["host", "url", "dlt"],
)
def test_each_postgres_setting_style_reaches_dbt_and_the_report(variables: dict[str, str], loader: str) -> None:
    found = destination(variables, "/data")
    parts = {"HOST": "db", "PORT": "6543", "USER": "loader", "PASSWORD": SECRET, "DATABASE": "warehouse"}
    assert (found.loader, found.adapter, found.report) == (loader, "postgres", "postgresql://")
    assert {name: found.marts[f"DBT_POSTGRES_{name}"] for name in parts} == parts
    assert {name: found.marts[f"PG{name}"] for name in parts} == parts
    assert SECRET not in repr(found)


@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_password_with_any_characters_reaches_dbt_unchanged(password: str) -> None:
    address = f"postgresql://loader:{quote(password, safe='')}@db/warehouse"
    found = destination({"TARGET_DLT_DESTINATION": "postgres", "TARGET_DLT_CREDENTIALS": address}, "/data")
    assert found.marts["PGPASSWORD"] == found.marts["DBT_POSTGRES_PASSWORD"] == password


def test_a_socket_and_other_options_of_an_address_arrive() -> None:
    address = "postgresql://postgres@/warehouse?host=/run/pg&port=5433&sslmode=require"
    found = destination({"TARGET_DLT_DESTINATION": "postgres", "TARGET_DLT_CREDENTIALS": address}, "/data").marts
    assert (found["PGHOST"], found["DBT_POSTGRES_HOST"]) == ("/run/pg", "/run/pg")
    assert (found["PGPORT"], found["PGSSLMODE"]) == ("5433", "require")


def test_dbt_and_the_report_demand_the_tls_that_the_loader_demands() -> None:
    tls = {"TARGET_POSTGRES_SSL_ENABLE": "true", "TARGET_POSTGRES_SSL_CERTIFICATE_AUTHORITY": "/data/ca.pem"}
    found = destination({**HOST, **tls}, "/data").marts
    assert (found["PGSSLMODE"], found["PGSSLROOTCERT"]) == ("verify-full", "/data/ca.pem")


def test_tables_are_read_from_the_loaded_schema() -> None:
    assert destination({}, "/data").marts["DBT_INSTANTLY_SCHEMA"] == "instantly"
    snowflake = destination({"TARGET_SNOWFLAKE_ACCOUNT": "a"}, "/data")
    assert snowflake.marts["DBT_INSTANTLY_SCHEMA"] == "INSTANTLY"
    assert snowflake.report == "snowflake"
    named = destination({**HOST, "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "raw"}, "/data")
    assert named.load["TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA"] == named.marts["DBT_INSTANTLY_SCHEMA"] == "raw"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({**HOST, "TARGET_DLT_DESTINATION": "postgres"}, "choose one with INSTANTLY_LOADER"),
        ({"INSTANTLY_LOADER": "target-jsonl"}, "must be one of target-dlt, target-postgres, target-snowflake"),
        ({"TARGET_POSTGRES_HOST": "db"}, "TARGET_POSTGRES_USER and TARGET_POSTGRES_PASSWORD"),
        ({"TARGET_DLT_DESTINATION": "postgres"}, "TARGET_DLT_CREDENTIALS is not an address"),
        ({"TARGET_DLT_CREDENTIALS": ADDRESS}, "set TARGET_DLT_DESTINATION=postgres"),
        ({"TARGET_DLT_DESTINATION": "bigquery"}, "neither duckdb nor postgres"),
        ({"TARGET_POSTGRES_SQLALCHEMY_URL": f"postgresql://u:{SECRET}@[db/x"}, "cannot be read"),
        ({"TARGET_POSTGRES_SQLALCHEMY_URL": f"postgresql://u:{SECRET}@db:port/x"}, "cannot be read"),
        ({"TARGET_POSTGRES_SQLALCHEMY_URL": f"postgresql://u:{SECRET}@db"}, "cannot be read"),
    ],
)
def test_missing_or_conflicting_variables_fail_in_one_line(variables: dict[str, str], said: str) -> None:
    with pytest.raises(ImageError, match=said) as refused:
        destination(variables, "/data")
    assert refused.value.code == UNUSABLE
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_named_loader_wins_if_several_are_configured() -> None:
    variables = {**HOST, "TARGET_SNOWFLAKE_ACCOUNT": "a", "INSTANTLY_LOADER": "target-postgres"}
    assert destination(variables, "/data").loader == "target-postgres"

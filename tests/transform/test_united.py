"""Tables in several schemas make the marts that they make in one; custom variables of leads are columns and a mart."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.transform import duck
from tests.transform.conftest import LOADED, WORKSPACES
from tests.transform.package import CHOSEN, MODELS, NO_UNIT_TESTS, Dbt, Result, contract, ordered, query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transform.conftest import Built

pytestmark = pytest.mark.long

Row = dict[str, Any]


def _rows(stream: str, workspace: str) -> str:
    return f"select * from instantly.{stream} where workspace_name = '{workspace}'"  # noqa: S608 (ours)


SCHEMAS = dict(zip(WORKSPACES, ("client_one", "Globex & Söhne"), strict=True))
SPLIT = [
    statement
    for workspace, schema in SCHEMAS.items()
    for statement in (
        f'create schema "{schema}"',
        *(f'create table "{schema}".{stream} as {_rows(stream, workspace)}' for stream in LOADED),
    )
]
LACKING = (
    'drop table "Globex & Söhne".workspace_members',
    'alter table "Globex & Söhne".leads drop column website',
    'alter table client_one.campaign_analytics rename to "Figures of campaigns"',
    'alter table "Globex & Söhne".campaign_analytics rename to "Figures of campaigns"',
)
"""A schema without a table and without a column; tables with names of their own."""
OLD = "_sdc_batched_at = timestamp '2026-10-30 06:00:00'"
TWICE = (
    "create schema earlier",
    "create table earlier.campaign_analytics_daily as select * from client_one.campaign_analytics_daily",
    f"update earlier.campaign_analytics_daily set sent = sent + 1000, {OLD}",  # noqa: S608 (ours)
    "create table earlier.leads as select * from client_one.leads",
    f"update earlier.leads set email = 'old@other.example', {OLD}",  # noqa: S608 (ours)
)
"""Older rows of a workspace that is in another schema too."""

VARIABLES: tuple[Row | str, ...] = (
    "headcount",
    'Boss\'s "Title"',
    "a.b c/d~e",
    r"C:\new",
    "Industry",
    {"key": "industry", "column": "industry_in_small_letters"},
    "Größe",
    {"key": "名前", "column": "a_name"},
    "0",
    "nested",
    "nobody_has_this",
)
COLUMNS = dict(
    zip(
        (
            *("custom_headcount", "custom_boss_s_title", "custom_a_b_c_d_e", "custom_c_new", "custom_industry"),
            *("industry_in_small_letters", "custom_gr_e", "a_name", "custom_0", "custom_nested"),
            "custom_nobody_has_this",
        ),
        (variable if isinstance(variable, str) else variable["key"] for variable in VARIABLES),
        strict=True,
    )
)
PAYLOADS: tuple[Row, ...] = (
    {'Boss\'s "Title"': 'it\'s "me"', "a.b c/d~e": " SaaS ", r"C:\new": "a\\b\nc", "Industry": "A", "industry": "b"},
    {"headcount": 12, "Industry": True, "industry": 0.5, "a.b c/d~e": "SaaS", "Größe": "ß", "名前": "中", "0": "zero"},
    {"headcount": 12345678901234567890123, "Industry": False, "industry": None, "a.b c/d~e": "", "a": {"b c": "no"}},
    {"headcount": -3.5, "nested": {"x": [1]}, "Industry": ["A"]},
    {},
)


@dataclass(frozen=True)
class United:
    """The marts of both databases out of several schemas, by database.

    Attributes:
        rows: Rows of each mart, and of the leads with all columns as "leads".
        log: Output of dbt over DuckDB.
        dbt: The project over DuckDB.
        path: DuckDB file.
    """

    rows: dict[str, dict[str, list[Row]]]
    log: str
    dbt: Dbt
    path: Path


SETTINGS = {
    "instantly__streams_on": ["emails"],
    "instantly__union_schemas": [*SCHEMAS.values(), "earlier"],
    "instantly__custom_variables": VARIABLES,
    "instantly__campaign_analytics_identifier": "Figures of campaigns",
}
WITH_SETTINGS = ("--vars", json.dumps(SETTINGS))
BUILD = ("build", *MODELS, *WITH_SETTINGS)
LEADS = f"select lead_id, campaign_id, {', '.join(COLUMNS)} from analytics.instantly__leads"  # noqa: S608 (ours)


@pytest.fixture(scope="module")
def united(built: Built, tmp_path_factory: pytest.TempPathFactory) -> United:
    folder = tmp_path_factory.mktemp("united")
    path = folder / built.duckdb_file.name
    shutil.copy(built.duckdb_file, path)
    ids = [row["lead_id"] for row in duck.rows(path, "select lead_id from analytics.instantly__leads order by lead_id")]
    changes = [*SPLIT, *LACKING, *TWICE, "drop table analytics.instantly__campaign_snapshots"]
    for schema in SCHEMAS.values():
        for lead, payload in zip(ids, PAYLOADS, strict=False):
            text = json.dumps(payload).replace("'", "''")
            changes.append(f"""update "{schema}".leads set payload = '{text}' where id = '{lead}'""")  # noqa: S608 (ours)
    changes.append("drop schema instantly cascade")
    duck.execute(path, *changes)
    in_duckdb = Dbt(folder / "duckdb", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    building = in_duckdb.start(*BUILD)
    with built.postgres.database("united", like=built.database) as database:
        built.postgres.execute(";\n".join(changes), database)
        settings = {**built.in_postgres.settings, "DBT_POSTGRES_DATABASE": database}
        in_postgres = Dbt(folder / "postgres", settings)
        in_postgres.run(*BUILD)
        queries = {mart: query(mart) for mart in contract()} | {"leads": LEADS}
        rows = {"postgres": {name: built.postgres.rows(text, database) for name, text in queries.items()}}
    in_duckdb.finish(building)
    log = (folder / "duckdb" / "logs" / "dbt.log").read_text(encoding="utf-8")
    rows["duckdb"] = {name: duck.rows(path, text) for name, text in queries.items()}
    return United(rows, log, in_duckdb, path)


@pytest.mark.parametrize("database", ["duckdb", "postgres"])
@pytest.mark.parametrize("mart", sorted(contract().keys() - {CHOSEN}))
def test_several_schemas_make_the_same_marts_as_one(built: Built, united: United, mart: str, database: str) -> None:
    found = ordered(united.rows[database][mart])
    one = duck.rows(built.duckdb_file, query(mart))
    assert {row["source_relation"] for row in one} == {"instantly"}
    assert found == ordered([{**row, "source_relation": SCHEMAS[row["workspace_name"]]} for row in one])


def test_table_missing_from_a_schema_gives_a_warning(united: United) -> None:
    assert '."Globex & Söhne"."workspace_members": nothing is known of workspace_members there' in united.log


@pytest.mark.parametrize("database", ["duckdb", "postgres"])
def test_custom_variables_become_lead_columns_with_any_keys_and_values(united: United, database: str) -> None:
    found = {row["lead_id"]: row for row in united.rows[database]["leads"]}
    for lead, payload in zip(sorted(found), PAYLOADS, strict=False):
        assert {column: found[lead][column] for column in COLUMNS} == {
            column: shown(payload.get(key)) for column, key in COLUMNS.items()
        }


def shown(held: Any) -> str | None:
    """Return a value of a custom variable as text."""
    if isinstance(held, bool):
        return str(held).lower()
    return None if held is None or isinstance(held, list | dict) else str(held)


def test_custom_variables_agree_in_both_databases_and_with_lead_counts(united: United) -> None:
    rows = united.rows["duckdb"]
    for name in ("leads", CHOSEN):
        assert ordered(rows[name]) == ordered(united.rows["postgres"][name])
    leads = Counter(row["campaign_id"] for row in rows["leads"] if row["campaign_id"])
    counted = Counter[tuple[str, str]]()
    for row in rows[CHOSEN]:
        counted[row["campaign_id"], row["variable"]] += row["leads_count"]
    assert counted == {(campaign, key): count for campaign, count in leads.items() for key in COLUMNS.values()}
    assert {row["value"] for row in rows[CHOSEN] if row["variable"] == "a.b c/d~e"} == {"SaaS", None}


@pytest.fixture(scope="module")
def tested(united: United) -> dict[str, Result]:
    """Results of the tests of the data, with a workspace in two schemas."""
    duck.execute(united.path, "update earlier.leads set id = 'deleted since then'")
    chosen = ("--select", "int_instantly__workspaces", "instantly__leads", "test_type:data")
    return united.dbt.run("build", *NO_UNIT_TESTS, *WITH_SETTINGS, *chosen)


def test_workspace_in_two_schemas_fails_a_test_before_the_marts(tested: dict[str, Result]) -> None:
    assert tested["test.instantly.workspaces_in_several_schemas"].status == "fail"
    assert tested["model.instantly.instantly__leads"].status == "skipped"


def test_custom_variable_that_no_lead_has_makes_a_warning(tested: dict[str, Result]) -> None:
    result = tested["test.instantly.custom_variables_of_no_lead"]
    assert (result.status, result.failures) == ("warn", 1)

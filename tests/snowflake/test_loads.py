"""The loader's statements for the tap's messages, and the contents of the emulated Snowflake."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.snowflake.account import DATABASE, LOGIN, SCHEMA, Account, found
from tests.snowflake.conftest import WORKSPACES
from tests.support import catalog_of, run_tap
from tests.warehouse.truth import due, named
from tools.demo.paths import SCHEMAS
from tools.demo.tables import TABLES, Kind
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import Control, Server
    from tests.snowflake.conftest import Loaded

pytestmark = pytest.mark.snowflake

SCALARS = {"integer": "DECIMAL", "number": "FLOAT", "boolean": "BOOLEAN", "string": "VARCHAR"}
FORMATS = {"date-time": "TIMESTAMP_NTZ", "date": "DATE"}
LOADERS_OWN = {
    "_sdc_extracted_at": "TIMESTAMP_NTZ",
    "_sdc_received_at": "TIMESTAMP_NTZ",
    "_sdc_batched_at": "TIMESTAMP_NTZ",
    "_sdc_deleted_at": "TIMESTAMP_NTZ",
    "_sdc_sequence": "DECIMAL",
    "_sdc_table_version": "DECIMAL",
    "_sdc_sync_started_at": "DECIMAL",
}
"""Types in the loader's DDL: DECIMAL is another name of NUMBER(38, 0)."""

CHANGING = ("campaigns", "lead_lists", "leads")
DELETING = ("campaign_steps", "lead_lists", "leads")
AT = "2026-11-01T10:00:00.123Z"
NEW_FIELD, NEW_VALUE = "reply_sentiment", {"label": "positive", "scores": [0.93, None]}


@pytest.fixture
def controls(agency: Server) -> list[Control]:
    return [agency.control.within(name) for name in WORKSPACES]


@pytest.fixture
def truths(controls: list[Control]) -> list[Truth]:
    return [Truth(control, name) for control, name in zip(controls, WORKSPACES, strict=True)]


def in_full(config: dict[str, Any], *streams: str) -> dict[str, Any]:
    catalog = catalog_of(config, *streams)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    return catalog


def sql_type(schema: Mapping[str, Any]) -> str:
    """Return the column type for a property's schema."""
    declared = schema["type"]
    kinds = {declared} if isinstance(declared, str) else {*declared} - {"null"}
    if kinds & {"array", "object"}:
        return "VARIANT"
    if kinds == {"string"} and "format" in schema:
        return FORMATS[schema["format"]]
    (kind,) = kinds
    return SCALARS[kind]


def properties(table: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((SCHEMAS / f"{table}.json").read_text("utf-8"))["properties"]
    return found


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_table_is_created_once_with_schema_types_and_key(loaded: Loaded, table: str) -> None:
    begin = f'CREATE TABLE "{SCHEMA}"."{table.upper()}" ('
    (ddl,) = [text for text in loaded.account.statements() if text.startswith(begin)]
    lines = [line.strip().rstrip(",") for line in ddl.splitlines()[1:-1]]
    keys = [line for line in lines if line.startswith("PRIMARY KEY")]
    types = dict(line.removesuffix(" NOT NULL").rsplit(" ", 1) for line in lines if line not in keys)
    assert {name.strip('"').lower(): type_ for name, type_ in types.items()} == {
        name: sql_type(schema) for name, schema in properties(table).items()
    } | LOADERS_OWN
    assert keys == [f"PRIMARY KEY ({', '.join(sorted(named(table).keys, key=keys[0].index))})"]


def test_statements_of_a_stream_match_those_that_the_emulator_supports(loaded: Loaded) -> None:
    about = re.compile(r"lead_labels|schema ", re.IGNORECASE)
    sent = [
        text for text in loaded.account.statements() if about.search(text) and not text.startswith(("DESC", "SHOW"))
    ]
    columns = [*properties("lead_labels"), *LOADERS_OWN]
    types = [sql_type(schema) for schema in properties("lead_labels").values()] + [*LOADERS_OWN.values()]
    table = f'"{DATABASE}"."{SCHEMA}"."LEAD_LABELS"'
    files, own_format = "'@~/target-snowflake/lead_labels-ID", f'{DATABASE}.{SCHEMA}."tf-lead_labels-ID"'
    casts = ", ".join(f"$1:{name}::{type_} as {name}" for name, type_ in zip(columns, types, strict=True))
    assert sent[0] == "CREATE SCHEMA instantly"
    assert [text for text in sent[1:] if not text.startswith(("CREATE SCHEMA", "CREATE TABLE"))] == [
        (
            f"UPDATE {table}\nSET _sdc_deleted_at = %(deletedate)s \n"
            "WHERE _sdc_table_version < %(version)s \n  AND _sdc_deleted_at IS NULL"
        ),
        f"create or replace file format {own_format} type = 'JSON' compression = 'AUTO'",
        f"put %(file_uri)s {files}'",
        (
            f"merge into {table} d using (select {casts} from {files}'(file_format => {own_format})"
            " QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY SEQ8() DESC) = 1) s on d.id = s.id"
            f" when matched then update set {', '.join(f'd.{name} = s.{name}' for name in columns)}"
            f" when not matched then insert ({', '.join(columns)})"
            f" values ({', '.join(f's.{name}' for name in columns)})"
        ),
        f"remove {files}/'",
        f"drop file format if exists {own_format}",
    ]


@pytest.mark.parametrize("stream", ["campaigns", "leads"])
def test_records_are_staged_in_one_file_with_times_in_utc(
    agency: Server, loaded: Loaded, config: dict[str, Any], stream: str
) -> None:
    times = [name for name, kind in named(stream).columns.items() if kind is Kind.TIMESTAMP]
    (staged,) = loaded.account.staged(stream)
    for record in staged:
        assert LOADERS_OWN.keys() <= record.keys()
        for name in LOADERS_OWN:
            del record[name]
        assert all(record[name].endswith("+00:00") for name in times if record.get(name))
    records = run_tap(config, streams=(stream,)).records(stream)
    for record in records:
        record.update({name: moment(record[name]) for name in times if record.get(name)})
    assert sorted(staged, key=lambda record: record["id"]) == sorted(records, key=lambda record: record["id"])


def moment(text: str) -> str:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).isoformat()


def test_run_leaves_only_the_tables(loaded: Loaded) -> None:
    assert list(loaded.account.folder.glob("*.json.gz")) == []
    assert [path for path in (loaded.account.folder / "stage").rglob("*") if path.is_file()] == []


def test_every_row_of_every_stream_matches_the_api(agency: Server, loaded: Loaded, truths: list[Truth]) -> None:
    rows = found(loaded.account, *TABLES)
    for table in TABLES:
        assert rows[table.name]
        assert rows[table.name] == due(truths, table), table.name


def test_further_run_updates_and_adds_rows_and_keeps_unknown_fields(
    account: Account, loaded: Loaded, controls: list[Control], truths: list[Truth], config: dict[str, Any]
) -> None:
    carriers = set()
    for control in controls:
        newest = max(row["timestamp_updated"] for row in control.truth("leads"))
        control.add_field("leads", NEW_FIELD, NEW_VALUE)
        one = next(row for row in control.truth("leads") if row.get("last_step_id"))
        control.open(one["id"], at=AT)
        control.add_leads(3, campaign=one["campaign"], at=AT)
        control.update_campaign(one["campaign"], name="Autumn, \"second\": 50% näher\n\tdran \\ 'x'", at=AT)
        control.add_lead_list(at=AT)
        carriers |= {(row["id"],) for row in control.truth("leads") if row["timestamp_updated"] >= newest}
    only_changed = {**config, "lookback_hours": 0}
    assert account.load(only_changed, catalog_of(config, *CHANGING), loaded.state).exit_code == 0
    rows = found(account, *map(named, CHANGING))
    for table in map(named, CHANGING):
        extra: dict[str, Any] = {"added_fields": [NEW_FIELD], "carriers": carriers} if table.name == "leads" else {}
        assert rows[table.name] == due(truths, table, **extra), table.name
    (scores,) = account.query(
        f"select distinct unknown_fields:{NEW_FIELD}.scores[0]::float as score from {SCHEMA}.LEADS"
        " where unknown_fields is not null"
    )
    assert scores == [{"SCORE": 0.93}]


def test_missing_column_is_added_and_filled_by_a_full_read(
    account: Account, truths: list[Truth], config: dict[str, Any]
) -> None:
    account.query(f"alter table {SCHEMA}.LEADS drop column payload")
    assert account.load(config, catalog_of(config, "leads"), batch_size_rows=60).exit_code == 0
    assert f'ALTER TABLE "{DATABASE}"."{SCHEMA}"."LEADS" ADD COLUMN payload VARIANT' in account.statements()
    leads = due(truths, named("leads"))
    assert found(account, named("leads"))["leads"] == leads
    assert sorted(map(len, account.staged("leads"))) == sorted([60] * (len(leads) // 60) + [len(leads) % 60])


@pytest.fixture(scope="module")
def in_versions(running_agency: Server, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Account:
    """An account with streams loaded by full-table runs, so that each row has a version."""
    running_agency.control.reset()
    account = Account(tmp_path_factory.mktemp("in_versions"))
    assert account.load(config, in_full(config, *DELETING)).exit_code == 0
    return account


def delete_some(controls: list[Control]) -> None:
    one, other = controls
    one.delete_campaign(next(row["id"] for row in one.truth("campaigns") if row.get("sequences")))
    other.delete_leads(*sorted(row["id"] for row in other.truth("leads"))[::20])


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_deleted_rows_are_marked_or_removed_after_two_full_runs(
    agency: Server,
    in_versions: Account,
    controls: list[Control],
    truths: list[Truth],
    config: dict[str, Any],
    tmp_path: Path,
    hard: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    account = in_versions.copy(tmp_path)
    before = {name: due(truths, named(name)) for name in DELETING}
    delete_some(controls)
    after = {name: due(truths, named(name)) for name in DELETING}
    assert account.load(config, in_full(config, *DELETING), hard_delete=hard).exit_code == 0
    assert found(account, *map(named, DELETING)) == after
    counts = account.query(*(f"select count(*) as n from {SCHEMA}.{name}" for name in DELETING))
    assert [rows[0]["N"] for rows in counts] == [len((after if hard else before)[name]) for name in DELETING]
    assert before["leads"].keys() > after["leads"].keys()


def test_failed_hard_delete_is_repaired_by_the_next_full_run(
    agency: Server, in_versions: Account, truths: list[Truth], config: dict[str, Any], tmp_path: Path
) -> None:
    account, catalog = in_versions.copy(tmp_path), in_full(config, "lead_lists")
    in_the_way = tmp_path / "stage"
    in_the_way.write_text("no folder", encoding="utf-8")
    failed = account.load(config, catalog, fails=True, hard_delete=True)
    assert failed.state is None
    assert found(account, named("lead_lists")) == {"lead_lists": {}}
    in_the_way.unlink()
    account.load(config, catalog, hard_delete=True)
    assert found(account, named("lead_lists"))["lead_lists"] == due(truths, named("lead_lists"))


def test_unversioned_row_is_never_counted_as_deleted(
    account: Account, controls: list[Control], truths: list[Truth], config: dict[str, Any]
) -> None:
    before = due(truths, named("leads")).keys()
    delete_some(controls)
    assert account.load(config, in_full(config, "leads")).exit_code == 0
    assert found(account, named("leads"))["leads"].keys() == before > due(truths, named("leads")).keys()


@pytest.mark.parametrize(("method", "times"), [("append-only", 2), ("overwrite", 1)])
def test_other_load_methods_copy_every_record_into_the_table(
    account: Account, truths: list[Truth], config: dict[str, Any], method: str, times: int
) -> None:
    # Snowflake does not enforce keys; the emulator would, and refuse the rows.
    account.query(f"create or replace table {SCHEMA}.LEAD_LISTS as select * from {SCHEMA}.LEAD_LISTS")
    assert account.load(config, catalog_of(config, "lead_lists"), load_method=method).exit_code == 0
    ((counted,),) = account.query(f"select count(*) as n, count(distinct id) as ids from {SCHEMA}.LEAD_LISTS")
    rows = len(due(truths, named("lead_lists")))
    assert counted == {"N": times * rows, "IDS": rows}
    assert [text.split()[0] for text in account.statements() if "LEAD_LISTS d " in text] == []


def test_loader_logs_in_according_to_the_settings(loaded: Loaded) -> None:
    for login in loaded.account.logins():
        assert {name: login[name] for name in LOGIN if name in login} == {
            name: value for name, value in LOGIN.items() if name != "default_target_schema"
        }
        assert login["session_parameters"]["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "TRUE"

"""Messages and the rows that they become."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import dlt
import duckdb
import pyarrow.parquet as pq
import pytest
from adbc_driver_postgresql import dbapi
from loading import Duck, Pg, lines, load, record, run, schema, state, value_of
from target_dlt.columns import Column
from target_dlt.destination import takes_json
from target_dlt.errors import DestinationError, InputError, RejectedError
from target_dlt.streams import Part

from target_dlt import changes

if TYPE_CHECKING:
    from pathlib import Path

    from loading import Warehouse

    from tests.warehouse.postgres import Postgres

ID = {"type": "integer"}
TEXT = {"type": ["string", "null"]}


def columns(warehouse: Warehouse, table: str) -> dict[str, str]:
    """Return columns and types of a table, without the loader's own."""
    where = f"table_schema = '{{}}' and table_name = '{table}' and column_name not like '%sdc%'"
    query = f"select column_name, data_type from information_schema.columns where {where} order by ordinal_position"
    return {str(name): str(type_) for name, type_ in warehouse.query(query)}


TYPES: list[tuple[Any, Any, Any, str, str]] = [
    ({"type": "string"}, "x", "x", "VARCHAR", "character varying"),
    ({"type": ["null", "integer"]}, 2**63 - 1, 2**63 - 1, "BIGINT", "bigint"),
    ({"type": "integer"}, 3.0, 3, "BIGINT", "bigint"),
    ({"type": "number"}, 0.1, 0.1, "DOUBLE", "double precision"),
    ({"type": "number"}, 3, 3.0, "DOUBLE", "double precision"),
    ({"type": "boolean"}, False, False, "BOOLEAN", "boolean"),
    ({"type": "string", "format": "date"}, "2024-02-29", date(2024, 2, 29), "DATE", "date"),
    *(
        ({"type": "string", "format": "date-time"}, text, moment, "TIMESTAMP", "timestamp without time zone")
        for text, moment in {
            "2026-01-31T23:59:59.123456+02:00": datetime(2026, 1, 31, 21, 59, 59, 123456),
            "2026-01-31T23:59:59Z": datetime(2026, 1, 31, 23, 59, 59),
            "2026-01-31 23:59:59": datetime(2026, 1, 31, 23, 59, 59),
            "2026-01-31T23:59:59.123456789-05:30": datetime(2026, 2, 1, 5, 29, 59, 123456),
            "0001-01-01T00:00:00Z": datetime(1, 1, 1),
            "9999-12-31T23:59:59.999999Z": datetime(9999, 12, 31, 23, 59, 59, 999999),
            "2026-01-31": datetime(2026, 1, 31),
        }.items()
    ),
    ({"type": "string", "format": "singer.decimal"}, "1.10", "1.10", "VARCHAR", "character varying"),
    ({"type": "object"}, {"b": [1.5, None]}, {"b": [1.5, None]}, "JSON", "jsonb"),
    ({"type": ["array", "null"]}, [], [], "JSON", "jsonb"),
    ({"type": ["string", "integer", "null"]}, "1", "1", "JSON", "jsonb"),
    ({}, {"any": 1}, {"any": 1}, "JSON", "jsonb"),
    (
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "2024-02-29",
        date(2024, 2, 29),
        "DATE",
        "date",
    ),
    ({"anyOf": [{"type": "string"}, {"type": "object"}]}, "x", "x", "JSON", "jsonb"),
]


def test_each_json_schema_type_has_its_column_type(warehouse: Warehouse) -> None:
    properties = {f"c{at}": definition for at, (definition, *_) in enumerate(TYPES)}
    sent = {f"c{at}": value for at, (_, value, *_) in enumerate(TYPES)}
    load(warehouse, schema("t", {"id": ID, **properties}), record("t", {"id": 1, **sent}), record("t", {"id": 2}))
    place = 3 if isinstance(warehouse, Duck) else 4
    assert columns(warehouse, "t") == {"id": TYPES[1][place]} | {f"c{at}": row[place] for at, row in enumerate(TYPES)}
    names = ", ".join(f"c{at}" for at in range(len(TYPES)))
    found, nulls = warehouse.query(f"select {names} from {{}}.t order by id")
    expected = [row[2] for row in TYPES]
    nested = {"JSON", "jsonb"}
    assert [
        value_of(cell) if row[place] in nested else cell for cell, row in zip(found, TYPES, strict=True)
    ] == expected
    assert set(nulls) == {None}


def test_last_record_of_a_key_wins_within_and_across_batches(warehouse: Warehouse) -> None:
    form = schema("t", {"a": TEXT, "b": ID, "text": TEXT}, ["a", "b"])
    load(warehouse, form, *(record("t", {"a": f"k{at % 3}", "b": 1, "text": f"first {at}"}) for at in range(100)))
    load(
        warehouse,
        form,
        record("t", {"a": "k1", "b": 1, "text": "new"}),
        record("t", {"a": "k1", "b": 2, "text": "other"}),
    )
    assert warehouse.query("select a, b, text from {}.t order by a, b") == [
        ("k0", 1, "first 99"),
        ("k1", 1, "new"),
        ("k1", 2, "other"),
        ("k2", 1, "first 98"),
    ]


def test_append_only_keeps_every_version_of_a_record(warehouse: Warehouse) -> None:
    for text in ("a", "b"):
        load(
            warehouse,
            schema("t", {"id": ID, "text": TEXT}),
            record("t", {"id": 1, "text": text}),
            load_method="append-only",
        )
    assert warehouse.query("select text from {}.t order by text") == [("a",), ("b",)]


@pytest.mark.parametrize("hard", [False, True])
def test_rows_of_earlier_versions_are_marked_or_removed(warehouse: Warehouse, *, hard: bool) -> None:
    form = schema("t", {"id": ID})
    end = {"type": "ACTIVATE_VERSION", "stream": "t", "version": 2}
    load(warehouse, form, *(record("t", {"id": at}, version=1) for at in (1, 2)), record("t", {"id": 3}))
    load(warehouse, form, record("t", {"id": 2}, version=2), end, hard_delete=hard)
    marked = warehouse.query("select id, _sdc_deleted_at is not null, _sdc_table_version from {}.t order by id")
    assert marked == ([(2, False, 2)] if hard else [(1, True, 1), (2, False, 2), (3, True, None)])
    load(warehouse, form, record("t", {"id": 1}, version=3))
    assert (1, False) in warehouse.query("select id, _sdc_deleted_at is not null from {}.t")


def test_metadata_columns_have_the_names_and_times_that_singer_loaders_write(warehouse: Warehouse) -> None:
    load(warehouse, schema("t", {"id": ID}), record("t", {"id": 1}, version=7))
    names = "_sdc_extracted_at, _sdc_received_at, _sdc_batched_at, _sdc_deleted_at, _sdc_sequence, _sdc_table_version"
    ((extracted, received, batched, deleted, sequence, version),) = warehouse.query(f"select {names} from {{}}.t")
    assert extracted == datetime(2026, 1, 31, 21, 59, 59, 123456)
    assert received == batched
    assert abs(received.timestamp() - datetime.now().timestamp()) < 36 * 3600  # noqa: DTZ005 (both without a zone)
    assert (deleted, version) == (None, 7)
    assert sequence > 1_700_000_000_000


def test_tables_have_no_metadata_columns_when_switched_off(warehouse: Warehouse) -> None:
    load(warehouse, schema("t", {"id": ID}), record("t", {"id": 1}), add_record_metadata=False)
    assert columns(warehouse, "t").keys() == {"id"}
    assert warehouse.query("select * from {}.t") == [(1,)]


def test_a_new_field_is_a_new_column_between_loads_and_within_one(warehouse: Warehouse) -> None:
    old, new = schema("t", {"id": ID}), schema("t", {"new": TEXT, "id": ID})
    load(warehouse, old, record("t", {"id": 1}), new, record("t", {"id": 2, "new": "x"}))
    load(warehouse, old, record("t", {"id": 3}))
    assert warehouse.query("select id, new from {}.t order by id") == [(1, None), (2, "x"), (3, None)]


CHANGES: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "integer"}, 1, "v"),
    ({"type": "number"}, 1.5, "v__v_double"),
    ({"type": "object"}, {"a": 1}, "v__v_json"),
    (TEXT, "x", "v__v_text"),
    ({"type": "number"}, 2.5, "v__v_double"),
    ({"type": "integer"}, 3, "v"),
]
"""Types of a property, one after the other, with a value and the column that takes it."""


def test_changed_type_adds_a_column_and_loses_or_doubles_no_value(warehouse: Warehouse) -> None:
    expected: dict[str, Any] = {}
    for at, (definition, value, column) in enumerate(CHANGES):
        old = {"old": TEXT} if at == 0 else {}
        rows = [record("t", {"id": name, "v": value, "old": f"of load {at}"}) for name in (f"row {at}", "updated")]
        load(warehouse, schema("t", {"id": TEXT, "v": definition, **old}), *rows)
        names = ["id", "old", *(name for name in columns(warehouse, "t") if name.startswith("v"))]
        found = {id_: cells for id_, *cells in warehouse.query(f"select {', '.join(names)} from {{}}.t")}
        expected |= {id_: {column: value} for id_ in (f"row {at}", "updated")}
        assert {
            id_: {
                name: value_of(cell) if name == "v__v_json" else cell
                for name, cell in zip(names[2:], cells[1:], strict=True)
                if cell is not None
            }
            for id_, cells in found.items()
        } == expected
        assert found["updated"][0] == "of load 0"  # a column that the schema no longer has


def test_a_column_of_texts_takes_every_later_type_as_text(warehouse: Warehouse) -> None:
    values: list[tuple[Any, Any]] = [
        (TEXT, "x"),
        ({"type": "integer"}, 5),
        ({"type": "object"}, {"a": "é"}),
        ({"type": "boolean"}, True),
    ]
    for at, (definition, value) in enumerate(values):
        load(warehouse, schema("t", {"id": ID, "v": definition}), record("t", {"id": at, "v": value}))
    assert warehouse.query("select v from {}.t order by id") == [("x",), ("5",), ('{"a": "\\u00e9"}',), ("true",)]


def test_changed_key_type_fails_the_load_in_one_line(warehouse: Warehouse) -> None:
    load(warehouse, schema("t", {"id": ID}), record("t", {"id": 1}))
    with pytest.raises(DestinationError, match=r"^The key id of table t is bigint and would become bool: rename"):
        load(warehouse, schema("t", {"id": {"type": "boolean"}}), record("t", {"id": True}))


def test_unsupported_names_are_changed_and_stay_distinct(warehouse: Warehouse) -> None:
    long = "a" * 100
    fields = [
        "select",
        "Name",
        "name",
        "with space",
        'quo"te',
        "пол",
        "1st",
        f"{long}1",
        f"{long}2",
        "a-b",
        "a_b",
        "order",
    ]
    sent = {field: f"value of {field}" for field in fields}
    for _ in range(2):
        load(
            warehouse,
            schema("User-Table", {"id": ID, **dict.fromkeys(fields, TEXT)}),
            record("User-Table", {"id": 1, **sent}),
        )
    names = columns(warehouse, "user_table")
    assert len(names) == len(fields) + 1
    assert isinstance(warehouse, Duck) or all(len(name) <= 63 for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    ((_, *found),) = warehouse.query(f"select {quoted} from {{}}.user_table")
    assert found == list(sent.values())


def test_streams_with_and_without_keys_or_records_load_side_by_side(warehouse: Warehouse) -> None:
    forms = [schema("keyed", {"id": ID}), schema("keyless", {"id": ID}, []), schema("empty", {"id": ID, "json": {}})]
    mixed = [record(name, {"id": at}) for at in range(50) for name in ("keyed", "keyless")]
    for _ in range(2):
        load(warehouse, *forms, *mixed)
    counts = ", ".join(f"(select count(*) from {{0}}.{name})" for name in ("keyed", "keyless", "empty"))
    assert warehouse.query(f"select {counts}") == [(50, 100, 0)]
    assert columns(warehouse, "empty").keys() == {"id", "json"}


def test_state_is_written_only_after_its_records_are_loaded(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = [
        message for at in range(6) for message in (record("t", {"id": at, "text": "x" * 400_000}), state({"at": at}))
    ]
    text = lines([state({"at": -1}), schema("t", {"id": ID, "text": TEXT}), *rows])
    done = run(warehouse, text, tmp_path, batch_size_mb=1)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"at": 1}, {"at": 4}, {"at": 5}]


def test_failed_load_keeps_earlier_states(warehouse: Warehouse, tmp_path: Path) -> None:
    sent: list[Any] = [
        schema("t", {"id": ID, "text": TEXT}),
        record("t", {"id": 1, "text": "x" * 1_100_000}),
        state({"at": 1}),
    ]
    sent += [record("t", {"id": 2, "text": "x" * 1_100_000}), state({"at": 2}), record("nobody", {"id": 3})]
    done = run(warehouse, lines(sent), tmp_path, batch_size_mb=1)
    assert done.returncode == 1
    assert (
        done.stderr.decode().splitlines()[-1].endswith("The input has a RECORD for stream 'nobody' before its SCHEMA.")
    )
    assert json.loads(done.stdout.splitlines()[-1])["at"] in {1, 2}
    assert warehouse.query("select count(*) from {}.t")[0][0] >= json.loads(done.stdout.splitlines()[-1])["at"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"id": 2, "whole": "x"}, "Expected `int | float | null`, got `str`"),
    ({"id": 3, "whole": 2**63}, "whole: a whole number has more than 64 bits"),
    ({"id": 4, "whole": 1.5}, "whole: 1.5 is not a whole number"),
    ({"id": 5, "time": "yesterday"}, "time: 'yesterday' is not a date-time"),
    ({"id": 6, "day": "2026-02-30"}, "day: '2026-02-30' is not a date"),
    ({"id": 7, "text": 7}, "Expected `str | null`, got `int` - at `$.text`"),
    ({"id": None}, "the key 'id' has no value"),
    ({"id": 9, "number": float("nan")}, "JSON is malformed"),
    ({"text": "no id"}, "the key 'id' has no value"),
]

FORM = schema(
    "t",
    {
        "id": {"type": ["integer", "null"]},
        "whole": {"type": ["integer", "null"]},
        "number": {"type": ["number", "null"]},
        "text": TEXT,
        "time": {"type": ["string", "null"], "format": "date-time"},
        "day": {"type": ["string", "null"], "format": "date"},
    },
)


def test_unloadable_records_are_reported_and_kept_while_the_others_load(
    duck: Duck, caplog: pytest.LogCaptureFixture
) -> None:
    good = [record("t", {"id": 100 + at, "text": "x"}) for at in range(50)]
    load(duck, FORM, *good[:25], *(record("t", values) for values, _ in BAD), *good[25:])
    assert duck.query("select count(*), min(id) from {}.t") == [(50, 100)]
    kept = [json.loads(line) for line in (duck.rejects / "t.jsonl").read_text().splitlines()]
    assert len(kept) == len(BAD)
    reasons = {str(json.loads(each["record"]).get("id")): each["reason"] for each in kept}
    assert [(values, reasons) for values, why in BAD if why not in reasons[str(values.get("id"))]] == []
    for each in kept:
        assert f"Cannot load a record of t ({each['key']}): {each['reason']}" in caplog.text
    assert f"{len(BAD)} records of t could not be loaded" in caplog.text


def test_unloadable_record_fails_the_load_with_rejects_fail(duck: Duck) -> None:
    values, why = BAD[0]
    with pytest.raises(RejectedError, match="set rejects to keep") as caught:
        load(duck, FORM, record("t", values), rejects="fail")
    assert why in str(caught.value)


def test_unknown_properties_are_logged_once(duck: Duck, caplog: pytest.LogCaptureFixture) -> None:
    load(duck, schema("t", {"id": ID}), *(record("t", {"id": at, "extra": 1, "more": 2}) for at in range(3)))
    assert duck.query("select id from {}.t order by id") == [(0,), (1,), (2,)]
    assert caplog.text.count("not in its schema") == 1
    assert "'extra', 'more'" in caplog.text


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"{", "not a Singer message"),
        (b"[]", "not a Singer message"),
        (b'"x"', "not a Singer message"),
        (b'{"type": 1}', "not a Singer message"),
        (b'{"type": "HELLO"}', "a message of type 'HELLO', which"),
        (b'{"type": "BATCH", "stream": "t"}', "a message of type 'BATCH', which"),
        (b'{"type": "RECORD", "stream": "t", "record": {}}', "before its SCHEMA"),
        (b'{"type": "ACTIVATE_VERSION", "stream": "t", "version": 1}', "before its SCHEMA"),
        (schema("t", {"id": ID}, ["other"]), "key_properties name 'other'"),
        (schema("t", {"id": {"type": "object"}}), "the key 'id' has no simple type"),
        ({"type": "SCHEMA", "stream": "t", "schema": []}, "is invalid"),
        *(
            (schema("t", {"id": ID, "v": definition}), "The SCHEMA of stream 't' is invalid")
            for definition in ({"type": 5}, {"anyOf": 5}, {"type": "string", "format": []})
        ),
        *(
            (message, f"a {message['type']} of stream .* without content")
            for message in (
                {"type": "STATE"},
                {"type": "SCHEMA", "stream": "t"},
                {"type": "ACTIVATE_VERSION", "stream": "known"},
                {"type": "ACTIVATE_VERSION", "stream": "known", "version": None},
            )
        ),
    ],
)
def test_invalid_message_fails_the_load_in_one_line(duck: Duck, message: bytes | dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        load(duck, schema("known", {"id": ID}), message)
    assert "\n" not in str(caught.value)


def test_streams_with_one_table_name_fail_the_load(duck: Duck) -> None:
    with pytest.raises(InputError, match="'a-b' and 'a_b' would load into the same table a_b"):
        load(duck, schema("a-b", {"id": ID}), schema("a_b", {"id": ID}))


@pytest.mark.long
def test_records_of_megabytes_raise_the_memory_that_duckdb_may_use(
    duck: Duck, caplog: pytest.LogCaptureFixture
) -> None:
    form = schema("t", {"id": ID, "text": TEXT})
    for _ in range(2):
        rows = [record("t", {"id": at, "text": chr(97 + at % 26) * 3_000_000}) for at in range(30)]
        load(duck, form, *rows, memory_limit_mb=64)
    assert duck.query("select count(*), sum(length(text)) from {}.t") == [(30, 90_000_000)]
    assert "Records do not fit in memory_limit_mb" in caplog.text


def test_parquet_files_hold_the_records_and_each_load_adds_files(tmp_path: Path) -> None:
    settings = {"destination": "filesystem", "destination_options": {"bucket_url": str(tmp_path / "files")}}
    target = Duck(tmp_path / "unused", tmp_path / "rejects")
    for at in range(2):
        load(
            target,
            schema("t", {"id": ID, "json": {}}),
            record("t", {"id": at, "json": {"a": "ß"}}),
            credentials=None,
            **settings,
        )
    found = [
        row for file in sorted((tmp_path / "files").rglob("t/*.parquet")) for row in pq.read_table(file).to_pylist()
    ]
    assert sorted((row["id"], row["json"], row["_sdc_extracted_at"]) for row in found) == [
        (at, '{"a": "\\u00df"}', datetime(2026, 1, 31, 21, 59, 59, 123456)) for at in range(2)
    ]


def test_unwritable_folder_fails_the_load_in_one_line(duck: Duck, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    text = lines([schema("t", {"id": ID}), record("t", {"id": "no integer"}), record("t", {"id": 1}), state({})])
    done = run(duck, text, tmp_path, rejects_path=str(tmp_path / "file"))
    assert done.returncode == 1
    assert done.stdout == b""
    assert "Cannot write a record or a state" in done.stderr.decode().splitlines()[-1]


def test_postgres_accepts_a_socket_without_a_password(postgres: Pg, server: Postgres) -> None:
    load(replace(postgres, url=server.url("loads")), schema("t", {"id": ID}), record("t", {"id": 1}))
    assert postgres.query("select id from {}.t") == [(1,)]


def test_a_schema_may_have_any_name(warehouse: Warehouse) -> None:
    odd = replace(warehouse, schema=f"{warehouse.schema} Nord & Süd {'x' * 60}")
    for _ in range(2):
        load(odd, schema("t", {"id": ID}), record("t", {"id": 1}))
    query = "select table_schema from information_schema.tables where table_name = 't' and table_schema like '%nord%'"
    ((name,),) = warehouse.query(query)
    assert warehouse.query(f'select count(*) from "{name}".t') == [(1,)]
    assert "staging" not in str(warehouse.query("select schema_name from information_schema.schemata"))


def test_json_is_stored_as_text_where_unsupported(tmp_path: Path) -> None:
    part = Part("t", (Column("id", "id", "bigint"), Column("v", "v", "json")), tmp_path / "file")
    assert [column.kind for column in changes.fit(part, {}, json=takes_json(dlt.destinations.bigquery()))] == [
        "bigint",
        "text",
    ]
    assert changes.fit(part, {}, json=takes_json(dlt.destinations.duckdb())) == part.columns
    assert changes.fit(part, {}, json=takes_json(dlt.destinations.postgres())) == part.columns


def test_staged_rows_that_a_killed_load_left_are_removed_days_later(postgres: Pg) -> None:
    old, young = f"{postgres.schema}_staging_60000000_abcd", f"{postgres.schema}_staging_7fffffff_abcd"
    other = f"{postgres.schema}_staging_of_somebody"
    load(postgres, schema("t", {"id": ID}), record("t", {"id": 1}))
    with dbapi.connect(postgres.url, autocommit=True) as connection, connection.cursor() as cursor:
        for name in (old, young, other):
            cursor.execute(f'create schema "{name}"')
    load(postgres, schema("t", {"id": ID}), record("t", {"id": 1}))
    found = postgres.query("select schema_name from information_schema.schemata where schema_name like '{}%'")
    assert {name for (name,) in found} == {postgres.schema, young, other}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"destination": "nowhere"}, "dlt has no destination 'nowhere'"),
        ({"credentials": None}, "The setting credentials must be the path of the DuckDB file"),
        ({"credentials": "/proc/no/file.duckdb"}, "Cannot open the DuckDB file"),
        ({"credentials": ":memory:"}, "all data would be lost at the end"),
        ({"credentials": "duckdb:///Singer.duckdb"}, "has the name of the schema"),
        ({"destination": "postgres", "credentials": "postgresql://me:hush-hush@127.0.0.1:1/x"}, "refused"),
        (
            {"destination": "postgres", "credentials": "postgresql:me:hush-hush@127.0.0.1"},
            "check the settings|Check dest",
        ),
        ({"destination": "postgres", "credentials": " me:hush-hush @ "}, "check the settings|Check dest"),
        ({"destination": "postgres", "credentials": {"password": "hush-hush"}}, "check the settings|Check dest"),
        ({"destination": "postgres", "destination_options": {"no": "hush-hush"}}, "check the settings|Check dest"),
        ({"destination": "snowflake", "credentials": "snowflake://me:hush-hush@x"}, "snowflake"),
        ({"destination": "databricks", "credentials": {}}, "pip install 'dlt[databricks]'"),
        ({"destination": "filesystem", "credentials": None}, "bucket_url missing"),
        (
            {"destination": "filesystem", "destination_options": {"bucket_url": "s3://x"}, "credentials": None},
            "a package is missing: pip install 'dlt[s3]'",
        ),
    ],
)
def test_meaningless_settings_fail_in_one_line_without_secrets(
    duck: Duck, tmp_path: Path, settings: dict[str, Any], why: str
) -> None:
    done = run(duck, lines([schema("t", {"id": ID})]), tmp_path, **settings)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "Traceback" not in said
    assert "hush-hush" not in said
    assert any(part in said.splitlines()[-1] for part in why.split("|")), said


@pytest.mark.parametrize(
    "settings", [{"batch_size_mb": "x"}, {"rejects": "maybe"}, {"batch_size_mb": 0}, {"credentials": 5}]
)
def test_settings_of_wrong_type_are_named(duck: Duck, tmp_path: Path, settings: dict[str, Any]) -> None:
    done = run(duck, b"", tmp_path, **settings)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].endswith(f"Invalid settings: check {next(iter(settings))}.")


def test_unknown_setting_is_logged_with_the_closest_known_one(duck: Duck, caplog: pytest.LogCaptureFixture) -> None:
    load(duck, schema("t", {"id": ID}), reject="fail", of_another_loader=1)
    assert "Unknown setting 'reject' is ignored. Did you mean rejects?" in caplog.text
    assert "Unknown setting 'of_another_loader' is ignored." in caplog.text


def test_finished_load_leaves_only_the_duckdb_file(duck: Duck, tmp_path: Path) -> None:
    for further, code in ((b"", 0), (b"{", 1)):
        rows = [record("t", {"id": at, "text": "x" * 400_000}) for at in range(12)]
        text = lines([schema("t", {"id": ID, "text": TEXT}), *rows]) + further
        assert run(duck, text, tmp_path, batch_size_mb=1).returncode == code
        assert [path.name for path in tmp_path.glob(f"{duck.path.name}*")] == [duck.path.name]
    assert duck.query("select count(*) from {}.t") == [(12,)]


def test_locked_duckdb_file_fails_the_load_by_name(duck: Duck, tmp_path: Path) -> None:
    with duckdb.connect(str(duck.path)):
        done = run(duck, lines([schema("t", {"id": ID})]), tmp_path)
    assert done.returncode == 1
    assert "Cannot open the DuckDB file" in done.stderr.decode().splitlines()[-1]

"""Invalid input, tables that somebody changed, and wrong settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from adbc_driver_postgresql import dbapi
from loading import Duck, lines, load, process, record, schema, state
from target_dlt.errors import DestinationError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from loading import Pg, Warehouse

ID = {"type": "integer"}
TEXT = {"type": ["string", "null"]}
NUMBER = {"type": ["number", "null"]}
TIME = {"type": ["string", "null"], "format": "date-time"}


def prepare(warehouse: Warehouse, *statements: str) -> None:
    """Change the database behind the loader; ``{}`` stands for the schema."""
    if isinstance(warehouse, Duck):
        with duckdb.connect(str(warehouse.path)) as file:
            for statement in statements:
                file.execute(statement.format(warehouse.schema))
        return
    with dbapi.connect(warehouse.url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(warehouse.schema))


def test_timestamptz_column_stores_utc_in_any_server_time_zone(warehouse: Warehouse) -> None:
    prepare(
        warehouse, "create schema {}", "create table {}.t (id bigint, seen timestamptz, _sdc_extracted_at timestamptz)"
    )
    for _ in range(2):
        load(warehouse, schema("t", {"id": ID, "seen": TIME}), record("t", {"id": 1, "seen": "2026-01-31T12:00:00Z"}))
    query = "select seen at time zone 'UTC', _sdc_extracted_at at time zone 'UTC' from {}.t"
    assert warehouse.query(query) == [(datetime(2026, 1, 31, 12), datetime(2026, 1, 31, 21, 59, 59, 123456))]


NARROW: list[tuple[str, Any, Any, str]] = [
    ("decimal(10, 2)", NUMBER, 1.239, "double"),
    ("real", NUMBER, 1e9 + 0.5, "double"),
    ("integer", NUMBER, 1.5, "double"),
    ("decimal(4, 2)", ID, 2**40, "bigint"),
    ("uuid", TEXT, "no uuid", "text"),
]

OF_DUCKDB: list[tuple[str, Any, Any, str]] = [
    ("utinyint", NUMBER, 1.1, "double"),
    ("timestamp_s", TIME, "2026-01-31T12:00:00.700000", "timestamp"),
    ("enum('a', 'b')", TEXT, "c", "text"),
]


def test_lossy_column_types_get_a_second_column(warehouse: Warehouse) -> None:
    cases = [*NARROW, *(OF_DUCKDB if isinstance(warehouse, Duck) else ())]
    types = ", ".join(f"v{at} {type_}" for at, (type_, *_) in enumerate(cases))
    prepare(warehouse, "create schema {}", f"create table {{}}.t (id bigint, {types})")
    form = schema("t", {"id": ID, **{f"v{at}": definition for at, (_, definition, *_) in enumerate(cases)}})
    sent = {f"v{at}": value for at, (_, _, value, _) in enumerate(cases)}
    for _ in range(2):
        load(warehouse, form, record("t", {"id": 1, **sent}))
    for at, (_, definition, value, kind) in enumerate(cases):
        expected = datetime.fromisoformat(value) if definition is TIME else value
        assert warehouse.query(f"select id, v{at}, v{at}__v_{kind} from {{}}.t") == [(1, None, expected)]


def test_tables_of_target_duckdb_are_continued_and_their_texts_corrected(duck: Duck) -> None:
    table = """create table {}.t (
        _sdc_batched_at timestamp, _sdc_deleted_at varchar, _sdc_extracted_at timestamp, day varchar, id varchar,
        label varchar, parts json, seen timestamp, sent hugeint, primary key (id)
    )"""
    old = """insert into {}.t values (now(), null, now(), '2026-01-30', 'a', 'EMEADACH', '{{}}', now(), 7),
        (now(), null, now(), '2026-01-30', 'kept', 'x', '{{}}', null, 8)"""
    prepare(duck, "create schema {}", table, old)
    day = {"type": "string", "format": "date"}
    parts = {"type": ["object", "null"]}
    properties = {"day": day, "id": TEXT, "label": TEXT, "parts": parts, "seen": TIME, "sent": ID, "new": TEXT}
    sent = {"day": "2026-01-31", "label": "EMEA\\DACH", "parts": {"a": "'"}, "seen": "2026-01-31T12:00:00Z", "sent": 9}
    messages = [record("t", {"id": name, **sent, "new": "n"}) for name in ("a", "b")]
    for _ in range(2):
        load(duck, schema("t", properties), *messages)
    rows = duck.query("select id, day, label, parts ->> 'a', sent, new, _sdc_sequence > 0 from {}.t order by id")
    assert rows == [
        *((name, "2026-01-31", "EMEA\\DACH", "'", 9, "n", True) for name in ("a", "b")),
        ("kept", "2026-01-30", "x", None, 8, None, None),
    ]


def test_property_keeps_its_column_when_a_similar_name_appears(warehouse: Warehouse) -> None:
    plain = {"id": ID, "name": TEXT, "имя": TEXT}
    load(warehouse, schema("t", plain), record("t", {"id": 1, "name": "low", "имя": "я"}))
    more = {"NAME": TEXT, "Name": TEXT, "id": ID, "город": TEXT, **plain}
    sent = {"id": 2, "name": "low", "имя": "я", "Name": "Up", "NAME": "UP", "город": "Бонн"}
    load(warehouse, schema("t", more), record("t", sent), add_record_metadata=False)
    columns = "select column_name from information_schema.columns where table_schema = '{}' and table_name = 't'"
    names = [name for (name,) in warehouse.query(columns) if not name.startswith("_sdc")]
    first, second = (
        dict(zip(names, row, strict=True))
        for row in warehouse.query(f"select {', '.join(names)} from {{}}.t order by id")
    )
    assert sorted(map(str, second.values())) == sorted(map(str, sent.values()))
    assert {name for name in names if first[name] is not None} == {
        name for name in names if second[name] in {2, "low", "я"}
    }


def test_streams_with_non_latin_names_get_a_table_each(warehouse: Warehouse) -> None:
    for _ in range(2):
        load(
            warehouse,
            *(line for name in ("люди", "дела") for line in (schema(name, {"id": ID}), record(name, {"id": 1}))),
        )
    tables = (
        "select table_name from information_schema.tables where table_schema = '{}' and table_name not like '%dlt%'"
    )
    found = warehouse.query(tables)
    assert len(found) == 2
    assert [warehouse.query(f"select id from {{}}.{name}") for (name,) in found] == [[(1,)], [(1,)]]


DEEP = '{"type": "RECORD", "stream": "t", "record": {"id": 9, "json": ' + "[" * 50_000 + "]" * 50_000 + "}}"


def test_odd_records_are_rejected_while_the_others_load(duck: Duck) -> None:
    odd: list[Any] = [
        DEEP.encode(),
        record("t", {"id": 1}, version=2**70),
        *(b'{"type": "RECORD", "stream": "t"%s}' % rest for rest in (b"", b', "record": null', b', "record": [1]')),
        *(record("t", {"id": 1}) | {"time_extracted": text} for text in ("", "yesterday")),
    ]
    load(duck, schema("t", {"id": ID, "json": {}}), record("t", {"id": 1}), *odd, record("t", {"id": 2}))
    assert duck.query("select id from {}.t order by id") == [(1,), (2,)]
    assert len((duck.rejects / "t.jsonl").read_text().splitlines()) == len(odd)


def test_keys_may_be_times_that_python_does_not_have(warehouse: Warehouse) -> None:
    form = schema("t", {"id": {"type": "string", "format": "date-time"}, "n": ID})
    for at in range(2):
        sent = [record("t", {"id": "9999-12-31T23:59:59-14:00", "n": each}) for each in (at, at + 1)]
        load(warehouse, form, *sent)
    assert warehouse.query("select n from {}.t") == [(2,)]


def test_later_of_two_versions_in_a_batch_wins_in_any_order(warehouse: Warehouse) -> None:
    ends = [{"type": "ACTIVATE_VERSION", "stream": "t", "version": version} for version in (5, 1)]
    load(warehouse, schema("t", {"id": ID}), record("t", {"id": 1}, version=1), *ends)
    assert warehouse.query("select _sdc_deleted_at is not null from {}.t") == [(True,)]


def test_added_key_column_fails_the_load_in_one_line(warehouse: Warehouse) -> None:
    load(warehouse, schema("t", {"id": ID}), record("t", {"id": 1}))
    with pytest.raises(DestinationError, match=r"^The key of table t has part now, which existing rows lack: rename"):
        load(warehouse, schema("t", {"id": ID, "part": ID}, ["id", "part"]), record("t", {"id": 1, "part": 1}))


REFUSED: list[tuple[str, Any, Any]] = [
    ("v integer", ID, 2**40),
    ("v bigint check (v < 5)", ID, 9),
    ("v bigint, part bigint not null", ID, 1),
    ("v bigint unique", ID, 77),
]


@pytest.mark.parametrize(
    ("column", "definition", "value", "keys"), [*((*row, ["id"]) for row in REFUSED), (*REFUSED[0], [])]
)
def test_row_rejected_by_a_table_fails_the_load_without_retry(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture, column: str, definition: Any, value: Any, keys: list[str]
) -> None:
    prepare(warehouse, "create schema {}", f"create table {{}}.t (id bigint, {column})")
    sent = [record("t", {"id": at, "v": value}) for at in (1, 2)]
    with pytest.raises(DestinationError, match=r"^Table t rejects a row: .* Alter or rename the table, and load again"):
        load(warehouse, schema("other", {"id": ID}), schema("t", {"id": ID, "v": definition}, keys), *sent)
    assert "again" not in caplog.text
    assert warehouse.query("select count(*) from {}.t") == [(0,)]


@pytest.mark.parametrize("keys", [["id"], []])
def test_too_long_text_fails_the_load_without_retry(
    postgres: Pg, caplog: pytest.LogCaptureFixture, keys: list[str]
) -> None:
    test_row_rejected_by_a_table_fails_the_load_without_retry(postgres, caplog, "v varchar(3)", TEXT, "four", keys)


def test_dropped_key_column_without_a_value_fails_the_load(warehouse: Warehouse) -> None:
    load(warehouse, schema("t", {"id": ID, "part": ID}, ["id", "part"]), record("t", {"id": 1, "part": 77}))
    load(warehouse, schema("t", {"id": ID, "part": ID}), record("t", {"id": 1, "part": 77}))
    with pytest.raises(DestinationError, match=r"^Table t rejects a row: .*part.* Alter or rename") as caught:
        load(warehouse, schema("t", {"id": ID}), record("t", {"id": 987654}))
    assert "987654" not in str(caught.value)
    assert warehouse.query("select id, part from {}.t") == [(1, 77)]


@pytest.mark.parametrize("name", ["_dlt_loads", "_DLT_version"])
def test_stream_cannot_use_a_table_name_of_dlt(duck: Duck, name: str) -> None:
    with pytest.raises(InputError, match="dlt's own: rename it"):
        load(duck, schema(name, {"id": ID}))


MESSAGES = lines([schema("t", {"id": ID}), record("t", {"id": 1}), state({"at": 1})])


def _variables(warehouse: Warehouse, **more: Any) -> dict[str, str]:
    return {f"TARGET_DLT_{name.upper()}": str(value) for name, value in (warehouse.config | more).items()}


def test_settings_come_from_variables(warehouse: Warehouse, tmp_path: Path) -> None:
    done = process(MESSAGES, tmp_path, "ENV", **_variables(warehouse, batch_size_mb=1))
    assert done.returncode == 0, done.stderr.decode()
    assert warehouse.query("select id from {}.t") == [(1,)]


def test_credentials_in_a_variable_may_be_an_object(postgres: Pg, tmp_path: Path) -> None:
    parts = postgres.url.removeprefix("postgresql://").replace("@", ":").replace("/", ":").split(":")
    place = dict(zip(("username", "password", "host", "port", "database"), parts, strict=True))
    done = process(MESSAGES, tmp_path, "ENV", **_variables(postgres, credentials=json.dumps(place)))
    assert done.returncode == 0, done.stderr.decode()
    assert postgres.query("select id from {}.t") == [(1,)]


@pytest.mark.parametrize("redirected", [">&-", "<&-", ">/dev/full"])
def test_unusable_standard_streams_fail_the_load_in_one_line(duck: Duck, tmp_path: Path, redirected: str) -> None:
    (tmp_path / "target.json").write_text(json.dumps(duck.config))
    command = f"{sys.executable} -m target_dlt --config target.json {redirected}"
    done = subprocess.run(["/bin/sh", "-c", command], input=MESSAGES, capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    why = "Cannot write a record or a state" if "full" in redirected else "must be open"
    assert "Traceback" not in done.stderr.decode()
    assert why in done.stderr.decode().splitlines()[-1]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("none.json", "Cannot read the settings"),
        ("broken.json", "Cannot read the settings"),
        ("ENV", "A variable that begins with TARGET_DLT_ has an invalid value"),
    ],
)
def test_unreadable_settings_fail_the_load_in_one_line(tmp_path: Path, config: str, why: str) -> None:
    (tmp_path / "broken.json").write_text("{")
    done = process(MESSAGES, tmp_path, config, TARGET_DLT_BATCH_SIZE_MB="x")
    assert (done.returncode, done.stdout) == (1, b"")
    assert "Traceback" not in done.stderr.decode()
    assert why in done.stderr.decode().splitlines()[-1]


TRIES_OF_DLT = 5


def _end_who_waits(warehouse: Pg, locked: str, begun: threading.Event) -> None:
    """End sessions that wait for a table, as often as dlt retries, then release the table."""
    waiting = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event_type = 'Lock' and query ilike "
        f"'%{warehouse.schema}%'"
    )
    with dbapi.connect(warehouse.url) as holder, holder.cursor() as cursor:
        cursor.execute(f"lock table {warehouse.schema}.{locked} in share row exclusive mode")
        begun.set()
        ended = 0
        for _ in range(600):
            ((more,),) = warehouse.query(waiting)
            ended += more
            if ended >= TRIES_OF_DLT:
                break
            time.sleep(0.1)
        holder.rollback()


def test_lost_connection_appends_no_row_twice(postgres: Pg, caplog: pytest.LogCaptureFixture) -> None:
    forms = [schema("keyed", {"id": ID}), schema("keyless", {"id": ID}, [])]
    load(postgres, *forms, record("keyed", {"id": 0}), record("keyless", {"id": 0}))
    begun = threading.Event()
    ender = threading.Thread(target=_end_who_waits, args=(postgres, "keyed", begun))
    ender.start()
    begun.wait()
    load(postgres, *forms, *(record(name, {"id": at}) for at in range(1, 9) for name in ("keyed", "keyless")))
    ender.join()
    assert re.search(r"Cannot load key\w+, retrying", caplog.text)
    assert postgres.query("select count(*) from {0}.keyed union all select count(*) from {0}.keyless") == [(9,), (9,)]

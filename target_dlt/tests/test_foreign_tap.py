"""Load MeltanoLabs' Postgres tap, from a table with a column of each type."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loading import run, value_of

from tests.warehouse.postgres import PASSWORD

if TYPE_CHECKING:
    from loading import Warehouse

    from tests.warehouse.postgres import Postgres

TAP = Path(__file__).parents[2] / ".venv-tap-postgres" / "bin" / "tap-postgres"

STATEMENTS = (
    "create schema source_{0}",
    """create table source_{0}.people (
    id uuid primary key, name text, born date, seen timestamptz, noted timestamp, money numeric(20, 4),
    score double precision, small smallint, big bigint, on_off boolean, tags text[], extra jsonb, anything json,
    length interval, code char(5)
)""",
    """insert into source_{0}.people values (
    '5f0c0f8e-0000-4000-8000-000000000001', 'O''Hara "the \\ one"', '1970-01-01', '2026-01-31 23:59:59.5+02',
    '2026-01-31 12:00', 1234567890.1234, 0.1, 1, 9223372036854775807, true, array['a,b', '"c"'],
    '{{"k": [1, null]}}', '"x"', '1 day', 'ab'
)""",
    "insert into source_{0}.people (id) values ('5f0c0f8e-0000-4000-8000-000000000002')",
)


@pytest.fixture(scope="module")
def output(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Run the tap and return its output."""
    if not TAP.exists():
        pytest.fail(f"there is no {TAP.parts[-3]}: run `make test-target-dlt`, which installs it")
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 (not where the tap is missing)

    url, name = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{server.port}/loads", "foreign"
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement.format(name))
    folder = tmp_path_factory.mktemp("foreign")
    config = folder / "tap.json"
    config.write_text(json.dumps({"sqlalchemy_url": url, "filter_schemas": [f"source_{name}"]}))
    found = subprocess.run([TAP, "--config", config, "--discover"], capture_output=True, check=True).stdout
    catalog = json.loads(found)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            metadata["metadata"]["selected"] = True
    selected = folder / "catalog.json"
    selected.write_text(json.dumps(catalog))
    command = [TAP, "--config", config, "--catalog", selected]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_records_of_a_foreign_tap_are_loaded_with_every_value(
    warehouse: Warehouse, output: bytes, tmp_path: Path
) -> None:
    done = run(warehouse, output, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not warehouse.rejects.exists()
    (name,) = {json.loads(line)["stream"] for line in output.splitlines() if b'"RECORD"' in line}
    table = name.replace("-", "_")
    names = "id, name, born, seen, noted, money, score, small, big, on_off, tags, extra, anything, code"
    first, second = warehouse.query(f"select {names} from {{}}.{table} order by id")
    found: dict[str, Any] = dict(zip(names.split(", "), first, strict=True))
    nested = {key: value_of(found.pop(key)) for key in ("tags", "extra")}
    assert nested == {"tags": ["a,b", '"c"'], "extra": {"k": [1, None]}}
    assert found["name"] == 'O\'Hara "the \\ one"'
    assert found["seen"] == datetime(2026, 1, 31, 21, 59, 59, 500000)
    assert found["big"] == 2**63 - 1
    assert (float(found["money"]), found["score"], found["on_off"]) == (1234567890.1234, 0.1, True)
    assert set(second[1:]) == {None}

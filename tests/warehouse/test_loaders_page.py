"""Run the commands and queries of docs/loaders.md unchanged, and check its figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.pages import ROOT, blocks, run
from tests.warehouse.postgres import PASSWORD
from tools.benchmarks import load_loaders, odd_texts
from tools.benchmarks.databases import HOST, InDuckDB
from tools.benchmarks.loaders import DUCKDB, LOADERS, OURS, POSTGRES, shipped
from tools.benchmarks.loaders_page import AGAIN, CHECKS, FIRST, PIPE, Comparison, Took, judge, render, section
from tools.benchmarks.results import read
from tools.demo.tables import TABLES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

NAME = "docs/loaders.md"
PAGE = Path(NAME).read_text(encoding="utf-8")
PROGRAMS = ROOT / ".venv-target-dlt" / "bin"
CREDENTIALS = "postgresql://loader:secret@db.example:5432/warehouse"


@pytest.fixture
def api() -> Iterator[Server]:
    with sandbox.serve(SandboxConfig(1, 3, 3, leads=30, emails=5, days=20, until=UNTIL, seed=6)) as server:
        yield server


def load(target: dict[str, Any], api: Server, folder: Path) -> dict[str, Any]:
    """Run the page's pipeline with its settings and this target's; return the final state."""
    tap = json.loads(blocks(NAME, "json")[0])
    config = tap | {"api_key": api.api_key, "api_url": f"{api.url}/api/v2"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "target.json").write_text(json.dumps(target))
    run(blocks(NAME, "sh")[1], folder, PROGRAMS)
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return state


def targets() -> list[dict[str, Any]]:
    return [json.loads(text) for text in blocks(NAME, "json")[1:]]


def test_documented_commands_keep_an_incomplete_state_and_agree_in_both_databases(
    api: Server, postgres: Postgres, tmp_path: Path
) -> None:
    install, _, by_environment = blocks(NAME, "sh")
    assert "make .venv/.ready .venv-target-dlt/.ready\n" in install
    to_duckdb, to_postgres, _ = targets()
    assert (to_duckdb["credentials"], to_postgres["credentials"]) == ("warehouse.duckdb", CREDENTIALS)
    names = {table.name for table in TABLES}
    api.control.fault("/api/v2/custom-tags", "status", status=400)
    with pytest.raises(AssertionError):
        load(to_duckdb, api, tmp_path)
    assert "leads" in json.loads((tmp_path / "state.json").read_text())["bookmarks"]
    assert load(to_duckdb, api, tmp_path)["bookmarks"].keys() == names
    with postgres.database("first"), postgres.database("second"):
        here = f"postgresql://postgres:{PASSWORD}@{HOST}:{postgres.port}"
        (tmp_path / "state.json").unlink()
        assert load(to_postgres | {"credentials": f"{here}/first"}, api, tmp_path)["bookmarks"].keys() == names
        assert by_environment.count(CREDENTIALS) == 1
        run(f"set -e -o pipefail\n{by_environment.replace(CREDENTIALS, f'{here}/second')}", tmp_path, PROGRAMS)
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
            for query in (query for query in blocks(NAME, "sql") if "read_parquet" not in query):
                found = warehouse.execute(query).fetchall()
                assert found
                for database in ("first", "second"):
                    rows = postgres.rows(query, database)
                    assert sorted(map(str, found)) == sorted(str(tuple(row.values())) for row in rows)


def test_documented_parquet_query_reads_each_record_once(api: Server, tmp_path: Path) -> None:
    *_, to_files = targets()
    (query,) = (query for query in blocks(NAME, "sql") if "read_parquet" in query)
    query = query.replace("lake/", f"{tmp_path}/lake/")
    files = str(tmp_path / "lake" / "instantly" / "leads" / "*.parquet")
    for loads in (1, 2):
        load(to_files, api, tmp_path)
        (tmp_path / "state.json").unlink()  # as if the load had been killed before it wrote one
        with duckdb.connect() as reader:
            assert reader.execute("select count(*) from read_parquet(?)", [files]).fetchall() == [(30 * loads,)]
            once = f"select count(*), count(distinct id), count(distinct _sdc_sync_started_at) from ({query})"  # noqa: S608 (of the page)
            assert reader.execute(once).fetchall() == [(30, 30, 1)]


def test_documented_types_match_the_loader_and_the_comparison() -> None:
    _, _, types = (ROOT / "target_dlt" / "README.md").read_text(encoding="utf-8").partition("\n## Types\n")
    rows = re.findall(r"^\| `[a-z]+`(?:, format `[a-z-]+`)? \| .* \|$", types, flags=re.MULTILINE)
    assert len(rows) == 6
    assert [row for row in rows if f"\n{row}" not in PAGE] == []
    assert [kind for kind in Kind if not re.search(rf"^\| `.* \| `{kind.value[0]}`", PAGE, flags=re.MULTILINE)] == []


def test_every_loader_of_the_project_is_on_the_page() -> None:
    names = re.findall(r"^  - name: (target-\w+)$", (ROOT / "meltano.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == 4
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_figures_on_the_page_are_measured() -> None:
    assert render(PAGE, read(load_loaders.RESULTS, Comparison)) == PAGE


@pytest.mark.long
def test_measured_loaders_load_leads_and_odd_texts_correctly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loaders = [loader for loader in LOADERS if not loader.environment.name.startswith(".venv-bench")]
    assert {loader.kind for loader in loaders if loader.name == OURS} == {DUCKDB, POSTGRES}
    found = load_loaders.measure(60, 1, loaders)
    for loader in loaders:
        for kind in (FIRST, AGAIN, PIPE):
            (took,) = found.of(loader.kind, loader.name, kind)
            assert took.equal == found.records == 60
        if loader.many_streams:
            assert found.odd_equal[loader.kind][loader.name] == found.odd > 50
    assert section(found).count("| all | ") == len(loaders)
    assert capsys.readouterr().out.count("rows/s") == 3 * len(loaders)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_text_with_an_extra_space_is_not_equal(tmp_path: Path) -> None:
    (stream, (odd, _)), *_ = odd_texts.streams().items()
    database = InDuckDB(tmp_path)
    with duckdb.connect(database.address) as warehouse:
        warehouse.execute("begin")
        warehouse.execute("create schema instantly")
        for name, (row, ordinary) in odd_texts.streams().items():
            warehouse.execute(f"create table instantly.{name} (id text, company_name text, payload json)")
            for each in (row, ordinary):  # not as parameters: for each, DuckDB looks for packages that are not there
                values = ", ".join(
                    quoted(text) for text in (each["id"], each["company_name"], json.dumps(each["payload"]))
                )
                warehouse.execute(f"insert into instantly.{name} values ({values})")  # noqa: S608 (our own names)
        warehouse.execute("commit")
    every = len(odd_texts.streams())
    assert odd_texts.equal(database) == every
    with duckdb.connect(database.address) as warehouse:
        wrong = quoted(odd["company_name"] + " ")
        warehouse.execute(f"update instantly.{stream} set company_name = {wrong} where id = '1'")  # noqa: S608 (our own names)
    assert odd_texts.equal(database) == every - 1


def test_benchmark_verdicts_use_the_median_of_the_turns() -> None:
    found = Comparison("2026-01-31", "2 cores", 1000, odd=80)
    for database, peer in ((DUCKDB, "target-duckdb"), (POSTGRES, "target-postgres")):
        for kind in (FIRST, PIPE):
            for ours, theirs in ((1.0, 9.0), (2.0, 8.0), (4.0, 4.0)):
                found.add(database, OURS, kind, Took(ours, 1.0, 100.0, 1000))
                found.add(database, peer, kind, Took(theirs, 1.0, 250.0, 1000))
        found.odd_equal[database] = {OURS: 80}
    assert [verdict.value for verdict in judge(found)] == [4, 40, 4, 4, 100, 100]
    assert all(verdict.passed for verdict in judge(found))
    found.add(DUCKDB, OURS, FIRST, Took(1.0, 1.0, 100.0, 999))
    found.add(DUCKDB, "target-duckdb", FIRST, Took(1.0, 1.0, 100.0, 1000))
    found.odd_equal[POSTGRES][OURS] = None
    assert [verdict.passed for verdict in judge(found)] == [False, True, True, True, False, False]
    empty = judge(Comparison("", "", 0))
    assert [verdict.value for verdict in empty] == [None] * len(CHECKS)


def test_measured_settings_match_the_project() -> None:
    assert all(loader.settings == shipped(OURS) for loader in LOADERS if loader.name == OURS)

"""Run the commands and queries of docs/postgres.md unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.pages import blocks, run
from tests.warehouse.life import NEW_VALUE, contacted
from tests.warehouse.pipeline import Pipeline
from tests.warehouse.postgres import ENVIRONMENT
from tests.warehouse.truth import FORMATS, SCALARS, column_types
from tools.benchmarks import load_settings
from tools.benchmarks.load_page import Loads, render, section
from tools.benchmarks.loaders import shipped
from tools.benchmarks.results import read
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

NAME = "docs/postgres.md"
PAGE = Path(NAME).read_text(encoding="utf-8")


@pytest.fixture
def api() -> Iterator[Server]:
    with sandbox.serve(SandboxConfig(1, 3, 3, leads=30, emails=5, days=20, until=UNTIL, seed=6)) as server:
        yield server


@pytest.fixture
def pipeline(postgres: Postgres, database: str, tmp_path: Path) -> Pipeline:
    return Pipeline(postgres, database, tmp_path)


def test_documented_commands_load_resume_and_query_also_new_fields(
    api: Server, pipeline: Pipeline, tmp_path: Path
) -> None:
    tap, target = (json.loads(text) for text in blocks(NAME, "json"))
    here: dict[str, Any] = {"api_key": api.api_key, "api_url": f"{api.url}/api/v2"}
    assert here.keys() & tap.keys() == {"api_key"}
    (tmp_path / "config.json").write_text(json.dumps(tap | here))
    url = pipeline.postgres.url(pipeline.database)
    assert url.partition("@")[0].partition(":")[0] == target["sqlalchemy_url"].partition(":")[0]
    (tmp_path / "target.json").write_text(json.dumps(target | {"sqlalchemy_url": url}))
    install, pipe = blocks(NAME, "sh")
    run(pipe, tmp_path, ENVIRONMENT / "bin")
    state = json.loads((tmp_path / "state.json").read_text())
    api.control.add_field("leads", "some_field", NEW_VALUE)
    lead = contacted(api.control)[0]["id"]
    api.control.open(lead, at="2026-11-05T08:00:00.000Z")
    run(pipe, tmp_path, ENVIRONMENT / "bin")
    again = json.loads((tmp_path / "state.json").read_text())
    assert again["bookmarks"].keys() == state["bookmarks"].keys() == {table.name for table in TABLES}
    for query in blocks(NAME, "sql"):
        if query.startswith("select"):
            assert pipeline.postgres.rows(query, pipeline.database), query
        else:
            pipeline.postgres.execute(query, pipeline.database)
    assert column_types(pipeline)["leads"]["status"] == "text"
    score = "select id, unknown_fields #>> '{some_field,scores,0}' as score from instantly.leads"
    assert {"id": lead, "score": "0.93"} in pipeline.postgres.rows(score, pipeline.database)
    kinds = "select distinct jsonb_typeof(unknown_fields) as kind from instantly.leads order by 1"
    assert [row["kind"] for row in pipeline.postgres.rows(kinds, pipeline.database)] == ["null", "object"]
    assert "make .venv/.ready .venv-postgres/.ready\n" in install


def test_every_type_is_on_the_page() -> None:
    rows = [f"| `{kind}` | `{type_}` |" for kind, type_ in SCALARS.items()]
    assert [row for row in rows if f"\n{row}" not in PAGE] == []
    for format_, type_ in FORMATS.items():
        assert f"\n| `string`, format `{format_}` | `{type_.removesuffix(' without time zone')}`" in PAGE


def test_figures_on_the_page_are_measured() -> None:
    assert render(PAGE, read(load_settings.RESULTS, Loads)) == PAGE


def test_settings_on_the_page_match_the_project() -> None:
    _, target = (json.loads(text) for text in blocks(NAME, "json"))
    given = {name: value for name, value in target.items() if name not in {"sqlalchemy_url", "default_target_schema"}}
    assert given.items() <= shipped("target-postgres").items()


@pytest.mark.long
def test_measured_load_methods_give_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    cases = (load_settings.CASES[0], *(case for case in load_settings.CASES if case.again))
    loads = load_settings.measure(60, 1, cases)
    assert loads.cases.keys() == {case.name for case in cases}
    assert loads.same_rows
    for costs in loads.cases.values():
        assert [cost.records for cost in costs] == [60]
    assert "identical" in section(loads)
    assert capsys.readouterr().out.count("records/s") == len(cases)

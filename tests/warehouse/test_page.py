"""The commands and queries of docs/postgres.md, as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from benchmarks import load
from benchmarks.load_page import Loads, render, section
from benchmarks.loaders import shipped
from demo.tables import TABLES
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.warehouse.pipeline import Pipeline
from tests.warehouse.postgres import ENVIRONMENT
from tests.warehouse.truth import FORMATS, SCALARS, column_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

PAGE = Path("docs/postgres.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def api() -> Iterator[Server]:
    with sandbox.serve(SandboxConfig(1, 3, 3, leads=30, emails=5, days=20, until=UNTIL, seed=6)) as server:
        yield server


@pytest.fixture
def pipeline(postgres: Postgres, tmp_path: Path) -> Iterator[Pipeline]:
    with postgres.database("page") as database:
        yield Pipeline(postgres, database, tmp_path)


def run(commands: str, folder: Path) -> None:
    places = [str(Path(sys.executable).parent), str(ENVIRONMENT / "bin"), os.environ["PATH"]]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
    done = subprocess.run(
        ["/bin/bash", "-c", commands],
        cwd=folder,
        env={**clean, "PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-5000:]


def test_the_commands_load_and_go_on_from_their_state_and_the_queries_find_it(
    api: Server, pipeline: Pipeline, tmp_path: Path
) -> None:
    tap, target = (json.loads(text) for text in blocks("json"))
    here: dict[str, Any] = {"api_key": api.api_key, "api_url": f"{api.url}/api/v2"}
    assert here.keys() & tap.keys() == {"api_key"}
    (tmp_path / "config.json").write_text(json.dumps(tap | here))
    url = pipeline.postgres.url(pipeline.database)
    assert url.partition("@")[0].partition(":")[0] == target["sqlalchemy_url"].partition(":")[0]
    (tmp_path / "target.json").write_text(json.dumps(target | {"sqlalchemy_url": url}))
    api.control.add_field("leads", "some_field", [1, 2])
    install, pipe = blocks("sh")
    run(pipe, tmp_path)
    state = json.loads((tmp_path / "state.json").read_text())
    api.control.clear_requests()
    run(pipe, tmp_path)
    again = json.loads((tmp_path / "state.json").read_text())
    assert again["bookmarks"].keys() == state["bookmarks"].keys() == {table.name for table in TABLES}
    for query in blocks("sql"):
        if query.startswith("select"):
            assert pipeline.postgres.rows(query, pipeline.database), query
        else:
            pipeline.postgres.execute(query, pipeline.database)
    assert column_types(pipeline, "leads")["status"] == "text"
    assert "make .venv/.ready .venv-postgres/.ready\n" in install


def test_every_type_is_on_the_page() -> None:
    rows = [f"| `{kind}` | `{type_}` |" for kind, type_ in SCALARS.items()]
    assert [row for row in rows if f"\n{row}" not in PAGE] == []
    for format_, type_ in FORMATS.items():
        assert f"\n| `string`, format `{format_}` | `{type_.removesuffix(' without time zone')}`" in PAGE


def test_the_figures_on_the_page_are_those_that_were_measured() -> None:
    assert render(PAGE, Loads.read(load.RESULTS)) == PAGE


def test_the_settings_on_the_page_are_those_of_the_project() -> None:
    _, target = (json.loads(text) for text in blocks("json"))
    given = {name: value for name, value in target.items() if name not in {"sqlalchemy_url", "default_target_schema"}}
    assert given.items() <= shipped("target-postgres").items()


def test_the_ways_to_load_that_are_measured_load_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    cases = (load.CASES[0], *(case for case in load.CASES if case.batches or case.again))
    loads = load.measure({"leads": 60, "accounts": 4}, 1, cases)
    assert loads.cases.keys() == {case.name for case in cases}
    assert loads.same_rows
    for costs in loads.groups.values():
        assert [cost.records for cost in costs] == [60 + loads.accounts]
    assert "identical" in section(loads)
    assert capsys.readouterr().out.count("records/s") == len(cases) + len(load.GROUPS)

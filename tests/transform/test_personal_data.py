"""The dbt package and the report over data that were hashed or dropped on the way."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from demo.tables import TABLES
from tap_instantly.settings import DROP, HASH
from tests.report import reading
from tests.support import run_tap
from tests.transform import duck
from tests.transform.conftest import LOADED_AT, ODD
from tests.transform.package import Dbt, Result, contract, query, unsuccessful
from tests.transform.test_marts import LEFT_OUT, UNDOCUMENTED
from tests.transform.writing import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transform.conftest import Built

PERSONAL = {"email", "first_name", "last_name", "company_name", "company_domain", "job_title", "sender_email"}
"""Columns of the marts that hold what is personal."""


@dataclass(frozen=True)
class Hidden:
    """The marts over hidden data.

    Attributes:
        choice: What became of personal data.
        path: The DuckDB file.
        results: What came of each node.
    """

    choice: str
    path: Path
    results: dict[str, Result]


@pytest.fixture(scope="module", params=[HASH, DROP])
def hidden(request: pytest.FixtureRequest, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Hidden:
    folder = tmp_path_factory.mktemp(request.param)
    streams = tuple(table.name for table in TABLES)
    run = run_tap(
        {**config, "personal_data": request.param, "personal_data_salt": "4b1d-a-salt-of-the-tests"}, streams=streams
    )
    path = folder / "warehouse.duckdb"
    duck.fill(path, {stream: run.records(stream) for stream in streams}, LOADED_AT)
    duck.execute(path, *ODD)
    project = Dbt(folder / "dbt", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    return Hidden(request.param, path, project.run("build", "--exclude-resource-type", "unit_test"))


def test_everything_is_built_and_every_test_of_the_package_passes(hidden: Hidden, built: Built) -> None:
    failed = {name for name in unsuccessful(hidden.results) if not name.startswith((UNDOCUMENTED, LEFT_OUT))}
    assert failed == set()
    same = {name for name in built.results["duckdb"] if not name.startswith("unit_test.")}
    assert hidden.results.keys() == same


@pytest.mark.parametrize("mart", sorted(contract()))
def test_a_mart_has_the_same_rows_but_for_what_is_personal(hidden: Hidden, built: Built, mart: str) -> None:
    ours, theirs = duck.rows(hidden.path, query(mart)), duck.rows(built.duckdb_file, query(mart))
    assert bag(ours) == bag(theirs)
    for column in PERSONAL & ours[0].keys():
        values = [row[column] for row in ours]
        assert not {text for text in values if text} & {row[column] for row in theirs} - {"unknown"}
        assert all(text is None or re.fullmatch(r"unknown|[0-9a-f]{32}(@[\w.-]+)?", text) for text in values)


def bag(rows: list[dict[str, Any]]) -> Counter[str]:
    """Rows without what is personal, in no order."""
    kept = ({name: value for name, value in row.items() if name not in PERSONAL} for row in rows)
    return Counter(json.dumps(row, sort_keys=True, default=str) for row in kept)


def test_the_report_has_the_same_figures(hidden: Hidden, page: Path, tmp_path: Path) -> None:
    written = write_page(str(hidden.path), tmp_path / "report.html")
    ours, theirs = reading.read(written), reading.read(page.read_text(encoding="utf-8"))
    assert ours.as_of == theirs.as_of
    assert len(ours.figures) > 100
    assert nameless(ours.figures) == nameless(theirs.figures)
    assert not re.search(r"[a-z]+\.[a-z]+\.\d+@", written)  # the form of the accounts' addresses


def nameless(figures: dict[str, tuple[str, str]]) -> Counter[tuple[str, tuple[str, str]]]:
    """Figures under names without addresses."""
    return Counter((re.sub(r"[\w.-]+@", "@", name), shown) for name, shown in figures.items())

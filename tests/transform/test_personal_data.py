"""The dbt package and the report over hashed or dropped personal data."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.settings import DROP, HASH
from tests.report import reading
from tests.support import run_tap
from tests.transform import duck
from tests.transform.conftest import FILE, LOADED, LOADED_AT, ODD, WITH_EMAILS
from tests.transform.package import CHOSEN, NO_UNIT_TESTS, Dbt, Result, contract, query, unsuccessful
from tests.transform.test_marts import LEFT_OUT, UNDOCUMENTED
from tests.transform.writing import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transform.conftest import Built

pytestmark = pytest.mark.long

PERSONAL = {"email", "first_name", "last_name", "company_name", "company_domain", "job_title", "sender_email"}
PERSONAL |= {"lead_email", "first_replied_by"}
"""Columns of the marts with personal data."""

COMPARED = {"is_replied_by_lead"}
"""Columns that compare addresses, which are gone if they are dropped."""


@dataclass(frozen=True)
class Hidden:
    """The marts over hidden data.

    Attributes:
        choice: Setting for personal data.
        path: DuckDB file.
        results: Result of each node.
    """

    choice: str
    path: Path
    results: dict[str, Result]


@pytest.fixture(scope="module", params=[HASH, DROP])
def hidden(request: pytest.FixtureRequest, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Hidden:
    folder = tmp_path_factory.mktemp(request.param)
    run = run_tap(
        {**config, "personal_data": request.param, "personal_data_salt": "4b1d-a-salt-of-the-tests"}, streams=LOADED
    )
    path = folder / FILE
    duck.fill(path, {stream: run.records(stream) for stream in LOADED}, LOADED_AT)
    duck.execute(path, *ODD)
    project = Dbt(folder / "dbt", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    return Hidden(request.param, path, project.run("build", *WITH_EMAILS, *NO_UNIT_TESTS))


def test_everything_is_built_and_every_test_of_the_package_passes(hidden: Hidden, built: Built) -> None:
    failed = {name for name in unsuccessful(hidden.results) if not name.startswith((UNDOCUMENTED, LEFT_OUT))}
    assert failed == set()
    assert hidden.results.keys() == built.results["duckdb"].keys()


@pytest.mark.parametrize("mart", sorted(contract().keys() - {CHOSEN}))
def test_marts_differ_only_in_personal_columns(hidden: Hidden, built: Built, mart: str) -> None:
    ours, theirs = duck.rows(hidden.path, query(mart)), duck.rows(built.duckdb_file, query(mart))
    # Subjects of replies are personal; those of variants and of odd rows are not.
    personal = PERSONAL | ({"subject"} if mart == "instantly__threads" else set())
    assert bag(ours, personal | COMPARED) == bag(theirs, personal | COMPARED)
    for column in personal & ours[0].keys():
        values = [row[column] for row in ours]
        assert not {text for text in values if text} & {row[column] for row in theirs} - {"unknown"}
        assert all(text is None or re.fullmatch(r"unknown|[0-9a-f]{32}(@[\w.-]+)?", text) for text in values)


def bag(rows: list[dict[str, Any]], left_out: set[str]) -> Counter[str]:
    """Return rows without some columns, in any order."""
    kept = ({name: value for name, value in row.items() if name not in left_out} for row in rows)
    return Counter(json.dumps(row, sort_keys=True, default=str) for row in kept)


def test_the_report_has_the_same_figures(hidden: Hidden, page: Path, tmp_path: Path) -> None:
    written = write_page(str(hidden.path), tmp_path / "report.html")
    ours, theirs = reading.read(written), reading.read(page.read_text(encoding="utf-8"))
    assert ours.as_of == theirs.as_of
    assert len(ours.figures) > 100
    assert nameless(ours.figures) == nameless(theirs.figures)
    assert not re.search(r"[a-z]+\.[a-z]+\.\d+@", written)  # the form of account addresses


def nameless(figures: dict[str, tuple[str, str]]) -> Counter[tuple[str, tuple[str, str]]]:
    """Return figures by names without addresses."""
    return Counter((re.sub(r"[\w.-]+@", "@", name), shown) for name, shown in figures.items())

"""The page of the report in a real browser."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from report import marts
from report.database import opened
from report.tables import COMPARISONS
from tests.report import reading
from tests.report.reading import loose_numbers
from tests.report.seeing import VIEWS, Seen, assert_readable, look, luminance
from tests.report.walk import figures
from tests.report.words import LEFT_OVER
from tests.transform import duck
from tests.transform.conftest import WORKSPACES
from tests.transform.package import SCHEMA
from tests.transform.writing import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from report.figures import Figure
    from sandbox import Server
    from tests.transform.conftest import Built

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def seen(page: Path) -> Seen:
    return look(page)


@pytest.fixture(scope="module")
def in_warehouse(built: Built) -> dict[str, Figure]:
    with opened(str(built.duckdb_file)) as database:
        found = marts.read(database, SCHEMA, 28)
    rest = {trial.figures["sent"].name.rpartition(".")[0] for trial in _not_shown(found)}
    return {
        name: figure
        for name, figure in figures(found).items()
        if name.rpartition(".")[0] not in rest and (figure.value or name not in LEFT_OVER)
    }


def _not_shown(found: marts.Marts) -> list[Any]:
    from report.tables import comparisons  # noqa: PLC0415

    return [trial for one in comparisons(found)[COMPARISONS:] for trial in one.trials]


@pytest.mark.parametrize("view", VIEWS)
def test_numbers_on_the_page_match_the_warehouse(seen: Seen, in_warehouse: dict[str, Figure], view: str) -> None:
    shown = {name: (value, text) for name, value, text in seen[view]["figures"] if name != "as_of"}
    assert shown == {name: (figure.data, figure.text) for name, figure in in_warehouse.items()}


@pytest.mark.parametrize("view", VIEWS)
def test_page_has_only_warehouse_numbers_and_rules(seen: Seen, view: str) -> None:
    assert loose_numbers(seen[view]["rest"]) == []


@pytest.mark.parametrize("view", VIEWS)
def test_page_is_readable_and_loads_nothing_else(seen: Seen, page: Path, view: str) -> None:
    assert_readable(seen[view], page)
    assert seen[view]["console"] == []
    assert len({tuple(pair) for pair in seen[view]["colors"]}) > 3


@pytest.mark.parametrize("view", VIEWS)
def test_every_chart_fits_its_place_and_has_a_label(seen: Seen, view: str) -> None:
    charts = seen[view]["charts"]
    assert len(charts) > 6
    for chart in charts:
        assert chart["marks"] > 0, chart
        assert chart["cut"] == [], chart
        assert 0 < chart["width"] <= chart["room"] + 1, chart
        assert re.search(r"\d%|table", chart["label"]), chart


def test_dark_mode_has_a_dark_page_and_paper_is_white(seen: Seen) -> None:
    light, dark, paper = (seen[view] for view in VIEWS)
    for name in ("background", "ink", "label"):
        assert (luminance(dark[name]) < 0.2) == (name == "background")
        assert (luminance(light[name]) > 0.5) == (luminance(paper[name]) > 0.5) == (name == "background")
    assert paper["pdf_bytes"] > 10_000


def test_chart_points_show_their_figures(seen: Seen) -> None:
    assert re.fullmatch(r"\d+ \w+ 20\d\d to \d+ \w+ 20\d\d: \d+ of \d+ sent, [\d.]+%", seen["desktop"]["tooltip"])


def test_page_has_an_outline_and_names_each_campaign(seen: Seen, agency: Server) -> None:
    desktop = seen["desktop"]
    assert desktop["headings"][0] == 1
    assert all(after - before <= 1 for before, after in zip(desktop["headings"], desktop["headings"][1:], strict=False))
    for workspace in WORKSPACES:
        for campaign in agency.control.within(workspace).truth("campaign_analytics"):
            assert campaign["campaign_name"] in desktop["text"]
    body = desktop["text"].partition('{"trend"')[0]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", body)


SPOILT = (
    "left_value = 12345, right_value = 1, difference = 12344, is_ok = false",
    "is_ok = null, not_compared_because = 'it is another month'",
)


def test_failed_and_skipped_checks_are_on_the_page(built: Built, tmp_path: Path) -> None:
    database = shutil.copy(built.duckdb_file, tmp_path / built.duckdb_file.name)
    check, table = "sent_daily_vs_lifetime", f"{SCHEMA}.instantly__reconciliation"
    keys = [row["campaign_id"] for row in duck.rows(database, f"from {table} where check_name = '{check}'")]
    for key, what in zip(keys, SPOILT, strict=False):
        where = f"campaign_id = '{key}' and check_name = '{check}'"
        duck.execute(database, f"update {table} set {what} where {where}")  # noqa: S608 (ours)
    page = reading.read(write_page(str(database), tmp_path / "report.html"))
    figures = {name: text for name, (_, text) in page.figures.items()}
    assert (figures["checks.odd"], figures["checks.count"]) == ("1", "7")
    assert int(figures[f"check.{check}.compared"]) == int(figures[f"check.{check}.agreeing"]) + 1 == len(keys) - 1
    assert (figures[f"check.{check}.not_compared"], figures["excuse.1.pairs"]) == ("1", "1")
    assert (figures["doubt.1.left"], figures["doubt.1.right"]) == ("12,345", "1")
    assert "it is another month" in page.rest
    assert "Not quite" in page.rest
    assert page.loose_numbers == []

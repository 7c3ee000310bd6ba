"""The page of the report in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from report import marts
from report.database import opened
from report.tables import COMPARISONS
from tests.report import reading
from tests.report.reading import loose_numbers
from tests.report.walk import figures
from tests.report.words import LEFT_OVER
from tests.transform import duck
from tests.transform.conftest import WORKSPACES
from tests.transform.package import ROOT, SCHEMA
from tests.transform.writing import python, write_page

if TYPE_CHECKING:
    from pathlib import Path

    from report.figures import Figure
    from sandbox import Server
    from tests.transform.conftest import Built

pytestmark = pytest.mark.browser

BROWSER = ROOT / "tests" / "report" / "browser.py"
VIEWS = ("desktop", "phone", "print")
Seen = dict[str, dict[str, Any]]


def chromium() -> str:
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.fail("there is no Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM")
    return found


@pytest.fixture(scope="module")
def seen(page: Path) -> Seen:
    """What a browser sees of the page on a desk, on a phone and on paper."""
    done = subprocess.run(
        [python(".venv-browser"), BROWSER, chromium(), page], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    found: Seen = json.loads(done.stdout)
    assert tuple(found) == VIEWS
    return found


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
def test_numbers_on_the_page_are_those_in_the_warehouse(seen: Seen, in_warehouse: dict[str, Figure], view: str) -> None:
    shown = {name: (value, text) for name, value, text in seen[view]["figures"] if name != "as_of"}
    assert shown == {name: (figure.data, figure.text) for name, figure in in_warehouse.items()}


@pytest.mark.parametrize("view", VIEWS)
def test_no_other_number_is_on_the_page_but_those_that_are_rules(seen: Seen, view: str) -> None:
    assert loose_numbers(seen[view]["rest"]) == []


@pytest.mark.parametrize("view", VIEWS)
def test_browser_has_nothing_to_complain_of_and_asks_for_nothing_but_the_page(
    seen: Seen, page: Path, view: str
) -> None:
    assert seen[view]["errors"] == []
    assert seen[view]["console"] == []
    assert seen[view]["requests"] == [page.as_uri()]


@pytest.mark.parametrize("view", VIEWS)
def test_every_chart_is_drawn_as_wide_as_its_place_and_says_what_it_shows(seen: Seen, view: str) -> None:
    charts = seen[view]["charts"]
    assert len(charts) > 6
    for chart in charts:
        assert chart["marks"] > 0, chart
        assert chart["cut"] == [], chart
        assert 0 < chart["width"] <= chart["room"] + 1, chart
        assert re.search(r"\d%|table", chart["label"]), chart


@pytest.mark.parametrize("view", VIEWS)
def test_page_never_scrolls_sideways(seen: Seen, view: str) -> None:
    assert seen[view]["overflow"] <= 0


def luminance(color: str) -> float:
    """Of a colour as browsers write it, by the formula of WCAG 2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("view", VIEWS)
def test_texts_have_the_contrast_that_wcag_asks_for(seen: Seen, view: str) -> None:
    colors = {tuple(pair) for pair in seen[view]["colors"]}
    assert len(colors) > 3
    for color, behind in colors:
        low, high = sorted((luminance(color), luminance(behind)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (color, behind)


def test_phone_in_the_dark_has_a_dark_page_with_light_charts_and_paper_is_white(seen: Seen) -> None:
    light, dark, paper = (seen[view] for view in VIEWS)
    for name in ("background", "ink", "label"):
        assert (luminance(dark[name]) < 0.2) == (name == "background")
        assert (luminance(light[name]) > 0.5) == (luminance(paper[name]) > 0.5) == (name == "background")
    assert paper["pdf_bytes"] > 10_000


def test_points_of_charts_tell_their_figures(seen: Seen) -> None:
    assert re.fullmatch(r"\d+ \w+ 20\d\d to \d+ \w+ 20\d\d: \d+ of \d+ sent, [\d.]+%", seen["desktop"]["tooltip"])


def test_page_names_things_and_has_an_outline(seen: Seen, agency: Server) -> None:
    desktop = seen["desktop"]
    assert (desktop["language"], desktop["unnamed"]) == ("en", 0)
    assert desktop["headings"][0] == 1
    assert all(after - before <= 1 for before, after in zip(desktop["headings"], desktop["headings"][1:], strict=False))
    for workspace in WORKSPACES:
        for campaign in agency.control.within(workspace).truth("campaign_analytics"):
            assert campaign["campaign_name"] in desktop["text"]
    body = desktop["text"].partition('{"trend"')[0]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", body)


def test_a_warehouse_without_marts_is_told_in_one_line(tmp_path: Path) -> None:
    for database, said in (
        (tmp_path / "none.duckdb", "there is no DuckDB file"),
        (ROOT / "README.md", "cannot be opened"),
    ):
        command = [python(".venv-report"), "-m", "report", "--database", database, "--output", tmp_path / "no.html"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert re.fullmatch(rf"report: .*{said}.*\n", done.stderr)
        assert not (tmp_path / "no.html").exists()


SPOILT = (
    "left_value = 12345, right_value = 1, difference = 12344, is_ok = false",
    "is_ok = null, not_compared_because = 'it is another month'",
)


def test_what_does_not_add_up_and_what_cannot_be_compared_is_on_the_page(built: Built, tmp_path: Path) -> None:
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

"""Marts and report over broken workspaces match independent counts in both databases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from report import marts, sections
from report.database import opened
from report.figures import NOT_KNOWN, Verdict
from tests.figures.building import MARTS, figures_in, wrong
from tests.figures.comparing import Compared
from tests.figures.page import LENGTH
from tests.figures.tables import fill_duckdb
from tests.figures.world import TODAY, World
from tests.report import reading
from tests.transform.package import CHOSEN, MODELS, SCHEMA, Dbt, unsuccessful
from tests.transform.writing import write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.marts import Marts
    from tests.report.reading import Page
    from tests.warehouse.postgres import Postgres

pytestmark = pytest.mark.long

SEED = "hard"
KINDS = ("busy", "stopped", "late", "left", "ended", "stale", "unloaded", "silent", "hashed")


@pytest.fixture(scope="module")
def compared(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    with postgres.database("figures") as database:
        yield Compared(World(SEED, KINDS), tmp_path_factory.mktemp("figures"), postgres, database)


def test_test_data_covers_the_hard_cases(compared: Compared) -> None:
    truth = compared.truth
    assert len(truth.workspaces) >= 6
    assert len({row["campaign_id"] for row in truth.streams["campaign_analytics"]}) >= 9
    assert {reason for *_, reason in truth.odd} == {
        "a figure is below zero",
        "a figure is no number that can be",
        "it has no day",
        "its day is before there was Instantly",
        "its day is before the campaign was created",
        "its day is before the workspace was created",
        "its day is after that of the load",
    }
    assert len({truth.as_of(workspace) for workspace in truth.workspaces}) > 2
    assert compared.count > 20_000
    # The history has what loads saw one after the other, and here is only one; no custom variables are chosen.
    assert {mart for mart, *_ in compared.marts} == set(MARTS) - {"instantly__lead_interest_history", CHOSEN}
    assert set(compared.verdicts.values()) >= {"better", "within chance"}
    assert {value for key, value in compared.marts.items() if key[-1] == "is_clear_winner"} == {True, False}


def test_every_mart_figure_equals_the_independent_count(compared: Compared) -> None:
    assert compared.wrong_in_marts() == []


def test_every_report_figure_equals_the_independent_count(compared: Compared) -> None:
    assert compared.wrong_on_page() == []


def test_both_databases_have_the_same_marts_and_the_same_page(compared: Compared) -> None:
    assert compared.wrong_in_databases() == []


@dataclass(frozen=True)
class Alone:
    """Build the marts over a world in DuckDB alone, with dbt variables, and read the page."""

    found: Marts
    page: Page


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Alone]:
    """A new workspace with figures up to the day of the load, and one without days of campaigns and leads."""
    worlds = {
        "as of": (("new",), {"instantly__as_of_date": TODAY.isoformat()}),
        "off": (("busy", "stopped"), {"instantly__streams_off": ["campaign_analytics_daily", "leads"]}),
    }
    folders = {name: tmp_path_factory.mktemp("alone") for name in worlds}
    running = {}
    for name, (kinds, variables) in worlds.items():
        path = folders[name] / "warehouse.duckdb"
        fill_duckdb(path, World(SEED, kinds).rows)
        project = Dbt(folders[name] / "dbt", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
        running[name] = project, project.start("build", *MODELS, "--vars", json.dumps(variables))
    found = {}
    for name, (project, process) in running.items():
        assert unsuccessful(project.finish(process)) == {}
        path = folders[name] / "warehouse.duckdb"
        page = reading.read(write_page(str(path), path.with_suffix(".html")))
        with opened(str(path)) as database:
            found[name] = Alone(marts.read(database, SCHEMA, LENGTH), page)
    return found


def test_tiles_and_table_end_with_the_day_that_a_variable_sets(alone: dict[str, Alone]) -> None:
    page = alone["as of"].page
    assert page.as_of[0] == TODAY.isoformat()
    for tile, table in (("period.sent.now", "campaigns.sent"), ("period.positive.now", "campaigns.positive")):
        assert page.figures[tile] == page.figures[table]
    assert int(page.figures["period.sent.now"][0]) > 0
    assert page.words["late.1"] == "workspace-0 (as of 29 Jun 2026)"  # that day was incomplete


def test_partial_week_is_not_shown_as_a_week_without_emails(alone: dict[str, Alone]) -> None:
    assert alone["as of"].page.labels["trend"] == "Figures do not yet cover a week."


def test_unloaded_streams_are_named_and_not_shown_as_zero(alone: dict[str, Alone]) -> None:
    page = alone["off"].page
    said = {text for name, text in page.words.items() if name.startswith("not_loaded.")}
    assert said == {"campaign_analytics_daily", "leads"}
    assert page.words["period.sentence"].startswith("Unknown: ")
    unknown = {name for name, shown in page.figures.items() if shown == ("", NOT_KNOWN)}
    assert {f"period.{name}.now" for name in ("sent", "positive", "new_leads", "meetings", "reply_rate")} < unknown
    assert {f"campaigns.{name}" for name in ("sent", "positive", "positive_rate", "change")} < unknown
    assert float(page.figures["campaigns.ever_sent"][0]) > 0
    assert alone["off"].found.rows["steps"] != []


def test_changes_are_hidden_when_the_last_day_is_missing(alone: dict[str, Alone]) -> None:
    found = alone["as of"].found
    assert found.compares() == (False, False)
    changes = [tile.change for tile in sections.tiles(found)]
    assert {(change.figure.value, change.verdict) for change in changes} == {(None, Verdict.PLAIN)}


def test_wrong_or_missing_figure_is_detected(compared: Compared) -> None:
    found = figures_in(compared.built.path)
    key = next(key for key, value in compared.marts.items() if value == 0 and key[-1] == "sent_count")
    for other in (None, 1):
        assert len(list(wrong({**found, key: other}, compared.marts))) == 1
    assert len(list(wrong({name: found[name] for name in found if name != key}, compared.marts))) == 1

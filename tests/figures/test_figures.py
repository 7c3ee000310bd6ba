"""Marts and report over workspaces that nobody would wish for are what is counted in another way, in both databases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from report import marts, sections
from report.database import opened
from report.figures import NOT_KNOWN, Verdict
from tests.figures.building import MODELS, wrong
from tests.figures.comparing import Compared
from tests.figures.page import LENGTH
from tests.figures.tables import fill_duckdb
from tests.figures.world import TODAY, World
from tests.report import reading
from tests.transform.package import SCHEMA, Dbt, unsuccessful
from tests.transform.writing import write_page
from tests.warehouse.postgres import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.marts import Marts
    from tests.report.reading import Page

SEED = "hard"
KINDS = ("busy", "stopped", "late", "stale", "unloaded", "silent", "hashed")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    with running() as server, server.database("figures") as database:
        yield Compared(World(SEED, KINDS), tmp_path_factory.mktemp("figures"), server, database)


def test_the_world_is_hard(compared: Compared) -> None:
    truth = compared.truth
    assert len(truth.workspaces) >= 6
    assert len({row["campaign_id"] for row in truth.streams["campaign_analytics"]}) >= 9
    assert {reason for *_, reason in truth.odd} >= {"a figure is below zero", "its day is before there was Instantly"}
    assert len({truth.as_of(workspace) for workspace in truth.workspaces}) > 2
    assert compared.count > 3000
    assert set(compared.verdicts.values()) >= {"better", "within chance"}
    assert {value for key, value in compared.marts.items() if key[-1] == "is_clear_winner"} == {True, False}


def test_every_figure_of_the_marts_is_what_is_counted(compared: Compared) -> None:
    assert compared.wrong_in_marts() == []


def test_every_figure_of_the_page_is_what_is_counted(compared: Compared) -> None:
    assert compared.wrong_on_page() == []


def test_both_databases_have_the_same_marts_and_the_same_page(compared: Compared) -> None:
    assert compared.wrong_in_databases() == []


@dataclass(frozen=True)
class Alone:
    """The marts over a world in DuckDB alone, of a project with variables, and the page over them."""

    found: Marts
    page: Page


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Alone]:
    """Figures up to the day of the load, of a workspace that is new; and those without days of campaigns and leads."""
    worlds = {
        "as of": (("new",), {"instantly__as_of_date": TODAY.isoformat()}),
        "off": (("busy", "stopped"), {"instantly__streams_off": ["campaign_analytics_daily", "leads"]}),
    }
    folders = {name: tmp_path_factory.mktemp("alone") for name in worlds}
    running = {}
    for name, (kinds, variables) in worlds.items():
        path = folders[name] / "warehouse.duckdb"
        fill_duckdb(path, World(SEED, kinds))
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
    assert page.words["late.1"] == "workspace-0 (as of 29 Jun 2026)"  # that day was not over


def test_less_than_a_week_is_not_said_to_be_without_emails(alone: dict[str, Alone]) -> None:
    assert alone["as of"].page.labels["trend"] == "Figures do not yet cover a week."


def test_what_was_not_loaded_is_said_and_is_not_zero(alone: dict[str, Alone]) -> None:
    page = alone["off"].page
    said = {text for name, text in page.words.items() if name.startswith("not_loaded.")}
    assert said == {"campaign_analytics_daily", "leads"}
    assert page.words["period.sentence"].startswith("Not known")
    unknown = {name for name, shown in page.figures.items() if shown == ("", NOT_KNOWN)}
    assert {f"period.{name}.now" for name in ("sent", "positive", "new_leads", "meetings", "reply_rate")} < unknown
    assert {f"campaigns.{name}" for name in ("sent", "positive", "positive_rate", "change")} < unknown
    assert float(page.figures["campaigns.ever_sent"][0]) > 0
    assert alone["off"].found.rows["steps"] != []


def test_changes_are_not_told_where_the_last_day_was_not_loaded(alone: dict[str, Alone]) -> None:
    found = alone["as of"].found
    assert found.compares() == (False, False)
    changes = [tile.change for tile in sections.tiles(found)]
    assert {(change.figure.value, change.verdict) for change in changes} == {(None, Verdict.PLAIN)}


def test_a_figure_that_is_another_or_missing_is_found(compared: Compared) -> None:
    found = compared.built.figures()
    key = next(key for key, value in compared.marts.items() if value == 0 and key[-1] == "sent_count")
    for other in (None, 1):
        assert len(list(wrong({**found, key: other}, compared.marts))) == 1
    assert len(list(wrong({name: found[name] for name in found if name != key}, compared.marts))) == 1

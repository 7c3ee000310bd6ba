"""The report over dbt's marts shows the sandbox's figures, counted in another way."""

from __future__ import annotations

import re
import shutil
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from report import marts
from report.database import opened
from tests.conftest import UNTIL
from tests.report import reading, words
from tests.report.comparison import differences, same
from tests.report.drawings import drawn
from tests.report.expected import Expected
from tests.report.threads import waiting
from tests.report.walk import figures
from tests.transform import duck
from tests.transform.conftest import LOADED_AT, WORKSPACES
from tests.transform.package import SCHEMA
from tests.transform.writing import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from report.figures import Figure
    from sandbox import Server
    from tests.report.counting import Values
    from tests.report.reading import Page
    from tests.transform.conftest import Built

OTHER = f"workspace_name = '{WORKSPACES[1]}'"
LONG = 31
"""Length of a period for which figures do not cover the one before; the page has the usual one."""


def counted(agency: Server, days: int = 28) -> Expected:
    truths = [partial(_rows, agency, name) for name in WORKSPACES]
    expected = Expected(truths, date.fromisoformat(UNTIL), days)
    expected.values["odd.count"] = 2
    expected.values |= conversations(agency, expected)[0]
    return expected


def conversations(agency: Server, expected: Expected) -> tuple[Values, dict[str, str]]:
    emails = [{**row, "workspace": name} for name in WORKSPACES for row in _rows(agency, name, "emails")]
    return waiting(emails, expected.leads, expected.campaigns, datetime.fromisoformat(LOADED_AT))


def worded(agency: Server, expected: Expected) -> dict[str, str]:
    """Return the page's words; odd rows belong to the first campaign."""
    subject = min(expected.campaigns.values(), key=lambda row: str(row["id"]))["name"]
    stream = "campaign_analytics_daily"
    said = words.words(expected, WORKSPACES, datetime.fromisoformat(LOADED_AT)) | conversations(agency, expected)[1]
    return said | {
        "odd.1": f"{subject}, 1 Jan 2010 ({stream}): its day is before there was Instantly",
        "odd.2": f"{subject}, 1 Aug 2026 ({stream}): a figure is below zero",
    }


def _rows(agency: Server, workspace: str, resource: str) -> list[dict[str, Any]]:
    return list(agency.control.within(workspace).truth(resource))


@pytest.fixture(scope="module")
def found(built: Built) -> dict[str, Figure]:
    with opened(str(built.duckdb_file)) as database:
        return figures(marts.read(database, SCHEMA, LONG))


def test_report_has_exactly_the_figures_of_the_sandbox(found: dict[str, Figure], agency: Server) -> None:
    expected = counted(agency, LONG).values
    assert found.keys() == expected.keys()
    kinds = {name.partition(".")[0] for name in found}
    assert kinds > {"period", "week", "funnel", "campaign", "step", "variant"}
    assert kinds > {"sender", "sending", "pair", "check", "thread"}
    assert {name: figure.value for name, figure in found.items() if not same(figure.value, expected[name])} == {}
    assert sum(1 for figure in found.values() if figure.value) > len(found) / 3


def test_change_is_unknown_without_earlier_figures(found: dict[str, Figure]) -> None:
    assert [found[f"period.sent.{which}"].value for which in ("before", "change")] == [None, None]


def test_untracked_figures_are_labelled_and_never_zero(found: dict[str, Figure], agency: Server) -> None:
    campaigns = [row for name in WORKSPACES for row in _rows(agency, name, "campaigns")]
    untracked = {f"campaign.{row['id']}.open_rate" for row in campaigns if not row["open_tracking"]} & found.keys()
    assert untracked
    assert {found[name].text for name in untracked} == {"not tracked"}


@pytest.fixture(scope="module")
def read(page: Path) -> Page:
    """The page's contents."""
    return reading.read(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def truth(agency: Server) -> Expected:
    return counted(agency)


@pytest.fixture(scope="module")
def said(agency: Server, truth: Expected) -> dict[str, str]:
    """Words of the page that depend on the data."""
    return worded(agency, truth)


def test_every_figure_and_word_on_the_page_matches_the_sandbox(
    read: Page, truth: Expected, said: dict[str, str]
) -> None:
    assert list(differences(read, truth, said)) == []
    assert {"within chance", "early", "burning", "watch"} <= set(said.values())
    assert read.as_of == (UNTIL, said["period"].partition(" to ")[2])
    assert read.title == f"Cold email report: {said['title']}, 28 days to {read.as_of[1]}"


def test_workspaces_that_are_newer_than_the_period_before_are_named(
    built: Built, agency: Server, tmp_path: Path
) -> None:
    page = reading.read(write_page(str(built.duckdb_file), tmp_path / "report.html", "--days", "30"))
    truth = counted(agency, 30)
    said = worded(agency, truth)
    assert said["began.1"] == "workspace-002 (since 3 Sep 2026)"
    assert "began.2" not in said
    assert list(differences(page, truth, said)) == []


def test_wrong_figures_and_words_are_detected(page: Path, truth: Expected, said: dict[str, str]) -> None:
    html = page.read_text(encoding="utf-8")
    for old, new, name in (
        ('data-value="28"', 'data-value="29"', "period.days"),
        ('data-figure="period.sent.now"', 'data-figure="period.sent.then"', "period.sent.then"),
        (f">{said['title']}<", ">Harbor<", "title"),
    ):
        odd = list(differences(reading.read(html.replace(old, new)), truth, said))
        assert any(line.startswith(f"{name} is ") for line in odd), odd


def test_every_chart_matches_the_sandbox(read: Page, truth: Expected) -> None:
    texts = {name: text for name, (_, text) in read.figures.items()}
    expected = drawn(truth, read.words, texts)
    assert read.charts.keys() == read.labels.keys() == expected.keys()
    for chart, rows in expected.items():
        assert [row.keys() for row in read.charts[chart]] == [row.keys() for row in rows], chart
        for found, row in zip(read.charts[chart], rows, strict=True):
            assert {name: value for name, value in found.items() if not _alike(value, row[name])} == {}, (chart, row)
        said = " ".join(str(row.get("about", row.get("text"))) for row in rows)
        assert set(re.findall(r"[\d.]+%", read.labels[chart])) <= set(re.findall(r"[\d.]+%", said)), chart


def _alike(value: object, other: object) -> bool:
    return same(value, other) if isinstance(value, float) and isinstance(other, float | int) else value == other


def test_page_has_no_number_without_a_test(read: Page) -> None:
    assert len(read.rest.split()) > 300
    assert read.loose_numbers == []


def test_page_warns_where_automatic_replies_may_count(page: Path) -> None:
    captions = re.findall(
        r"(?s)<figcaption>(.*?)</figcaption>\s*<div class=\"chart\" id=\"chart-(\w+)\"", page.read_text("utf-8")
    )
    said = {
        chart for caption, chart in captions if "Instantly does not say whether an automatic reply counts" in caption
    }
    assert said == {"replies"}


def test_page_is_one_self_contained_file_with_one_vega(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_500_000
    assert text.count("globalThis.vegaEmbed=") == 1
    markup = re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", text)
    assert markup.count("<script") == 3
    assert not re.search(r"(?i)(src|href|url)[=(]\"?(?!\"?data:)", markup)
    assert "default-src 'none'" in text


def test_deleted_records_and_outdated_workspaces_are_named(built: Built, truth: Expected, tmp_path: Path) -> None:
    path = tmp_path / built.duckdb_file.name
    shutil.copy(built.duckdb_file, path)
    with opened(str(path)) as database:
        before = marts.read(database, SCHEMA, 28)
    burnt, gone = before.rows["senders"][0], truth.lifetime[0]["campaign_id"]
    duck.execute(
        path,
        "update analytics.instantly__accounts set is_deleted = null where health = 'green'",
        f"update analytics.instantly__accounts set is_deleted = true where email = '{burnt['email']}'",  # noqa: S608 (ours)
        "update analytics.instantly__campaigns set is_deleted = true where not has_analytics",
    )
    with opened(str(path)) as database:
        after = figures(marts.read(database, SCHEMA, 28))
    was = figures(before)
    left_out = {name for name in was if name.startswith(f"sender.{burnt['workspace_id']}.{burnt['email']}.")}
    assert left_out == was.keys() - after.keys() != set()
    changed = {name: figure.value for name, figure in after.items() if figure.value != was[name].value}
    of_its_health = f"senders.{burnt['health']}"
    assert changed == {
        of_its_health: (was[of_its_health].value or 0) - 1,
        "senders.deleted": 1,
        "campaigns.without_figures": 0,
    }
    older = f"update analytics.instantly__data_as_of set as_of_date = as_of_date - interval 2 day where {OTHER}"  # noqa: S608 (ours)
    duck.execute(path, older, f"update analytics.instantly__campaigns set is_deleted = (campaign_id = '{gone}')")  # noqa: S608 (ours)
    html = write_page(str(path), tmp_path / "report.html")
    said = reading.read(html).words
    assert "1</span> accounts are no longer in Instantly" in html
    late = {name: text for name, text in said.items() if name.startswith("late.")}
    assert late == {"late.1": f"{WORKSPACES[1]} (as of 29 Oct 2026)"}
    assert [name for name, text in said.items() if text == "Deleted"] == [f"campaign.{gone}.status"]


def test_postgres_gives_the_same_page(built: Built, page: Path, tmp_path: Path) -> None:
    assert write_page(built.postgres.address(built.database), tmp_path / "report.html") == page.read_text(
        encoding="utf-8"
    )


def test_workspace_page_has_exactly_the_sandbox_figures(
    built: Built, agency: Server, truth: Expected, tmp_path: Path
) -> None:
    odd = min(truth.campaigns)
    (name,) = (one for one in WORKSPACES if odd not in {row["id"] for row in _rows(agency, one, "campaigns")})
    alone = Expected([partial(_rows, agency, name)], date.fromisoformat(UNTIL))
    loaded_at = datetime.fromisoformat(LOADED_AT)
    emails = ({**row, "workspace": name} for row in _rows(agency, name, "emails"))
    values, texts = waiting(emails, alone.leads, alone.campaigns, loaded_at)
    alone.values |= values
    said = words.words(alone, [name], loaded_at)
    said |= {key: text for key, text in texts.items() if not key.endswith(".workspace")}
    page = reading.read(
        write_page(built.postgres.address(built.database), tmp_path / "report.html", "--workspace", name)
    )
    assert list(differences(page, alone, said)) == []


def test_month_of_a_client_is_the_same_in_both_databases(built: Built, tmp_path: Path) -> None:
    options = ("--period", "month", "--workspace", WORKSPACES[0])
    databases = (str(built.duckdb_file), built.postgres.url(built.database))  # which is the loader's form
    pages = [write_page(where, tmp_path / "month.html", *options) for where in databases]
    assert pages[0] == pages[1]
    page = reading.read(pages[0])
    assert page.words["title"] == WORKSPACES[0]
    assert float(page.figures["month.sent.now"][0]) > 0

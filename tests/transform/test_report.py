"""The report over the marts that dbt has built: its figures are what the sandbox holds, counted in another way."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from report import marts
from report.database import opened
from tests.conftest import UNTIL
from tests.report.expected import Expected
from tests.report.walk import figures
from tests.transform.conftest import WORKSPACES
from tests.transform.package import SCHEMA

if TYPE_CHECKING:
    from report.figures import Figure
    from sandbox import Server
    from tests.report.expected import Values
    from tests.transform.conftest import Built

ROUNDED = 5e-7
"""Intervals are rounded to six decimals in the marts, so that databases agree."""


@pytest.fixture(scope="module", params=[28, 7, 31], ids=lambda days: f"{days} days")
def days(request: pytest.FixtureRequest) -> int:
    """Length of the period; with the longest, figures do not reach back over the one before."""
    number: int = request.param
    return number


@pytest.fixture(scope="module")
def expected(agency: Server, days: int) -> Values:
    truths = [partial(_rows, agency, name) for name in WORKSPACES]
    return Expected(truths, date.fromisoformat(UNTIL), days).values


def _rows(agency: Server, workspace: str, resource: str) -> list[dict[str, Any]]:
    return list(agency.control.within(workspace).truth(resource))


@pytest.fixture(scope="module")
def found(built: Built, days: int) -> dict[str, Figure]:
    with opened(str(built.duckdb_file)) as database:
        return figures(marts.read(database, SCHEMA, days))


def _same(value: float | None, other: float | None) -> bool:
    if value is None or other is None:
        return value is other
    return value == pytest.approx(other, abs=ROUNDED, rel=1e-12)


def test_the_report_has_the_figures_that_the_sandbox_gives_and_no_others(
    found: dict[str, Figure], expected: Values
) -> None:
    assert found.keys() == expected.keys()
    kinds = {name.partition(".")[0] for name in found}
    assert kinds > {"period", "week", "funnel", "campaign", "step", "variant", "sender", "sending", "pair", "check"}


def test_every_figure_of_the_report_is_what_the_sandbox_gives(found: dict[str, Figure], expected: Values) -> None:
    wrong = {
        name: (figure.value, expected[name])
        for name, figure in found.items()
        if not _same(figure.value, expected[name])
    }
    assert not wrong
    assert sum(1 for figure in found.values() if figure.value) > len(found) / 3


def test_change_is_not_known_where_figures_do_not_reach_back(found: dict[str, Figure], days: int) -> None:
    assert (found["period.sent.before"].value is None) == (days == 31)
    assert (found["period.sent.change"].value is None) == (days == 31)


def test_what_is_not_tracked_is_said_to_be_so_and_never_zero(found: dict[str, Figure], agency: Server) -> None:
    campaigns = [row for name in WORKSPACES for row in _rows(agency, name, "campaigns")]
    untracked = {f"campaign.{row['id']}.open_rate" for row in campaigns if not row["open_tracking"]} & found.keys()
    assert untracked
    assert {found[name].text for name in untracked} == {"not tracked"}

"""The dbt package's unit tests cover every figure of a mart, and hold with any project settings."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

from tests.transform.package import PACKAGE, contract, read_yaml

FIGURES = {"bigint", "double precision"}
NEVER_KNOWN = {("instantly__campaign_daily", "bounced_count")}
"""Always NULL, as the API lacks it."""


@cache
def files() -> list[dict[str, Any]]:
    found = sorted(PACKAGE.glob("models/**/_unit_tests*.yml"))
    assert len(found) > 1
    return [read_yaml(file) for file in found]


def expected() -> dict[str, set[str]]:
    """Return each model's columns with an expected value in a unit test."""
    found = defaultdict(set)
    for test in (test for file in files() for test in file["unit_tests"]):
        for row in test["expect"]["rows"]:
            found[test["model"]] |= {name for name, value in row.items() if value is not None}
    return found


def test_every_figure_of_a_mart_has_a_value_in_some_unit_test() -> None:
    tested = expected()
    figures = {
        (mart, name) for mart, columns in contract().items() for name, kind in columns.items() if kind in FIGURES
    }
    assert len(figures) > 150
    assert {(mart, name) for mart, name in figures if name not in tested[mart]} == NEVER_KNOWN


def test_unit_tests_use_the_defaults_or_state_otherwise() -> None:
    defaults = read_yaml(PACKAGE / "dbt_project.yml")["vars"]["instantly"]
    for file in files():
        assert file["anchors"] == [defaults]
        assert {
            test["name"] for test in file["unit_tests"] if test["overrides"]["vars"].keys() != defaults.keys()
        } == set()

"""The marts of the dbt package: equal in DuckDB and Postgres, and equal to counts of their own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.conftest import OneWorkerForTransform
from tests.figures.building import KEYS, figures_in, wrong
from tests.figures.comparing import counted
from tests.figures.tables import loaded_in
from tests.figures.truth import Truth
from tests.transform import duck
from tests.transform.conftest import LOADED, WITH_EMAILS, WORKSPACES
from tests.transform.package import CHOSEN, contract, ordered, query, unsuccessful

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Server
    from tests.transform.conftest import Built
    from tests.transform.package import Result

MARTS = sorted(contract())
UNDOCUMENTED = "test.instantly.instantly_known_codes_"
"""Undocumented codes that the sandbox sends, as the real API does."""
LEFT_OUT = "test.instantly.rows_that_are_left_out"
"""The test warns about two of them."""
UNIT_TESTS = ("--resource-type", "unit_test")


def truth(agency: Server, name: str) -> list[dict[str, Any]]:
    return [row for workspace in WORKSPACES for row in agency.control.within(workspace).truth(name)]


def mart(built: Built, name: str) -> list[dict[str, Any]]:
    return duck.rows(built.duckdb_file, query(name))


def test_one_worker_gets_all_files_that_share_the_marts() -> None:
    assert "_split_scope" in vars(LoadFileScheduling)
    scheduler = object.__new__(OneWorkerForTransform)
    files = ("test_marts.py", "test_report.py")
    assert len({scheduler._split_scope(f"tests/transform/{name}::test") for name in files}) == 1


def failed(results: Mapping[str, Result]) -> dict[str, str]:
    """Return the nodes that did not succeed, except for the expected warnings."""
    expected = (UNDOCUMENTED, LEFT_OUT)
    warned = {name for name, result in results.items() if result.status == "warn" and name.startswith(expected)}
    return {name: text for name, text in unsuccessful(results).items() if name not in warned}


def test_everything_is_built_and_every_test_of_the_package_passes(built: Built) -> None:
    results = built.results["duckdb"]
    assert failed(results) == {}
    assert results[LEFT_OUT].failures == 2
    kinds = Counter(name.partition(".")[0] for name in results)
    assert min(kinds["model"], kinds["test"]) > len(MARTS)
    in_postgres = built.results["postgres"]
    assert unsuccessful(in_postgres) == {}
    assert in_postgres.keys() == {name for name in results if not name.startswith(("test.", "exposure."))}


@pytest.mark.long
@pytest.mark.parametrize("database", ["duckdb", "postgres"])
def test_unit_tests_of_every_mart_and_other_tests_in_postgres_pass(built: Built, database: str) -> None:
    in_duckdb = database == "duckdb"
    project, kind = (built.duckdb, UNIT_TESTS) if in_duckdb else (built.in_postgres, ())
    results = project.run("test", *kind, *WITH_EMAILS)
    assert failed(results) == {}
    units = {name for name in results if name.startswith("unit_test.")}
    assert {name.split(".")[2] for name in units} >= set(MARTS)
    others = {name for name in built.results["duckdb"] if name.startswith("test.")}
    assert results.keys() - units == (set() if in_duckdb else others)


@pytest.mark.parametrize("name", sorted({*MARTS} - {CHOSEN}))
def test_a_mart_is_the_same_row_for_row_in_both_databases(built: Built, name: str) -> None:
    found = ordered(mart(built, name))
    assert found
    assert found == ordered(built.postgres.rows(query(name), built.database))


def test_no_interval_starts_with_negative_zero(built: Built) -> None:
    low = [row["positive_reply_rate_per_sent_low"] for row in mart(built, "instantly__step_variants")]
    assert "0.0" in map(repr, low)
    assert "-0.0" not in map(repr, low)


def test_every_figure_of_the_marts_equals_the_count_of_the_loaded_rows(built: Built) -> None:
    expected = counted(Truth(loaded_in(built.duckdb_file, *LOADED)))
    assert {mart for mart, *_ in expected} == set(KEYS)
    assert list(wrong(figures_in(built.duckdb_file), expected)) == []
    agreeing = {value for key, value in expected.items() if key[-1] == "is_ok"}
    assert agreeing == {True}


def test_leads_are_complete_with_codes_as_words(built: Built, agency: Server) -> None:
    leads = {row["lead_id"]: row for row in mart(built, "instantly__leads")}
    labels = {row["interest_status"]: row["label"] for row in truth(agency, "lead_labels")}
    sent = truth(agency, "leads")
    assert leads.keys() == {row["id"] for row in sent}
    for row in sent:
        mine = leads[row["id"]]
        assert mine["interest_status_code"] == row.get("lt_interest_status")
        assert (mine["interest_status"] is None) == ("lt_interest_status" not in row)
        if row.get("lt_interest_status") in labels:
            assert mine["interest_status"] == labels[row["lt_interest_status"]]
    assert {row["sender_provider"] for row in leads.values()} > {None, "Google"}
    contacted = sum(row["contacted_count"] for row in mart(built, "instantly__esp_matrix"))
    assert contacted == sum("timestamp_last_contact" in row for row in sent) > 0


def test_later_snapshots_are_added_in_postgres_and_earlier_ones_kept(built: Built) -> None:
    snapshots, campaigns = "analytics.instantly__campaign_snapshots", "analytics.instantly__campaigns"
    before = built.postgres.rows(f"select * from {snapshots}", built.database)  # noqa: S608 (our own names)
    gone, stale = (before[number]["campaign_id"] for number in (0, 1))
    built.postgres.execute(f"create table kept as select * from {campaigns}", built.database)  # noqa: S608 (ours)
    try:
        for change in (
            f"delete from {campaigns} where campaign_id = '{gone}'",  # noqa: S608 (ours)
            f"update {campaigns} set meeting_booked_count = 999 where campaign_id = '{stale}'",  # noqa: S608 (ours)
            f"update {campaigns} set loaded_at = loaded_at + interval '1 day' where campaign_id <> '{stale}'",  # noqa: S608 (ours)
        ):
            built.postgres.execute(change, built.database)
        assert (
            unsuccessful(built.in_postgres.run("run", "--select", "instantly__campaign_snapshots", *WITH_EMAILS)) == {}
        )
        rows = built.postgres.rows(f"select * from {snapshots}", built.database)  # noqa: S608 (ours)
    finally:
        undo = f"truncate {campaigns}; insert into {campaigns} select * from kept; drop table kept;"  # noqa: S608 (ours)
        built.postgres.execute(f"{undo} delete from {snapshots} where snapshot_date > '2026-11-01'", built.database)  # noqa: S608 (ours)
    assert ordered([row for row in rows if row["snapshot_date"] == "2026-11-01"]) == ordered(before)
    added = {row["campaign_id"] for row in rows if row["snapshot_date"] == "2026-11-02"}
    assert added == {row["campaign_id"] for row in before} - {gone, stale}

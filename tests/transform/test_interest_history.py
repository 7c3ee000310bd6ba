"""The history of a lead's interest; the API only keeps the latest."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.transform import duck
from tests.transform.conftest import WITH_EMAILS
from tests.transform.package import NO_UNIT_TESTS, query, unsuccessful

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.transform.conftest import Built
    from tests.transform.package import Dbt

MART = "instantly__lead_interest_history"


@pytest.fixture
def project(built: Built) -> Iterator[Dbt]:
    try:
        yield built.duckdb
    finally:
        shutil.copy(built.duckdb_file, built.duckdb_path)


def history(project: Dbt, lead: str) -> list[tuple[Any, ...]]:
    rows = duck.rows(_path(project), f"{query(MART)} where lead_id = '{lead}' order by change_number")
    return [(row["from_interest_status"], row["to_interest_status"], row["changed_at"][:19]) for row in rows]


def load(project: Dbt, *changes: str) -> None:
    """Change the table of leads and build its dependents."""
    duck.execute(_path(project), *changes)
    chosen = ("instantly_lead_interest", MART)
    assert unsuccessful(project.run("build", *NO_UNIT_TESTS, *WITH_EMAILS, "--select", *chosen)) == {}


def relabel(lead: str, interest: int, at: str) -> str:
    return (
        f"update instantly.leads set lt_interest_status = {interest}, timestamp_last_interest_change = '{at}'"  # noqa: S608 (ours)
        f" where id = '{lead}'"
    )


def _path(project: Dbt) -> Path:
    return project.folder / str(project.settings["DBT_DUCKDB_PATH"])


def test_observed_interest_statuses_are_kept_even_for_deleted_leads(project: Dbt) -> None:
    found = duck.rows(_path(project), f"{query(MART)} where to_interest_status is not null order by lead_id limit 3")
    lead, deleted, unchanged = (row["lead_id"] for row in found)
    before = {each: history(project, each) for each in (lead, deleted, unchanged)}
    ((_, first, _),) = before[lead]

    deletion = f"delete from instantly.leads where id = '{deleted}'"  # noqa: S608 (ours)
    load(project, relabel(lead, 2, "2026-11-02 08:00:00"), deletion)
    load(project, relabel(lead, -3, "2026-11-03 09:00:00"))

    assert history(project, deleted) == before[deleted]
    assert history(project, unchanged) == before[unchanged]
    assert history(project, lead) == [
        *before[lead],
        (first, "Meeting Booked", "2026-11-02 08:00:00"),
        ("Meeting Booked", "Lost", "2026-11-03 09:00:00"),
    ]

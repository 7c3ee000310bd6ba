"""The history of a lead's interest; the API only keeps the latest."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.transform import duck
from tests.transform.conftest import WITH_EMAILS
from tests.transform.package import NO_UNIT_TESTS, query, unsuccessful

if TYPE_CHECKING:
    from tests.transform.conftest import Built

MART = "instantly__lead_interest_history"


def history(built: Built, lead: str) -> list[tuple[Any, ...]]:
    rows = duck.rows(built.duckdb_path, f"{query(MART)} where lead_id = '{lead}' order by change_number")
    return [(row["from_interest_status"], row["to_interest_status"], row["changed_at"][:19]) for row in rows]


def test_observed_interest_statuses_are_kept_even_for_deleted_leads(built: Built) -> None:
    some = f"{query(MART)} where to_interest_status is not null order by lead_id limit 3"
    lead, deleted, unchanged = leads = [row["lead_id"] for row in duck.rows(built.duckdb_file, some)]
    before = {each: history(built, each) for each in leads}
    ((_, first, _),) = before[lead]
    later = "lt_interest_status = 2, timestamp_last_interest_change = '2026-11-02 08:00:00'"
    try:
        duck.execute(
            built.duckdb_path,
            f"update instantly.leads set {later} where id = '{lead}'",  # noqa: S608 (ours)
            f"delete from instantly.leads where id = '{deleted}'",  # noqa: S608 (ours)
        )
        chosen = ("--select", "instantly_lead_interest", MART)
        assert unsuccessful(built.duckdb.run("build", *NO_UNIT_TESTS, *WITH_EMAILS, *chosen)) == {}
        assert history(built, deleted) == before[deleted]
        assert history(built, unchanged) == before[unchanged]
        assert history(built, lead) == [*before[lead], (first, "Meeting Booked", "2026-11-02 08:00:00")]
    finally:
        shutil.copy(built.duckdb_file, built.duckdb_path)

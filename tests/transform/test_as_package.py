"""The package within another dbt project with its own settings, over a later load and with more streams."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.transform import duck
from tests.transform.conftest import KEPT
from tests.transform.package import ordered, unsuccessful

if TYPE_CHECKING:
    from tests.transform.conftest import Elsewhere

pytestmark = pytest.mark.long


def test_other_project_builds_the_marts_and_finds_only_orphaned_leads(
    elsewhere: Elsewhere,
) -> None:
    results = elsewhere.results
    (odd,) = unsuccessful(results)
    assert "relationships_instantly__leads_campaign_id" in odd
    of_it = f"select lead_id from analytics.instantly__leads where campaign_id = '{elsewhere.gone}'"  # noqa: S608 (ours)
    assert results[odd].failures == len(duck.rows(elsewhere.path, of_it)) > 0
    assert "model.agency.best" in results


def test_deletions_are_flagged_and_their_snapshots_kept(elsewhere: Elsewhere) -> None:
    path, gone, stale = elsewhere.path, elsewhere.gone, elsewhere.stale
    campaigns = duck.rows(path, "select campaign_id, is_deleted from analytics.instantly__campaigns")
    assert gone not in {row["campaign_id"] for row in campaigns}
    assert {row["campaign_id"] for row in campaigns if row["is_deleted"]} == {stale, elsewhere.draft}
    accounts = duck.rows(path, "select email, is_deleted from analytics.instantly__accounts")
    assert [row["email"] for row in accounts if row["is_deleted"] is not False] == [elsewhere.mailbox]
    later = [
        {**row, "snapshot_date": date(2026, 11, 2), "emails_sent_count": row["emails_sent_count"] + 1}
        for row in elsewhere.before
        if row["campaign_id"] not in {gone, stale}
    ]
    assert ordered(duck.rows(path, KEPT)) == ordered(elsewhere.before + later)


def test_streams_not_loaded_have_null_columns(elsewhere: Elsewhere) -> None:
    leads = duck.rows(elsewhere.path, "from analytics.instantly__leads")
    assert {row["subsequence_name"] for row in leads} == {None}

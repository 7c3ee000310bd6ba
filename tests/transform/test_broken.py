"""Every data test of the package can fail: with all data corrupted, none of them passes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.transform import duck
from tests.transform.conftest import WITH_EMAILS, WORKSPACES
from tests.transform.package import NO_UNIT_TESTS, contract
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.transform.conftest import Built
    from tests.transform.package import Dbt

CODES = {
    "accounts": ("status", "warmup_status", "provider_code"),
    "campaign_analytics": ("campaign_status",),
    "campaigns": ("status", "not_sending_status"),
    "emails": ("ue_type",),
    "leads": ("status", "lt_interest_status", "esp_code"),
    "subsequences": ("status",),
}
UNHEARD_OF = 424242

SPOILT = {
    "instantly__campaigns": (
        "leads_count = -1, reply_rate_per_sent = 2, reply_count = 5, emails_sent_count = 0, reply_count_unique = 9,"
        " contacted_count = 8, open_tracking = false, open_count_unique = 0, workspace_id = 'gone'"
    ),
    "instantly__campaign_daily": (
        "campaign_id = 'gone', workspace_id = 'gone', date = date '2000-01-01', sent_count = -1, bounced_count = 0"
    ),
    "instantly__step_variants": "campaign_id = 'gone', workspace_id = 'gone', reply_rate_per_sent_high = 2",
    "instantly__accounts": "workspace_id = 'nowhere', health = 'blue', bounce_rate_per_sent_7d = 2",
    "instantly__account_daily": "workspace_id = 'gone', sent_count = -1, bounce_rate_per_sent = 2",
    "instantly__domain_daily": "workspace_id = 'gone', bounce_rate_per_sent = 2",
    "instantly__leads": "campaign_id = 'gone', workspace_id = 'gone', list_id = 'gone', interest = 'lukewarm'",
    "instantly__lead_funnel": "campaign_id = 'gone', workspace_id = 'gone', reached_count = -1",
    "instantly__campaign_snapshots": "workspace_id = null",
    "instantly__lead_interest_history": "workspace_id = 'gone'",
    "instantly__esp_matrix": "workspace_id = 'gone', reply_rate_per_contacted = 2",
    "instantly__campaign_variables": "workspace_id = 'gone', reply_rate_per_contacted = 2",
    "instantly__reconciliation": "workspace_id = 'gone', relation = 'unlike', is_ok = false",
    "instantly__workspace_daily": "workspace_id = 'gone', sent_count = -1, bounce_rate_per_sent = 2",
    "instantly__workspace_periods": "workspace_id = 'gone'",
    "instantly__odd_rows": "workspace_id = 'gone'",
    "instantly__lead_events": "workspace_id = 'gone', event_type = 'dreamt'",
    "instantly__threads": "workspace_id = 'gone', hours_to_reply = -1",
    "instantly__client_month": "workspace_id = 'gone', bounce_rate_per_sent = 2",
    "instantly__sender_health": "workspace_id = 'gone', sending_health = 'blue', bounce_rate_per_sent = 2",
}
HELPERS = {
    "int_instantly__workspaces": "workspace_id",
    "int_instantly__campaigns": "campaign_id",
    "int_instantly__campaign_providers": "campaign_id",
    "int_instantly__loads": "workspace_id",
    "int_instantly__email_sightings": "email_id",
    "int_instantly__webhook_sightings": "delivery_id",
}


def spoil(built: Built) -> None:
    twice = "values ('twice'), ('twice')"
    marts = [f"insert into analytics.{mart} select * from analytics.{mart}" for mart in contract()]  # noqa: S608 (ours)
    marts += [f"insert into analytics.instantly__campaign_variables (campaign_id) {twice}"]
    marts += [f"update analytics.{mart} set {what}" for mart, what in SPOILT.items()]  # noqa: S608 (ours)
    marts += ["delete from analytics.instantly__data_as_of where stream = 'accounts'"]
    marts += ["update analytics.instantly__data_as_of set workspace_id = 'gone' where stream = 'leads'"]
    codes, key = "analytics_staging.instantly_codes", "stream, field, code"
    marts += [f"insert into {codes} ({key}) select {key} from {codes}"]  # noqa: S608 (ours)
    late = "stream = 'campaigns' and workspace_name = 'main'"
    marts += [f"update analytics.instantly__data_as_of set loaded_at = loaded_at - interval 25 hour where {late}"]  # noqa: S608 (ours)
    for helper, key in HELPERS.items():
        marts.append(f"insert into analytics_staging.{helper} ({key}) values ('twice'), ('twice'), (null)")  # noqa: S608 (ours)
    marts += ["update analytics_staging.int_instantly__workspaces set is_in_several_schemas = true"]
    keys = {table.name: table.keys[0] for table in TABLES} | {"workspaces": "workspace_id", "emails": "id"}
    raw = [f"update instantly.{stream} set {key} = null" for stream, key in keys.items()]  # noqa: S608 (ours)
    raw += [
        f"update instantly.{stream} set {', '.join(f'{name} = {UNHEARD_OF}' for name in names)}"  # noqa: S608 (ours)
        for stream, names in CODES.items()
    ]
    duck.execute(built.duckdb_path, *marts, *raw)


@pytest.fixture(scope="module")
def spoilt(built: Built) -> Iterator[Dbt]:
    try:
        spoil(built)
        yield built.duckdb
    finally:
        shutil.copy(built.duckdb_file, built.duckdb_path)


@pytest.mark.long
def test_odd_figures_are_errors_with_quality_severity_error(spoilt: Dbt, tmp_path: Path) -> None:
    name = "test.instantly.replies_without_sends"
    how = ("--vars", "instantly__quality_severity: error")
    # In a folder of its own: with other variables, dbt would parse everything again there, and once more after it.
    elsewhere = replace(spoilt, folder=tmp_path)
    assert elsewhere.run("test", "--select", "replies_without_sends", *how)[name].status == "fail"


def test_every_data_test_fails_on_corrupted_data(built: Built, spoilt: Dbt) -> None:
    results = spoilt.run("test", *NO_UNIT_TESTS, *WITH_EMAILS)
    assert results["test.instantly.replies_without_sends"].status == "warn"
    before = {name for name in built.results["duckdb"] if name.startswith("test.")}
    assert results.keys() == before
    found = {name for name, result in results.items() if result.status in {"fail", "warn"} and result.failures}
    assert sorted(before - found) == []
    # One stream of no workspace, and an old one of another.
    assert results["test.instantly.workspaces_without_figures"].failures == len(WORKSPACES) + 1

"""Every test of data that the package brings can fail: all of the data is spoilt, and none of them passes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from demo.tables import TABLES
from tests.transform import duck
from tests.transform.conftest import WORKSPACES
from tests.transform.package import contract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.transform.conftest import Built
    from tests.transform.package import Dbt

CODES = {
    "accounts": ("status", "warmup_status", "provider_code"),
    "campaign_analytics": ("campaign_status",),
    "campaigns": ("status", "not_sending_status"),
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
    "instantly__esp_matrix": "workspace_id = 'gone', reply_rate_per_contacted = 2",
    "instantly__reconciliation": "workspace_id = 'gone', relation = 'unlike', is_ok = false",
    "instantly__workspace_daily": "workspace_id = 'gone', sent_count = -1, bounce_rate_per_sent = 2",
    "instantly__workspace_periods": "workspace_id = 'gone'",
    "instantly__odd_rows": "workspace_id = 'gone'",
}
HELPERS = {
    "int_instantly__workspaces": "workspace_id",
    "int_instantly__campaigns": "campaign_id",
    "int_instantly__campaign_providers": "campaign_id",
    "int_instantly__loads": "workspace_id",
}


def spoil(built: Built) -> None:
    marts = [f"insert into analytics.{mart} select * from analytics.{mart}" for mart in contract()]  # noqa: S608 (ours)
    marts += [f"update analytics.{mart} set {what}" for mart, what in SPOILT.items()]  # noqa: S608 (ours)
    marts += ["delete from analytics.instantly__data_as_of where stream = 'accounts'"]
    marts += ["update analytics.instantly__data_as_of set workspace_id = 'gone' where stream = 'leads'"]
    codes, key = "analytics_staging.instantly_codes", "stream, field, code"
    marts += [f"insert into {codes} ({key}) select {key} from {codes}"]  # noqa: S608 (ours)
    late = "stream = 'campaigns' and workspace_name = 'main'"
    marts += [f"update analytics.instantly__data_as_of set loaded_at = loaded_at - interval 25 hour where {late}"]  # noqa: S608 (ours)
    for helper, key in HELPERS.items():
        marts.append(f"insert into analytics_staging.{helper} ({key}) values ('twice'), ('twice'), (null)")  # noqa: S608 (ours)
    keys = {table.name: table.keys[0] for table in TABLES} | {"workspaces": "workspace_id"}
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


def test_odd_figures_warn_unless_the_variable_says_that_they_are_errors(spoilt: Dbt) -> None:
    name = "test.instantly.replies_without_sends"
    for how, status in (((), "warn"), (("--vars", "instantly__quality_severity: error"), "fail")):
        assert spoilt.run("test", "--select", "replies_without_sends", *how)[name].status == status


def test_no_test_of_data_passes_where_all_data_is_spoilt(built: Built, spoilt: Dbt) -> None:
    results = spoilt.run("test", "--exclude-resource-type", "unit_test")
    before = {name for name in built.results["duckdb"] if name.startswith("test.")}
    assert results.keys() == before
    found = {name for name, result in results.items() if result.status in {"fail", "warn"} and result.failures}
    assert sorted(before - found) == []
    # One stream of no workspace, and an old one of another.
    assert results["test.instantly.workspaces_without_figures"].failures == len(WORKSPACES) + 1

"""`dbt source freshness` finds the streams that have not been loaded for too long."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.support import run_tap
from tests.transform import duck
from tests.transform.conftest import WITH_EMAILS
from tools.transform import FRESHNESS

if TYPE_CHECKING:
    from tests.transform.conftest import Built


def test_stream_freshness_depends_on_hours_since_its_last_load(built: Built) -> None:
    hours = {"leads": 1, "campaign_analytics": 25, "account_warmup": 25, "account_warmup_daily": 49}
    try:
        for stream, ago in hours.items():
            loaded = f"cast(now() at time zone 'UTC' as timestamp) - interval {ago} hour"
            duck.execute(built.duckdb_path, f"update instantly.{stream} set _sdc_batched_at = {loaded}")  # noqa: S608 (ours)
        found = built.duckdb.freshness(*WITH_EMAILS)
    finally:
        shutil.copy(built.duckdb_file, built.duckdb_path)
    told = {"leads": "pass", "campaign_analytics": "warn", "account_warmup": "pass", "account_warmup_daily": "warn"}
    assert found == dict.fromkeys(FRESHNESS, "error") | told


def test_streams_with_freshness_checks_write_rows_in_every_run(config: dict[str, Any]) -> None:
    first = run_tap(config, streams=tuple(FRESHNESS))
    second = run_tap(config, streams=tuple(FRESHNESS), state=first.state)
    assert [stream for stream in FRESHNESS if not second.records(stream)] == []

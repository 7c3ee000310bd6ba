"""`dbt source freshness` tells which streams have not been loaded for too long."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.support import run_tap
from tests.transform import duck
from tools.transform import FRESHNESS

if TYPE_CHECKING:
    from tests.transform.conftest import Built


def test_a_stream_is_fresh_late_or_stale_by_the_hours_since_its_last_load(built: Built) -> None:
    hours = {"leads": 1, "campaign_analytics": 25, "account_warmup": 25, "account_warmup_daily": 49}
    try:
        for stream, ago in hours.items():
            loaded = f"cast(now() at time zone 'UTC' as timestamp) - interval {ago} hour"
            duck.execute(built.duckdb_path, f"update instantly.{stream} set _sdc_batched_at = {loaded}")  # noqa: S608 (ours)
        found = built.duckdb.freshness()
    finally:
        shutil.copy(built.duckdb_file, built.duckdb_path)
    told = {"leads": "pass", "campaign_analytics": "warn", "account_warmup": "pass", "account_warmup_daily": "warn"}
    assert found == dict.fromkeys(FRESHNESS, "error") | told


def test_a_run_brings_rows_of_each_of_these_streams_also_where_nothing_has_changed(config: dict[str, Any]) -> None:
    first = run_tap(config, streams=tuple(FRESHNESS))
    second = run_tap(config, streams=tuple(FRESHNESS), state=first.state)
    assert [stream for stream in FRESHNESS if not second.records(stream)] == []

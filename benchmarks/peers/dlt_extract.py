"""dlt's rest_api source over the same endpoints, the extract step alone (what would be loaded lies in files)."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
from dlt.sources.rest_api import rest_api_source

if TYPE_CHECKING:
    from collections.abc import Iterator

Config = dict[str, Any]

WINDOW = timedelta(days=30)


def cursor(**place: str) -> Config:
    """Describe the cursor; `place` says where it goes."""
    return {"type": "cursor", "cursor_path": "next_starting_after", **place}


def leads(_config: Config) -> Iterator[Config]:
    """Describe the leads."""
    yield {
        "name": "leads",
        "primary_key": "id",
        "endpoint": {
            "path": "leads/list",
            "method": "POST",
            "json": {"limit": 100},
            "data_selector": "items",
            "paginator": cursor(cursor_body_path="starting_after"),
        },
    }


def campaign_analytics_daily(config: Config) -> Iterator[Config]:
    """Describe the days of every campaign: a resource for each window, for the source has no windows of its own."""
    yield {
        "name": "campaigns",
        "endpoint": {
            "path": "campaigns",
            "params": {"limit": 100},
            "data_selector": "items",
            "paginator": cursor(cursor_param="starting_after"),
        },
        "selected": False,
    }
    day, end = (date.fromisoformat(config[name]) for name in ("start_date", "end_date"))
    while day < end:
        edge = min(day + WINDOW, end)
        yield {
            "name": f"days_from_{day:%Y_%m_%d}",
            "table_name": "campaign_analytics_daily",
            "primary_key": ["campaign_id", "date"],
            "include_from_parent": ["id"],
            # The source's own way of fetching for several parents at once.
            "parallelized": True,
            "endpoint": {
                "path": "campaigns/analytics/daily",
                "params": {
                    "campaign_id": "{resources.campaigns.id}",
                    "start_date": str(day),
                    "end_date": str(edge),
                },
                "data_selector": "$",
                "paginator": "single_page",
            },
        }
        day = edge


STREAMS = {"leads": leads, "campaign_analytics_daily": campaign_analytics_daily}


def main() -> None:
    """Extract one stream and tell how much that was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--stream", choices=STREAMS, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the pipeline keeps its files")
    options = parser.parse_args()
    config = json.loads(options.config.read_text(encoding="utf-8"))
    client = {
        "base_url": config["api_url"],
        "auth": {"type": "bearer", "token": config["api_key"]},
        "headers": {"User-Agent": "dlt-peer/1"},
    }
    source = rest_api_source({"client": client, "resources": [*STREAMS[options.stream](config)]})
    pipeline = dlt.pipeline("peer", pipelines_dir=str(options.folder), destination="filesystem", dataset_name="peer")
    pipeline.extract(source)
    rows = pipeline.last_trace.last_extract_info.metrics.values()
    records = sum(
        table.items_count
        for loads in rows
        for load in loads
        for name, table in load["table_metrics"].items()
        if name == options.stream
    )
    size = sum(path.stat().st_size for path in options.folder.rglob("*") if options.stream in path.name)
    sys.stdout.write(json.dumps({"type": "SUMMARY", "records": records, "bytes": size}) + "\n")


if __name__ == "__main__":
    main()

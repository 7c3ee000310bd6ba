"""Runs dlt's rest_api source over the same endpoints: only the extract step, which writes files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dlt
from dlt.extract import DltSource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator
from dlt.sources.rest_api import rest_api_source

Config = dict[str, Any]

WINDOW = timedelta(days=30)


LISTS = {
    "leads": ("POST", "leads/list"),
    "campaigns": ("GET", "campaigns"),
    "accounts": ("GET", "accounts"),
    "lead_lists": ("GET", "lead-lists"),
    "custom_tags": ("GET", "custom-tags"),
}


def endpoint(name: str) -> Config:
    """Configure a list; its cursor goes into the body or the query, beside the size of the page."""
    method, path = LISTS[name]
    place, cursor = ("json", "cursor_body_path") if method == "POST" else ("params", "cursor_param")
    paginator = JSONResponseCursorPaginator("next_starting_after", **{cursor: "starting_after"})
    return {"path": path, "method": method, place: {"limit": 100}, "data_selector": "items", "paginator": paginator}


def leads(_config: Config) -> Iterator[Config]:
    """Configure the leads."""
    yield {"name": "leads", "primary_key": "id", "endpoint": endpoint("leads")}


def campaign_analytics_daily(config: Config) -> Iterator[Config]:
    """Configure the days of every campaign: a resource per window, because the source has no windows."""
    yield {"name": "campaigns", "endpoint": endpoint("campaigns"), "selected": False}
    day, end = (date.fromisoformat(config[name]) for name in ("start_date", "end_date"))
    while day < end:
        edge = min(day + WINDOW, end)
        yield {
            "name": f"days_from_{day:%Y_%m_%d}",
            "table_name": "campaign_analytics_daily",
            "primary_key": ["campaign_id", "date"],
            "include_from_parent": ["id"],
            # The source's own way to fetch for several parents at once.
            "parallelized": True,
            "endpoint": {
                "path": "campaigns/analytics/daily",
                "params": {"campaign_id": "{resources.campaigns.id}", "start_date": str(day), "end_date": str(edge)},
                "data_selector": "$",
                "paginator": "single_page",
            },
        }
        day = edge


STREAMS = {"leads": leads, "campaign_analytics_daily": campaign_analytics_daily}
ANALYTICS = {"path": "campaigns/analytics", "data_selector": "$", "paginator": SinglePagePaginator()}


def pages(client: RESTClient, name: str) -> Iterator[Any]:
    """Read a stream that is a list, or one answer, page by page."""
    yield from client.paginate(**(ANALYTICS if name == "campaign_analytics" else endpoint(name)))


def side_by_side(streams: list[str], config: Config) -> Iterator[Any]:
    """Create resources for all streams, read in parallel.

    They use dlt's own client: with `parallelized`, the rest_api source still reads independent lists in sequence, by
    the sandbox's count of concurrent requests.
    """
    for name in streams:
        client = RESTClient(config["api_url"], {"User-Agent": "dlt-peer/1"}, BearerTokenAuth(config["api_key"]))
        yield dlt.resource(pages, name=name, parallelized=True)(client, name)


def declared(stream: str, config: Config) -> DltSource:
    """Create the source of a stream as dlt declares it."""
    client = {
        "base_url": config["api_url"],
        "auth": {"type": "bearer", "token": config["api_key"]},
        "headers": {"User-Agent": "dlt-peer/1"},
    }
    return rest_api_source({"client": client, "resources": [*STREAMS[stream](config)]})


def main() -> None:
    """Extract streams and print the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--streams", type=lambda text: text.split(","), required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the pipeline keeps its files")
    options = parser.parse_args()
    config = json.loads(options.config.read_text(encoding="utf-8"))
    streams = options.streams
    source = declared(streams[0], config) if len(streams) == 1 else [*side_by_side(streams, config)]
    pipeline = dlt.pipeline("peer", pipelines_dir=str(options.folder), destination="filesystem", dataset_name="peer")
    pipeline.extract(source)
    rows = pipeline.last_trace.last_extract_info.metrics.values()
    records = sum(
        table.items_count
        for loads in rows
        for load in loads
        for name, table in load["table_metrics"].items()
        if name in options.streams
    )
    files = [path for path in options.folder.rglob("*") if any(name in path.name for name in options.streams)]
    size = sum(path.stat().st_size for path in files)
    sys.stdout.write(json.dumps({"type": "SUMMARY", "records": records, "bytes": size}) + "\n")


if __name__ == "__main__":
    main()

"""The minimum: fetches a page, writes its records as Singer lines, and fetches the next one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests

Row = dict[str, Any]

WINDOW = timedelta(days=30)


def pages(session: requests.Session, method: str, url: str) -> Iterator[list[Row]]:
    """Follow the cursor of a list."""
    paging: dict[str, Any] = {"limit": 100}
    while True:
        body, query = (paging, None) if method == "POST" else (None, paging)
        answer = session.request(method, url, json=body, params=query, timeout=60)
        answer.raise_for_status()
        page = answer.json()
        yield page["items"]
        if not page["items"] or not page.get("next_starting_after"):
            return
        paging["starting_after"] = page["next_starting_after"]


def leads(session: requests.Session, config: Row) -> Iterator[list[Row]]:
    """Fetch all leads."""
    return pages(session, "POST", f"{config['api_url']}/leads/list")


def campaign_analytics_daily(session: requests.Session, config: Row) -> Iterator[list[Row]]:
    """Fetch the days of every campaign, window by window."""
    start, end = date.fromisoformat(config["start_date"]), date.fromisoformat(config["end_date"])
    for page in pages(session, "GET", f"{config['api_url']}/campaigns"):
        for campaign in page:
            day = start
            while day < end:
                edge = min(day + WINDOW, end)
                query = {"campaign_id": campaign["id"], "start_date": str(day), "end_date": str(edge)}
                answer = session.get(f"{config['api_url']}/campaigns/analytics/daily", params=query, timeout=60)
                answer.raise_for_status()
                yield [row | {"campaign_id": campaign["id"]} for row in answer.json()]
                day = edge


STREAMS = {"leads": leads, "campaign_analytics_daily": campaign_analytics_daily}


def main() -> None:
    """Write one stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--stream", choices=STREAMS, required=True)
    options = parser.parse_args()
    config = json.loads(options.config.read_text(encoding="utf-8"))
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {config['api_key']}", "User-Agent": "floor/1"})
        for page in STREAMS[options.stream](session, config):
            for record in page:
                sys.stdout.write(json.dumps({"type": "RECORD", "stream": options.stream, "record": record}) + "\n")


if __name__ == "__main__":
    main()

"""A tap like the SDK's template: it sets only what the API requires."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.types import Context
from singer_sdk.pagination import BaseAPIPaginator, JSONPathPaginator
from singer_sdk.schema.source import SchemaDirectory, StreamSchema
from typing_extensions import override

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
WINDOW = timedelta(days=30)


class InstantlyStream(RESTStream[Any]):
    """Common base of the streams."""

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SchemaDirectory(SCHEMAS))
    records_jsonpath = "$.items[*]"

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @property
    @override
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["api_key"])

    @property
    @override
    def http_headers(self) -> dict[str, Any]:
        return {"User-Agent": "sdk-peer/1"}

    @override
    def get_new_paginator(self) -> BaseAPIPaginator[Any]:
        return JSONPathPaginator("$.next_starting_after")

    @override
    def get_url_params(self, context: Context | None, next_page_token: str | None) -> dict[str, Any]:
        return {} if self.http_method == "POST" else paging(next_page_token)

    @override
    def prepare_request_payload(self, context: Context | None, next_page_token: str | None) -> dict[str, Any] | None:
        return paging(next_page_token) if self.http_method == "POST" else None


def paging(cursor: str | None) -> dict[str, Any]:
    """Return the parameters of the page after a cursor."""
    return {"limit": 100} | ({"starting_after": cursor} if cursor else {})


class Leads(InstantlyStream):
    """Leads."""

    name = "leads"
    path = "/leads/list"
    http_method = "POST"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class Campaigns(InstantlyStream):
    """Campaigns, the parents of their days."""

    name = "campaigns"
    path = "/campaigns"
    primary_keys = ("id",)

    @override
    def get_child_context(self, record: dict[str, Any], context: Context | None) -> dict[str, Any]:
        return {"campaign_id": record["id"]}


class WindowPaginator(BaseAPIPaginator[date]):
    """Moves to the next window until the last day.

    Args:
        start: The first day.
        end: The day after the last one.
    """

    def __init__(self, start: date, end: date) -> None:
        super().__init__(start)
        self._end = end

    @override
    def get_next(self, response: requests.Response) -> date | None:
        following = self.current_value + WINDOW
        return following if following < self._end else None

    @override
    def continue_if_empty(self, response: requests.Response) -> bool:
        return True


class CampaignAnalyticsDaily(InstantlyStream):
    """Figures of a campaign by day."""

    name = "campaign_analytics_daily"
    path = "/campaigns/analytics/daily"
    parent_stream_type = Campaigns
    primary_keys = ("campaign_id", "date")
    records_jsonpath = "$[*]"

    @override
    def get_new_paginator(self) -> WindowPaginator:
        return WindowPaginator(*(date.fromisoformat(self.config[name]) for name in ("start_date", "end_date")))

    @override
    def get_url_params(self, context: Context | None, next_page_token: Any) -> dict[str, Any]:
        end = min(next_page_token + WINDOW, date.fromisoformat(self.config["end_date"]))
        campaign = (context or {})["campaign_id"]
        return {"campaign_id": campaign, "start_date": str(next_page_token), "end_date": str(end)}


class PeerTap(Tap):
    """The tap."""

    name = "tap-peer"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("api_key", th.StringType, required=True, secret=True),
        th.Property("api_url", th.StringType, required=True),
        th.Property("start_date", th.DateType),
        th.Property("end_date", th.DateType),
    ).to_dict()

    @override
    def discover_streams(self) -> Sequence[InstantlyStream]:
        return [Leads(self), Campaigns(self), CampaignAnalyticsDaily(self)]


if __name__ == "__main__":
    PeerTap.cli()

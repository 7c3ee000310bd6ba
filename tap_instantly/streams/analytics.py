"""Campaign analytics: totals, days and steps."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.api import ErrorKind, InstantlyAPIError
from tap_instantly.api.decode import decoded
from tap_instantly.streams.base import InstantlyStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import requests
    from singer_sdk.helpers.types import Context

    from tap_instantly.api import InstantlyClient
    from tap_instantly.streams.records import Record

UNATTRIBUTED = "unknown"
"""Step or variant of events for which the API could not tell it and sends null, which no key may be."""

WINDOW_DAYS = 30
"""Longest window of daily figures; 31 days is the API's limit, and whether it counts both ends is unknown."""

EARLIEST_DAY = date(2020, 1, 1)
"""First day to ask for where the key may not see when the workspace was made."""


class AnalyticsStream(InstantlyStream):
    """Figures that come as one array, without paging."""

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        rows = decoded(response)
        if not isinstance(rows, list):
            raise InstantlyAPIError(
                response.status_code, "GET", self.path, "the answer is not an array", kind=ErrorKind.MALFORMED
            )
        return rows


class CampaignAnalytics(AnalyticsStream):
    """Lifetime totals of every campaign that has sent: the figures that the product shows.

    Deleted campaigns are missing (reported).
    Source: official document, ``getCampaignAnalytics``.
    """

    name = "campaign_analytics"
    path = "/campaigns/analytics"
    primary_keys = ("campaign_id",)


class PerCampaignStream(AnalyticsStream):
    """Figures that have to be asked for campaign by campaign, since the rows do not say whose they are."""

    campaign_parameter = "campaign_id"
    parameters: ClassVar[Mapping[str, Any]] = {}

    @override
    def slices(self, context: Context) -> Iterator[Mapping[str, Any]]:
        client = self.workspaces[context["workspace_id"]].client
        for campaign_id in _campaigns_with_figures(client):
            yield {**context, "campaign_id": campaign_id}

    @override
    def get_url_params(self, context: Context | None, next_page_token: str | None) -> dict[str, Any]:
        asked = context or {}
        return {
            self.campaign_parameter: asked["campaign_id"],
            "start_date": asked.get("start_date"),
            "end_date": asked.get("end_date"),
            **self.parameters,
        }

    @override
    def request_records(self, context: Context | None) -> Iterator[Record]:
        for row in super().request_records(context):
            row["campaign_id"] = (context or {})["campaign_id"]
            yield row


class CampaignAnalyticsOverview(PerCampaignStream):
    """Lifetime totals of a campaign with what became of its opportunities, which only this endpoint tells.

    Source: official document, ``getCampaignAnalyticsOverview``.
    """

    name = "campaign_analytics_overview"
    path = "/campaigns/analytics/overview"
    primary_keys = ("campaign_id",)
    campaign_parameter = "id"

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return [decoded(response)]


class CampaignAnalyticsSteps(PerCampaignStream):
    """Lifetime figures of each variant of each step of a campaign.

    Source: official document, ``getCampaignStepsAnalytics``.
    """

    name = "campaign_analytics_steps"
    path = "/campaigns/analytics/steps"
    primary_keys = ("campaign_id", "step", "variant")
    parameters: ClassVar = {"include_opportunities_count": "true"}

    @override
    def request_records(self, context: Context | None) -> Iterator[Record]:
        for row in super().request_records(context):
            for name in ("step", "variant"):
                if row.get(name) is None:
                    row[name] = UNATTRIBUTED
            yield row


class CampaignAnalyticsDaily(PerCampaignStream):
    """Figures of a campaign on a UTC day, from the bookmark less the look-back until today.

    Past days change with late opens, replies and opportunities, hence the look-back. Unique counts are unique within
    their day and must not be summed (reported). Days without activity have no row.
    Source: official document, ``getDailyCampaignAnalytics``.
    """

    name = "campaign_analytics_daily"
    path = "/campaigns/analytics/daily"
    primary_keys = ("campaign_id", "date")
    replication_key = "date"

    @override
    def slices(self, context: Context) -> Iterator[Mapping[str, Any]]:
        client = self.workspaces[context["workspace_id"]].client
        for start, end in windows(self._first_day(context), _tomorrow()):
            window = {"start_date": start.isoformat(), "end_date": end.isoformat()}
            for campaign_id in _campaigns_with_figures(client, **window):
                yield {**context, **window, "campaign_id": campaign_id}

    @override
    def request_records(self, context: Context | None) -> Iterator[Record]:
        # Whether the end counts is not documented and a one-day call has returned two days (reported). Windows share
        # their edges, and each keeps only its own days: nothing falls between them, and no row comes twice.
        window = context or {}
        for row in super().request_records(context):
            if window["start_date"] <= (row.get("date") or window["start_date"]) < window["end_date"]:
                yield row

    def _first_day(self, context: Context) -> date:
        start_date = self.config.get("start_date")
        earliest = timestamps.parse(start_date).date() if start_date else self._first_day_of(context)
        bookmark = self.get_starting_replication_key_value(context)
        if not bookmark:
            return earliest
        lookback = timedelta(days=self.config["analytics_lookback_days"])
        return max(earliest, timestamps.parse(bookmark).date() - lookback)

    def _first_day_of(self, context: Context) -> date:
        made = self.workspaces[context["workspace_id"]].timestamp_created
        return timestamps.parse(made).date() if made else EARLIEST_DAY


def windows(start: date, end: date, days: int = WINDOW_DAYS) -> Iterator[tuple[date, date]]:
    """Windows of at most ``days`` days that cover the days from ``start`` up to but not including ``end``."""
    while start < end:
        edge = min(start + timedelta(days=days), end)
        yield start, edge
        start = edge


def _campaigns_with_figures(client: InstantlyClient, **window: str) -> list[str]:
    """Ids of the campaigns that ever sent, or that were active in the window (recorded)."""
    return [row["campaign_id"] for row in client.campaign_analytics(exclude_total_leads_count=True, **window)]


def _tomorrow() -> date:
    return datetime.now(timezone.utc).date() + timedelta(days=1)

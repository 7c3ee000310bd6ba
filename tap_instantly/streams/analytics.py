"""Analytics of campaigns and subsequences: totals, days and steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly.singer.read_ahead import one_ahead
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import CAMPAIGN_WITH_FIGURES, CAMPAIGN_WITH_SUBSEQUENCES, SUBSEQUENCE, askable
from tap_instantly.streams.patterns import UNATTRIBUTED, ArrayStream, DailyStream, ObjectStream, PerParent
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context

    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record


class CampaignAnalytics(ArrayStream):
    """Lifetime totals of every campaign that has sent: the figures that the product shows.

    Deleted campaigns are missing (reported).
    Source: official document, ``getCampaignAnalytics``.
    """

    name = "campaign_analytics"
    path = "/campaigns/analytics"
    primary_keys = ("campaign_id",)


class CampaignAnalyticsOverview(PerParent, ObjectStream):
    """Lifetime totals of a campaign with what became of its opportunities, which only this endpoint tells.

    Source: official document, ``getCampaignAnalyticsOverview``.
    """

    name = "campaign_analytics_overview"
    path = "/campaigns/analytics/overview"
    parent = CAMPAIGN_WITH_FIGURES
    parent_argument = "id"
    primary_keys = ("campaign_id",)


class CampaignAnalyticsDaily(DailyStream, PerParent, ArrayStream):
    """Figures of a campaign on a UTC day.

    Asked for in each window for the campaigns that were active in it. Unique counts are unique within their day and
    must not be summed (reported).
    Source: official document, ``getDailyCampaignAnalytics``.
    """

    name = "campaign_analytics_daily"
    path = "/campaigns/analytics/daily"
    parent = CAMPAIGN_WITH_FIGURES
    parent_argument = "campaign_id"
    primary_keys = ("campaign_id", "date")
    replication_key = "date"

    @override
    def slices(self, context: Context) -> Iterator[Slice]:
        workspace = self.workspaces[workspace_id(context)]
        client = workspace.client

        def active_in(window: Slice) -> list[Slice]:
            # With a window, the totals list just the campaigns that were active in it (recorded).
            ask = partial(client.campaign_analytics, exclude_total_leads_count=True, **window)
            rows = workspace.access.told_apart(ask)
            ids = list(askable((row.get("campaign_id") for row in rows), client))
            self.note_unasked(context, len(rows) - len(ids))
            return [{**context, **window, "campaign_id": id_} for id_ in ids]

        windows, part = list(self.windows(context)), self.tally.parts[workspace_id(context)]
        for number, slices in enumerate(one_ahead(active_in, windows)):
            part.at_window(number, len(windows))
            yield from slices


class StepStream(InstantlyStream):
    """Mixed into figures by step and variant, which the API does not always know."""

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        for page in super().pages(context):
            for row in page:
                for name in ("step", "variant"):
                    if row.get(name) is None:
                        row[name] = UNATTRIBUTED
            yield page


class CampaignAnalyticsSteps(StepStream, PerParent, ArrayStream):
    """Lifetime figures of each variant of each step of a campaign.

    Source: official document, ``getCampaignStepsAnalytics``.
    """

    name = "campaign_analytics_steps"
    path = "/campaigns/analytics/steps"
    parent = CAMPAIGN_WITH_FIGURES
    parent_argument = "campaign_id"
    primary_keys = ("campaign_id", "step", "variant")
    arguments: ClassVar[dict[str, Any]] = {"include_opportunities_count": "true"}


class SubsequenceAnalytics(PerParent, ArrayStream):
    """Lifetime totals of each subsequence.

    Source: official document, ``getSubsequenceAnalytics``.
    """

    name = "subsequence_analytics"
    scope = "subsequences"
    path = "/subsequences/analytics"
    parent = CAMPAIGN_WITH_SUBSEQUENCES
    parent_argument = "campaign_id"
    primary_keys = ("subsequence_id",)


class SubsequenceAnalyticsSteps(StepStream, PerParent, ArrayStream):
    """Lifetime figures of each variant of each step of a subsequence, both numbered from 0 here (spec).

    Source: official document, ``getSubsequenceStepsAnalytics``.
    """

    name = "subsequence_analytics_steps"
    scope = "subsequences"
    path = "/subsequences/{subsequence_id}/analytics/steps"
    parent = SUBSEQUENCE
    primary_keys = ("subsequence_id", "step", "variant")

"""Analytics of campaigns and subsequences: totals, days and steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly.singer.sources import GroupedSlices
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import CAMPAIGN_WITH_FIGURES, CAMPAIGN_WITH_SUBSEQUENCES, SUBSEQUENCE, askable
from tap_instantly.streams.patterns import UNATTRIBUTED, ArrayStream, DailyStream, ObjectStream, PerParent
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context

    from tap_instantly.singer.sources import Source
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
    def source(self, context: Context) -> Source[list[Record]]:
        part = self.tally.parts[workspace_id(context)]
        client, access = part.workspace.client, part.workspace.access
        windows = list(self.windows(context))

        def active_in(numbered: tuple[int, dict[str, str]]) -> Iterator[Slice]:
            number, window = numbered
            part.begin()
            # With a window, the totals list just the campaigns that were active in it (recorded).
            ask = partial(client.campaign_analytics, exclude_total_leads_count=True, **window)
            rows = access.told_apart(ask)
            ids = list(askable((row.get("campaign_id") for row in rows), client))
            self.note_unasked(context, len(rows) - len(ids))
            return of_window(number, [{**context, **window, "campaign_id": id_} for id_ in ids])

        def of_window(number: int, slices: list[Slice]) -> Iterator[Slice]:
            part.at_window(number, len(windows))
            yield from slices

        return GroupedSlices(enumerate(windows), active_in, part.counted(self.pages))


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

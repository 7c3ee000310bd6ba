"""Streams of campaign and subsequence analytics: totals, by day and by step."""

from __future__ import annotations

from typing import Any, ClassVar

from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import CAMPAIGN_WITH_FIGURES, CAMPAIGN_WITH_SUBSEQUENCES, SUBSEQUENCE
from tap_instantly.streams.readers import Array, OneObject
from tap_instantly.streams.slicers import Parents
from tap_instantly.streams.windows import WindowsOfActiveCampaigns


class CampaignAnalytics(InstantlyStream):
    """Lifetime totals of every campaign that has sent, as the product shows them.

    The API omits deleted campaigns (reported).
    """

    name = "campaign_analytics"
    path = "/campaigns/analytics"
    records = Array()
    primary_keys = ("campaign_id",)


class CampaignAnalyticsOverview(InstantlyStream):
    """Lifetime totals of a campaign with the outcome of its opportunities, which only this endpoint returns."""

    name = "campaign_analytics_overview"
    path = "/campaigns/analytics/overview"
    slicer = Parents(CAMPAIGN_WITH_FIGURES, "id")
    records = OneObject()
    primary_keys = ("campaign_id",)


class CampaignAnalyticsDaily(InstantlyStream):
    """Campaign analytics by UTC day.

    The tap requests only the campaigns active in each window. Unique counts are unique within a day: do not sum them
    (reported).
    """

    name = "campaign_analytics_daily"
    path = "/campaigns/analytics/daily"
    slicer = WindowsOfActiveCampaigns("campaign_id")
    records = Array()
    primary_keys = ("campaign_id", "date")
    replication_key = "date"
    expires = True


STEPS = Array(attributed=("step", "variant"))


class CampaignAnalyticsSteps(InstantlyStream):
    """Lifetime analytics of a campaign by step and variant."""

    name = "campaign_analytics_steps"
    path = "/campaigns/analytics/steps"
    slicer = Parents(CAMPAIGN_WITH_FIGURES, "campaign_id")
    records = STEPS
    primary_keys = ("campaign_id", "step", "variant")
    arguments: ClassVar[dict[str, Any]] = {"include_opportunities_count": "true"}


class SubsequenceAnalytics(InstantlyStream):
    """Lifetime totals of each subsequence."""

    name = "subsequence_analytics"
    scope = "subsequences"
    path = "/subsequences/analytics"
    slicer = Parents(CAMPAIGN_WITH_SUBSEQUENCES, "campaign_id")
    records = Array()
    primary_keys = ("subsequence_id",)


class SubsequenceAnalyticsSteps(InstantlyStream):
    """Lifetime analytics of a subsequence by step and variant, both numbered from 0 (spec)."""

    name = "subsequence_analytics_steps"
    scope = "subsequences"
    path = "/subsequences/{subsequence_id}/analytics/steps"
    slicer = Parents(SUBSEQUENCE)
    records = STEPS
    primary_keys = ("subsequence_id", "step", "variant")

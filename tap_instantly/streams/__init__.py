"""The catalogue: the one list of every stream."""

from __future__ import annotations

from tap_instantly.streams.accounts import Accounts
from tap_instantly.streams.analytics import (
    CampaignAnalytics,
    CampaignAnalyticsDaily,
    CampaignAnalyticsOverview,
    CampaignAnalyticsSteps,
)
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.campaigns import Campaigns
from tap_instantly.streams.leads import LeadLists, Leads

STREAMS: tuple[type[InstantlyStream], ...] = (
    Accounts,
    CampaignAnalytics,
    CampaignAnalyticsDaily,
    CampaignAnalyticsOverview,
    CampaignAnalyticsSteps,
    Campaigns,
    LeadLists,
    Leads,
)

__all__ = ["STREAMS", "InstantlyStream"]

"""AI inbox managers: what they answered, and by what rules."""

from __future__ import annotations

from tap_instantly.streams.agents import FEW
from tap_instantly.streams.parents import INBOX_MANAGER
from tap_instantly.streams.patterns import ArrayStream, DailyStream, ListStream, ObjectStream, PerParent


class AiInboxManagers(PerParent, ObjectStream):
    """Inbox managers with their configuration.

    Source: official document, ``getInboxManagerAgent``.
    """

    name = "ai_inbox_managers"
    scope = "ai_agents"
    path = "/ai-agents/inbox-manager/{agent_id}"
    parent = INBOX_MANAGER
    primary_keys = ("id",)
    why_off = FEW


class AiInboxManagerGuidances(PerParent, ListStream):
    """Guidances that each inbox manager was given.

    Source: official document, ``listInboxManagerGuidances``.
    """

    name = "ai_inbox_manager_guidances"
    scope = "ai_agent_guidances"
    path = "/ai-agents/inbox-manager/{agent_id}/guidances"
    parent = INBOX_MANAGER
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = FEW


class AiInboxManagerReplies(PerParent, ListStream):
    """Replies that each inbox manager wrote.

    Source: official document, ``listInboxManagerReplies``.
    """

    name = "ai_inbox_manager_replies"
    scope = "ai_sdr_replies"
    path = "/ai-agents/inbox-manager/{agent_id}/replies"
    parent = INBOX_MANAGER
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = FEW


class AiInboxManagerAnalytics(PerParent, ObjectStream):
    """Figures of each inbox manager, over the API's own default period.

    Source: official document, ``getInboxManagerAnalyticsSummary``.
    """

    name = "ai_inbox_manager_analytics"
    scope = "ai_inbox_manager_analytics"
    path = "/ai-agents/inbox-manager/{agent_id}/analytics/summary"
    parent = INBOX_MANAGER
    primary_keys = ("agent_id",)
    why_off = FEW


class AiInboxManagerAnalyticsDaily(DailyStream, PerParent, ArrayStream):
    """Figures of each inbox manager by day.

    Source: official document, ``getInboxManagerAnalyticsSummaryByDate``.
    """

    name = "ai_inbox_manager_analytics_daily"
    scope = "ai_inbox_manager_analytics"
    path = "/ai-agents/inbox-manager/{agent_id}/analytics/summary-by-date"
    parent = INBOX_MANAGER
    window_arguments = ("from", "to")
    primary_keys = ("agent_id", "date")
    replication_key = "date"
    why_off = FEW


class AiInboxManagerActivity(PerParent, ListStream):
    """What each inbox manager did, action by action.

    Source: official document, ``listInboxManagerActivity``.
    """

    name = "ai_inbox_manager_activity"
    scope = "ai_inbox_manager_analytics"
    path = "/ai-agents/inbox-manager/{agent_id}/analytics/activity"
    parent = INBOX_MANAGER
    primary_keys = ("id",)
    expires = True
    why_off = FEW

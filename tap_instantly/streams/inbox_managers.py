"""Streams of AI inbox managers: configuration, guidances, replies and analytics."""

from __future__ import annotations

from tap_instantly.streams.agents import AgentStream
from tap_instantly.streams.parents import INBOX_MANAGER
from tap_instantly.streams.readers import Array, CursorList, OneObject
from tap_instantly.streams.slicers import Parents
from tap_instantly.streams.windows import Windows


class AiInboxManagers(AgentStream):
    """Inbox managers with their configuration."""

    name = "ai_inbox_managers"
    path = "/ai-agents/inbox-manager/{agent_id}"
    slicer = Parents(INBOX_MANAGER)
    records = OneObject()
    primary_keys = ("id",)


class AiInboxManagerGuidances(AgentStream):
    """Guidances of each inbox manager."""

    name = "ai_inbox_manager_guidances"
    scope = "ai_agent_guidances"
    path = "/ai-agents/inbox-manager/{agent_id}/guidances"
    slicer = Parents(INBOX_MANAGER)
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class AiInboxManagerReplies(AgentStream):
    """Replies written by each inbox manager."""

    name = "ai_inbox_manager_replies"
    scope = "ai_sdr_replies"
    path = "/ai-agents/inbox-manager/{agent_id}/replies"
    slicer = Parents(INBOX_MANAGER)
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class AiInboxManagerAnalytics(AgentStream):
    """Analytics of each inbox manager, over the default period of the API."""

    name = "ai_inbox_manager_analytics"
    scope = "ai_inbox_manager_analytics"
    path = "/ai-agents/inbox-manager/{agent_id}/analytics/summary"
    slicer = Parents(INBOX_MANAGER)
    records = OneObject()
    primary_keys = ("agent_id",)


class AiInboxManagerAnalyticsDaily(AgentStream):
    """Analytics of each inbox manager by day."""

    name = "ai_inbox_manager_analytics_daily"
    scope = "ai_inbox_manager_analytics"
    path = "/ai-agents/inbox-manager/{agent_id}/analytics/summary-by-date"
    slicer = Parents(INBOX_MANAGER) * Windows(("from", "to"))
    records = Array()
    primary_keys = ("agent_id", "date")
    replication_key = "date"
    expires = True


class AiInboxManagerActivity(AgentStream):
    """Actions of each inbox manager."""

    name = "ai_inbox_manager_activity"
    scope = "ai_inbox_manager_analytics"
    path = "/ai-agents/inbox-manager/{agent_id}/analytics/activity"
    slicer = Parents(INBOX_MANAGER)
    records = CursorList()
    primary_keys = ("id",)
    expires = True

"""AI agents: what they are, what they did, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly.streams.parents import (
    AGENT,
    DELIVERABILITY_AGENT,
    INBOX_MANAGER,
    LEAD_FINDER,
    SALES_AGENT,
)
from tap_instantly.streams.patterns import ArrayStream, DailyStream, ListStream, ObjectStream, PerParent

if TYPE_CHECKING:
    from tap_instantly.streams.base import Slice

FEW = "for users of the AI agents"


class AiAgents(ListStream):
    """AI agents of every type.

    Source: official document, ``listAIAgent``.
    """

    name = "ai_agents"
    scope = "ai_agents"
    path = "/ai-agents"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = FEW


class AiAgentAnalytics(PerParent, ObjectStream):
    """Reach and outcome of each agent.

    Source: official document, ``getAiAgentAnalytics``.
    """

    name = "ai_agent_analytics"
    scope = "ai_agents"
    path = "/ai-agents/analytics"
    http_method = "POST"
    parent = AGENT
    records_at = "analytics"
    primary_keys = ("agent_id",)
    why_off = FEW

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        return {"agent_ids": [context["agent_id"]]}


class AiSalesAgents(PerParent, ObjectStream):
    """Sales agents, and those built like them, with their configuration.

    Source: official document, ``getSalesAgent``.
    """

    name = "ai_sales_agents"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}"
    parent = SALES_AGENT
    primary_keys = ("id",)
    why_off = FEW


class AiSalesAgentAnalytics(PerParent, ObjectStream):
    """Totals and daily series of each sales agent.

    Source: official document, ``getSalesAgentAnalytics``.
    """

    name = "ai_sales_agent_analytics"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/analytics"
    parent = SALES_AGENT
    primary_keys = ("agent_id",)
    why_off = FEW


class AiSalesAgentOpportunities(PerParent, ObjectStream):
    """Opportunities of each sales agent, in all and by campaign.

    Source: official document, ``getSalesAgentOpportunitySummary``.
    """

    name = "ai_sales_agent_opportunities"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/opportunities/summary"
    parent = SALES_AGENT
    primary_keys = ("agent_id",)
    why_off = FEW


class AiSalesAgentLeadActivity(PerParent, ListStream):
    """What each sales agent did with each lead, and how the lead answered.

    Source: official document, ``listSalesAgentLeadActivity``.
    """

    name = "ai_sales_agent_lead_activity"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/leads/activity"
    parent = SALES_AGENT
    primary_keys = ("agent_id", "email")
    why_off = FEW


class AiSalesAgentLeadActivitySummary(PerParent, ObjectStream):
    """Leads of each sales agent: how many replied, how many became opportunities.

    Source: official document, ``getSalesAgentLeadActivitySummary``.
    """

    name = "ai_sales_agent_lead_activity_summary"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/leads/activity/summary"
    parent = SALES_AGENT
    primary_keys = ("agent_id",)
    why_off = FEW


class AiSalesAgentActivities(PerParent, ListStream):
    """Actions of each sales agent with their reasons and outcomes.

    Source: official document, ``listSalesAgentActivities``.
    """

    name = "ai_sales_agent_activities"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/activities"
    parent = SALES_AGENT
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = FEW


class AiSalesAgentGuidanceRules(PerParent, ObjectStream):
    """Rules that each sales agent was given; the list has no pages.

    Source: official document, ``listSalesAgentGuidanceRules``.
    """

    name = "ai_sales_agent_guidance_rules"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/guidance-rules"
    parent = SALES_AGENT
    records_at = "items"
    primary_keys = ("agent_id", "id")
    why_off = FEW


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
    why_off = FEW


class AiLeadFinders(ListStream):
    """Lead finders with their configuration.

    Source: official document, ``listLeadFinderAgents``.
    """

    name = "ai_lead_finders"
    scope = "ai_agents"
    path = "/ai-agents/lead-finder"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = FEW


class AiLeadFinderStats(PerParent, ObjectStream):
    """Lifetime figures of each lead finder.

    Source: official document, ``getLeadFinderAgentStats``.
    """

    name = "ai_lead_finder_stats"
    scope = "ai_agents"
    path = "/ai-agents/lead-finder/{agent_id}/stats"
    parent = LEAD_FINDER
    primary_keys = ("agent_id",)
    why_off = FEW


class AiLeadFinderActivities(PerParent, ListStream):
    """What each lead finder did.

    Source: official document, ``listLeadFinderAgentActivitiesById``.
    """

    name = "ai_lead_finder_activities"
    scope = "ai_agents"
    path = "/ai-agents/lead-finder/{agent_id}/activities"
    parent = LEAD_FINDER
    primary_keys = ("id",)
    why_off = FEW


class AiDeliverabilityAgents(PerParent, ObjectStream):
    """Deliverability agents with their configuration.

    Source: official document, ``getDeliverabilityAgentById``.
    """

    name = "ai_deliverability_agents"
    scope = "ai_agents"
    path = "/ai-agents/deliverability/{agent_id}"
    parent = DELIVERABILITY_AGENT
    primary_keys = ("id",)
    why_off = FEW


class AiDeliverabilityState(PerParent, ObjectStream):
    """What each deliverability agent is doing, and how its last runs went; its feed is a stream of its own.

    Source: official document, ``getDeliverabilityAgentStateById``.
    """

    name = "ai_deliverability_state"
    scope = "ai_agents"
    path = "/ai-agents/deliverability/{agent_id}/state"
    parent = DELIVERABILITY_AGENT
    left_out = ("activity_feed",)
    primary_keys = ("agent_id",)
    why_off = FEW


class AiDeliverabilityFeed(PerParent, ListStream):
    """Findings of each deliverability agent.

    Source: official document, ``listDeliverabilityAgentFeedItems``.
    """

    name = "ai_deliverability_feed"
    scope = "ai_agents"
    path = "/ai-agents/deliverability/{agent_id}/feed-items"
    parent = DELIVERABILITY_AGENT
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = FEW

"""AI sales agents: what they did with leads, and what came of it."""

from __future__ import annotations

from tap_instantly.streams.agents import FEW
from tap_instantly.streams.parents import SALES_AGENT
from tap_instantly.streams.patterns import ListStream, ObjectStream, PerParent


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
    expires = True
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

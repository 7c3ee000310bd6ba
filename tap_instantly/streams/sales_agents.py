"""Streams of AI sales agents: configuration, activities and results."""

from __future__ import annotations

from tap_instantly.streams.agents import AgentStream
from tap_instantly.streams.parents import SALES_AGENT
from tap_instantly.streams.readers import CursorList, OneObject
from tap_instantly.streams.slicers import Parents


class AiSalesAgents(AgentStream):
    """Sales agents and agents of similar types, with their configuration."""

    name = "ai_sales_agents"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("id",)


class AiSalesAgentAnalytics(AgentStream):
    """Totals and daily series of each sales agent."""

    name = "ai_sales_agent_analytics"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/analytics"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("agent_id",)


class AiSalesAgentOpportunities(AgentStream):
    """Opportunities of each sales agent, in total and by campaign."""

    name = "ai_sales_agent_opportunities"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/opportunities/summary"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("agent_id",)


class AiSalesAgentLeadActivity(AgentStream):
    """Activity of each sales agent with each lead, and the answers of the lead."""

    name = "ai_sales_agent_lead_activity"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/leads/activity"
    slicer = Parents(SALES_AGENT)
    records = CursorList()
    primary_keys = ("agent_id", "email")


class AiSalesAgentLeadActivitySummary(AgentStream):
    """Lead counts of each sales agent: replies and opportunities."""

    name = "ai_sales_agent_lead_activity_summary"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/leads/activity/summary"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("agent_id",)


class AiSalesAgentActivities(AgentStream):
    """Actions of each sales agent with their reasons and outcomes."""

    name = "ai_sales_agent_activities"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/activities"
    slicer = Parents(SALES_AGENT)
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    expires = True


class AiSalesAgentGuidanceRules(AgentStream):
    """Guidance rules of each sales agent; the list has no pages."""

    name = "ai_sales_agent_guidance_rules"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/guidance-rules"
    slicer = Parents(SALES_AGENT)
    records = OneObject("items")
    primary_keys = ("agent_id", "id")

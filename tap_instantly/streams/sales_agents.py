"""Streams of AI sales agents: configuration, activities and results."""

from __future__ import annotations

from tap_instantly.streams.agents import FEW
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import SALES_AGENT
from tap_instantly.streams.readers import CursorList, OneObject
from tap_instantly.streams.slicers import Parents


class AiSalesAgents(InstantlyStream):
    """Sales agents and agents of similar types, with their configuration."""

    name = "ai_sales_agents"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("id",)
    why_deselected = FEW


class AiSalesAgentAnalytics(InstantlyStream):
    """Totals and daily series of each sales agent."""

    name = "ai_sales_agent_analytics"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/analytics"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("agent_id",)
    why_deselected = FEW


class AiSalesAgentOpportunities(InstantlyStream):
    """Opportunities of each sales agent, in total and by campaign."""

    name = "ai_sales_agent_opportunities"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/opportunities/summary"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("agent_id",)
    why_deselected = FEW


class AiSalesAgentLeadActivity(InstantlyStream):
    """Activity of each sales agent with each lead, and the answers of the lead."""

    name = "ai_sales_agent_lead_activity"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/leads/activity"
    slicer = Parents(SALES_AGENT)
    records = CursorList()
    primary_keys = ("agent_id", "email")
    why_deselected = FEW


class AiSalesAgentLeadActivitySummary(InstantlyStream):
    """Lead counts of each sales agent: replies and opportunities."""

    name = "ai_sales_agent_lead_activity_summary"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/leads/activity/summary"
    slicer = Parents(SALES_AGENT)
    records = OneObject()
    primary_keys = ("agent_id",)
    why_deselected = FEW


class AiSalesAgentActivities(InstantlyStream):
    """Actions of each sales agent with their reasons and outcomes."""

    name = "ai_sales_agent_activities"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/activities"
    slicer = Parents(SALES_AGENT)
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    expires = True
    why_deselected = FEW


class AiSalesAgentGuidanceRules(InstantlyStream):
    """Guidance rules of each sales agent; the list has no pages."""

    name = "ai_sales_agent_guidance_rules"
    scope = "ai_sdr"
    path = "/ai-agents/sales/{agent_id}/guidance-rules"
    slicer = Parents(SALES_AGENT)
    records = OneObject("items")
    primary_keys = ("agent_id", "id")
    why_deselected = FEW

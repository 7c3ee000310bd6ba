"""Streams of AI agents: all types, lead finders and deliverability agents."""

from __future__ import annotations

from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import AGENT, DELIVERABILITY_AGENT, LEAD_FINDER
from tap_instantly.streams.readers import CursorList, OneObject
from tap_instantly.streams.slicers import Parents


class AgentStream(InstantlyStream):
    """Stream of AI agents, which few workspaces use."""

    scope = "ai_agents"
    why_deselected = "for users of the AI agents"


class AiAgents(AgentStream):
    """AI agents of every type."""

    name = "ai_agents"
    path = "/ai-agents"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class AiAgentAnalytics(AgentStream):
    """Analytics of each AI agent: reach and outcome."""

    name = "ai_agent_analytics"
    path = "/ai-agents/analytics"
    http_method = "POST"
    slicer = Parents(AGENT, "agent_ids", as_list=True)
    records = OneObject("analytics")
    primary_keys = ("agent_id",)


class AiLeadFinders(AgentStream):
    """Lead finders with their configuration."""

    name = "ai_lead_finders"
    path = "/ai-agents/lead-finder"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class AiLeadFinderStats(AgentStream):
    """Lifetime figures of each lead finder."""

    name = "ai_lead_finder_stats"
    path = "/ai-agents/lead-finder/{agent_id}/stats"
    slicer = Parents(LEAD_FINDER)
    records = OneObject()
    primary_keys = ("agent_id",)


class AiLeadFinderActivities(AgentStream):
    """Activities of each lead finder."""

    name = "ai_lead_finder_activities"
    path = "/ai-agents/lead-finder/{agent_id}/activities"
    slicer = Parents(LEAD_FINDER)
    records = CursorList()
    primary_keys = ("id",)
    expires = True


class AiDeliverabilityAgents(AgentStream):
    """Deliverability agents with their configuration."""

    name = "ai_deliverability_agents"
    path = "/ai-agents/deliverability/{agent_id}"
    slicer = Parents(DELIVERABILITY_AGENT)
    records = OneObject()
    primary_keys = ("id",)


class AiDeliverabilityState(AgentStream):
    """Current state and latest runs of each deliverability agent; its feed is a separate stream."""

    name = "ai_deliverability_state"
    path = "/ai-agents/deliverability/{agent_id}/state"
    slicer = Parents(DELIVERABILITY_AGENT)
    records = OneObject()
    excluded = ("activity_feed",)
    primary_keys = ("agent_id",)


class AiDeliverabilityFeed(AgentStream):
    """Findings of each deliverability agent."""

    name = "ai_deliverability_feed"
    path = "/ai-agents/deliverability/{agent_id}/feed-items"
    slicer = Parents(DELIVERABILITY_AGENT)
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    expires = True

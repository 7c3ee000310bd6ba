"""AI agents of every type, lead finders and deliverability agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly.streams.parents import AGENT, DELIVERABILITY_AGENT, LEAD_FINDER
from tap_instantly.streams.patterns import ListStream, ObjectStream, PerParent

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
    expires = True
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
    expires = True
    why_off = FEW

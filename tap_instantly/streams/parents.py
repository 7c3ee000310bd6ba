"""What streams are asked for by: the parents of their records, and how to list them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_instantly.api import InstantlyClient, Workspace


@dataclass(frozen=True)
class Parent:
    """A kind of parent.

    Attributes:
        column: Name of its id, in slices and in the records of its children.
        source: Lists the ids; called once per workspace and run.
    """

    column: str
    source: Callable[[InstantlyClient], Iterable[str]]

    def ids(self, workspace: Workspace) -> list[str]:
        """Ids of all of them in one workspace."""
        return workspace.remember(self, lambda: list(dict.fromkeys(self.source(workspace.client))))


def _campaigns(client: InstantlyClient) -> Iterable[str]:
    return (campaign["id"] for campaign in client.list_campaigns())


def _campaigns_with_figures(client: InstantlyClient) -> Iterable[str]:
    return (row["campaign_id"] for row in client.campaign_analytics(exclude_total_leads_count=True))


def _lead_lists(client: InstantlyClient) -> Iterable[str]:
    return (lead_list["id"] for lead_list in client.list_lead_lists())


def _resources(client: InstantlyClient) -> Iterable[str]:
    yield from _lead_lists(client)
    yield from _campaigns(client)


def _listed(path: str, key: str = "id", **filters: object) -> Callable[[InstantlyClient], Iterable[str]]:
    def source(client: InstantlyClient) -> Iterable[str]:
        return (row[key] for row in client.paginate(path, arguments=filters))

    return source


def _agents(*types: int) -> Callable[[InstantlyClient], Iterable[str]]:
    def source(client: InstantlyClient) -> Iterable[str]:
        return (agent["id"] for agent in client.paginate("/ai-agents") if agent.get("type") in types)

    return source


CAMPAIGN = Parent("campaign_id", _campaigns)
CAMPAIGN_WITH_FIGURES = Parent("campaign_id", _campaigns_with_figures)
"""Campaigns that ever sent: only these have analytics (recorded)."""
CAMPAIGN_WITH_SUBSEQUENCES = Parent("campaign_id", _listed("/subsequences", "parent_campaign"))
SUBSEQUENCE = Parent("subsequence_id", _listed("/subsequences"))
ACCOUNT = Parent("email", _listed("/accounts", "email"))
LEAD_LIST = Parent("list_id", _lead_lists)
INBOX_PLACEMENT_TEST = Parent("test_id", _listed("/inbox-placement-tests"))
DFY_DOMAIN = Parent("domain", _listed("/dfy-email-account-orders", "domain"))
ENRICHED_RESOURCE = Parent("resource_id", _resources)
"""Lead lists and campaigns, which are what can be enriched."""

# Types of agents as the official document numbers them.
SALES_AGENT = Parent("agent_id", _agents(2, 4, 7, 8, 9, 10))
"""Sales agents and those built like them: affiliate, recruiting, investment, user research, partnership."""
INBOX_MANAGER = Parent("agent_id", _agents(1))
LEAD_FINDER = Parent("agent_id", _listed("/ai-agents/lead-finder"))
DELIVERABILITY_AGENT = Parent("agent_id", _agents(3))
AGENT = Parent("agent_id", _listed("/ai-agents"))

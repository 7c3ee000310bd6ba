"""What streams are asked for by: the parents of their records, and how to list them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_instantly.api import InstantlyClient, Workspace

logger = logging.getLogger("tap-instantly.streams")


@dataclass(frozen=True)
class Parent:
    """A kind of parent.

    Attributes:
        column: Name of its id, in slices and in the records of its children.
        scopes: Resources whose ``:read`` scope listing them needs.
        source: Lists the ids; called once per workspace and run, and again where one was not found.
    """

    column: str
    scopes: tuple[str, ...]
    source: Callable[[InstantlyClient], Iterable[object]]

    def ids(self, workspace: Workspace) -> list[str]:
        """Ids of all of them in one workspace."""
        return self._found(workspace)[0]

    def unaskable(self, workspace: Workspace) -> int:
        """How many came without an id that could be asked for."""
        return self._found(workspace)[1]

    def _found(self, workspace: Workspace) -> tuple[list[str], int]:
        def read() -> tuple[list[str], int]:
            found = list(self.source(workspace.client))
            ids = list(askable(found, workspace.client))
            return list(dict.fromkeys(ids)), len(found) - len(ids)

        return workspace.remember(self, read)

    def listed(self, workspace: Workspace) -> Iterable[str]:
        """The same as they are listed by now."""
        return askable(self.source(workspace.client), workspace.client)


def askable(ids: Iterable[object], client: InstantlyClient) -> Iterable[str]:
    """The ids among what is in their place; what is no text, or an empty one, cannot be asked for."""
    for id_ in ids:
        if isinstance(id_, str) and id_:
            yield id_
        else:
            client.note_unusable(1)
            logger.error("A parent without an id that could be asked for was passed over: %s", _shape(id_))


def _shape(value: object) -> str:
    """Describe a value without quoting it: it may be personal."""
    return "empty" if value in ("", None) else type(value).__name__


def _campaigns(client: InstantlyClient) -> Iterable[object]:
    return (campaign.get("id") for campaign in client.list_campaigns())


def _campaigns_with_figures(client: InstantlyClient) -> Iterable[object]:
    return (row.get("campaign_id") for row in client.campaign_analytics(exclude_total_leads_count=True))


def _lead_lists(client: InstantlyClient) -> Iterable[object]:
    return (lead_list.get("id") for lead_list in client.list_lead_lists())


def _resources(client: InstantlyClient) -> Iterable[object]:
    yield from _lead_lists(client)
    yield from _campaigns(client)


def _listed(path: str, key: str = "id", **filters: object) -> Callable[[InstantlyClient], Iterable[object]]:
    def source(client: InstantlyClient) -> Iterable[object]:
        return (row.get(key) for row in client.paginate(path, arguments=filters))

    return source


def _agents(*types: int) -> Callable[[InstantlyClient], Iterable[object]]:
    def source(client: InstantlyClient) -> Iterable[object]:
        for agent in client.paginate("/ai-agents"):
            kind = agent.get("type")
            if isinstance(kind, bool) or not isinstance(kind, (int, float)) or kind % 1:
                client.note_unusable(1)
                logger.error("An agent whose type is no integer was passed over: %.100r", agent.get("id"))
            elif kind in types:
                yield agent.get("id")

    return source


CAMPAIGN = Parent("campaign_id", ("campaigns",), _campaigns)
CAMPAIGN_WITH_FIGURES = Parent("campaign_id", (), _campaigns_with_figures)
"""Campaigns that ever sent: only these have analytics (recorded)."""
CAMPAIGN_WITH_SUBSEQUENCES = Parent("campaign_id", ("subsequences",), _listed("/subsequences", "parent_campaign"))
SUBSEQUENCE = Parent("subsequence_id", ("subsequences",), _listed("/subsequences"))
ACCOUNT = Parent("email", ("accounts",), _listed("/accounts", "email"))
LEAD_LIST = Parent("list_id", ("lead_lists",), _lead_lists)
INBOX_PLACEMENT_TEST = Parent("test_id", ("inbox_placement_tests",), _listed("/inbox-placement-tests"))
DFY_DOMAIN = Parent("domain", ("dfy_email_account_orders",), _listed("/dfy-email-account-orders", "domain"))
ENRICHED_RESOURCE = Parent("resource_id", ("lead_lists", "campaigns"), _resources)
"""Lead lists and campaigns, which are what can be enriched."""

# Types of agents as the official document numbers them.
SALES_AGENT = Parent("agent_id", ("ai_agents",), _agents(2, 4, 7, 8, 9, 10))
"""Sales agents and those built like them: affiliate, recruiting, investment, user research, partnership."""
INBOX_MANAGER = Parent("agent_id", ("ai_agents",), _agents(1))
LEAD_FINDER = Parent("agent_id", ("ai_agents",), _listed("/ai-agents/lead-finder"))
DELIVERABILITY_AGENT = Parent("agent_id", ("ai_agents",), _agents(3))
AGENT = Parent("agent_id", ("ai_agents",), _listed("/ai-agents"))

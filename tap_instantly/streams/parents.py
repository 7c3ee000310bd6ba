"""Parent resources, which the tap lists before it reads their children."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_instantly.client import InstantlyClient, Workspace

logger = logging.getLogger("tap-instantly.streams")


@dataclass(frozen=True)
class Parent:
    """A kind of parent resource.

    Attributes:
        column: Name of its id, in slices and in the records of its children.
        scopes: Resources whose ``:read`` scopes the list requires.
        list_ids: Lists the ids. Called once per workspace and run, and again if a parent was not found.
    """

    column: str
    scopes: tuple[str, ...]
    list_ids: Callable[[InstantlyClient], Iterable[object]]

    def ids_in(self, workspace: Workspace, client: InstantlyClient) -> tuple[list[str], int]:
        """Return the ids of all parents in a workspace, and the number of listed parents without a usable id."""

        def read() -> tuple[list[str], int]:
            listed = list(self.list_ids(client))
            ids = list(usable(listed, client))
            return list(dict.fromkeys(ids)), len(listed) - len(ids)

        found: tuple[list[str], int] = workspace.lists.get(self, read)
        return found

    def listed(self, client: InstantlyClient) -> Iterable[str]:
        """List the current ids, without the cached list."""
        return usable(self.list_ids(client), client)


def usable(ids: Iterable[object], client: InstantlyClient) -> Iterable[str]:
    """Yield the usable ids. An empty value, or one that is not a string, cannot be requested."""
    for id_ in ids:
        if isinstance(id_, str) and id_:
            yield id_
        else:
            client.note_unusable(1)
            logger.error("Skipped a parent without a usable id: %s", _shape(id_))


def _shape(value: object) -> str:
    """Describe a value without quoting it: it may be personal data."""
    return "empty" if value in ("", None) else type(value).__name__


def _campaigns_with_figures(client: InstantlyClient) -> Iterable[object]:
    return (row.get("campaign_id") for row in client.campaign_analytics(exclude_total_leads_count=True))


def _listed(path: str, key: str = "id", **filters: object) -> Callable[[InstantlyClient], Iterable[object]]:
    def list_ids(client: InstantlyClient) -> Iterable[object]:
        return (row.get(key) for row in client.paginate(path, arguments=filters))

    return list_ids


def _agents(*types: int) -> Callable[[InstantlyClient], Iterable[object]]:
    def list_ids(client: InstantlyClient) -> Iterable[object]:
        for agent in client.paginate("/ai-agents"):
            kind = agent.get("type")
            if isinstance(kind, bool) or not isinstance(kind, (int, float)) or kind % 1:
                logger.error("Skipped an agent whose type is not an integer: %.100r", agent.get("id"))
                yield None  # a parent without an id: children with a bookmark must stay incomplete
            elif kind in types:
                yield agent.get("id")

    return list_ids


SHARED_LISTS = frozenset(
    {
        "/accounts",
        "/ai-agents",
        "/ai-agents/lead-finder",
        "/campaigns",
        "/dfy-email-account-orders",
        "/inbox-placement-tests",
        "/lead-lists",
        "/subsequences",
    }
)
"""Lists used by several streams, as their records or their parents: the tap requests each page once."""

CAMPAIGN = Parent("campaign_id", ("campaigns",), _listed("/campaigns"))
CAMPAIGN_WITH_FIGURES = Parent("campaign_id", (), _campaigns_with_figures)
"""Campaigns that have sent: only these have analytics (recorded)."""
CAMPAIGN_WITH_SUBSEQUENCES = Parent("campaign_id", ("subsequences",), _listed("/subsequences", "parent_campaign"))
SUBSEQUENCE = Parent("subsequence_id", ("subsequences",), _listed("/subsequences"))
ACCOUNT = Parent("email", ("accounts",), _listed("/accounts", "email", include_tags="true"))
"""Includes tags like the stream ``accounts``, so that both use the same pages."""
LEAD_LIST = Parent("list_id", ("lead_lists",), _listed("/lead-lists"))
INBOX_PLACEMENT_TEST = Parent("test_id", ("inbox_placement_tests",), _listed("/inbox-placement-tests"))
DFY_DOMAIN = Parent("domain", ("dfy_email_account_orders",), _listed("/dfy-email-account-orders", "domain"))
ENRICHED_RESOURCE = Parent(
    "resource_id",
    ("lead_lists", "campaigns"),
    lambda client: chain(LEAD_LIST.list_ids(client), CAMPAIGN.list_ids(client)),
)
"""Lead lists and campaigns: the resources that can be enriched."""

# Agent types have the numbers of the official document.
SALES_AGENT = Parent("agent_id", ("ai_agents",), _agents(2, 4, 7, 8, 9, 10))
"""Sales agents and similar types: affiliate, recruiting, investment, user research, partnership."""
INBOX_MANAGER = Parent("agent_id", ("ai_agents",), _agents(1))
LEAD_FINDER = Parent("agent_id", ("ai_agents",), _listed("/ai-agents/lead-finder"))
DELIVERABILITY_AGENT = Parent("agent_id", ("ai_agents",), _agents(3))
AGENT = Parent("agent_id", ("ai_agents",), _listed("/ai-agents"))

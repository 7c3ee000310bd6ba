"""The client of one workspace, with a method for each thing that is asked for often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from tap_instantly.api.pagination import array
from tap_instantly.api.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_instantly.api.types import Account, Campaign, CampaignAnalytics, Lead, LeadList, WorkspaceDetails

LEADS_PER_CALL = 1000
IDS_PER_CALL = 100
"""Campaign ids in one query string: 5 kB, below what proxies accept."""


class InstantlyClient(Transport):
    """Reads and writes one Instantly workspace.

    Every call is paced by the workspace's budget, retried where that may help, and raises
    :class:`~tap_instantly.api.errors.InstantlyAPIError` otherwise. Writes are not sent again when the server may have
    acted on them. Safe to share between threads.

    Args:
        api_key: Key for the API v2; a v1 key does not work.
        api_url: Base URL, with the version.
        user_agent: How to introduce oneself.
        page_size: Records per page, 1 to 100.
        timeout: Seconds to wait for the next bytes of an answer.
        max_retries: Tries after the first.
        max_requests_per_second: The pace; the API allows 100 to all that use the workspace together.
        as_workspace: Id of a workspace in the group of the key's own, to act in that one (official guide).

    Example:
        >>> with InstantlyClient(api_key) as client:
        ...     for lead in client.list_leads(campaign=campaign_id):
        ...         print(lead["id"], lead["status"])
    """

    def current_workspace(self) -> WorkspaceDetails:
        """The workspace that the key belongs to; needs the scope ``workspaces:read``."""
        return cast("WorkspaceDetails", self.get("/workspaces/current"))

    def list_sub_workspaces(self) -> Iterator[dict[str, Any]]:
        """Members of the workspace's group (``sub_workspace_id``, ``sub_workspace_name``, ``status``, ...)."""
        return self.paginate("/workspace-group-members")

    def list_campaigns(self, **filters: object) -> Iterator[Campaign]:
        """Campaigns, newest id first; filters as documented (``status``, ``search``, ``tag_ids``, ...)."""
        return cast("Iterator[Campaign]", self.paginate("/campaigns", arguments=filters))

    def get_campaign(self, campaign_id: str) -> Campaign:
        """One campaign."""
        return cast("Campaign", self.get(f"/campaigns/{quote(campaign_id, safe='')}"))

    def create_campaign(self, name: str, campaign_schedule: Mapping[str, Any], **options: object) -> Campaign:
        """Create a campaign as a draft and return it."""
        body = {"name": name, "campaign_schedule": campaign_schedule, **options}
        return cast("Campaign", self.post("/campaigns", body))

    def activate_campaign(self, campaign_id: str) -> Campaign:
        """Start or resume a campaign."""
        return self._steer_campaign(campaign_id, "activate")

    def pause_campaign(self, campaign_id: str) -> Campaign:
        """Pause a campaign."""
        return self._steer_campaign(campaign_id, "pause")

    def _steer_campaign(self, campaign_id: str, action: str) -> Campaign:
        path = f"/campaigns/{quote(campaign_id, safe='')}/{action}"
        return cast("Campaign", self.post(path))

    def list_accounts(self, **filters: object) -> Iterator[Account]:
        """Sending accounts; their ``warmup`` is abbreviated to its limit in this list (reported)."""
        return cast("Iterator[Account]", self.paginate("/accounts", arguments=filters))

    def list_lead_lists(self, **filters: object) -> Iterator[LeadList]:
        """Lead lists, newest first."""
        return cast("Iterator[LeadList]", self.paginate("/lead-lists", arguments=filters))

    def list_leads(self, **filters: object) -> Iterator[Lead]:
        """Leads by ascending id, of the whole workspace unless filtered by ``campaign``, ``list_id``, ``ids``, ...

        Misspelt filters are ignored by the server, which then returns the whole workspace (reported).
        """
        return cast("Iterator[Lead]", self.paginate("/leads/list", method="POST", arguments=filters))

    def add_leads(
        self,
        leads: Sequence[Mapping[str, Any]],
        *,
        campaign_id: str | None = None,
        list_id: str | None = None,
        **options: object,
    ) -> list[dict[str, Any]]:
        """Add leads to a campaign or to a list, 1,000 a call, and return the answer of each call.

        Where a call fails, those before it have taken effect.

        Raises:
            ValueError: There has to be either a campaign or a list.
        """
        if bool(campaign_id) == bool(list_id):
            message = "give either campaign_id or list_id"
            raise ValueError(message)
        target = {"campaign_id": campaign_id} if campaign_id else {"list_id": list_id}
        return [
            self.post("/leads/add", {**target, **options, "leads": list(part)})
            for part in _parts(leads, LEADS_PER_CALL)
        ]

    def campaign_analytics(
        self,
        campaign_ids: Sequence[str] | None = None,
        *,
        start_date: str | None = None,
        end_date: str | None = None,
        exclude_total_leads_count: bool = False,
    ) -> list[CampaignAnalytics]:
        """Totals of the given campaigns, or of all that ever sent; with dates, of those active in the window.

        The endpoint is not paged (spec); many ids are asked for in several calls.
        """
        params = {
            "start_date": start_date,
            "end_date": end_date,
            "exclude_total_leads_count": "true" if exclude_total_leads_count else None,
        }
        parts: Iterable[Sequence[str]] = [()] if campaign_ids is None else _parts(campaign_ids, IDS_PER_CALL)
        return [row for ids in parts for row in self._analytics({**params, "ids": list(ids)})]

    def _analytics(self, params: Mapping[str, Any]) -> list[CampaignAnalytics]:
        response = self.request("GET", "/campaigns/analytics", params=params, expect=array)
        return cast("list[CampaignAnalytics]", array(response))


def _parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))

"""Client of one workspace, with a method for each common call.

The calls are for users of the client, and for lists of parents. Streams use ``Partition.fetch`` and ``Transport.ask``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from tap_instantly.client.errors import ErrorKind, InstantlyAPIError
from tap_instantly.client.page import array, items, page_arguments
from tap_instantly.client.page_size import PAGE_SIZES, PageSize
from tap_instantly.client.pagination import StartingAfterPaginator, pages_until_last
from tap_instantly.client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_instantly.client.page import Page
    from tap_instantly.client.retry import Retry

logger = logging.getLogger("tap-instantly.api")

LEADS_PER_CALL = 1000
IDS_PER_CALL = 100
"""Campaign ids in one query string: 5 kB, a size that proxies accept."""


class InstantlyClient(Transport):
    """Reads and writes one Instantly workspace.

    Every call follows the workspace's rate limit and is retried if a retry can help. Otherwise it raises
    :class:`~tap_instantly.client.errors.InstantlyAPIError`. Writes are not repeated if the server may have processed
    them. Thread-safe.

    Args:
        api_key: Key for the API v2; a v1 key does not work.
        api_url: Base URL, including the version.
        user_agent: User-Agent header.
        page_size: Records per page, 1 to 100.
        timeout: Seconds to wait for the next bytes of a response.
        max_retries: Retries after the first try.
        max_requests_per_second: Rate limit; the API allows 100 for all clients of the workspace together.
        as_workspace: Id of a workspace in the key's group, to act in that workspace (official guide).

    Example:
        >>> with InstantlyClient(api_key) as client:
        ...     for lead in client.list_leads(campaign=campaign_id):
        ...         print(lead["id"], lead["status"])
    """

    def current_workspace(self) -> dict[str, Any]:
        """Return the key's workspace; needs the scope ``workspaces:read``."""
        return cast("dict[str, Any]", self.get("/workspaces/current"))

    def list_sub_workspaces(self) -> Iterator[dict[str, Any]]:
        """List the members of the workspace's group (``sub_workspace_id``, ``sub_workspace_name``, ``status``, ...)."""
        return self.paginate("/workspace-group-members")

    def list_campaigns(self, **filters: object) -> Iterator[dict[str, Any]]:
        """List campaigns by descending id; filters as documented (``status``, ``search``, ``tag_ids``, ...)."""
        return self.paginate("/campaigns", arguments=filters)

    def get_campaign(self, campaign_id: str) -> dict[str, Any]:
        """Return one campaign."""
        return cast("dict[str, Any]", self.get(f"/campaigns/{quote(campaign_id, safe='')}"))

    def create_campaign(self, name: str, campaign_schedule: Mapping[str, Any], **options: object) -> dict[str, Any]:
        """Create a campaign as a draft and return it."""
        body = {"name": name, "campaign_schedule": campaign_schedule, **options}
        return cast("dict[str, Any]", self.post("/campaigns", body))

    def activate_campaign(self, campaign_id: str) -> dict[str, Any]:
        """Start or resume a campaign."""
        return self._steer_campaign(campaign_id, "activate")

    def pause_campaign(self, campaign_id: str) -> dict[str, Any]:
        """Pause a campaign."""
        return self._steer_campaign(campaign_id, "pause")

    def _steer_campaign(self, campaign_id: str, action: str) -> dict[str, Any]:
        path = f"/campaigns/{quote(campaign_id, safe='')}/{action}"
        return cast("dict[str, Any]", self.post(path))

    def list_accounts(self, **filters: object) -> Iterator[dict[str, Any]]:
        """List sending accounts; in this list, ``warmup`` contains only its limit (reported)."""
        return self.paginate("/accounts", arguments=filters)

    def list_lead_lists(self, **filters: object) -> Iterator[dict[str, Any]]:
        """List lead lists, newest first."""
        return self.paginate("/lead-lists", arguments=filters)

    def list_leads(self, **filters: object) -> Iterator[dict[str, Any]]:
        """List leads by ascending id, of the whole workspace or filtered by ``campaign``, ``list_id``, ``ids``, ...

        The server ignores misspelt filters and returns the whole workspace (reported).
        """
        return self.paginate("/leads/list", method="POST", arguments=filters)

    def add_leads(
        self,
        leads: Sequence[Mapping[str, Any]],
        *,
        campaign_id: str | None = None,
        list_id: str | None = None,
        **options: object,
    ) -> list[dict[str, Any]]:
        """Add leads to a campaign or a list, 1,000 per call, and return the response of each call.

        If a call fails, the earlier calls have taken effect.

        Raises:
            ValueError: Neither or both of campaign and list are given.
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
    ) -> list[dict[str, Any]]:
        """Return totals of the given campaigns, or of all that ever sent; with dates, of those active in that period.

        The endpoint is not paginated (spec). Many ids take several calls.
        """
        params = {
            "start_date": start_date,
            "end_date": end_date,
            "exclude_total_leads_count": "true" if exclude_total_leads_count else None,
        }
        parts: Iterable[Sequence[str]] = [()] if campaign_ids is None else _parts(campaign_ids, IDS_PER_CALL)
        return [row for ids in parts for row in self._analytics({**params, "ids": list(ids)})]

    def _analytics(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        page = self.ask(self.prepare("GET", "/campaigns/analytics", params=params), array)
        self.note_unusable(page.rejected)
        return page.records

    # Lists

    def page_size_of(self, path: str) -> int:
        """Return the page size for a list."""
        return PAGE_SIZES.get(path, self.page_size)

    def pages(self, path: str, *, method: str = "GET", arguments: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Yield the pages of a list lazily, with a smaller page size if a page fails otherwise.

        Args:
            path: Path of the list.
            method: GET, or POST for lists that take their arguments in the body.
            arguments: Filters, sent with the cursor in the query or the body.

        Raises:
            InstantlyAPIError: A page cannot be fetched, or the cursors may have skipped records.
        """
        limit, url_path = PageSize(self.page_size_of(path)), urlsplit(self.api_url + path).path

        def fetch(cursor: str | None) -> Page:
            def ask(records: int, retry: Retry | None) -> Page:
                wanted = {**(arguments or {}), **page_arguments(records, cursor)}
                return self.ask(
                    self.prepare_call(method, path, wanted), items, repeatable=True, retry=retry, share=True
                )

            return limit.try_sizes(ask)

        doubt = missing = None
        for page in pages_until_last(fetch, StartingAfterPaginator()):
            self.note_unusable(page.rejected)
            doubt, missing = page.doubt, page.missing
            yield page
        if doubt:
            logger.error("Records of the list %s may be missing: %s.", path, doubt)
            self.note_unusable(1)
        if missing:
            reason = f"records of the list may be missing: {missing}"
            raise InstantlyAPIError(None, method, url_path, reason, kind=ErrorKind.MALFORMED)

    def paginate(
        self, path: str, *, method: str = "GET", arguments: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a list, page by page; see :meth:`pages`."""
        for page in self.pages(path, method=method, arguments=arguments):
            yield from page


def _parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))

"""The client of one workspace: every request to Instantly goes through here."""

from __future__ import annotations

import re
import threading
from importlib import metadata
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from tap_instantly.api.decode import decoded
from tap_instantly.api.errors import ErrorKind, InstantlyAPIError, InstantlyError, classify, from_transport
from tap_instantly.api.limits import Budget
from tap_instantly.api.pagination import MAX_PAGE_SIZE, StartingAfterPaginator, items, page_arguments
from tap_instantly.api.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from tap_instantly.api.types import Account, Campaign, CampaignAnalytics, Lead, LeadList, WorkspaceDetails

DEFAULT_API_URL = "https://api.instantly.ai/api/v2"
DEFAULT_TIMEOUT = 90
"""Seconds: 30 is too short for full pages of e-mails, and leads have taken more (reported)."""
DEFAULT_USER_AGENT = f"tap-instantly/{metadata.version('tap-instantly')}"
"""Cloudflare answers the default agents of HTTP libraries with a 403 (reported)."""

CONNECT_TIMEOUT = 15
CONNECTIONS = 32
LEADS_PER_CALL = 1000
IDS_PER_CALL = 100
"""Campaign ids in one query string: 5 kB, below what proxies accept."""


class InstantlyClient:
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

    Example:
        >>> with InstantlyClient(api_key) as client:
        ...     for lead in client.list_leads(campaign=campaign_id):
        ...         print(lead["id"], lead["status"])
    """

    def __init__(
        self,
        api_key: str,
        *,
        api_url: str = DEFAULT_API_URL,
        user_agent: str = DEFAULT_USER_AGENT,
        page_size: int = MAX_PAGE_SIZE,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = 8,
    ) -> None:
        if not re.fullmatch(r"[!-~]+", api_key):
            # requests would quote such a key in its own error.
            message = "api_key is empty or holds spaces, line ends or letters that no key has"
            raise InstantlyError(message)
        self.api_url = api_url.rstrip("/")
        self.page_size = page_size
        self.timeout = (CONNECT_TIMEOUT, timeout)
        self.budget = Budget()
        self.retry = Retry(max_retries)
        self.requests_sent = 0
        self._counting = threading.Lock()
        self._secret = api_key.encode()
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        self._session.auth = _BearerAuth(api_key)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))
        # Session.send() does not look at proxies and certificate bundles of the environment by itself.
        self._environment = self._session.merge_environment_settings(self.api_url, {}, None, None, None)

    def __enter__(self) -> Self:
        """The client itself; leaving closes its connections."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    # Requests

    def prepare(
        self, method: str, url: str, *, params: Mapping[str, Any] | None = None, json: object = None
    ) -> requests.PreparedRequest:
        """A request ready to send: authenticated, with this client's user agent. Lists repeat their parameter."""
        return self._session.prepare_request(requests.Request(method, url, params=params, json=json))

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Send once, within the budget, and return a good answer.

        Raises:
            InstantlyAPIError: Anything else.
        """
        method, path = request.method or "", urlsplit(request.url or "").path
        self.budget.acquire(path)
        with self._counting:
            self.requests_sent += 1
        try:
            response = self._session.send(request, timeout=self.timeout, allow_redirects=False, **self._environment)
        except requests.RequestException as error:
            raise from_transport(error, method, path) from None
        if kind := classify(response.status_code, decoded(response)):
            wait = _retry_after(response)
            if kind is ErrorKind.RATE_LIMITED:
                # Every thread of the workspace waits, not just the one that hit the limit.
                self.budget.pause(path, wait)
            body = response.content.replace(self._secret, b"***")
            raise InstantlyAPIError(response.status_code, method, path, body, kind=kind, retry_after=wait)
        return response

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        repeatable: bool | None = None,
    ) -> requests.Response:
        """Send to ``path`` with retries and return the good answer.

        Args:
            method: HTTP method.
            path: Path below the API's URL, such as ``/campaigns``.
            params: Query; lists repeat their parameter.
            json: Body.
            repeatable: Whether sending twice does no harm; by default so for GET only.
        """
        prepared = self.prepare(method, self.api_url + path, params=params, json=json)
        repeatable = method == "GET" if repeatable is None else repeatable
        return self.retry(self.send, repeatable=repeatable)(prepared)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 (any JSON)
        """GET ``path`` and return the decoded body."""
        return decoded(self.request("GET", path, params=params))

    def post(self, path: str, json: object = None, *, repeatable: bool = False) -> Any:  # noqa: ANN401 (any JSON)
        """POST ``json`` and return the decoded body; say ``repeatable`` where the call only reads."""
        return decoded(self.request("POST", path, json={} if json is None else json, repeatable=repeatable))

    def patch(self, path: str, json: object) -> Any:  # noqa: ANN401 (any JSON)
        """PATCH with ``json`` and return the decoded body."""
        return decoded(self.request("PATCH", path, json=json))

    def delete(self, path: str, json: object = None) -> None:
        """DELETE ``path``."""
        self.request("DELETE", path, json=json)

    def pages(
        self, path: str, *, method: str = "GET", arguments: Mapping[str, Any] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, each fetched when it is asked for.

        Args:
            path: Path of the list.
            method: GET, or POST for the lists that take their arguments in the body.
            arguments: Filters, sent in the query or in the body with the cursor.
        """
        paginator = StartingAfterPaginator()
        where = "json" if method == "POST" else "params"
        while not paginator.finished:
            page = {**(arguments or {}), **page_arguments(self.page_size, paginator.current_value)}
            response = self.request(method, path, repeatable=True, **{where: page})
            yield items(response)
            paginator.advance(response)

    def paginate(
        self, path: str, *, method: str = "GET", arguments: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The records of a list, page by page; see :meth:`pages`."""
        for page in self.pages(path, method=method, arguments=arguments):
            yield from page

    # Named calls

    def current_workspace(self) -> WorkspaceDetails:
        """The workspace that the key belongs to; needs the scope ``workspaces:read``."""
        return cast("WorkspaceDetails", self.get("/workspaces/current"))

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
        """Start or resume a campaign; saying so twice does no harm."""
        return self._steer_campaign(campaign_id, "activate")

    def pause_campaign(self, campaign_id: str) -> Campaign:
        """Pause a campaign; saying so twice does no harm."""
        return self._steer_campaign(campaign_id, "pause")

    def _steer_campaign(self, campaign_id: str, action: str) -> Campaign:
        path = f"/campaigns/{quote(campaign_id, safe='')}/{action}"
        return cast("Campaign", self.post(path, repeatable=True))

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

        Calls before a failing one have taken effect; the error names the one that failed.
        """
        target = {"campaign_id": campaign_id} if campaign_id else {"list_id": list_id}
        return [
            self.post("/leads/add", {**target, **options, "leads": list(part)})
            for part in _parts(leads, LEADS_PER_CALL)
        ]

    def campaign_analytics(
        self,
        campaign_ids: Sequence[str] = (),
        *,
        start_date: str | None = None,
        end_date: str | None = None,
        exclude_total_leads_count: bool | None = None,
    ) -> list[CampaignAnalytics]:
        """Totals of the given campaigns, or of all that ever sent; with dates, of those active in the window.

        The endpoint is not paged (spec); many ids are asked for in several calls.
        """
        params = {
            "start_date": start_date,
            "end_date": end_date,
            "exclude_total_leads_count": str(exclude_total_leads_count).lower() if exclude_total_leads_count else None,
        }
        parts: Iterable[Sequence[str]] = _parts(campaign_ids, IDS_PER_CALL) if campaign_ids else [()]
        return [row for ids in parts for row in self.get("/campaigns/analytics", {**params, "ids": list(ids)})]


class _BearerAuth(requests.auth.AuthBase):
    def __init__(self, api_key: str) -> None:
        self._header = f"Bearer {api_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


def _parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of the ``Retry-After`` header; its rarer form, a date, is left to the back-off."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None

"""Requests to one workspace: every one to Instantly goes through here."""

from __future__ import annotations

import contextlib
import logging
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from tap_instantly.api.adapter import Adapter
from tap_instantly.api.decode import decoded
from tap_instantly.api.errors import ErrorKind, InstantlyAPIError, InstantlyError, classify, from_transport
from tap_instantly.api.limits import REQUESTS_PER_SECOND, Budget
from tap_instantly.api.page_limit import PageLimit
from tap_instantly.api.pagination import (
    MAX_PAGE_SIZE,
    PAGE_SIZES,
    StartingAfterPaginator,
    items,
    no_records,
    page_arguments,
    settled,
)
from tap_instantly.api.retry import Retry
from tap_instantly.api.secrecy import Mask
from tap_instantly.api.trust import authorities
from tap_instantly.api.usage import ClientUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self


DEFAULT_API_URL = "https://api.instantly.ai/api/v2"
DEFAULT_TIMEOUT = 90
"""Seconds: 30 is too short for full pages of e-mails, and leads have taken more (reported)."""
DEFAULT_USER_AGENT = f"tap-instantly/{metadata.version('tap-instantly')}"
"""Cloudflare answers the default agents of HTTP libraries with a 403 (reported)."""

CONNECT_TIMEOUT = 15
PATIENCE = 5
"""Times the timeout, which is for the next bytes, that a whole answer may take."""

LONGEST_RETRY_AFTER = 900.0
logger = logging.getLogger("tap-instantly.api")


class Transport:
    """Authenticated, paced and classified requests to one workspace; its arguments are those of ``InstantlyClient``."""

    def __init__(
        self,
        api_key: str,
        *,
        api_url: str = DEFAULT_API_URL,
        user_agent: str = DEFAULT_USER_AGENT,
        page_size: int = MAX_PAGE_SIZE,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = 8,
        max_requests_per_second: int = REQUESTS_PER_SECOND,
        as_workspace: str | None = None,
    ) -> None:
        if not re.fullmatch(r"[!-~]+", api_key):
            # requests would quote such a key in its own error.
            message = "api_key is empty or holds spaces, line ends or letters that no key has"
            raise InstantlyError(message)
        self.as_workspace = as_workspace
        self.api_url = api_url.rstrip("/")
        self.page_size = page_size
        self.timeout = (CONNECT_TIMEOUT, timeout)
        self.budget = Budget(max_requests_per_second)
        self.retry = Retry(max_retries)
        self.usage = ClientUsage()
        self.server_time: datetime | None = None
        self._mask = Mask([api_key])
        self._echoed = False
        self._models: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        if as_workspace is not None:
            self._session.headers["x-as-workspace"] = as_workspace
        self._session.auth = _BearerAuth(api_key)
        self._adapter = Adapter(timeout * PATIENCE)
        is_tls = urlsplit(self.api_url).scheme == "https"
        trusted = authorities() if is_tls else None
        # The adapter does not look at proxies of the environment by itself.
        self._environment: dict[str, Any] = {
            **self._session.merge_environment_settings(self.api_url, {}, None, trusted, None)
        }
        if not is_tls:
            self._environment["proxies"] = {}  # it would be given the key, in clear; for https it is a mere tunnel

    def __enter__(self) -> Self:
        """The client itself; leaving closes its connections."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    # Requests

    def prepare(
        self, method: str, url: str, *, params: Mapping[str, Any] | None = None, json: object = None
    ) -> requests.PreparedRequest:
        """A request ready to send: authenticated, with this client's user agent. Lists repeat their parameter.

        Raises:
            InstantlyError: The URL or a header cannot be sent.
        """
        try:
            if json is None or params:
                return self._session.prepare_request(requests.Request(method, url, params=params, json=json))
            # Of the pages of a list only the body differs, and the rest is a tenth of what a page costs (measured).
            if (model := self._models.get((method, url))) is None:
                model = self._session.prepare_request(requests.Request(method, url, json={}))
                self._models[method, url] = model
            request = model.copy()
            request.prepare_body(None, None, json)
        except (requests.RequestException, ValueError) as error:
            message = f"api_url or user_agent cannot be used: {type(error).__name__}"
            raise InstantlyError(message) from None
        return request

    def send(
        self, request: requests.PreparedRequest, expect: Callable[[requests.Response], object] | None = None
    ) -> requests.Response:
        """Send once, within the budget, and return a good answer.

        Args:
            request: What :meth:`prepare` returned.
            expect: Reads the answer and raises if it is not of the shape that it should be.

        Raises:
            InstantlyAPIError: Anything but a good answer.
        """
        method, path = request.method or "", urlsplit(request.url or "").path
        self.budget.acquire(path)
        self.usage.add(requests=1)
        try:
            # By the adapter and not the session, which would only follow redirects and keep cookies.
            response = self._adapter.send(request, timeout=self.timeout, **self._environment)
            content = self._without_key(response)
        except OSError as error:  # of requests, or of certificates that are no longer where they were
            failure = from_transport(error, method, path)
            failure.body = self._mask.content(failure.body)  # a reason can quote what the server sent
            raise failure from None
        if kind := classify(response.status_code, decoded(response)):
            wait = _retry_after(response)
            if kind is ErrorKind.RATE_LIMITED:
                # Every thread of the workspace waits, not just the one that hit the limit.
                self.budget.pause(path, wait)
            raise InstantlyAPIError(response.status_code, method, path, content, kind=kind, retry_after=wait)
        if expect is not None:
            expect(response)
            self.note_unusable(no_records(response))
        self._note_time(response)
        return response

    def _without_key(self, response: requests.Response) -> bytes:
        """The answer's body, in which the key is masked wherever the server echoes it: in an error or in a record."""
        content = response.content
        if self._mask.may_be_in(content) and (masked := self._mask.content(content)) != content:
            # Private in requests, which has no way to replace a body. Tests look for the key in what is read of it.
            response._content = content = masked  # noqa: SLF001
            if not self._echoed:
                self._echoed = True
                logger.warning("%s holds the API key; there and in what follows, it is masked.", _call(response))
        return content

    def note_unusable(self, items: int) -> None:
        """Count items of lists that whoever asked for them could not use; they have their line in the log."""
        self.usage.add(unusable=items)

    def _note_time(self, response: requests.Response) -> None:
        """Keep the server's clock of the first good answer, since this machine's may be wrong."""
        if self.server_time is None and (stated := response.headers.get("Date")):
            with contextlib.suppress(ValueError, OverflowError):
                moment = parsedate_to_datetime(stated)
                self.server_time = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)  # of "-0000"

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        repeatable: bool | None = None,
        expect: Callable[[requests.Response], object] | None = None,
        retry: Retry | None = None,
    ) -> requests.Response:
        """Send to ``path`` with retries and return the good answer.

        Args:
            method: HTTP method.
            path: Path below the API's URL, such as ``/campaigns``.
            params: Query; lists repeat their parameter.
            json: Body.
            repeatable: Whether sending twice does no harm; by default so for GET only.
            expect: See :meth:`send`.
            retry: In the place of the client's own.
        """
        prepared = self.prepare(method, self.api_url + path, params=params, json=json)
        repeatable = method == "GET" if repeatable is None else repeatable
        return (retry or self.retry)(self.send, repeatable=repeatable)(prepared, expect)

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

    def page_size_of(self, path: str) -> int:
        """Return the number of records of a list to ask for at a time."""
        return PAGE_SIZES.get(path, self.page_size)

    def pages(
        self, path: str, *, method: str = "GET", arguments: Mapping[str, Any] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, each fetched when it is asked for, smaller where it cannot be had otherwise.

        Args:
            path: Path of the list.
            method: GET, or POST for the lists that take their arguments in the body.
            arguments: Filters, sent in the query or in the body with the cursor.

        Raises:
            InstantlyAPIError: A page cannot be had, or records may be missing where the cursors led.
        """
        paginator, limit = StartingAfterPaginator(), PageLimit(self.page_size_of(path))

        def ask(records: int, retry: Retry | None) -> requests.Response:
            page = {**(arguments or {}), **page_arguments(records, paginator.current_value)}
            where: dict[str, Any] = {"json" if method == "POST" else "params": page}
            return self.request(method, path, repeatable=True, expect=items, retry=retry, **where)

        while not paginator.finished:
            response = limit.ask(ask)
            yield settled(response)
            paginator.advance(response)
        if paginator.doubt:
            logger.error("Records of the list %s may be missing: %s.", path, paginator.doubt)
            self.note_unusable(1)
        if paginator.missing:
            reason = f"records of the list may be missing: {paginator.missing}"
            raise InstantlyAPIError(None, method, urlsplit(self.api_url + path).path, reason, kind=ErrorKind.MALFORMED)

    def paginate(
        self, path: str, *, method: str = "GET", arguments: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The records of a list, page by page; see :meth:`pages`."""
        for page in self.pages(path, method=method, arguments=arguments):
            yield from page


class _BearerAuth(requests.auth.AuthBase):
    def __init__(self, api_key: str) -> None:
        self._header = f"Bearer {api_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


def _call(response: requests.Response) -> str:
    return f"The answer to {response.request.method} {response.request.path_url.partition('?')[0]}"


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of the ``Retry-After`` header, a quarter of an hour at most; its rarer form, a date, is ignored."""
    value = response.headers.get("Retry-After", "")
    return min(float(value), LONGEST_RETRY_AFTER) if value.isdecimal() else None

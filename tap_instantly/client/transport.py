"""HTTP transport of one workspace: every request to Instantly passes through here."""

from __future__ import annotations

import contextlib
import copy
import logging
import re
import threading
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests

from tap_instantly.client.adapter import Adapter
from tap_instantly.client.certificates import authorities
from tap_instantly.client.decode import decode
from tap_instantly.client.errors import ErrorKind, InstantlyAPIError, InstantlyError, classify, from_transport
from tap_instantly.client.page import Answer
from tap_instantly.client.page_size import MAX_PAGE_SIZE
from tap_instantly.client.rate_limit import REQUESTS_PER_SECOND, Budget
from tap_instantly.client.redaction import Mask
from tap_instantly.client.retry import Retry
from tap_instantly.client.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from tap_instantly.client.single_flight import SingleFlight

_T = TypeVar("_T")


DEFAULT_API_URL = "https://api.instantly.ai/api/v2"
DEFAULT_TIMEOUT = 90
"""Seconds: 30 is too short for full pages of e-mails, and leads have taken longer (reported)."""
DEFAULT_USER_AGENT = f"tap-instantly/{metadata.version('tap-instantly')}"
"""Cloudflare answers the default agents of HTTP libraries with a 403 (reported)."""

CONNECT_TIMEOUT = 15
PATIENCE = 5
"""Limit on a whole response, as a multiple of the timeout, which restarts with each byte."""

LONGEST_RETRY_AFTER = 900.0
logger = logging.getLogger("tap-instantly.api")


class Transport:
    """Sends authenticated, rate-limited requests; takes the arguments of ``InstantlyClient``."""

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
            # The error of requests would quote the key.
            message = "api_key is empty or contains spaces, line breaks or other characters that no key has"
            raise InstantlyError(message)
        self.as_workspace = as_workspace
        self.api_url = api_url.rstrip("/")
        self.page_size = page_size
        self.timeout = (CONNECT_TIMEOUT, timeout)
        self.budget = Budget(max_requests_per_second)
        self.retry = Retry(max_retries)
        self.usage = Usage()
        self.shared: SingleFlight[Answer] | None = None
        self.server_time: datetime | None = None
        self._mask = Mask([api_key])
        self._echoed = threading.Event()
        self._models: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        if as_workspace is not None:
            self._session.headers["x-as-workspace"] = as_workspace
        self._session.auth = _BearerAuth(api_key)
        self._adapter = Adapter(timeout * PATIENCE)
        is_tls = urlsplit(self.api_url).scheme == "https"
        trusted = authorities() if is_tls else None
        # The adapter itself ignores the proxies of the environment.
        self._environment: dict[str, Any] = {
            **self._session.merge_environment_settings(self.api_url, {}, None, trusted, None)
        }
        if not is_tls:
            self._environment["proxies"] = {}  # over HTTP a proxy would see the key; over HTTPS it only tunnels

    def __enter__(self) -> Self:
        """Return the client; leaving the context closes its connections."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    # Requests

    def counted_by(self, usage: Usage, shared: SingleFlight[Answer] | None = None) -> Self:
        """Return a copy of the client that counts requests in ``usage`` and shares responses through ``shared``."""
        client = copy.copy(self)
        client.usage, client.shared = usage, shared
        return client

    def prepare(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: object = None
    ) -> requests.PreparedRequest:
        """Prepare an authenticated request with this client's user agent. Lists repeat their parameter.

        Raises:
            InstantlyError: The URL or a header is invalid.
        """
        url = self.api_url + path
        try:
            if json is None or params:
                return self._session.prepare_request(requests.Request(method, url, params=params, json=json))
            # List pages differ only in the body. Preparing the rest again took a tenth of a page's time (measured).
            if (model := self._models.get((method, url))) is None:
                model = self._session.prepare_request(requests.Request(method, url, json={}))
                self._models[method, url] = model
            request = model.copy()
            request.prepare_body(None, None, json)
        except (requests.RequestException, ValueError) as error:
            message = f"api_url or user_agent is not valid: {type(error).__name__}"
            raise InstantlyError(message) from None
        return request

    def prepare_call(self, method: str, path: str, arguments: Mapping[str, Any]) -> requests.PreparedRequest:
        """Prepare a request with its arguments in the body of a POST, else in the query."""
        where: dict[str, Any] = {"json" if method == "POST" else "params": arguments}
        return self.prepare(method, path, **where)

    def send(self, request: requests.PreparedRequest) -> Answer:
        """Send a prepared request once, within the rate limit, and return the decoded response.

        Raises:
            InstantlyAPIError: The request or the response failed.
        """
        method, url = request.method or "", request.url or ""
        path = urlsplit(url).path
        self.budget.acquire(path)
        self.usage.add(requests=1)
        try:
            # The adapter sends directly: a session would only add redirects and cookies.
            response = self._adapter.send(request, timeout=self.timeout, **self._environment)
            content = self._without_key(response.content, f"{method} {path}")
        except OSError as error:  # from requests, or because the certificate file is gone
            failure = from_transport(error, method, path)
            failure.body = self._mask.content(failure.body)  # the reason may quote the server
            raise failure from None
        data = decode(content)
        if kind := classify(response.status_code, data):
            wait = _retry_after(response)
            if kind is ErrorKind.RATE_LIMITED:
                # All threads of the workspace wait, not only the one that got the 429.
                self.budget.pause(path, wait)
            raise InstantlyAPIError(response.status_code, method, path, content, kind=kind, retry_after=wait)
        self._note_time(response)
        return Answer(method, url, response.status_code, response.headers, data, content)

    def _without_key(self, content: bytes, call: str) -> bytes:
        """Mask the key in a response body: servers may echo it in errors or records."""
        if not self._mask.may_be_in(content) or (masked := self._mask.content(content)) == content:
            return content
        if not self._echoed.is_set():
            self._echoed.set()
            logger.warning(
                "The response to %s contains the API key; the tap masks it there and in later responses.", call
            )
        return masked

    def note_unusable(self, items: int) -> None:
        """Count list items that the caller could not use and has already logged."""
        self.usage.add(unusable=items)

    def _note_time(self, response: requests.Response) -> None:
        """Store the server's time from the first successful response, because the local clock may be wrong."""
        if self.server_time is None and (stated := response.headers.get("Date")):
            with contextlib.suppress(ValueError, OverflowError):
                moment = parsedate_to_datetime(stated)
                self.server_time = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)  # for "-0000"

    def ask(
        self,
        request: requests.PreparedRequest,
        read: Callable[[Answer], _T],
        *,
        repeatable: bool | None = None,
        retry: Retry | None = None,
        before: Callable[[], object] = lambda: None,
        share: bool = False,
    ) -> _T:
        """Send with retries, and return the result of ``read``.

        Args:
            request: Result of :meth:`prepare`.
            read: Parses the response. It raises an :class:`InstantlyAPIError` for a wrong shape, which triggers a
                retry.
            repeatable: True if repeating the request is harmless; default: only for GET.
            retry: Retry policy instead of the client's.
            before: Called before each try; an exception from it ends the tries.
            share: True if a cached response will do, if this client shares responses.
        """
        found: list[_T] = []

        def once() -> Answer:
            before()
            answer = self.send(request)
            found.append(read(answer))
            return answer.undecoded

        repeatable = request.method == "GET" if repeatable is None else repeatable
        ask = (retry or self.retry)(once, repeatable=repeatable)
        if self.shared is None or not share:
            ask()
        else:
            answer = self.shared.get((self.budget, request.method, request.url, request.body), ask)
            if not found:  # another caller sent it
                return read(answer.decoded)
        return found[0]

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """Send with retries and return the decoded response: its ``data``, ``status`` and ``headers``.

        Args:
            method: HTTP method.
            path: Path below the API's URL, such as ``/campaigns``.
            params: Query; lists repeat their parameter.
            json: Body.
            repeatable: True if repeating the request is harmless; default: only for GET.
        """
        return self.ask(self.prepare(method, path, params=params, json=json), _whole, repeatable=repeatable)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 (any JSON)
        """GET ``path`` and return the decoded body."""
        return self.request("GET", path, params=params).data

    def post(self, path: str, json: object = None, *, repeatable: bool = False) -> Any:  # noqa: ANN401 (any JSON)
        """POST ``json`` and return the decoded body; set ``repeatable`` if the call only reads."""
        return self.request("POST", path, json={} if json is None else json, repeatable=repeatable).data

    def patch(self, path: str, json: object) -> Any:  # noqa: ANN401 (any JSON)
        """PATCH with ``json`` and return the decoded body."""
        return self.request("PATCH", path, json=json).data

    def delete(self, path: str, json: object = None) -> None:
        """DELETE ``path``."""
        self.request("DELETE", path, json=json)


class _BearerAuth(requests.auth.AuthBase):
    def __init__(self, api_key: str) -> None:
        self._header = f"Bearer {api_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


def _whole(answer: Answer) -> Answer:
    return answer


def _retry_after(response: requests.Response) -> float | None:
    """Parse the ``Retry-After`` header in seconds, capped at 15 minutes; its rarer form, a date, is ignored."""
    value = response.headers.get("Retry-After", "")
    return min(float(value), LONGEST_RETRY_AFTER) if value.isdecimal() else None

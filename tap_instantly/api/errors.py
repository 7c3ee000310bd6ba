"""What can go wrong with a call, and the one table that tells it.

Sources: the official document for the JSON error bodies; reports of live behaviour for Cloudflare's 403, the 401 of a
missing scope and failures inside an HTTP 200.
"""

from __future__ import annotations

import re
from enum import Enum
from http import HTTPStatus

import requests
import urllib3.exceptions as transport

from tap_instantly.api.decode import UNREADABLE, decode
from tap_instantly.api.secrecy import without_addresses

_MESSAGE_LIMIT = 200


class ErrorKind(str, Enum):
    """The kinds of failure that a caller has reason to tell apart."""

    BAD_REQUEST = "bad request"
    UNAUTHORIZED = "unauthorized"
    NO_PLAN = "no active plan"
    FORBIDDEN = "forbidden"
    ACCESS_LOST = "access lost"
    BLOCKED_AGENT = "blocked by Cloudflare"
    NOT_FOUND = "not found"
    TOO_LARGE = "too large"
    RATE_LIMITED = "rate limited"
    REDIRECTED = "redirected"
    SERVER = "server error"
    ERROR_IN_OK = "an error inside a successful answer"
    MALFORMED = "unreadable answer"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "connection lost"
    TLS = "certificate not trusted"


RETRYABLE = frozenset(
    {
        ErrorKind.RATE_LIMITED,
        ErrorKind.SERVER,
        ErrorKind.ERROR_IN_OK,
        ErrorKind.MALFORMED,
        ErrorKind.TIMEOUT,
        ErrorKind.UNREACHABLE,
        ErrorKind.INTERRUPTED,
    }
)
"""Kinds that another try may cure."""

DENIED = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN})
"""Kinds that a missing scope shows as (both are reported)."""

REFUSALS = DENIED | {ErrorKind.NO_PLAN}
"""Kinds by which a key or a plan is told that it does not give something: one thing, or nothing any more."""

SKIPPED_KINDS = REFUSALS | {ErrorKind.NOT_FOUND}
"""Kinds that concern one endpoint of a workspace whose key has already proved good."""

FATAL_KINDS = frozenset({ErrorKind.UNREACHABLE, ErrorKind.TLS, ErrorKind.REDIRECTED, ErrorKind.BLOCKED_AGENT})
"""Kinds that concern whatever else would be asked for: nothing is gained by going on."""

NEVER_PROCESSED = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.UNREACHABLE})
"""Kinds after which the server has certainly done nothing, so that even a write may be sent again."""

_ADVICE = {
    ErrorKind.UNAUTHORIZED: "Check that api_key is a valid v2 key and has the scope that this endpoint needs "
    "(all:read covers every stream).",
    ErrorKind.NO_PLAN: "The workspace needs an active Instantly plan that includes this endpoint.",
    ErrorKind.FORBIDDEN: "Give the API key the scope that this endpoint needs (all:read covers every stream).",
    ErrorKind.ACCESS_LOST: "The API key opened this workspace earlier in this run, and opens nothing in it now: it was "
    "revoked, the plan has ended, or the workspace has left its group. Renew the key or the plan and run again: "
    "the next run goes on from the state.",
    ErrorKind.BLOCKED_AGENT: "Cloudflare refused the request before Instantly saw it: "
    "set user_agent to a name of your own.",
    ErrorKind.NOT_FOUND: "If every endpoint says so, check api_url: it ends with the version, /api/v2.",
    ErrorKind.REDIRECTED: "Check api_url: redirects are not followed, so that the key stays with this host.",
    ErrorKind.TIMEOUT: "Raise request_timeout, or try again later.",
    ErrorKind.UNREACHABLE: "Check the network, the proxy settings and api_url.",
    ErrorKind.TLS: "The server's certificate is not trusted: check the proxy, api_url, and what REQUESTS_CA_BUNDLE, "
    "CURL_CA_BUNDLE, SSL_CERT_FILE or SSL_CERT_DIR name.",
}

_BY_STATUS = {
    401: ErrorKind.UNAUTHORIZED,
    402: ErrorKind.NO_PLAN,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.TOO_LARGE,
    425: ErrorKind.SERVER,
    429: ErrorKind.RATE_LIMITED,
}

_ERROR_KEYS = frozenset({"statusCode", "error", "message", "code", "details", "success", "errors", "data"})


class InstantlyError(Exception):
    """Base of every error that this package raises on purpose; its text is one line that says what to do."""


class InstantlyAPIError(InstantlyError):
    """A call that did not succeed.

    Attributes:
        status: HTTP status, or None where no answer came.
        method: HTTP method.
        path: Path of the URL, without query; e-mail addresses in it and in the body are masked in the message.
        body: The answer's body, or the reason of a transport failure.
        kind: What it means; worked out from ``status`` and ``body`` unless given.
        retry_after: Seconds that the server asked to wait, where it did.
    """

    def __init__(
        self,
        status: int | None,
        method: str,
        path: str,
        body: bytes | str = b"",
        *,
        kind: ErrorKind | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.method = method
        self.path = path
        self.body = body.encode() if isinstance(body, str) else body
        self.kind = kind or (classify(status, decode(self.body)) if status else None) or ErrorKind.BAD_REQUEST
        self.retry_after = retry_after
        self.tries = 1
        super().__init__(status, method, path)

    def as_kind(self, kind: ErrorKind) -> InstantlyAPIError:
        """The same answer, with another meaning."""
        return InstantlyAPIError(self.status, self.method, self.path, self.body, kind=kind)

    @property
    def retryable(self) -> bool:
        """Whether another try may cure it."""
        return self.kind in RETRYABLE

    @property
    def advice(self) -> str:
        """What the user can do about it; empty where there is nothing to say."""
        return _ADVICE.get(self.kind, "")

    @property
    def message(self) -> str:
        """The server's own words (its ``message``, or the start of the body) on one line of 200 characters.

        A page that broke off is none of them: it may hold secrets and personal data, of which the log must have none.
        """
        data = decode(self.body)
        if data is UNREADABLE and self._was_meant_to_be_data:
            return f"{len(self.body)} bytes, which are not shown as they may hold records"
        text = data.get("message") or data.get("error") if isinstance(data, dict) else None
        line = " ".join(str(text or self.body.decode(errors="replace")).split())
        return line if len(line) <= _MESSAGE_LIMIT else line[:_MESSAGE_LIMIT] + "..."

    @property
    def _was_meant_to_be_data(self) -> bool:
        is_success = self.status is not None and self.status < HTTPStatus.MULTIPLE_CHOICES
        return is_success and b'"' in self.body and not self.body.lstrip().startswith(b"<")

    def __str__(self) -> str:
        """One line: the call, what came back, and what to do."""
        path = re.sub(r"[^/]*(@|%40)[^/]*", "{email}", self.path)
        answer = f"answered {self.status} ({self.kind.value})" if self.status else f"failed ({self.kind.value})"
        tries = f" after {self.tries} tries" if self.tries > 1 else ""
        message = f": {without_addresses(self.message).removesuffix('.')}" if self.message else ""
        return f"{self.method} {path} {answer}{tries}{message}. {self.advice}".rstrip()


def classify(status: int, data: object) -> ErrorKind | None:
    """The kind of error that an answer means, or None for a good one.

    Args:
        status: HTTP status.
        data: The decoded body, or :data:`~tap_instantly.api.decode.UNREADABLE`.
    """
    if status == HTTPStatus.NO_CONTENT:
        return None
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return ErrorKind.MALFORMED if data is UNREADABLE else _reported_in_ok(data)
    if status < HTTPStatus.BAD_REQUEST:
        return ErrorKind.REDIRECTED
    if status == HTTPStatus.FORBIDDEN and not isinstance(data, dict):
        # Instantly refuses in JSON; plain text ("error code: 1010") or HTML comes from Cloudflare in front of it.
        return ErrorKind.BLOCKED_AGENT
    default = ErrorKind.SERVER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorKind.BAD_REQUEST
    return _BY_STATUS.get(status, default)


def _reported_in_ok(data: object) -> ErrorKind | None:
    """The error that a 200 carries instead of data (reported): an object of nothing but error keys.

    So is one with a page of a list beside an error, which would end the list before its end.
    """
    if not isinstance(data, dict) or not data or data.get("success") is True or data.get("data"):
        return None
    inner = data.get("statusCode")
    failed = classify(inner, data) if isinstance(inner, int) and inner >= HTTPStatus.BAD_REQUEST else None
    says_so = failed or data.get("error") or data.get("errors") or data.get("success") is False
    if not data.keys() <= _ERROR_KEYS and not ("items" in data and says_so):
        return None
    return failed or ErrorKind.ERROR_IN_OK


def from_transport(error: OSError, method: str, path: str) -> InstantlyAPIError:
    """The classified form of a failure below HTTP, without the key or the query that ``error`` may carry."""
    return InstantlyAPIError(None, method, path, _reason(error), kind=_transport_kind(error))


def _transport_kind(error: OSError) -> ErrorKind:
    text = str(error)
    # A bare OSError is raised where the certificates to trust are no longer there.
    if isinstance(error, requests.exceptions.SSLError) or not isinstance(error, requests.RequestException):
        return ErrorKind.TLS if "CERTIFICATE" in text.upper() else ErrorKind.INTERRUPTED
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return ErrorKind.UNREACHABLE
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in text:
        return ErrorKind.TIMEOUT
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return ErrorKind.MALFORMED
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        cause = getattr(error.args[0] if error.args else None, "reason", None)
        never_opened = isinstance(cause, transport.NewConnectionError)  # of which a failing DNS is one
        return ErrorKind.UNREACHABLE if never_opened else ErrorKind.INTERRUPTED
    return ErrorKind.BAD_REQUEST


def _reason(error: OSError) -> str:
    """The innermost reason; urllib3 wraps it in texts that repeat the whole URL."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {cause}"

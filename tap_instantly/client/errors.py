"""Errors of API calls, and their classification.

Sources: the official document for the JSON error bodies; reports of live behaviour for Cloudflare's 403, the 401 of a
missing scope and failures inside an HTTP 200.
"""

from __future__ import annotations

import re
from enum import Enum
from http import HTTPStatus

import requests
import urllib3.exceptions as transport

from tap_instantly.client.decode import UNREADABLE, decode
from tap_instantly.client.redaction import without_addresses

_MESSAGE_LIMIT = 200


class ErrorKind(str, Enum):
    """Kinds of failure that callers distinguish."""

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
    ERROR_IN_OK = "error in a successful response"
    MALFORMED = "unreadable response"
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
"""Kinds that a retry may cure."""

DENIED = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN})
"""Kinds that a missing scope causes (both are reported)."""

REFUSALS = DENIED | {ErrorKind.NO_PLAN}
"""Kinds that refuse a key or plan, for one endpoint or for everything."""

SKIPPED_KINDS = REFUSALS | {ErrorKind.NOT_FOUND}
"""Kinds that affect one endpoint only, if the key has already worked."""

FATAL_KINDS = frozenset({ErrorKind.UNREACHABLE, ErrorKind.TLS, ErrorKind.REDIRECTED, ErrorKind.BLOCKED_AGENT})
"""Kinds that would affect every further request, so the run ends."""

NEVER_PROCESSED = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.UNREACHABLE})
"""Kinds after which the server has certainly not processed the request, so that even a write can be repeated."""

_ADVICE = {
    ErrorKind.UNAUTHORIZED: "Check that api_key is a valid v2 key and has the scope that this endpoint needs "
    "(all:read covers every stream).",
    ErrorKind.NO_PLAN: "The workspace needs an active Instantly plan that includes this endpoint.",
    ErrorKind.FORBIDDEN: "Give the API key the scope that this endpoint needs (all:read covers every stream), "
    "and check the ids in sub_workspaces.",
    ErrorKind.ACCESS_LOST: "The API key worked earlier in this run and no longer does: it was revoked, the plan ended, "
    "or the workspace left its group. Renew the key or the plan and run again: the next run resumes from the state.",
    ErrorKind.BLOCKED_AGENT: "Cloudflare blocked the request before it reached Instantly: "
    "set user_agent to a name of your own.",
    ErrorKind.NOT_FOUND: "If every endpoint answers 404, check api_url: it must end with the version, /api/v2.",
    ErrorKind.REDIRECTED: "Check api_url: redirects are not followed, so that the key stays with this host.",
    ErrorKind.TIMEOUT: "Raise request_timeout, or try again later.",
    ErrorKind.UNREACHABLE: "Check the network, the proxy settings and api_url.",
    ErrorKind.TLS: "The server's certificate is not trusted: check the proxy, api_url, and the path in "
    "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE or SSL_CERT_DIR.",
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
    """Base class of this package's errors. The message is one line that says what to do."""


class InstantlyAPIError(InstantlyError):
    """A failed API call.

    Attributes:
        status: HTTP status; None without a response.
        method: HTTP method.
        path: URL path without the query. In the message, e-mail addresses in it and in the body are masked.
        body: Response body, or the reason of a transport failure.
        kind: Kind of the error, derived from ``status`` and ``body`` unless given.
        retry_after: Seconds that the server asked to wait, if it did.
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
        """Return the same error with another kind."""
        return InstantlyAPIError(self.status, self.method, self.path, self.body, kind=kind)

    @property
    def retryable(self) -> bool:
        """Return True if a retry may cure the error."""
        return self.kind in RETRYABLE

    @property
    def advice(self) -> str:
        """Advice for the user; empty if there is none."""
        return _ADVICE.get(self.kind, "")

    @property
    def message(self) -> str:
        """The server's ``message``, or the start of the body, on one line of at most 200 characters.

        Truncated data is not shown: it may contain secrets and personal data, which must not be logged.
        """
        data = decode(self.body)
        if data is UNREADABLE and self._was_meant_to_be_data:
            return f"{len(self.body)} bytes, not shown because they may contain records"
        text = data.get("message") or data.get("error") if isinstance(data, dict) else None
        line = " ".join(str(text or self.body.decode(errors="replace")).split())
        return line if len(line) <= _MESSAGE_LIMIT else line[:_MESSAGE_LIMIT] + "..."

    @property
    def _was_meant_to_be_data(self) -> bool:
        is_success = self.status is not None and self.status < HTTPStatus.MULTIPLE_CHOICES
        return is_success and b'"' in self.body and not self.body.lstrip().startswith(b"<")

    def __str__(self) -> str:
        """Return one line with the call, the response and the advice."""
        path = re.sub(r"[^/]*(@|%40)[^/]*", "{email}", self.path)
        answer = f"answered {self.status} ({self.kind.value})" if self.status else f"failed ({self.kind.value})"
        tries = f" after {self.tries} tries" if self.tries > 1 else ""
        message = f": {without_addresses(self.message).removesuffix('.')}" if self.message else ""
        return f"{self.method} {path} {answer}{tries}{message}. {self.advice}".rstrip()


def classify(status: int, data: object) -> ErrorKind | None:
    """Classify a response; None means success.

    Args:
        status: HTTP status.
        data: Decoded body, or :data:`~tap_instantly.client.decode.UNREADABLE`.
    """
    if status == HTTPStatus.NO_CONTENT:
        return None
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return ErrorKind.MALFORMED if data is UNREADABLE else _reported_in_ok(data)
    if status < HTTPStatus.BAD_REQUEST:
        return ErrorKind.REDIRECTED
    if status == HTTPStatus.FORBIDDEN and not isinstance(data, dict):
        # Instantly refuses in JSON. Plain text ("error code: 1010") or HTML comes from Cloudflare in front of it.
        return ErrorKind.BLOCKED_AGENT
    default = ErrorKind.SERVER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorKind.BAD_REQUEST
    return _BY_STATUS.get(status, default)


def _reported_in_ok(data: object) -> ErrorKind | None:
    """Classify an error inside a 200 (reported): an object with only error keys.

    A list page with an additional error counts too, because it would end the list early.
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
    """Convert a failure below HTTP, without the key or the query that ``error`` may contain."""
    return InstantlyAPIError(None, method, path, _reason(error), kind=_transport_kind(error))


def _transport_kind(error: OSError) -> ErrorKind:
    text = str(error)
    # requests raises a bare OSError if the certificate file no longer exists.
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
        never_opened = isinstance(cause, transport.NewConnectionError)  # this includes DNS failures
        return ErrorKind.UNREACHABLE if never_opened else ErrorKind.INTERRUPTED
    return ErrorKind.BAD_REQUEST


def _reason(error: OSError) -> str:
    """Return the innermost cause; urllib3's wrappers repeat the whole URL."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {cause}"


def is_refused(error: Exception) -> bool:
    """Return True if an error refuses the key or the plan, so that another try fails too."""
    return isinstance(error, InstantlyAPIError) and error.kind in REFUSALS

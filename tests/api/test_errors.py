from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests import exceptions

from tap_instantly import ErrorKind, InstantlyAPIError, InstantlyClient, InstantlyError
from tap_instantly.client.decode import decode
from tap_instantly.client.errors import NEVER_PROCESSED, RETRYABLE, classify, from_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server


def body(status: int, error: str, message: str) -> bytes:
    return json.dumps({"statusCode": status, "error": error, "message": message}).encode()


def every_error_key(**more: object) -> bytes:
    """Generate everything that an error response may contain."""
    said = {"statusCode": 500, "error": "Internal", "message": "oh", "code": 1, "details": None, "errors": []}
    return json.dumps({**said, "success": False, "data": None, **more}).encode()


TABLE = [
    (200, b'{"items": []}', None),
    (200, b"[]", None),
    (200, b'{"items": [], "error": null}', None),
    (204, b"", None),
    (200, b"", ErrorKind.MALFORMED),
    (200, b"<html>Just a moment</html>", ErrorKind.MALFORMED),
    (200, b'{"items": [{"id": "1"', ErrorKind.MALFORMED),
    (200, b"\xff\xfe", ErrorKind.MALFORMED),
    (200, b"[" * 100_000, ErrorKind.MALFORMED),
    (200, b'{"error": "Something went wrong"}', ErrorKind.ERROR_IN_OK),
    (200, b'{"message": "Internal error", "success": false}', ErrorKind.ERROR_IN_OK),
    (200, b'{"success": false, "message": "Internal", "data": null}', ErrorKind.ERROR_IN_OK),
    (200, b'{"success": true, "message": "done"}', None),
    (200, b'{"message": "done", "data": {"id": "1"}}', None),
    (200, b"{}", None),
    (200, b'{"statusCode": 200, "message": "done"}', ErrorKind.ERROR_IN_OK),
    (200, b'{"statusCode": "500", "message": "Internal"}', ErrorKind.ERROR_IN_OK),
    (200, body(400, "Bad Request", "no such filter"), ErrorKind.BAD_REQUEST),
    (200, body(403, "Forbidden", "Missing scope"), ErrorKind.FORBIDDEN),
    (200, body(429, "Too Many Requests", "Rate limit exceeded"), ErrorKind.RATE_LIMITED),
    (200, body(402, "Payment Required", "Workspace does not have an active paid plan"), ErrorKind.NO_PLAN),
    (200, every_error_key(), ErrorKind.SERVER),
    (200, every_error_key(items=[], next_starting_after=None), ErrorKind.SERVER),
    (200, b'{"items": [], "error": "boom"}', ErrorKind.ERROR_IN_OK),
    (200, b'{"items": [], "success": false}', ErrorKind.ERROR_IN_OK),
    (200, b'{"items": [], "statusCode": 503}', ErrorKind.SERVER),
    (200, b'{"items": [], "error": "boom", "total": 0}', ErrorKind.ERROR_IN_OK),
    (200, b'{"items": [], "errors": [{"message": "boom"}]}', ErrorKind.ERROR_IN_OK),
    (200, b'{"items": [{"id": "1"}], "error": "boom"}', ErrorKind.ERROR_IN_OK),
    (200, b'{"items": [{"id": "1"}], "statusCode": 500, "message": "boom"}', ErrorKind.SERVER),
    (200, b'{"items": [{"id": "1"}], "error": null, "errors": [], "message": "done"}', None),
    (200, b'{"id": "1", "error": "boom"}', None),
    (300, b"", ErrorKind.REDIRECTED),
    (301, b"", ErrorKind.REDIRECTED),
    (400, b'{"message": "Start Date must be earlier than End Date"}', ErrorKind.BAD_REQUEST),
    (401, body(401, "Unauthorized", "Invalid API key"), ErrorKind.UNAUTHORIZED),
    (402, body(402, "Payment Required", "Workspace does not have an active paid plan"), ErrorKind.NO_PLAN),
    (403, body(403, "Forbidden", "Missing scope"), ErrorKind.FORBIDDEN),
    (403, b"error code: 1010", ErrorKind.BLOCKED_AGENT),
    (403, b"<html>Attention Required! | Cloudflare</html>", ErrorKind.BLOCKED_AGENT),
    (404, body(404, "Not Found", "Resource not found"), ErrorKind.NOT_FOUND),
    (408, b"", ErrorKind.TIMEOUT),
    (413, body(413, "Payload Too Large", "Analytics request is too large"), ErrorKind.TOO_LARGE),
    (418, b"", ErrorKind.BAD_REQUEST),
    (429, body(429, "Too Many Requests", "Rate limit exceeded"), ErrorKind.RATE_LIMITED),
    (500, body(500, "Internal Server Error", "boom"), ErrorKind.SERVER),
    (502, b"<html>Bad gateway</html>", ErrorKind.SERVER),
    (503, b"", ErrorKind.SERVER),
    (520, b"error code: 520", ErrorKind.SERVER),
]


@pytest.mark.parametrize(("status", "content", "kind"), TABLE)
def test_status_and_body_tell_the_kind(status: int, content: bytes, kind: ErrorKind | None) -> None:
    assert classify(status, decode(content)) is kind
    assert InstantlyAPIError(status, "GET", "/accounts", content).kind is (kind or ErrorKind.BAD_REQUEST)


def test_only_transient_errors_are_retryable() -> None:
    final = set(ErrorKind) - RETRYABLE
    assert final == {
        ErrorKind.BAD_REQUEST,
        ErrorKind.UNAUTHORIZED,
        ErrorKind.NO_PLAN,
        ErrorKind.FORBIDDEN,
        ErrorKind.ACCESS_LOST,
        ErrorKind.BLOCKED_AGENT,
        ErrorKind.NOT_FOUND,
        ErrorKind.TOO_LARGE,
        ErrorKind.REDIRECTED,
        ErrorKind.TLS,
    }
    assert NEVER_PROCESSED <= RETRYABLE


def test_error_is_one_line_with_the_call_and_the_advice() -> None:
    error = InstantlyAPIError(402, "GET", "/accounts", body(402, "Payment Required", "No\nplan. "))
    assert str(error) == (
        "GET /accounts answered 402 (no active plan): No plan. "
        "The workspace needs an active Instantly plan that includes this endpoint."
    )
    assert not error.retryable


def test_error_without_message_names_the_call_and_the_kind() -> None:
    error = InstantlyAPIError(500, "GET", "/accounts")
    assert str(error) == "GET /accounts answered 500 (server error)."
    assert repr(error) == "InstantlyAPIError(500, 'GET', '/accounts')"
    error.tries = 2
    assert str(error) == "GET /accounts answered 500 (server error) after 2 tries."


def test_error_without_a_response_defaults_to_bad_request() -> None:
    assert InstantlyAPIError(None, "GET", "/accounts").kind is ErrorKind.BAD_REQUEST
    assert InstantlyAPIError(None, "GET", "/accounts", kind=ErrorKind.TLS).kind is ErrorKind.TLS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"message": "one", "error": "two"}', "one"),
        (b'{"message": "", "error": "two"}', "two"),
        (b'{"other": "three"}', '{"other": "three"}'),
        (b"bad gateway\n\xff", "bad gateway \ufffd"),
        (b"x" * 200, "x" * 200),
        (b"x" * 201, "x" * 200 + "..."),
    ],
)
def test_server_message_is_cut_to_one_line_of_200_characters(content: bytes, message: str) -> None:
    assert InstantlyAPIError(500, "GET", "/accounts", content).message == message


def test_a_long_body_is_cut_and_addresses_in_the_path_are_masked() -> None:
    error = InstantlyAPIError(500, "GET", "/accounts/someone%40example.com/x", b"x" * 5000)
    assert str(error) == f"GET /accounts/{{email}}/x answered 500 (server error): {'x' * 200}..."


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (200, b'{"items":[{"email":"ann@example.com","pa', "40 bytes, not shown because they may contain records"),
        (200, b'\xff"items":[{"email":"ann@example.com"}]}', "39 bytes, not shown because they may contain records"),
        (200, b' <html lang="en">Just a moment</html>', '<html lang="en">Just a moment</html>'),
        (200, b"upstream timed out", "upstream timed out"),
        (200, b"", ""),
        (502, b'upstream "api" timed out', 'upstream "api" timed out'),
    ],
)
def test_possible_records_are_not_quoted_in_errors(status: int, content: bytes, said: str) -> None:
    assert InstantlyAPIError(status, "GET", "/leads", content).message == said


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 413}, ErrorKind.TOO_LARGE),
        ({"kind": "html", "status": 200}, ErrorKind.MALFORMED),
        ({"kind": "error_in_200"}, ErrorKind.SERVER),
        ({"kind": "reset"}, ErrorKind.INTERRUPTED),
        ({"kind": "truncated"}, ErrorKind.INTERRUPTED),
        ({"kind": "latency", "seconds": 2}, ErrorKind.TIMEOUT),
    ],
    ids=lambda value: value["kind"] + str(value.get("status", "")) if isinstance(value, dict) else value.name,
)
def test_network_errors_are_classified(api: Server, fault: dict[str, Any], kind: ErrorKind) -> None:
    api.control.fault("/api/v2/campaigns", **fault)
    with (
        InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=0, timeout=0.3) as client,
        pytest.raises(InstantlyAPIError) as caught,
    ):
        client.get("/campaigns")
    assert caught.value.kind is kind
    assert "\n" not in str(caught.value)


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (lambda: f"http://127.0.0.1:{closed_port()}", "ConnectionRefusedError"),
        (lambda: "http://no-such-host.invalid", "gaierror"),
    ],
    ids=["refused", "unknown host"],
)
def test_network_failure_is_unreachable_with_its_innermost_reason(url: Callable[[], str], reason: str) -> None:
    with InstantlyClient("key", api_url=url(), max_retries=0) as client, pytest.raises(InstantlyAPIError) as caught:
        client.get("/campaigns")
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert caught.value.status is None
    assert str(caught.value).startswith(f"GET /campaigns failed (unreachable): {reason}: ")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), ErrorKind.TLS),
        (exceptions.SSLError("Missing certificate"), ErrorKind.TLS),
        (exceptions.SSLError("[SSL: UNEXPECTED_EOF_WHILE_READING]"), ErrorKind.INTERRUPTED),
        (exceptions.ConnectTimeout(), ErrorKind.UNREACHABLE),
        (exceptions.ProxyError(), ErrorKind.UNREACHABLE),
        (exceptions.ReadTimeout(), ErrorKind.TIMEOUT),
        (exceptions.ConnectionError("HTTPSConnectionPool: Read timed out."), ErrorKind.TIMEOUT),
        (exceptions.ContentDecodingError(), ErrorKind.MALFORMED),
        (exceptions.ChunkedEncodingError(), ErrorKind.INTERRUPTED),
        (exceptions.ConnectionError(), ErrorKind.INTERRUPTED),
        (exceptions.InvalidURL("no host"), ErrorKind.BAD_REQUEST),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_each_failure_below_http_has_a_kind(error: requests.RequestException, kind: ErrorKind) -> None:
    found = from_transport(error, "GET", "/accounts")
    assert (found.kind, found.status, found.method, found.path) == (kind, None, "GET", "/accounts")
    assert found.message == f"{type(error).__name__}: {error}".rstrip()


def test_tls_to_a_plain_server_is_a_lost_connection(api: Server) -> None:
    url = api.url.replace("http://", "https://")
    with InstantlyClient("key", api_url=url, max_retries=0) as client, pytest.raises(InstantlyAPIError) as caught:
        client.get("/campaigns")
    assert caught.value.kind in {ErrorKind.INTERRUPTED, ErrorKind.TLS}


@pytest.mark.parametrize("key", ["", "two words", "line\nend", "ключ"])
def test_a_key_that_no_header_can_carry_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(InstantlyError) as caught:
        InstantlyClient(key)
    assert not key or key not in str(caught.value)


def test_the_key_is_masked_where_the_server_echoes_it(api: Server, client: InstantlyClient) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=400, body={"message": f"bad token {api.api_key}"})
    with pytest.raises(InstantlyAPIError) as caught:
        client.get("/campaigns")
    assert api.api_key not in str(caught.value) + repr(caught.value) + repr(caught.value.body)


def test_redirects_are_not_followed(api: Server, client: InstantlyClient) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=302, headers={"Location": f"{api.url}/api/v2/accounts"})
    with pytest.raises(InstantlyAPIError) as caught:
        client.get("/campaigns")
    assert caught.value.kind is ErrorKind.REDIRECTED
    assert [entry["path"] for entry in api.control.requests()] == ["/api/v2/campaigns"]


def test_errors_are_catchable_as_one(client: InstantlyClient) -> None:
    with pytest.raises(InstantlyError):
        client.get("/no/such/path")
    assert not issubclass(InstantlyError, requests.RequestException)

"""Injected faults: which requests they hit, and their effect on the answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from starlette.responses import Response
from starlette.types import Send

from sandbox.answers import JSON_TYPE, ApiError, dumps
from sandbox.request_log import Entry

KINDS = (
    *("status", "latency", "reset", "truncated", "reset_midway", "garbage", "html", "empty", "slow_drip"),
    *("slow_headers", "error_in_200", "wrong_content_type", "cursor_loop", "repeat_cursor", "disordered"),
)
# Pages of a cursor loop.
ROUND = 2
# Seconds for the client to read the bytes sent, because a reset discards unread ones.
HEAD_START = 0.02
HTML_TYPE = "text/html; charset=utf-8"
PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad gateway</body></html>"
BROKEN = {"statusCode": 500, "error": "Internal Server Error", "message": "Something went wrong"}
# Kinds that replace the answer, besides `status`: the usual status, type and body of the new one.
USUAL: dict[str, tuple[int, str, Any]] = {
    "garbage": (200, JSON_TYPE, '{"items":[{"id":'),
    "html": (502, HTML_TYPE, PAGE),
    "empty": (200, JSON_TYPE, ""),
    "error_in_200": (200, JSON_TYPE, BROKEN),
}
REPLACING = frozenset({"status", *USUAL})


@dataclass
class Fault:
    """An injected fault."""

    path: str  # exact path or glob
    kind: str
    method: str | None = None
    workspace: str | None = None
    status: int | None = None
    body: Any = None  # instead of the usual body: a JSON value, or a string sent unchanged
    headers: dict[str, str] = field(default_factory=dict)
    count: int | None = 1  # requests to hit; None for all
    after: int = 0  # matching requests to let pass first
    limit_over: int | None = None  # only requests with a larger page size
    record: str | None = None  # only answers that would contain the record with this id (or address)
    probability: float = 1.0  # chance to hit a matching request, drawn from `seed`
    seed: int = 1
    seconds: float = 1.0  # delay of `latency`, pause of `slow_drip` and `slow_headers`
    chunk: int = 16  # bytes at a time of those two
    id: int = 0
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            message = f"unknown kind of fault: {self.kind!r}; there are {', '.join(KINDS)}"
            raise ValueError(message)
        self._rng = Random(self.seed)
        self.cleared = asyncio.Event()
        self._cursors: list[str] = []

    def applies(self, request: Entry, answer: bytes) -> bool:
        """Decide whether to hit a request, given the correct answer if `record` needs it, and count it."""
        if (self.count is not None and self.hits >= self.count) or not self._matches(request, answer):
            return False
        self.seen += 1
        if self.seen <= self.after or self._rng.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def _matches(self, request: Entry, answer: bytes) -> bool:
        return (
            (not self.method or self.method.upper() == request.method)
            and self.workspace in {None, request.workspace}
            and (request.path == self.path or fnmatchcase(request.path, self.path))
            # The first page has no cursor to repeat.
            and not (self.kind == "repeat_cursor" and request.cursor is None)
            and (self.limit_over is None or request.limit > self.limit_over)
            and (self.record is None or f'"{self.record}"'.encode() in answer)
        )

    def next_cursor(self, real: str | None, asked: str | None) -> str | None:
        """Return the wrong cursor: back to this page, or in a loop over two pages."""
        if self.body is not None:
            return str(self.body)
        if self.kind == "repeat_cursor":
            return asked
        if real is not None and (len(self._cursors) < ROUND or real in self._cursors):
            self._cursors.append(real)
            return real
        return self._cursors[0] if self._cursors else real


class Faults(list[Fault]):
    """All injected faults, including spent ones."""

    _ids = 0

    def add(self, order: dict[str, Any]) -> Fault:
        """Add a fault; TypeError or ValueError if it is invalid."""
        # A loop takes several answers.
        fault = Fault(**({"count": None} if order.get("kind") == "cursor_loop" else {}) | order)
        self._ids += 1
        fault.id = self._ids
        self.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        for fault in self:
            fault.cleared.set()
        super().clear()

    def hit(self, request: Entry, answer: bytes) -> Fault | None:
        """Return the first fault that hits a request."""
        return next((fault for fault in self if fault.applies(request, answer)), None)


def replacement(fault: Fault) -> Response:
    """Create the answer that replaces the real one."""
    if fault.kind == "status":
        answer = ApiError(fault.status or 500, "The sandbox was told to fail").answer()
        if fault.body is not None:
            answer = Response(_body(fault.body), answer.status_code, media_type=JSON_TYPE)
        answer.headers.update(fault.headers)
        return answer
    status, media_type, usual = USUAL[fault.kind]
    body = usual if fault.kind == "empty" else fault.body or usual
    return Response(_body(body), fault.status or status, media_type=media_type)


def _body(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return value.encode() if isinstance(value, str) else dumps(value).encode()


def corrupt(fault: Fault, answer: Response, cursor: str | None) -> Response:
    """Corrupt the real answer: its content type, its cursor or the order of its records."""
    if fault.kind == "wrong_content_type":
        answer.headers["content-type"] = HTML_TYPE
        return answer
    with contextlib.suppress(ValueError):
        body = json.loads(bytes(answer.body))
        if isinstance(body, dict) and "items" in body:
            if fault.kind == "disordered":
                body["items"].reverse()
            else:
                astray = fault.next_cursor(body.pop("next_starting_after", None), cursor)
                body |= {} if astray is None else {"next_starting_after": astray}
            return Response(dumps(body).encode(), answer.status_code, media_type=JSON_TYPE)
    return answer


async def send_slow_headers(fault: Fault, answer: Response, transport: asyncio.Transport | None) -> None:
    """Send an answer with slow headers."""
    if transport is None:
        return
    headers = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
    head = b"HTTP/1.1 %d -\r\n%bconnection: close\r\n\r\n" % (answer.status_code, headers)
    for piece in _pieces(head, max(1, fault.chunk)):
        transport.write(piece)
        await asyncio.sleep(fault.seconds)
        if transport.is_closing():
            return
    transport.write(bytes(answer.body))
    transport.close()


async def send_broken(fault: Fault, answer: Response, send: Send, transport: asyncio.Transport | None) -> None:
    """Send an answer that breaks off or is slow."""
    body = bytes(answer.body)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
    if fault.kind in {"truncated", "reset_midway"}:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        if fault.kind == "reset_midway":
            await asyncio.sleep(HEAD_START)
            reset(transport)
        elif transport is not None:
            transport.close()
        return
    for piece in _pieces(body, max(1, fault.chunk)):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(fault.seconds)
    await send({"type": "http.response.body", "body": b""})


def _pieces(body: bytes, size: int) -> Iterable[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def reset(transport: asyncio.Transport | None) -> None:
    """Reset the connection without an answer."""
    if transport is None:
        return
    handle = transport.get_extra_info("socket")
    if handle is not None:
        # A linger time of zero makes the kernel send RST rather than FIN.
        with socket.fromfd(handle.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

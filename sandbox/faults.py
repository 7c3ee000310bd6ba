"""Trouble on order: which requests it hits, and what happens to their answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING, Any, Literal, get_args

from starlette.responses import Response

from sandbox.answers import JSON_TYPE, ApiError, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Send

Kind = Literal[
    "status",
    "latency",
    "reset",
    "truncated",
    "reset_midway",
    "garbage",
    "html",
    "empty",
    "slow_drip",
    "slow_headers",
    "error_in_200",
    "wrong_content_type",
    "cursor_loop",
    "repeat_cursor",
    "disordered",
]
KINDS: tuple[str, ...] = get_args(Kind)

# Answers that take the place of the real one and those that deface it.
ROUND = 2

# Seconds that the client has to read what was sent, as a reset takes back the rest.
HEAD_START = 0.02
INSTEAD = frozenset({"status", "reset", "garbage", "html", "empty", "error_in_200"})


@dataclass(frozen=True)
class Asked:
    """What a request asked for; `answer` is the right answer's body, where a fault wants to know it."""

    method: str
    path: str
    workspace: str | None
    cursor: str | None = None
    limit: int = 0
    answer: bytes = b""


@dataclass
class Fault:
    """One order of trouble.

    Attributes:
        path: Exact path or glob.
        kind: What goes wrong.
        method: Only this method.
        workspace: Only requests for this workspace.
        status: Status of a `status` fault (and of `html`, `garbage`, `empty`, `error_in_200` if not 200).
        body: Body instead of the usual one: a JSON value, or a string sent as it is.
        headers: Further headers of a `status` fault.
        count: How many requests it hits; None for all.
        after: How many matching requests it lets pass first.
        limit_over: Only requests for more records than this at a time.
        record: Only requests whose answer would hold the record with this id (or address).
        probability: Chance to hit a matching request, drawn from `seed`.
        seed: Seed of that chance.
        seconds: Delay of `latency`, pause of `slow_drip` and `slow_headers`.
        chunk: Bytes at a time of those two.
    """

    path: str
    kind: Kind
    method: str | None = None
    workspace: str | None = None
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    count: int | None = 1
    after: int = 0
    limit_over: int | None = None
    record: str | None = None
    probability: float = 1.0
    seed: int = 1
    seconds: float = 1.0
    chunk: int = 16
    id: int = 0
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            message = f"unknown kind of fault: {self.kind!r}; there are {', '.join(KINDS)}"
            raise ValueError(message)
        self._rng = Random(self.seed)
        self.forgotten = asyncio.Event()
        self._cursors: list[str] = []

    @property
    def spent(self) -> bool:
        """Whether it has hit as often as it may."""
        return self.count is not None and self.hits >= self.count

    def strikes(self, asked: Asked) -> bool:
        """Decide whether a request is hit, and count it."""
        if self.spent or not self._is_about(asked):
            return False
        self.seen += 1
        if self.seen <= self.after or self._rng.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def _is_about(self, asked: Asked) -> bool:
        return (
            (not self.method or self.method.upper() == asked.method)
            and self.workspace in {None, asked.workspace}
            and (asked.path == self.path or fnmatchcase(asked.path, self.path))
            # The first page has no cursor that could be repeated.
            and not (self.kind == "repeat_cursor" and asked.cursor is None)
            and (self.limit_over is None or asked.limit > self.limit_over)
            and (self.record is None or f'"{self.record}"'.encode() in asked.answer)
        )

    def next_cursor(self, real: str | None, asked: str | None) -> str | None:
        """Give the cursor that leads astray: back to this page, or round and round over two of them."""
        if self.body is not None:
            return str(self.body)
        if self.kind == "repeat_cursor":
            return asked
        if real is not None and (len(self._cursors) < ROUND or real in self._cursors):
            self._cursors.append(real)
            return real
        return self._cursors[0] if self._cursors else real


class Faults:
    """All trouble on order."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next = 1

    def add(self, order: dict[str, Any]) -> Fault:
        """Take an order; TypeError or ValueError if it makes no sense."""
        # It takes several answers to lead somebody in a circle.
        fault = Fault(**({"count": None} if order.get("kind") == "cursor_loop" else {}) | order)
        fault.id, self._next = self._next, self._next + 1
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all orders."""
        for fault in self._faults:
            fault.forgotten.set()
        self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """List the orders, spent ones included."""
        return [asdict(fault) for fault in self._faults]

    @property
    def about_records(self) -> bool:
        """Whether it takes the right answer to tell what is hit."""
        return any(fault.record is not None for fault in self._faults)

    def strike(self, asked: Asked) -> Fault | None:
        """Give the one fault that hits a request: the first that applies."""
        return next((fault for fault in self._faults if fault.strikes(asked)), None)

    def __bool__(self) -> bool:
        return bool(self._faults)


def instead(fault: Fault) -> Response:
    """Make the answer that takes the place of the real one."""
    status = fault.status or 200
    if fault.kind == "status":
        answer = ApiError(fault.status or 500, "The sandbox was told to fail").answer()
        if fault.body is not None:
            answer = Response(_body(fault.body), answer.status_code, media_type=JSON_TYPE)
        answer.headers.update(fault.headers)
        return answer
    if fault.kind == "html":
        page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad gateway</body></html>"
        return Response(_body(fault.body or page), fault.status or 502, media_type="text/html; charset=utf-8")
    if fault.kind == "garbage":
        return Response(_body(fault.body or '{"items":[{"id":'), status, media_type=JSON_TYPE)
    if fault.kind == "empty":
        return Response(b"", status, media_type=JSON_TYPE)
    error = {"statusCode": 500, "error": "Internal Server Error", "message": "Something went wrong"}
    return Response(_body(fault.body or error), status, media_type=JSON_TYPE)


def _body(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return value.encode() if isinstance(value, str) else dumps(value).encode()


def deface(fault: Fault, answer: Response, cursor: str | None) -> Response:
    """Change the real answer: its content type, its cursor or the order of its records."""
    if fault.kind == "wrong_content_type":
        answer.headers["content-type"] = "text/html; charset=utf-8"
        return answer
    with contextlib.suppress(ValueError):
        body = json.loads(bytes(answer.body))
        if isinstance(body, dict) and "items" in body and fault.kind == "disordered":
            body["items"].reverse()
            return Response(dumps(body).encode(), answer.status_code, media_type=JSON_TYPE)
        if isinstance(body, dict) and "items" in body:
            astray = fault.next_cursor(body.pop("next_starting_after", None), cursor)
            tail = {} if astray is None else {"next_starting_after": astray}
            return Response(dumps(body | tail).encode(), answer.status_code, media_type=JSON_TYPE)
    return answer


async def send_slow_headers(fault: Fault, answer: Response, transport: asyncio.Transport | None) -> None:
    """Send an answer whose headers take their time."""
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
    """Send an answer that breaks off, or that takes its time."""
    body = bytes(answer.body)
    start = {"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
    await send(start)
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
    """Reset the connection: no answer, no orderly end."""
    if transport is None:
        return
    handle = transport.get_extra_info("socket")
    if handle is not None:
        # Closing with a linger time of zero is what makes the kernel send RST rather than FIN.
        with socket.fromfd(handle.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

"""How the API behaves at the door: who gets in, how fast, and with what trouble."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response

from sandbox.answers import ApiError
from sandbox.faults import INSTEAD, Asked, Fault, deface, instead, reset, send_broken, send_slow_headers
from sandbox.group import MAIN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.config import ApiKey
    from sandbox.request_log import Entry
    from sandbox.state import State, Workspace
    from sandbox.world import World

API = "/api/"
AS_WORKSPACE = "x-as-workspace"
# A log of ten thousand imports must not fill the memory.
LOGGED_BYTES = 1 << 16

# The edge turns away clients that do not say who they are. That requests' default is among them is a guess.
BLOCKED_AGENTS = re.compile(r"(python-urllib|python-httpx|python-requests|undici|node)(/|$)", re.IGNORECASE)


@dataclass
class Call:
    """A request that was let in."""

    workspace: Workspace
    key: ApiKey
    path: dict[str, str]
    query: QueryParams
    body: bytes

    @property
    def world(self) -> World:
        """What is in the workspace."""
        return self.workspace.world


@dataclass
class Visitor:
    """Who sent a request, and for which workspace; None for what is not known or not allowed."""

    names_key: bool
    key: ApiKey | None
    workspace: Workspace | None


def identify(state: State, headers: Headers) -> Visitor:
    """Find the key, and the workspace it opens."""
    header = headers.get("authorization", "")
    scheme, _, secret = header.partition(" ")
    key = state.keys.get(secret.strip()) if scheme.lower() == "bearer" else None
    return Visitor(bool(header), key, state.entered(key, headers.get(AS_WORKSPACE)) if key else None)


def admit(visitor: Visitor, scopes: frozenset[str] | None) -> tuple[ApiKey, Workspace]:
    """Check the key, the workspace, the plan, the pace and the scopes, in this order."""
    key, workspace = visitor.key, visitor.workspace
    if key is None:
        raise ApiError(401, "Invalid API key" if visitor.names_key else "Missing Authorization header")
    if workspace is None:
        # Neither status nor message is known.
        raise ApiError(403, f"API key may not act in the workspace named by {AS_WORKSPACE}")
    manners = workspace.manners
    if not (key.paid and manners.paid):
        raise ApiError(402, "Workspace does not have an active paid plan")
    if manners.rate_limit and not workspace.limiter.admits(manners.per_second, manners.per_minute):
        wait = {"retry-after": str(manners.retry_after)} if manners.retry_after is not None else None
        raise ApiError(429, "Rate limit exceeded", headers=wait)
    if scopes is not None and scopes.isdisjoint(key.scopes):
        # The documentation says 403; three reports from live use say 401.
        message = f"API key is missing one of the required scopes: {', '.join(sorted(scopes))}"
        raise ApiError(manners.scope_error_status, message)
    return key, workspace


def accepted_scopes(resource: str, action: str) -> frozenset[str]:
    """Give the scopes that allow an action on a resource."""
    return frozenset(f"{what}:{how}" for what in (resource, "all") for how in (action, "all"))


class Door:
    """ASGI middleware around the whole API; it leaves the control plane alone.

    Args:
        app: The application behind it.
        state: The state of the sandbox.
    """

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or do not."""
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        visitor = identify(self._state, Headers(scope=scope))
        entry = self._state.log.open(
            scope["method"],
            scope["path"],
            query,
            Headers(scope=scope).get("user-agent", ""),
            key=visitor.key.name if visitor.key else None,
            workspace=visitor.workspace.name if visitor.workspace else None,
        )
        try:
            await self._answer(entry, visitor, scope, receive, send)
        finally:
            self._state.log.close(entry)

    async def _answer(self, entry: Entry, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        entry.body = body[:LOGGED_BYTES]
        scope.update({"sandbox.visitor": visitor, "sandbox.entry": entry, "sandbox.body": body})

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        latency_ms = (visitor.workspace or self._state.workspaces[MAIN]).manners.latency_ms
        if latency_ms > 0:
            await asyncio.sleep(latency_ms / 1000)
        fault = await self._fault(entry, scope, receive) if self._state.faults else None
        if fault is not None:
            await self._trouble(fault, scope, receive, noting)
        elif not entry.user_agent or BLOCKED_AGENTS.match(entry.user_agent):
            await Response("error code: 1010", 403, media_type="text/plain")(scope, receive, noting)
        else:
            await self._app(scope, receive, noting)

    async def _fault(self, entry: Entry, scope: Scope, receive: Receive) -> Fault | None:
        faults = self._state.faults
        answer = bytes((await self._real_answer(scope, receive)).body) if faults.about_records else b""
        return faults.strike(Asked(entry.method, entry.path, entry.workspace, _cursor(scope), _limit(scope), answer))

    async def _trouble(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("sandbox.transport")
        if fault.kind == "reset":
            reset(transport)
        elif fault.kind in INSTEAD:
            await instead(fault)(scope, receive, send)
        elif fault.kind == "latency":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(fault.forgotten.wait(), fault.seconds)
            await self._app(scope, receive, send)
        else:
            answer = await self._real_answer(scope, receive)
            if fault.kind in {"truncated", "reset_midway", "slow_drip"}:
                await send_broken(fault, answer, send, transport)
            elif fault.kind == "slow_headers":
                await send_slow_headers(fault, answer, transport)
            else:
                await deface(fault, answer, _cursor(scope))(scope, receive, send)

    async def _real_answer(self, scope: Scope, receive: Receive) -> Response:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        answer = Response(body, messages[0]["status"])
        answer.raw_headers = list(messages[0]["headers"])
        return answer


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _cursor(scope: Scope) -> str | None:
    """Find the cursor a request came with."""
    found = _argument(scope, "starting_after")
    return str(found) if found else None


def _limit(scope: Scope) -> int:
    """Find how many records a request asked for at most; 0 if it does not say."""
    found = str(_argument(scope, "limit"))
    return int(found) if found.isdecimal() else 0


def _argument(scope: Scope, name: str) -> object:
    request = scope["sandbox.entry"].as_json()
    body = request["body"] if isinstance(request["body"], dict) else {}
    return body.get(name) or request["query"].get(name)

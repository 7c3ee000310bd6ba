"""Access checks, rate limits and faults for every API request."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import ApiError
from sandbox.config import ApiKey
from sandbox.faults import REPLACING, Fault, corrupt, replacement, reset, send_broken, send_slow_headers
from sandbox.group import MAIN
from sandbox.request_log import Entry
from sandbox.state import State
from sandbox.world import Workspace

API = "/api/"
AS_WORKSPACE = "x-as-workspace"
# A log of ten thousand imports must not fill the memory.
LOGGED_BYTES = 1 << 16

# The CDN blocks clients with generic user agents. That requests' default is among them is a guess.
BLOCKED_AGENTS = re.compile(r"(python-urllib|python-httpx|python-requests|undici|node)(/|$)", re.IGNORECASE)


@dataclass
class Identity:
    """Key and workspace of a request; None if unknown or not allowed."""

    names_key: bool
    key: ApiKey | None
    workspace: Workspace | None


def admit(identity: Identity, scopes: frozenset[str] | None) -> tuple[ApiKey, Workspace]:
    """Check the key, the workspace, the plan, the rate limit and the scopes, in this order."""
    key, workspace = identity.key, identity.workspace
    if key is None:
        raise ApiError(401, "Invalid API key" if identity.names_key else "Missing Authorization header")
    if workspace is None:
        # Status and message are guesses.
        raise ApiError(403, f"API key may not act in the workspace named by {AS_WORKSPACE}")
    behaviour = workspace.behaviour
    if not (key.paid and behaviour.paid):
        raise ApiError(402, "Workspace does not have an active paid plan")
    workspace.limit_rate(workspace.limiter, behaviour.per_second, behaviour.per_minute)
    if scopes is not None and scopes.isdisjoint(key.scopes):
        # The documentation says 403; three reports from live use say 401.
        message = f"API key is missing one of the required scopes: {', '.join(sorted(scopes))}"
        raise ApiError(behaviour.scope_error_status, message)
    return key, workspace


class Access:
    """ASGI middleware around the API; the control plane passes through."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        headers, query = Headers(scope=scope), scope["query_string"].decode("latin-1")
        header, place = headers.get("authorization", ""), headers.get(AS_WORKSPACE)
        scheme, _, secret = header.partition(" ")
        known = self._state.keys.get(secret.strip()) if scheme.lower() == "bearer" else None
        identity = Identity(bool(header), known, self._state.entered(known, place) if known else None)
        key, workspace = (found.name if found else None for found in (identity.key, identity.workspace))
        entry = Entry(scope["method"], scope["path"], query, headers.get("user-agent", ""), key, workspace)
        self._state.log.open(entry)
        try:
            await self._answer(entry, identity, scope, receive, send)
        finally:
            self._state.log.close(entry)

    async def _answer(self, entry: Entry, identity: Identity, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + bytes(message.get("body", b"")), bool(message.get("more_body"))
        entry.body = body[:LOGGED_BYTES]
        scope.update({"sandbox.identity": identity, "sandbox.body": body})

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        latency_ms = (identity.workspace or self._state.workspaces[MAIN]).behaviour.latency_ms
        if latency_ms > 0:
            await asyncio.sleep(latency_ms / 1000)
        fault = await self._fault(entry, scope, receive) if self._state.faults else None
        if fault is not None:
            await self._fail(fault, entry, scope, receive, noting)
        elif not entry.user_agent or BLOCKED_AGENTS.match(entry.user_agent):
            await Response("error code: 1010", 403, media_type="text/plain")(scope, receive, noting)
        else:
            await self._app(scope, receive, noting)

    async def _fault(self, entry: Entry, scope: Scope, receive: Receive) -> Fault | None:
        needed = any(fault.record is not None for fault in self._state.faults)
        answer = bytes((await self._real_answer(scope, receive)).body) if needed else b""
        return self._state.faults.hit(entry, answer)

    async def _fail(self, fault: Fault, entry: Entry, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("sandbox.transport")
        if fault.kind == "reset":
            reset(transport)
        elif fault.kind in REPLACING:
            await replacement(fault)(scope, receive, send)
        elif fault.kind == "latency":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(fault.cleared.wait(), fault.seconds)
            await self._app(scope, receive, send)
        else:
            answer = await self._real_answer(scope, receive)
            if fault.kind in {"truncated", "reset_midway", "slow_drip"}:
                await send_broken(fault, answer, send, transport)
            elif fault.kind == "slow_headers":
                await send_slow_headers(fault, answer, transport)
            else:
                await corrupt(fault, answer, entry.cursor)(scope, receive, send)

    async def _real_answer(self, scope: Scope, receive: Receive) -> Response:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        answer = Response(body, messages[0]["status"])
        answer.raw_headers = list(messages[0]["headers"])
        return answer

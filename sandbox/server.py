"""Runs the sandbox in a thread of a test, or as a process: every endpoint behind the access checks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.answers import ApiError, reply
from sandbox.api import ApiRequest, Endpoint
from sandbox.areas import API
from sandbox.config import SandboxConfig
from sandbox.control import Control
from sandbox.control_plane import control_routes, is_loopback
from sandbox.middleware import Access, admit
from sandbox.state import State

START_SECONDS = 120.0
QUIET: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False, "server_header": False}
TIMEOUTS: dict[str, Any] = {"timeout_keep_alive": 60, "timeout_graceful_shutdown": 1, "ws": "none", "lifespan": "off"}


class OpenProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with access to the transport for faults that break the connection."""

    def on_message_begin(self) -> None:
        """Add the transport to the scope."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["sandbox.transport"] = self.transport


def listen(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """Open the listening socket; PermissionError for an address that other machines can reach."""
    if not allow_remote and not is_loopback(host):
        message = f"refusing to listen on {host}: everybody could reach it (--allow-remote to do it all the same)"
        raise PermissionError(message)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(state: State) -> uvicorn.Server:
    """Create the uvicorn server of a state."""
    config = uvicorn.Config(build_app(state), http=OpenProtocol, **QUIET, **TIMEOUTS)
    return uvicorn.Server(config)


class Server:
    """A sandbox running in a thread."""

    def __init__(self, url: str, state: State) -> None:
        self.url, self.state, self.control = url, state, Control(url)

    @property
    def api_key(self) -> str:
        """The secret of the first key."""
        return next(iter(self.state.keys))


@contextmanager
def serve(config: SandboxConfig | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Server]:
    """Run a sandbox in a thread while the context lasts."""
    state = State(config or SandboxConfig())
    listener = listen(host, port)
    runner = make_server(state)
    thread = threading.Thread(target=runner.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    server = Server(address_of(listener), state)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not runner.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                message = "the sandbox did not start"
                raise RuntimeError(message)
            time.sleep(0.005)
        yield server
    finally:
        server.control.close()
        runner.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


def build_app(state: State) -> Starlette:
    """Build the application for a state."""
    # Literal paths are tried before those with a key in the same position.
    endpoints = sorted(API.endpoints, key=lambda one: [part.startswith("{") for part in one.path.split("/")])
    routes = [Route(f"/api/v2{one.path}", _answering(one), methods=[one.method]) for one in endpoints]
    return Starlette(
        routes=[*routes, *control_routes(state)],
        middleware=[Middleware(Access, state=state)],
        exception_handlers={404: _no_route, 405: _no_route},
    )


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    scopes = None
    if endpoint.scope:
        resource, action = endpoint.scope.split(":")
        scopes = frozenset(f"{what}:{how}" for what in (resource, "all") for how in (action, "all")).union(
            endpoint.also
        )

    async def answer(request: Request) -> Response:
        try:
            key, workspace = admit(request.scope["sandbox.identity"], scopes)
            body = request.scope["sandbox.body"]
            found = endpoint.handler(ApiRequest(workspace, key, request.path_params, request.query_params, body))
            return found if isinstance(found, Response) else reply(found)
        except ApiError as error:
            return error.answer()

    return answer


async def _no_route(request: Request, _error: Exception) -> Response:
    return ApiError(404, f"Route {request.method}:{request.url.path} not found").answer()

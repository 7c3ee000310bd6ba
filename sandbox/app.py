"""The application: every endpoint of every area behind the access checks, and the control plane."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import ApiError, not_found, reply
from sandbox.api import ApiRequest, Endpoint
from sandbox.areas import API
from sandbox.control_plane import control_routes
from sandbox.middleware import Access, accepted_scopes, admit
from sandbox.state import State


def build_app(state: State) -> Starlette:
    """Build the application for a state."""
    routes = [
        Route(f"/api/v2{endpoint.path}", _answering(endpoint), methods=[endpoint.method])
        for endpoint in sorted(API.endpoints, key=_generality)
    ]
    return Starlette(
        routes=[*routes, *control_routes(state)],
        middleware=[Middleware(Access, state=state)],
        exception_handlers={404: _no_route, 405: _no_route},
    )


def _generality(endpoint: Endpoint) -> list[bool]:
    """Rank a path, so that literal paths are tried before those with a key in the same position."""
    return [segment.startswith("{") for segment in endpoint.path.split("/")]


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    scopes = accepted_scopes(*endpoint.scope.split(":")).union(endpoint.also) if endpoint.scope else None

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
    return not_found(f"Route {request.method}:{request.url.path} not found").answer()

"""The application: every operation of every area behind the door, and the control plane beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from sandbox.answers import ApiError, not_found
from sandbox.areas import OPERATIONS
from sandbox.manners import Call, Door, accepted_scopes, admit
from sandbox.plane import plane_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.area import Operation
    from sandbox.state import State


def build_app(state: State) -> Starlette:
    """Build the application around a state."""
    routes = [
        Route(f"/api/v2{operation.path}", _endpoint(operation), methods=[operation.method])
        for operation in sorted(OPERATIONS, key=_generality)
    ]
    return Starlette(
        routes=[*routes, *plane_routes(state)],
        middleware=[Middleware(Door, state=state)],
        exception_handlers={404: _no_route, 405: _no_route},
    )


def _generality(operation: Operation) -> list[bool]:
    """Rank a path, so that literal ones are tried before those with a key in the same place."""
    return [segment.startswith("{") for segment in operation.path.split("/")]


def _endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    scopes = accepted_scopes(*operation.scope.split(":")).union(operation.also) if operation.scope else None

    async def endpoint(request: Request) -> Response:
        try:
            key, workspace = admit(request.scope["sandbox.visitor"], scopes)
            call = Call(workspace, key, request.path_params, request.query_params, request.scope["sandbox.body"])
            return operation.handler(call)
        except ApiError as error:
            return error.answer()

    return endpoint


async def _no_route(request: Request, _error: Exception) -> Response:
    return not_found(f"Route {request.method}:{request.url.path} not found").answer()

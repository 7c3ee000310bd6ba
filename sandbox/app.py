"""The application: which path is answered by what, and which scope it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from sandbox import api_analytics, api_leads, api_lists
from sandbox.answers import ApiError, not_found
from sandbox.entities import ACTIVE, PAUSED
from sandbox.listings import ACCOUNTS, CAMPAIGNS, LEAD_LISTS
from sandbox.manners import Call, Door, accepted_scopes, admit
from sandbox.plane import plane_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.state import State


@dataclass(frozen=True)
class Operation:
    """One operation of the API.

    Attributes:
        method: HTTP method.
        path: Path below /api/v2; what identifies a record is called `key`.
        handler: What answers.
        scope: `resource:action`, or None where any key will do.
    """

    method: str
    path: str
    handler: Callable[[Call], Response]
    scope: str | None = None


OPERATIONS = (
    Operation("POST", "/leads/list", api_leads.list_leads, "leads:read"),
    Operation("GET", "/workspaces/current", api_lists.get_workspace, "workspaces:read"),
    Operation("GET", "/campaigns/analytics", api_analytics.get_campaigns),
    Operation("GET", "/campaigns/analytics/overview", api_analytics.get_overview),
    Operation("GET", "/campaigns/analytics/daily", api_analytics.get_daily),
    Operation("GET", "/campaigns/analytics/steps", api_analytics.get_steps),
    Operation("GET", "/campaigns", api_lists.get_list(CAMPAIGNS), "campaigns:read"),
    Operation("POST", "/campaigns", api_lists.post_campaign, "campaigns:create"),
    Operation("GET", "/campaigns/{key}", api_lists.get_one("campaigns"), "campaigns:read"),
    Operation("POST", "/campaigns/{key}/activate", api_lists.post_status(ACTIVE), "campaigns:update"),
    Operation("POST", "/campaigns/{key}/pause", api_lists.post_status(PAUSED), "campaigns:update"),
    Operation("GET", "/accounts", api_lists.get_list(ACCOUNTS), "accounts:read"),
    Operation("GET", "/accounts/{key}", api_lists.get_accounts_detail(), "accounts:read"),
    Operation("POST", "/leads", api_leads.post_lead, "leads:create"),
    Operation("POST", "/leads/add", api_leads.post_leads, "leads:create"),
    Operation("GET", "/leads/{key}", api_leads.get_lead, "leads:read"),
    Operation("GET", "/lead-lists", api_lists.get_list(LEAD_LISTS), "lead_lists:read"),
    Operation("GET", "/lead-lists/{key}", api_lists.get_one("lead_lists"), "lead_lists:read"),
)


def build_app(state: State) -> Starlette:
    """Build the application around a state."""
    routes = [
        Route(f"/api/v2{operation.path}", _endpoint(state, operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    return Starlette(
        routes=[*routes, *plane_routes(state)],
        middleware=[Middleware(Door, state=state)],
        exception_handlers={404: _no_route, 405: _no_route},
    )


def _endpoint(state: State, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    scopes = accepted_scopes(*operation.scope.split(":")) if operation.scope else None

    async def endpoint(request: Request) -> Response:
        entry = request.scope["sandbox.entry"]
        try:
            key = admit(state, request.headers, entry, scopes)
            world = state.worlds[key.workspace]
            call = Call(state, world, key, request.path_params, request.query_params, request.scope["sandbox.body"])
            return operation.handler(call)
        except ApiError as error:
            return error.answer()

    return endpoint


async def _no_route(request: Request, _error: Exception) -> Response:
    return not_found(f"Route {request.method}:{request.url.path} not found").answer()

"""The control plane below /_sandbox: faults, changes, the request log, the truth."""

from __future__ import annotations

import ipaddress
import json
import time
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.answers import ApiError, reply
from sandbox.changes import OPERATIONS, change
from sandbox.group import MAIN
from sandbox.truth import RESOURCES, lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from starlette.requests import Request

    from sandbox.state import State, Workspace

    Endpoint = Callable[[Request], Awaitable[Response]]

PREFIX = "/_sandbox"
LINES_AT_A_TIME = 500


def plane_routes(state: State) -> list[Route]:
    """Make the routes of the control plane."""
    plane = Plane(state)
    table = [
        ("GET", "", plane.get_about),
        ("GET", "/faults", plane.get_faults),
        ("POST", "/faults", plane.post_fault),
        ("DELETE", "/faults", plane.delete_faults),
        ("POST", "/mutations", plane.post_mutation),
        ("GET", "/requests", plane.get_requests),
        ("DELETE", "/requests", plane.delete_requests),
        ("GET", "/requests/counts", plane.get_counts),
        ("GET", "/truth/{resource}", plane.get_truth),
        ("GET", "/config", plane.get_config),
        ("PATCH", "/config", plane.patch_config),
        ("POST", "/reset", plane.post_reset),
    ]
    return [Route(f"{PREFIX}{path}", guarded(endpoint), methods=[method]) for method, path, endpoint in table]


def guarded(endpoint: Endpoint) -> Endpoint:
    """Keep the control plane to this machine and turn errors into answers."""

    async def wrapped(request: Request) -> Response:
        if not _is_local(request):
            return ApiError(403, "The control plane answers this machine only").answer()
        try:
            return await endpoint(request)
        except ApiError as error:
            return error.answer()

    return wrapped


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object")
    return body


class Plane:
    """The endpoints of the control plane.

    Args:
        state: The state they show and change.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    async def get_about(self, _request: Request) -> Response:
        """Tell what there is."""
        config = asdict(self._state.config) | {"until": self._state.world.until}
        shown = ("name", "secret", "scopes", "paid", "workspace")
        keys = [{name: getattr(key, name) for name in shown} for key in self._state.keys.values()]
        workspaces = [self._describe(workspace) for workspace in self._state.workspaces.values()]
        names = {"truth": sorted(RESOURCES), "mutations": sorted(OPERATIONS)}
        return reply(
            {"config": config, "keys": keys, "workspaces": workspaces, "cpu_seconds": time.process_time(), **names}
        )

    def _describe(self, workspace: Workspace) -> dict[str, Any]:
        """Show a workspace without making it."""
        member = self._state.members.get(workspace.name)
        group = {"id": member.organization, "membership": member.status} if member else {}
        return {"name": workspace.name, "made": workspace.made, **group}

    def _named(self, request: Request) -> Workspace | None:
        """Give the workspace that the query names, or None if it names none."""
        name = request.query_params.get("workspace")
        return None if name is None else self._known(name)

    def _known(self, name: str) -> Workspace:
        if name not in self._state.workspaces:
            raise ApiError(404, "No such workspace")
        return self._state.workspaces[name]

    async def get_faults(self, _request: Request) -> Response:
        """List the faults on order."""
        return reply(self._state.faults.as_json())

    async def post_fault(self, request: Request) -> Response:
        """Order a fault."""
        order = await _body(request)
        if order.get("workspace") is not None:
            self._known(str(order["workspace"]))
        try:
            return reply(asdict(self._state.faults.add(order)))
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None

    async def delete_faults(self, _request: Request) -> Response:
        """Forget all faults."""
        self._state.faults.clear()
        return reply({})

    async def post_mutation(self, request: Request) -> Response:
        """Change the workspace."""
        return reply(change(self._state, await _body(request)))

    async def get_requests(self, request: Request) -> Response:
        """Show the last requests; `path` and `workspace` narrow them."""
        wanted = {name: value for name, value in request.query_params.items() if name in {"path", "workspace"}}
        return reply([entry for entry in self._state.log.entries() if wanted.items() <= entry.items()])

    async def delete_requests(self, _request: Request) -> Response:
        """Clear the log."""
        self._state.log.clear()
        return reply({})

    async def get_counts(self, request: Request) -> Response:
        """Count the requests, all or those for a workspace."""
        return reply(self._state.log.counts(request.query_params.get("workspace")))

    async def get_truth(self, request: Request) -> Response:
        """Stream every row of a resource as JSON lines."""
        resource = request.path_params["resource"]
        if resource not in RESOURCES:
            raise ApiError(404, f"No such truth; there are {', '.join(sorted(RESOURCES))}")
        world = (self._named(request) or self._state.workspaces[MAIN]).world
        return StreamingResponse(_in_chunks(lines(world, resource)), media_type="application/x-ndjson")

    async def get_config(self, request: Request) -> Response:
        """Show the manners of a workspace."""
        return reply(asdict((self._named(request) or self._state.workspaces[MAIN]).manners))

    async def patch_config(self, request: Request) -> Response:
        """Change the manners, of the workspace named or of all."""
        one, changes = self._named(request), await _body(request)
        try:
            for workspace in self._state.workspaces.values() if one is None else (one,):
                workspace.manners = replace(workspace.manners, **changes)
        except TypeError as error:
            raise ApiError(400, str(error)) from None
        return await self.get_config(request)

    async def post_reset(self, _request: Request) -> Response:
        """Go back to the seeded state."""
        self._state.reset()
        return reply({})


async def _in_chunks(texts: Iterable[str]) -> AsyncIterator[bytes]:
    """Join lines to chunks worth sending."""
    source = iter(texts)
    while chunk := list(islice(source, LINES_AT_A_TIME)):
        yield ("\n".join(chunk) + "\n").encode()

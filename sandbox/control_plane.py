"""The control plane below /_sandbox: faults, mutations, request log, truth."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import asdict, replace
from inspect import signature
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.answers import ApiError, reply
from sandbox.areas import API
from sandbox.clock import parse_stamp
from sandbox.group import MAIN
from sandbox.records import Row
from sandbox.state import State
from sandbox.truth import RESOURCES, lines
from sandbox.workspaces import Workspace
from sandbox.world import World

Endpoint = Callable[[Request], Awaitable[Response]]


PREFIX = "/_sandbox"
LINES_AT_A_TIME = 500


def _add_field(world: World, resource: str, name: str, value: Any) -> Row:  # noqa: ANN401 - any JSON value
    """Add a field that no schema knows to every record of a resource."""
    world.mutation_rng()
    world.extra[resource][name] = value
    if resource == "leads":
        world.leads.add_members(world.extra["leads"])
    return {"resource": resource, "name": name, "value": value}


MUTATIONS = {**API.mutations, "add_field": _add_field}


def control_routes(state: State) -> list[Route]:
    """Create the routes of the control plane."""
    table = ControlPlane(state).endpoints()
    return [Route(f"{PREFIX}{path}", _guarded(endpoint), methods=[method]) for method, path, endpoint in table]


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Restrict the control plane to this machine and turn errors into answers."""

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


class ControlPlane:
    """Endpoints of the control plane."""

    def __init__(self, state: State) -> None:
        self._state = state

    def endpoints(self) -> list[tuple[str, str, Endpoint]]:
        """Return the method, the path and the handler of each endpoint."""
        return [
            ("GET", "", self._get_about),
            ("GET", "/faults", self._get_faults),
            ("POST", "/faults", self._post_fault),
            ("DELETE", "/faults", self._delete_faults),
            ("POST", "/mutations", self._post_mutation),
            ("GET", "/requests", self._get_requests),
            ("DELETE", "/requests", self._delete_requests),
            ("GET", "/requests/counts", self._get_counts),
            ("GET", "/truth/{resource}", self._get_truth),
            ("GET", "/config", self._get_config),
            ("PATCH", "/config", self._patch_config),
            ("POST", "/reset", self._post_reset),
        ]

    async def _get_about(self, _request: Request) -> Response:
        config = asdict(self._state.config) | {"until": self._state.world.until}
        shown = ("name", "secret", "scopes", "paid", "workspace")
        keys = [{name: getattr(key, name) for name in shown} for key in self._state.keys.values()]
        workspaces = [self._describe(workspace) for workspace in self._state.workspaces.values()]
        names = {"truth": sorted(RESOURCES), "mutations": sorted(MUTATIONS)}
        return reply(
            {"config": config, "keys": keys, "workspaces": workspaces, "cpu_seconds": time.process_time(), **names}
        )

    def _describe(self, workspace: Workspace) -> dict[str, Any]:
        """Describe a workspace without creating it."""
        member = self._state.members.get(workspace.name)
        group = {"id": member.organization, "membership": member.status} if member else {}
        return {"name": workspace.name, "made": workspace.made, **group}

    def _named(self, request: Request) -> Workspace | None:
        """Return the workspace that the query names; None if it names none."""
        name = request.query_params.get("workspace")
        return None if name is None else self._known(name)

    def _known(self, name: str) -> Workspace:
        if name not in self._state.workspaces:
            raise ApiError(404, "No such workspace")
        return self._state.workspaces[name]

    async def _get_faults(self, _request: Request) -> Response:
        return reply(self._state.faults.as_json())

    async def _post_fault(self, request: Request) -> Response:
        order = await _body(request)
        if order.get("workspace") is not None:
            self._known(str(order["workspace"]))
        try:
            return reply(asdict(self._state.faults.add(order)))
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None

    async def _delete_faults(self, _request: Request) -> Response:
        self._state.faults.clear()
        return reply({})

    async def _post_mutation(self, request: Request) -> Response:
        order = await _body(request)
        workspace = self._state.workspaces.get(str(order.pop("workspace", MAIN)))
        name = str(order.pop("op", ""))
        mutation = MUTATIONS.get(name)
        if mutation is None or workspace is None:
            raise ApiError(400, f"Unknown mutation or workspace; there are {', '.join(sorted(MUTATIONS))}")
        try:
            if order.get("at") is not None:
                order["at"] = parse_stamp(order["at"])
            signature(mutation).bind(workspace.world, **order)
            return reply(mutation(workspace.world, **order))
        except (TypeError, ValueError) as error:
            raise ApiError(400, f"{name}: {error}") from None

    async def _get_requests(self, request: Request) -> Response:
        wanted = {name: value for name, value in request.query_params.items() if name in {"path", "workspace"}}
        return reply([entry for entry in self._state.log.entries() if wanted.items() <= entry.items()])

    async def _delete_requests(self, _request: Request) -> Response:
        self._state.log.clear()
        return reply({})

    async def _get_counts(self, request: Request) -> Response:
        return reply(self._state.log.counts(request.query_params.get("workspace")))

    async def _get_truth(self, request: Request) -> Response:
        resource = request.path_params["resource"]
        if resource not in RESOURCES:
            raise ApiError(404, f"No such truth; there are {', '.join(sorted(RESOURCES))}")
        world = (self._named(request) or self._state.workspaces[MAIN]).world
        return StreamingResponse(_in_chunks(lines(world, resource)), media_type="application/x-ndjson")

    async def _get_config(self, request: Request) -> Response:
        return reply(asdict((self._named(request) or self._state.workspaces[MAIN]).behaviour))

    async def _patch_config(self, request: Request) -> Response:
        one, changes = self._named(request), await _body(request)
        try:
            for workspace in self._state.workspaces.values() if one is None else (one,):
                workspace.behaviour = replace(workspace.behaviour, **changes)
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None
        return await self._get_config(request)

    async def _post_reset(self, _request: Request) -> Response:
        self._state.reset()
        return reply({})


async def _in_chunks(texts: Iterable[str]) -> AsyncIterator[bytes]:
    """Join lines into chunks of a reasonable size."""
    source = iter(texts)
    while chunk := list(islice(source, LINES_AT_A_TIME)):
        yield ("\n".join(chunk) + "\n").encode()

"""The control plane below /_sandbox: faults, mutations, request log, truth."""

from __future__ import annotations

import contextlib
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
from sandbox.world import Workspace, World

PREFIX = "/_sandbox"
LINES_AT_A_TIME = 500
KEY_FIELDS = ("name", "secret", "scopes", "paid", "workspace")

# Gets the query and the body; returns a JSON value, or an answer.
Handler = Callable[[Row, Row], object]


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
    plane = ControlPlane(state)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "", plane.about),
        ("GET", "/faults", lambda _query, _body: [asdict(fault) for fault in state.faults]),
        ("POST", "/faults", plane.add_fault),
        ("DELETE", "/faults", lambda _query, _body: state.faults.clear()),
        ("POST", "/mutations", plane.mutate),
        ("GET", "/requests", plane.requests),
        ("DELETE", "/requests", lambda _query, _body: state.log.clear()),
        ("GET", "/requests/counts", lambda query, _body: state.log.counts(query.get("workspace"))),
        ("GET", "/truth/{resource}", plane.truth),
        ("GET", "/config", lambda query, _body: asdict(plane.named(query).behaviour)),
        ("PATCH", "/config", plane.configure),
        ("POST", "/reset", lambda _query, _body: state.reset()),
    ]
    return [Route(f"{PREFIX}{path}", _answering(handler, path), methods=[method]) for method, path, handler in table]


def _answering(handler: Handler, path: str) -> Callable[[Request], Awaitable[Response]]:
    """Restrict the control plane to this machine, read the body, and turn errors into answers."""

    async def answer(request: Request) -> Response:
        if request.client is None or not is_loopback(request.client.host):
            return ApiError(403, "The control plane answers this machine only").answer()
        body: Any = {} if path == "/reset" or request.method in {"GET", "DELETE"} else None
        with contextlib.suppress(ValueError):
            body = body if body == {} else json.loads(await request.body())
        if not isinstance(body, dict):
            return ApiError(400, "The body must be a JSON object").answer()
        try:
            found = handler({**request.query_params, **request.path_params}, body)
            return found if isinstance(found, Response) else reply({} if found is None else found)
        except ApiError as error:
            return error.answer()
        except (TypeError, ValueError) as error:
            return ApiError(400, str(error)).answer()

    return answer


def is_loopback(host: str) -> bool:
    """Return whether a host is only this machine."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class ControlPlane:
    """Handlers of the control plane."""

    def __init__(self, state: State) -> None:
        self._state = state

    def about(self, _query: Row, _body: Row) -> Row:
        """Describe the sandbox."""
        state = self._state
        return {
            "config": asdict(state.config) | {"until": state.world.until},
            "keys": [{name: getattr(key, name) for name in KEY_FIELDS} for key in state.keys.values()],
            "workspaces": [self._describe(workspace) for workspace in state.workspaces.values()],
            "cpu_seconds": time.process_time(),
            "truth": sorted(RESOURCES),
            "mutations": sorted(MUTATIONS),
        }

    def _describe(self, workspace: Workspace) -> Row:
        """Describe a workspace without creating it."""
        member = self._state.members.get(workspace.name)
        group = {"id": member.organization, "membership": member.status} if member else {}
        return {"name": workspace.name, "made": workspace.made, **group}

    def named(self, arguments: Row) -> Workspace:
        """Return the workspace that the arguments name, or the first one."""
        name = MAIN if (given := arguments.get("workspace")) is None else str(given)
        if name not in self._state.workspaces:
            raise ApiError(404, "No such workspace")
        return self._state.workspaces[name]

    def add_fault(self, _query: Row, order: Row) -> Row:
        """Add a fault."""
        self.named(order)
        return asdict(self._state.faults.add(order))

    def mutate(self, _query: Row, order: Row) -> Row:
        """Change a workspace."""
        workspace = self._state.workspaces.get(str(order.pop("workspace", MAIN)))
        name = str(order.pop("op", ""))
        mutation = MUTATIONS.get(name)
        if mutation is None or workspace is None:
            raise ApiError(400, f"Unknown mutation or workspace; there are {', '.join(sorted(MUTATIONS))}")
        try:
            if order.get("at") is not None:
                order["at"] = parse_stamp(order["at"])
            signature(mutation).bind(workspace.world, **order)
            return mutation(workspace.world, **order)
        except (TypeError, ValueError) as error:
            raise ApiError(400, f"{name}: {error}") from None

    def requests(self, query: Row, _body: Row) -> list[Row]:
        """List the requests of a path, a workspace or all."""
        wanted = {name: value for name, value in query.items() if name in {"path", "workspace"}}
        return [entry for entry in self._state.log.entries() if wanted.items() <= entry.items()]

    def truth(self, query: Row, _body: Row) -> Response:
        """Stream every row of a resource."""
        resource = query["resource"]
        if resource not in RESOURCES:
            raise ApiError(404, f"No such truth; there are {', '.join(sorted(RESOURCES))}")
        chunks = _in_chunks(lines(self.named(query).world, resource))
        return StreamingResponse(chunks, media_type="application/x-ndjson")

    def configure(self, query: Row, changes: Row) -> Row:
        """Change the behaviour of one workspace or all."""
        first = self.named(query)
        for workspace in (first,) if "workspace" in query else self._state.workspaces.values():
            workspace.behaviour = replace(workspace.behaviour, **changes)
        return asdict(first.behaviour)


async def _in_chunks(texts: Iterable[str]) -> AsyncIterator[bytes]:
    source = iter(texts)
    while chunk := list(islice(source, LINES_AT_A_TIME)):
        yield ("\n".join(chunk) + "\n").encode()

"""Parts that areas of the API consist of; `sandbox/README.md` describes adding one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.responses import Response

from sandbox.answers import ApiError, dumps, raw_reply, reply
from sandbox.lists import Listing, Ordered, envelope, parse_limit, shorten
from sandbox.records import Row
from sandbox.workspaces import ApiRequest
from sandbox.world import Maker, World

Handler = Callable[[ApiRequest], Response]
Truth = Callable[[World], Iterable[Row]]
T = TypeVar("T")


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the API."""

    method: str
    path: str  # below /api/v2; the identifier of a record is named `key`
    handler: Handler
    scope: str | None = None  # `resource:action`; None if any key suffices
    also: tuple[str, ...] = ()  # further sufficient scopes, besides the usual four


@dataclass(frozen=True)
class Area:
    """A part of the API; areas add up. Literal paths precede those with a `{key}`."""

    endpoints: tuple[Endpoint, ...] = ()
    # Creators of records by table. They run on first access, and at the latest before the first change.
    tables: Mapping[str, Maker] = field(default_factory=dict)
    # Every row of a resource as its list renders it.
    truth: Mapping[str, Truth] = field(default_factory=dict)
    # Changes by the control plane; each takes the world and keyword arguments.
    mutations: Mapping[str, Callable[..., Row]] = field(default_factory=dict)

    def __add__(self, other: Area) -> Area:
        return Area(
            self.endpoints + other.endpoints,
            {**self.tables, **other.tables},
            {**self.truth, **other.truth},
            {**self.mutations, **other.mutations},
        )


def get(path: str, handler: Handler, scope: str | None = None, also: tuple[str, ...] = ()) -> Endpoint:
    """Describe a GET endpoint."""
    return Endpoint("GET", path, handler, scope, also)


def post(path: str, handler: Handler, scope: str | None = None) -> Endpoint:
    """Describe a POST endpoint."""
    return Endpoint("POST", path, handler, scope)


def resource(path: str, listing: Listing, make: Maker | None = None, *, detail: bool = True) -> Area:
    """Describe a table with its list, its truth and, unless `detail` is false, the call for one record."""
    scope = f"{listing.scope or listing.resource}:read"
    one = (get(f"{path}/{{key}}", get_one(listing.resource), scope),) if detail else ()
    tables = {} if make is None else {listing.resource: make}
    return Area((get(path, get_list(listing), scope), *one), tables, {listing.resource: listed(listing)})


def single(path: str, name: str, make: Callable[[World], Row], scope: str | None = None) -> Area:
    """Describe an endpoint with one object, and its truth."""

    def made(world: World) -> Row:
        return make(world) | world.extra[name]

    return Area(
        (get(path, lambda request: reply(made(request.world)), scope),), truth={name: lambda world: [made(world)]}
    )


def listed(listing: Listing, **query: str) -> Truth:
    """Return the truth of a list: its rows as rendered there, in its order."""
    return lambda world: (listing.present(row, query) for row in listing.select(world.rows(listing.resource)))


def each(resource: str, name: str, rows_of: Callable[[World, str], Iterable[Row]]) -> Truth:
    """Return the truth of rows below each record of a resource, whose key is added under a name."""
    return lambda world: ({name: key, **row} for key in world.collection(resource) for row in rows_of(world, key))


def known(rows: Mapping[str, T], key: str) -> str:
    """Return the key if the record exists, for mutations."""
    if key not in rows:
        raise ApiError(404, f"Not there: {key}")
    return key


def update(world: World, resource: str, key: str, at: int | None = None, time: str = "", **members: Any) -> Row:
    """Change a record in a mutation; `time` names the member that gets the time."""
    rows = world.collection(resource)
    known(rows, key)
    world.mutation_rng()
    return world.insert(resource, rows[key] | ({time: world.time(at)} if time else {}) | members)


def deletion(resource: str, name: str) -> Callable[..., Row]:
    """Return the mutation that deletes a record."""

    def run(world: World, id: str) -> Row:  # noqa: A002 - the API's name for it
        rows = world.collection(resource)
        known(rows, id)
        world.mutation_rng()
        return {name: rows.pop(id)}

    return run


def get_list(listing: Listing) -> Handler:
    """Create the handler of a paged list."""

    def handler(request: ApiRequest) -> Response:
        world, query = request.world, request.arguments
        if listing.variant is not None:
            return answer_page(request, listing.variant(listing, query), world.rows(listing.resource))
        chosen = world.ordered(listing)
        if not listing.filters.keys().isdisjoint(query):
            chosen = Ordered(listing, listing.select(chosen.rows, query))
        return answer_ordered(request, listing, chosen)

    return handler


def get_children(listing: Listing, rows_of: Callable[[World, str], Iterable[Row]], parents: str) -> Handler:
    """Create the handler of a paged list below the record in the path."""

    def handler(request: ApiRequest) -> Response:
        request.row(parents)
        return answer_page(request, listing, rows_of(request.world, request.path["key"]))

    return handler


def get_one(resource: str, present: Callable[[Row], Row] = dict) -> Handler:
    """Create the handler of a detail call."""
    return lambda request: reply(present(request.row(resource)))


def answer_page(request: ApiRequest, listing: Listing, rows: Iterable[Row]) -> Response:
    """Answer with the page that the query requests of the rows that it selects."""
    return answer_ordered(request, listing, Ordered(listing, listing.select(rows, request.arguments)))


def answer_ordered(request: ApiRequest, listing: Listing, chosen: Ordered) -> Response:
    """Answer with the page that the query requests of an ordered selection."""
    query = request.arguments
    limit = parse_limit(query.get("limit", listing.usual), most=listing.most)
    cursor = query.get("starting_after")
    start = chosen.after(cursor) if cursor else 0
    workspace = request.workspace
    size = shorten(limit, workspace.behaviour.short_pages, workspace.world.config.seed, listing.resource, cursor)
    page = chosen.rows[start : start + size]
    texts = [dumps(listing.present(row, query)) for row in page]
    following = listing.order.write(page[-1]) if page else None
    if page and start + size >= len(chosen.rows) and listing.at_end != "cursor":
        following = "" if listing.at_end == "empty" else None
    return raw_reply(envelope(texts, following))


def page_of(answer: Response) -> Row:
    """Return the items of a page, and its cursor if it has one, for answers with further members."""
    page: Row = json.loads(bytes(answer.body))
    return page

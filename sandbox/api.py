"""Parts that areas of the API consist of; `sandbox/README.md` describes adding one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.datastructures import QueryParams
from starlette.responses import Response

from sandbox.answers import ApiError, dumps, existing, raw_reply, require
from sandbox.config import ApiKey
from sandbox.lists import Listing, Ordered, envelope, parse_limit, parse_time, shorten
from sandbox.records import Row
from sandbox.world import Maker, Workspace, World


@dataclass
class ApiRequest:
    """An admitted request; `path` has the parts of the path that vary."""

    workspace: Workspace
    key: ApiKey
    path: dict[str, str]
    query: QueryParams
    body: bytes

    @property
    def world(self) -> World:
        """Content of the workspace."""
        return self.workspace.world

    def row(self, resource: str) -> Row:
        """Return the record in the path, with the added fields of its resource; 404 if there is none."""
        return existing(self.world.collection(resource).get(self.path["key"])) | self.world.extra[resource]

    def moment(self, name: str, kind: str = "be a date or a timestamp") -> int | None:
        """Read a time or a day from the query."""
        return parse_time(self.query[name], name, kind) if self.query.get(name) else None

    def size(self, resource: str, limit: int, cursor: object) -> int:
        """Return the size of a page, which the workspace may shorten."""
        return shorten(limit, self.workspace.behaviour.short_pages, self.world.config.seed, resource, cursor)

    def flag(self, name: str) -> bool:
        """Return whether a parameter is true."""
        return self.query.get(name) == "true"

    def required(self, name: str) -> str:
        """Return a parameter that must not be missing or empty."""
        require(self.query.get(name), f"querystring must have required property '{name}'")
        return self.query[name]

    def items(self, name: str, most: int) -> list[Any]:
        """Read a list from the body that must have items, up to a number."""
        found: Any = self.json().get(name)
        valid = isinstance(found, list) and 1 <= len(found) <= most
        require(valid, f"body/{name} must have between 1 and {most} items")
        return list(found)

    def json(self) -> Row:
        """Read a JSON object from the body, as strictly as Fastify."""
        if not self.body:
            message = "Body cannot be empty when content-type is set to 'application/json'"
            raise ApiError(400, message, code="FST_ERR_CTP_EMPTY_JSON_BODY")
        try:
            body: Row = json.loads(self.body)
        except ValueError:
            raise ApiError(400, "Body is not valid JSON", code="FST_ERR_CTP_INVALID_JSON_BODY") from None
        require(isinstance(body, dict), "body must be object")
        return body


# Returns an answer, or the JSON value of one.
Handler = Callable[[ApiRequest], object]
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
        named = ({**getattr(self, name), **getattr(other, name)} for name in ("tables", "truth", "mutations"))
        return Area(self.endpoints + other.endpoints, *named)


def get(path: str, handler: Handler, scope: str | None = None, also: tuple[str, ...] = ()) -> Area:
    """Describe a GET endpoint."""
    return Area((Endpoint("GET", path, handler, scope, also),))


def post(path: str, handler: Handler, scope: str | None = None) -> Area:
    """Describe a POST endpoint."""
    return Area((Endpoint("POST", path, handler, scope),))


def truth(name: str, rows: Callable[..., Iterable[Row]], table: str = "", member: str = "") -> Area:
    """Describe every row of a resource.

    With the name of a table and a member, `rows` gets the world and a key of the table, which the member has in a row.
    """

    def every(world: World) -> Iterable[Row]:
        return ({member: key, **row} for key in world.collection(table) for row in rows(world, key))

    return Area(truth={name: every if table else rows})


def resource(path: str, listing: Listing, make: Maker, *, detail: bool = True) -> Area:
    """Describe a table with its list, its truth and, unless `detail` is false, the call for one record."""
    scope = f"{listing.scope or listing.resource}:read"
    area = get(path, get_list(listing), scope) + table(listing, make)
    return area + get(f"{path}/{{key}}", get_one(listing.resource), scope) if detail else area


def table(listing: Listing | str, make: Maker) -> Area:
    """Describe a table and, if it has a list, the truth of that."""
    if isinstance(listing, str):
        return Area(tables={listing: make})
    return Area(tables={listing.resource: make}, truth={listing.resource: listed(listing)})


def children(path: str, listing: Listing, make: Maker, parents: str, scope: str, also: tuple[str, ...] = ()) -> Area:
    """Describe a table with a list below each agent, and its truth."""
    handler = get_children(listing, lambda world, key: world.children(listing.resource, "agent_id", key), parents)
    return get(path, handler, scope, also) + table(listing, make)


def figures(
    path: str | tuple[str, ...],
    name: str,
    figure: Callable[..., Row | Iterable[Row]],
    of: tuple[str, str],
    scope: str | None = None,
    read: Callable[[ApiRequest], object] | None = None,
    also: tuple[str, ...] = (),
) -> Area:
    """Describe figures of each record of a table, an object or an array, and their truth.

    `figure` gets the world, the key of a record, and what `read` found in the request. `of` has the name of the table,
    and that of the member of the truth that has the record's key.
    """

    def shown(world: World, key: str, *asked: object) -> Row | list[Row]:
        found, extra = figure(world, key, *asked), world.extra[name]
        return found | extra if isinstance(found, dict) else [row | extra for row in found]

    def handler(request: ApiRequest) -> object:
        request.row(of[0])
        return shown(request.world, request.path["key"], *([] if read is None else [read(request)]))

    def rows(world: World, key: str) -> Iterable[Row]:
        return [found] if isinstance(found := shown(world, key), dict) else found

    paths = (path,) if isinstance(path, str) else path
    return sum((get(one, handler, scope, also) for one in paths), truth(name, rows, *of))


def single(path: str, name: str, make: Callable[[World], Row], scope: str | None = None) -> Area:
    """Describe an endpoint with one object, and its truth."""

    def made(world: World) -> Row:
        return make(world) | world.extra[name]

    return get(path, lambda request: made(request.world), scope) + truth(name, lambda world: [made(world)])


def listed(listing: Listing, **query: str) -> Truth:
    """Return the truth of a list: its rows as rendered there, in its order."""
    return lambda world: (listing.present(row, query) for row in listing.select(world.rows(listing.resource)))


def update(world: World, resource: str, key: str, at: int | None = None, time: str = "", **members: Any) -> Row:
    """Change a record in a mutation; `time` names the member that gets the time."""
    row = world.known(resource, key)
    world.mutation_rng()
    return world.insert(resource, row | ({time: world.time(at)} if time else {}) | members)


def changes(*mutations: Callable[..., Row]) -> Area:
    """Describe changes by the control plane, which are named like their functions."""
    return Area(mutations={mutation.__name__.strip("_"): mutation for mutation in mutations})


def deletion(resource: str, name: str) -> Callable[..., Row]:
    """Return the mutation that deletes a record."""

    def run(world: World, id: str) -> Row:
        world.known(resource, id)
        world.mutation_rng()
        return {name: world.collection(resource).pop(id)}

    run.__name__ = f"delete_{name}"
    return run


def get_list(listing: Listing) -> Handler:
    """Create the handler of a paged list."""

    def handler(request: ApiRequest) -> Response:
        world, query = request.world, request.query
        if listing.variant is not None:
            rows = world.rows(listing.resource)
            return answer_page(request, listing.variant(listing, query, rows), rows)
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
    return lambda request: present(request.row(resource))


def answer_page(
    request: ApiRequest, listing: Listing, rows: Iterable[Row], query: Mapping[str, str] | None = None
) -> Response:
    """Answer with the page that the query requests of the rows that it selects, or another query."""
    return answer_ordered(request, listing, Ordered(listing, listing.select(rows, query or request.query)))


def answer_ordered(request: ApiRequest, listing: Listing, chosen: Ordered) -> Response:
    """Answer with the page that the query requests of an ordered selection."""
    query = request.query
    limit = parse_limit(query.get("limit", listing.usual), most=listing.most)
    cursor = query.get("starting_after")
    start = chosen.after(cursor) if cursor else 0
    size = request.size(listing.resource, limit, cursor)
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

"""Campaigns, accounts, lead lists and the workspace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.answers import ApiError, dumps, invalid, not_found, raw_reply, reply
from sandbox.listings import LISTINGS, whole_account
from sandbox.mutations import create_campaign, set_campaign
from sandbox.paging import Listing, Ordered, Row, envelope, parse_limit, parse_number, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.world import World

SORTABLE = frozenset({"timestamp_created", "email", "stat_warmup_score", "status"})


def get_list(listing: Listing) -> Callable[[Call], Response]:
    """Make the handler of a paged list."""

    def handler(call: Call) -> Response:
        query = dict(call.query)
        if listing.variant is not None:
            order = listing.variant(listing, query)
            return answer_page(call, order, Ordered(order, order.select(call.world.rows(order.resource), query)))
        chosen = call.world.ordered(listing)
        if not listing.filters.keys().isdisjoint(query):
            chosen = Ordered(listing, listing.select(chosen.rows, query))
        if listing.resource == "accounts" and "sort_by" in query:
            return _sorted_page(listing, chosen.rows, query, parse_limit(query.get("limit")))
        return answer_page(call, listing, chosen)

    return handler


def get_children(listing: Listing, rows_of: Callable[[World, str], Iterable[Row] | None]) -> Callable[[Call], Response]:
    """Make the handler of a paged list that hangs on the record in the path; None means there is none: 404."""

    def handler(call: Call) -> Response:
        rows = rows_of(call.world, call.path["key"])
        if rows is None:
            raise not_found()
        return answer_page(call, listing, Ordered(listing, listing.select(rows, dict(call.query))))

    return handler


def answer_page(call: Call, listing: Listing, chosen: Ordered) -> Response:
    """Answer with the page of an ordered selection that the query asks for."""
    query = dict(call.query)
    limit = parse_limit(query.get("limit", listing.usual), most=listing.most)
    cursor = query.get("starting_after")
    start = chosen.after(cursor) if cursor else 0
    size = shorten(limit, call.workspace.manners.short_pages, call.world.config.seed, listing.resource, cursor)
    page = chosen.rows[start : start + size]
    texts = [dumps(listing.present(row, query)) for row in page]
    following = listing.write_cursor(page[-1]) if page else None
    if page and start + size >= len(chosen.rows) and listing.at_end != "cursor":
        following = "" if listing.at_end == "empty" else None
    return raw_reply(envelope(texts, following))


def _sorted_page(listing: Listing, rows: list[Row], query: Mapping[str, str], limit: int) -> Response:
    """Page by offset, which is what the accounts list does when a sort order is chosen."""
    column = query["sort_by"]
    if column not in SORTABLE:
        message = "querystring/sort_by must be equal to one of the allowed values"
        raise invalid(message)
    skip = int(parse_number(query.get("skip", "0")))
    known = [row for row in rows if column in row]
    known.sort(key=lambda row: row[column], reverse=query.get("sort_order", "desc") == "desc")
    ordered = known + [row for row in rows if column not in row]
    texts = [dumps(listing.present(row, query)) for row in ordered[skip : skip + limit]]
    return raw_reply(envelope(texts, None))


def get_one(resource: str, present: Callable[[Row], Row] = dict) -> Callable[[Call], Response]:
    """Make the handler of a detail call."""

    def handler(call: Call) -> Response:
        row = call.world.collection(resource).get(call.path["key"])
        if row is None:
            raise not_found()
        return reply(present(row | call.world.extra[resource]))

    return handler


def get_workspace(call: Call) -> Response:
    """Answer GET /workspaces/current."""
    return reply(call.world.workspace | call.world.extra["workspace"])


def read_body(call: Call) -> Row:
    """Read a JSON object from the body, as strictly as Fastify does."""
    if not call.body:
        raise ApiError(
            400,
            "Body cannot be empty when content-type is set to 'application/json'",
            code="FST_ERR_CTP_EMPTY_JSON_BODY",
        )
    try:
        body: Any = json.loads(call.body)
    except ValueError:
        raise ApiError(400, "Body is not valid JSON", code="FST_ERR_CTP_INVALID_JSON_BODY") from None
    if not isinstance(body, dict):
        message = "body must be object"
        raise invalid(message)
    return body


def post_campaign(call: Call) -> Response:
    """Answer POST /campaigns: a new draft."""
    body = read_body(call)
    for name in ("name", "campaign_schedule"):
        if name not in body:
            message = f"body must have required property '{name}'"
            raise invalid(message)
    return reply(create_campaign(call.world, body, None) | call.world.extra["campaigns"])


def post_status(status: int) -> Callable[[Call], Response]:
    """Make the handler that activates or pauses a campaign."""

    def handler(call: Call) -> Response:
        if call.path["key"] not in call.world.campaigns:
            raise not_found()
        return reply(set_campaign(call.world, call.path["key"], {"status": status}, None))

    return handler


def get_accounts_detail() -> Callable[[Call], Response]:
    """Make the handler of GET /accounts/{email}."""
    return get_one("accounts", whole_account)


__all__ = [
    "LISTINGS",
    "answer_page",
    "get_accounts_detail",
    "get_children",
    "get_list",
    "get_one",
    "get_workspace",
    "post_campaign",
    "post_status",
]

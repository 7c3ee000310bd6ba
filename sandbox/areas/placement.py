"""Inbox placement: tests, what became of their mails, and reports on the senders' domains.

All of it takes a subscription of its own.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.answers import ApiError, invalid, not_found, reply
from sandbox.api_lists import answer_page, get_list, get_one, read_body
from sandbox.area import Area, Operation, known, listed
from sandbox.areas import placement_data as data
from sandbox.areas.placement_stats import by_date, by_test, insights, parse_list
from sandbox.clock import is_date_only
from sandbox.listings import contains, equals
from sandbox.mutations import instant
from sandbox.paging import Listing, Ordered, id_cursor, parse_bool, parse_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from random import Random

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Predicate, Row
    from sandbox.world import World

SHARE = 0x10000
OPTIONS = "inbox_placement_esp_options"
STATS, STATS_BY_DATE, INSIGHTS = (f"inbox_placement_{name}" for name in ("stats", "stats_by_date", "insights"))


def _turned(listing: Listing, query: Mapping[str, str]) -> Listing:
    order = query.get("sort_order", "desc")
    if order not in {"asc", "desc"}:
        message = "querystring/sort_order must be equal to one of the allowed values"
        raise invalid(message)
    return replace(listing, descending=order == "desc")


def since(text: str) -> Predicate:
    """Take what is from a day, or an instant, on."""
    name = "timestamp_created_date" if is_date_only(text) else "timestamp_created"
    return lambda row: bool(row[name] >= text)


def until(text: str) -> Predicate:
    """Take what is up to a day, or an instant, both included."""
    name = "timestamp_created_date" if is_date_only(text) else "timestamp_created"
    return lambda row: bool(row[name] <= text)


def _among(name: str) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        wanted = {int(parse_number(part)) for part in text.split(",")}
        return lambda row: row.get(name) in wanted

    return make


def _without_reports(row: Row, query: Mapping[str, str]) -> Row:
    skipped = {
        name for name in ("spam_assassin_report", "blacklist_report") if parse_bool(query.get(f"skip_{name}", "false"))
    }
    return {name: value for name, value in row.items() if name not in skipped} if skipped else row


# Newest first is a guess for all three; that ids are the order is documented for the tests.
TESTS = Listing(
    resource=data.TESTS,
    scope="inbox_placement_tests",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={"status": equals("status", parse_number), "search": contains("name")},
    variant=_turned,
)
ANALYTICS = Listing(
    resource="inbox_placement_analytics",
    scope="inbox_placement_analytics",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "date_from": since,
        "date_to": until,
        "sender_email": equals("sender_email", str),
        **{name: _among(name) for name in ("recipient_geo", "recipient_type", "recipient_esp")},
    },
)
REPORTS = replace(
    ANALYTICS,
    resource="inbox_placement_reports",
    scope="inbox_placement_reports",
    filters={"date_from": since, "date_to": until},
    present=_without_reports,
)


def subscribed(handler: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Let a handler answer those only who pay for inbox placement."""

    def guarded(call: Call) -> Response:
        if not (call.key.inbox_placement and call.workspace.manners.inbox_placement):
            raise ApiError(402, "Workspace does not have an active Inbox Placement plan")
        return handler(call)

    return guarded


def _of(world: World, listing: Listing, test_id: str) -> list[Row]:
    return [row for row in world.rows(listing.resource) if row["test_id"] == test_id]


def _strays(call: Call, test_id: str) -> list[Row]:
    """Find rows of another test that get into a test's list, always the same ones."""
    tests = sorted(call.world.collection(data.TESTS))
    if test_id not in tests or len(tests) == 1:
        return []
    share = call.workspace.manners.stray_placement_rows * SHARE
    rows = _of(call.world, ANALYTICS, tests[tests.index(test_id) - 1]) if share else []
    return [row for row in rows if zlib.crc32(f"{test_id}{row['id']}".encode()) % SHARE < share]


def _children(listing: Listing) -> Callable[[Call], Response]:
    def handler(call: Call) -> Response:
        test_id = call.query.get("test_id")
        if not test_id:
            message = "querystring must have required property 'test_id'"
            raise invalid(message)
        rows = _of(call.world, listing, test_id) + (_strays(call, test_id) if listing is ANALYTICS else [])
        return answer_page(call, listing, Ordered(listing, listing.select(rows, dict(call.query))))

    return handler


def _get_test(call: Call) -> Response:
    row = call.world.collection(data.TESTS).get(call.path["key"])
    if row is None:
        raise not_found()
    row = row | call.world.extra[data.TESTS]
    if parse_bool(call.query.get("with_metadata", "false")):
        campaign = call.world.campaigns.get(row.get("campaign_id", ""))
        labels = {tag["id"]: {"id": tag["id"], "label": tag["label"]} for tag in call.world.tags}
        metadata: Row = {"tags": {tag: labels[tag] for tag in row.get("tags", ())}}
        if campaign:
            metadata["campaign"] = {"id": campaign["id"], "name": campaign["name"]}
        row["metadata"] = metadata
    return reply(row)


def _asked(call: Call, *required: str) -> tuple[Row, list[Row]]:
    """Read what a body asks for, and find the records it narrows everything to."""
    body = read_body(call)
    for name in required:
        if not body.get(name):
            message = f"body must have required property '{name}'"
            raise invalid(message)
    tests = set(parse_list(body, "test_ids")) | {body.get("test_id")}
    rows = [row for row in call.world.rows(ANALYTICS.resource) if row["test_id"] in tests]
    for name in ("recipient_geo", "recipient_type", "recipient_esp"):
        if wanted := parse_list(body, name):
            rows = [row for row in rows if row[name] in wanted]
    if sender := body.get("sender_email"):
        rows = [row for row in rows if row["sender_email"] == sender]
    return body, rows


def _within(rows: list[Row], start: Any, end: Any) -> list[Row]:  # noqa: ANN401 - as it came
    tests = [since(str(start))] if start else []
    tests += [until(str(end))] if end else []
    return [row for row in rows if all(test(row) for test in tests)]


def _post_by_test(call: Call) -> Response:
    body, rows = _asked(call, "test_ids")
    found = by_test(_within(rows, body.get("date_from"), body.get("date_to")))
    return reply(_carrying(call.world, STATS, found))


def _post_by_date(call: Call) -> Response:
    body, rows = _asked(call, "test_id")
    found = by_date(_within(rows, body.get("date_from"), body.get("date_to")))
    return reply(_carrying(call.world, STATS_BY_DATE, found))


def _post_insights(call: Call) -> Response:
    body, rows = _asked(call, "test_id")
    chosen = _within(rows, body.get("date_from"), body.get("date_to"))
    earlier = _within(rows, body.get("previous_date_from"), body.get("previous_date_to"))
    found = insights(body, chosen, earlier if body.get("show_previous") else None)
    return reply(_carrying(call.world, INSIGHTS, found))


def _carrying(world: World, resource: str, rows: Iterable[Row]) -> list[Row]:
    """Let rows that have no table carry the fields added to them."""
    return [row | world.extra[resource] for row in rows]


def _each(resource: str, rows_of: Callable[[str, list[Row]], Iterable[Row]]) -> Callable[[World], Iterator[Row]]:
    """Give the truth of figures that are asked for by test."""

    def rows(world: World) -> Iterator[Row]:
        for test in TESTS.select(world.rows(data.TESTS), {}):
            yield from _carrying(world, resource, rows_of(test["id"], _of(world, ANALYTICS, test["id"])))

    return rows


def _add_test(world: World, name: str = "Made up on the spot", at: str | None = None) -> Row:
    rng, moment, tests = world.mutation_rng(), _moment(world, at), world.collection(data.TESTS)
    test = data.make_test(rng, 2 * len(tests) + 1, world, moment)
    test |= {"name": name, "type": data.ONCE, "status": data.COMPLETED}
    tests[test["id"]] = test
    return {"test": test, **_run(world, rng, test, moment)}


def _run_test(world: World, id: str, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    tests = world.collection(data.TESTS)
    test = tests[known(tests, id)]
    return {"test": test, **_run(world, world.mutation_rng(), test, _moment(world, at))}


def _moment(world: World, at: str | None) -> int:
    """Tell when a test runs: when the caller says, or so long ago that its results are there by now."""
    moment = world.moment(instant(at))
    return moment - data.LATEST_MS if at is None else moment


def _run(world: World, rng: Random, test: Row, moment: int) -> Row:
    """Let a test run; its results come in over the next three hours."""
    records, reports = data.make_records(rng, world, test, moment), data.make_reports(rng, test, moment)
    world.moment(moment + data.LATEST_MS)
    world.collection(ANALYTICS.resource).update((row["id"], row) for row in records)
    world.collection(REPORTS.resource).update((row["id"], row) for row in reports)
    return {"analytics": records, "reports": reports}


def _options(world: World) -> list[Row]:
    return _carrying(world, OPTIONS, (data.label(*seed) for seed in data.SEEDS))


def _get(path: str, handler: Callable[[Call], Response], resource: str | None = None, method: str = "GET") -> Operation:
    scope = f"inbox_placement_{resource}:read" if resource else None
    return Operation(method, path, subscribed(handler), scope)


AREA = Area(
    operations=(
        _get("/inbox-placement-tests", get_list(TESTS), "tests"),
        _get("/inbox-placement-tests/email-service-provider-options", lambda call: reply(_options(call.world))),
        _get("/inbox-placement-tests/{key}", _get_test, "tests"),
        _get("/inbox-placement-analytics", _children(ANALYTICS), "analytics"),
        _get("/inbox-placement-analytics/{key}", get_one(ANALYTICS.resource), "analytics"),
        _get("/inbox-placement-analytics/stats-by-test-id", _post_by_test, "analytics", "POST"),
        _get("/inbox-placement-analytics/stats-by-date", _post_by_date, "analytics", "POST"),
        _get("/inbox-placement-analytics/deliverability-insights", _post_insights, "analytics", "POST"),
        _get("/inbox-placement-reports", _children(REPORTS), "reports"),
        _get("/inbox-placement-reports/{key}", get_one(REPORTS.resource), "reports"),
    ),
    tables={
        data.TESTS: data.make_tests,
        ANALYTICS.resource: data.make_all_records,
        REPORTS.resource: data.make_all_reports,
    },
    truth={
        data.TESTS: listed(TESTS),
        OPTIONS: _options,
        ANALYTICS.resource: listed(ANALYTICS),
        REPORTS.resource: listed(REPORTS),
        STATS: _each(STATS, lambda _test, rows: by_test(rows)),
        STATS_BY_DATE: _each(STATS_BY_DATE, lambda test, rows: ({"test_id": test, **row} for row in by_date(rows))),
        INSIGHTS: _each(INSIGHTS, lambda test, rows: insights({"test_id": test}, rows, None)),
    },
    changes={"add_placement_test": _add_test, "run_placement_test": _run_test},
)

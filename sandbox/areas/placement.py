"""Inbox placement: tests, the delivery of their e-mails, and reports on the senders' domains.

All of it requires a separate subscription.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from starlette.responses import Response

from sandbox.answers import ApiError, reply, require
from sandbox.api import Area, Endpoint, Handler, Truth, answer_page, get_list, get_one, known, listed
from sandbox.areas import placement_data as data
from sandbox.areas.placement_stats import by_date, by_test, insights, parse_list
from sandbox.clock import is_date_only
from sandbox.lists import Listing, Predicate, among, contains, equals, parse_bool, parse_choice, parse_number
from sandbox.records import Row
from sandbox.workspaces import ApiRequest
from sandbox.world import World

SHARE = 0x10000
OPTIONS = "inbox_placement_esp_options"
STATS, STATS_BY_DATE, INSIGHTS = (f"inbox_placement_{name}" for name in ("stats", "stats_by_date", "insights"))


def _turned(listing: Listing, query: Mapping[str, str]) -> Listing:
    return replace(listing, newest_first=parse_choice(query, "sort_order", ("asc", "desc"), "desc") == "desc")


def _bound(*, lower: bool) -> Callable[[str], Predicate]:
    """Match rows from, or up to and including, a day or an instant."""

    def make(text: str) -> Predicate:
        name = "timestamp_created_date" if is_date_only(text) else "timestamp_created"
        return lambda row: bool(row[name] >= text if lower else row[name] <= text)

    return make


def _without_reports(row: Row, query: Mapping[str, str]) -> Row:
    skipped = {
        name for name in ("spam_assassin_report", "blacklist_report") if parse_bool(query.get(f"skip_{name}", "false"))
    }
    return {name: value for name, value in row.items() if name not in skipped} if skipped else row


SINCE, UNTIL = _bound(lower=True), _bound(lower=False)
KINDS = ("recipient_geo", "recipient_type", "recipient_esp")

# Newest first is a guess for all three; the order by id is documented only for the tests.
TESTS = Listing(
    data.TESTS, filters={"status": equals("status", parse_number), "search": contains("name")}, variant=_turned
)
ANALYTICS = Listing(
    "inbox_placement_analytics",
    filters={
        "date_from": SINCE,
        "date_to": UNTIL,
        "sender_email": equals("sender_email"),
        **{name: among(name, parse_number) for name in KINDS},
    },
)
REPORTS = Listing("inbox_placement_reports", filters={"date_from": SINCE, "date_to": UNTIL}, present=_without_reports)


def _subscribed(handler: Handler) -> Handler:
    """Refuse requests to a handler from workspaces without inbox placement."""

    def guarded(request: ApiRequest) -> Response:
        if not (request.key.inbox_placement and request.workspace.behaviour.inbox_placement):
            raise ApiError(402, "Workspace does not have an active Inbox Placement plan")
        return handler(request)

    return guarded


def _of(world: World, listing: Listing, test_id: str) -> list[Row]:
    return world.children(listing.resource, "test_id", test_id)


def _strays(request: ApiRequest, test_id: str) -> list[Row]:
    """Return rows of another test that also appear in a test's list; always the same ones."""
    tests = sorted(request.world.collection(data.TESTS))
    if test_id not in tests or len(tests) == 1:
        return []
    share = request.workspace.behaviour.stray_placement_rows * SHARE
    rows = _of(request.world, ANALYTICS, tests[tests.index(test_id) - 1]) if share else []
    return [row for row in rows if zlib.crc32(f"{test_id}{row['id']}".encode()) % SHARE < share]


def _children(listing: Listing) -> Handler:
    def handler(request: ApiRequest) -> Response:
        test_id = request.required("test_id")
        strays = _strays(request, test_id) if listing is ANALYTICS else []
        return answer_page(request, listing, _of(request.world, listing, test_id) + strays)

    return handler


def _get_test(request: ApiRequest) -> Response:
    row, world = request.row(data.TESTS), request.world
    if parse_bool(request.query.get("with_metadata", "false")):
        campaign = world.campaigns.get(row.get("campaign_id", ""))
        labels = {tag["id"]: {"id": tag["id"], "label": tag["label"]} for tag in world.tags}
        named = {"campaign": {"id": campaign["id"], "name": campaign["name"]}} if campaign else {}
        row["metadata"] = {"tags": {tag: labels[tag] for tag in row.get("tags", ())}, **named}
    return reply(row)


def _asked(request: ApiRequest, required: str) -> tuple[Row, list[Row]]:
    """Read a body, and return it with the records that it selects."""
    body = request.json()
    require(body.get(required), f"body must have required property '{required}'")
    tests = set(parse_list(body, "test_ids")) | {body.get("test_id")}
    rows = [row for row in request.world.rows(ANALYTICS.resource) if row["test_id"] in tests]
    for name in KINDS:
        if wanted := parse_list(body, name):
            rows = [row for row in rows if row[name] in wanted]
    if sender := body.get("sender_email"):
        rows = [row for row in rows if row["sender_email"] == sender]
    return body, rows


def _within(rows: list[Row], start: Any, end: Any) -> list[Row]:  # noqa: ANN401 - any JSON value
    tests = [SINCE(str(start))] if start else []
    tests += [UNTIL(str(end))] if end else []
    return [row for row in rows if all(test(row) for test in tests)]


def _figures(resource: str, required: str, figure: Callable[[Row, list[Row], list[Row]], list[Row]]) -> Handler:
    """Create the handler of figures: `figure` gets the body, its rows, and those that it selects by date."""

    def handler(request: ApiRequest) -> Response:
        body, rows = _asked(request, required)
        chosen = _within(rows, body.get("date_from"), body.get("date_to"))
        return reply(_carrying(request.world, resource, figure(body, rows, chosen)))

    return handler


def _insights(body: Row, rows: list[Row], chosen: list[Row]) -> list[Row]:
    earlier = _within(rows, body.get("previous_date_from"), body.get("previous_date_to"))
    return insights(body, chosen, earlier if body.get("show_previous") else None)


def _carrying(world: World, resource: str, rows: Iterable[Row]) -> list[Row]:
    """Add the extra fields to rows that are not in a table."""
    return [row | world.extra[resource] for row in rows]


def _each(resource: str, rows_of: Callable[[str, list[Row]], Iterable[Row]]) -> Truth:
    """Return the truth of figures that are requested by test."""

    def rows(world: World) -> Iterator[Row]:
        for test in TESTS.select(world.rows(data.TESTS)):
            yield from _carrying(world, resource, rows_of(test["id"], _of(world, ANALYTICS, test["id"])))

    return rows


def _add_test(world: World, name: str = "Made up on the spot", at: int | None = None) -> Row:
    rng, moment, tests = world.mutation_rng(), _moment(world, at), world.collection(data.TESTS)
    test = data.make_test(rng, 2 * len(tests) + 1, world, moment)
    test = world.insert(data.TESTS, test | {"name": name, "type": data.ONCE, "status": data.COMPLETED})
    return {"test": test, **_run(world, rng, test, moment)}


def _run_test(world: World, id: str, at: int | None = None) -> Row:  # noqa: A002 - the API's name for it
    tests = world.collection(data.TESTS)
    test = tests[known(tests, id)]
    return {"test": test, **_run(world, world.mutation_rng(), test, _moment(world, at))}


def _moment(world: World, at: int | None) -> int:
    """Return the time of a run: the caller's, or long enough ago that its results have arrived."""
    moment = world.moment(at)
    return moment - data.LATEST_MS if at is None else moment


def _run(world: World, rng: Random, test: Row, moment: int) -> Row:
    """Run a test; its results arrive over the next three hours."""
    records, reports = data.make_records(rng, world, test, moment), data.make_reports(rng, test, moment)
    world.moment(moment + data.LATEST_MS)
    world.collection(ANALYTICS.resource).update((row["id"], row) for row in records)
    world.collection(REPORTS.resource).update((row["id"], row) for row in reports)
    return {"analytics": records, "reports": reports}


def _options(world: World) -> list[Row]:
    return _carrying(world, OPTIONS, (data.label(*seed) for seed in data.SEEDS))


def _get(path: str, handler: Handler, resource: str | None = None, method: str = "GET") -> Endpoint:
    scope = f"inbox_placement_{resource}:read" if resource else None
    return Endpoint(method, f"/inbox-placement-{path}", _subscribed(handler), scope)


def _post(name: str, handler: Handler) -> Endpoint:
    return _get(f"analytics/{name}", handler, "analytics", "POST")


AREA = Area(
    endpoints=(
        _get("tests", get_list(TESTS), "tests"),
        _get("tests/email-service-provider-options", lambda request: reply(_options(request.world))),
        _get("tests/{key}", _get_test, "tests"),
        _get("analytics", _children(ANALYTICS), "analytics"),
        _get("analytics/{key}", get_one(ANALYTICS.resource), "analytics"),
        _post("stats-by-test-id", _figures(STATS, "test_ids", lambda _body, _rows, chosen: by_test(chosen))),
        _post("stats-by-date", _figures(STATS_BY_DATE, "test_id", lambda _body, _rows, chosen: by_date(chosen))),
        _post("deliverability-insights", _figures(INSIGHTS, "test_id", _insights)),
        _get("reports", _children(REPORTS), "reports"),
        _get("reports/{key}", get_one(REPORTS.resource), "reports"),
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
    mutations={"add_placement_test": _add_test, "run_placement_test": _run_test},
)

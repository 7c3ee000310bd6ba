"""Inbox placement: tests, the delivery of their e-mails, and reports on the senders' domains.

All of it requires a separate subscription.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any

from sandbox.answers import ApiError, require
from sandbox.api import ApiRequest, Area, Endpoint, Handler, answer_page, changes, get_list, get_one, table, truth
from sandbox.clock import is_date_only
from sandbox.lists import Filter, Listing, among, fields, matching, parse_bool, parse_number, turned
from sandbox.makers import placement as data
from sandbox.records import Row, compact, without
from sandbox.world import World

SHARE = 0x10000
OPTIONS = "inbox_placement_esp_options"
SKIPPABLE = ("spam_assassin_report", "blacklist_report")
PLACES = ("spam", "inbox", "category")

Figure = Callable[[Row, list[Row], list[Row]], list[Row]]


def _bound(*, lower: bool) -> Filter:
    """Match rows from, or up to and including, a day or an instant."""

    def test(row: Row, text: str) -> bool:
        value = row["timestamp_created_date" if is_date_only(text) else "timestamp_created"]
        return bool(value >= text if lower else value <= text)

    return matching(str, test)


def _without_reports(row: Row, query: Mapping[str, str]) -> Row:
    return without(row, *(name for name in SKIPPABLE if parse_bool(query.get(f"skip_{name}", "false"))))


SINCE, UNTIL = _bound(lower=True), _bound(lower=False)
DATES = {"date_from": SINCE, "date_to": UNTIL}
KINDS = ("recipient_geo", "recipient_type", "recipient_esp")

# Newest first is a guess for all three; the order by id is documented only for the tests.
TESTS = Listing(data.TESTS, filters=fields(numbers="status", search="name"), variant=turned)
ANALYTICS = Listing(
    "inbox_placement_analytics",
    filters=DATES | fields(texts="sender_email") | {name: among(name, parse_number) for name in KINDS},
)
REPORTS = Listing("inbox_placement_reports", filters=DATES, present=_without_reports)


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
    def handler(request: ApiRequest) -> object:
        test_id = request.required("test_id")
        strays = _strays(request, test_id) if listing is ANALYTICS else []
        return answer_page(request, listing, _of(request.world, listing, test_id) + strays)

    return handler


def _get_test(request: ApiRequest) -> object:
    row, world = request.row(data.TESTS), request.world
    if parse_bool(request.query.get("with_metadata", "false")):
        campaign = world.campaigns.get(row.get("campaign_id", ""))
        labels = {tag["id"]: {"id": tag["id"], "label": tag["label"]} for tag in world.tags}
        named = {"campaign": {"id": campaign["id"], "name": campaign["name"]}} if campaign else {}
        row["metadata"] = {"tags": {tag: labels[tag] for tag in row.get("tags", ())}, **named}
    return row


def _asked(request: ApiRequest, required: str) -> tuple[Row, list[Row]]:
    body = request.json()
    require(body.get(required), f"body must have required property '{required}'")
    lists = {name: body.get(name, []) for name in ("test_ids", *KINDS)}
    for name, value in lists.items():
        require(isinstance(value, list), f"body/{name} must be array")
    wanted = lists | {"sender_email": [body["sender_email"]] if body.get("sender_email") else []}
    tests = {*wanted.pop("test_ids"), body.get("test_id")}
    rows = [row for row in request.world.rows(ANALYTICS.resource) if row["test_id"] in tests]
    return body, [row for row in rows if all(row[name] in some for name, some in wanted.items() if some)]


def _within(rows: list[Row], start: Any, end: Any) -> list[Row]:  # noqa: ANN401 - any JSON value
    tests = [make(str(text)) for make, text in ((SINCE, start), (UNTIL, end)) if text]
    return [row for row in rows if all(test(row) for test in tests)]


def _figures(path: str, resource: str, required: str, figure: Figure) -> Area:
    """Describe figures that are requested by test: by a body, whose rows may be narrowed by date."""

    def handler(request: ApiRequest) -> object:
        body, rows = _asked(request, required)
        chosen = _within(rows, body.get("date_from"), body.get("date_to"))
        return [row | request.world.extra[resource] for row in figure(body, rows, chosen)]

    def rows_of(world: World, key: str) -> Iterator[Row]:
        own = _of(world, ANALYTICS, key)
        named = {} if required == "test_ids" else {"test_id": key}
        return (named | row | world.extra[resource] for row in figure({"test_id": key}, own, own))

    def every(world: World) -> Iterator[Row]:
        return (row for test in TESTS.select(world.rows(data.TESTS)) for row in rows_of(world, test["id"]))

    return _get(f"analytics/{path}", handler, "analytics", "POST") + truth(resource, every)


def _place(row: Row) -> str | None:
    """Return the folder of an e-mail; None if it is unknown or the e-mail never arrived."""
    if row["record_type"] != data.RECEIVED or "is_spam" not in row:
        return None
    return "spam" if row["is_spam"] else "category" if row["has_category"] else "inbox"


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0


def _groups(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _counts(rows: Iterable[Row]) -> dict[str, int]:
    places = [_place(row) for row in rows]
    return {name: places.count(name) for name in PLACES}


def _by_test(_body: Row, _rows: list[Row], chosen: list[Row]) -> list[Row]:
    found = []
    for test, own in _groups(chosen, lambda row: row["test_id"]).items():
        counts = _counts(own)
        total = sum(counts.values())
        stats: Row = {"test_id": test, "count": total}
        for name, count in counts.items():
            stats |= {f"{name}_count": count, f"{name}_percent": _percent(count, total)}
        found.append(stats)
    return found


def _by_date(_body: Row, _rows: list[Row], chosen: list[Row]) -> list[Row]:
    found = []
    for day, own in sorted(_groups(chosen, lambda row: row["timestamp_created_date"]).items()):
        kinds = [row["record_type"] for row in own]
        sums = {"sent_count": kinds.count(data.SENT), "received_count": kinds.count(data.RECEIVED)}
        places = {f"{name}_count": count for name, count in _counts(own).items()}
        found.append({"timestamp_created_date": day, **sums, **places})
    return found


def _shares(rows: Iterable[Row], prefix: str = "") -> Row:
    counts = _counts(rows)
    total = sum(counts.values())
    return {f"{prefix}{name}_percentage": _percent(count, total) if total else None for name, count in counts.items()}


def _insights(body: Row, rows: list[Row], chosen: list[Row]) -> list[Row]:
    """Compare pairs of providers, and on request with an earlier time."""
    now, before = _received(chosen), {}
    head: Row = {"test_id": body["test_id"], "from": body.get("date_from"), "to": body.get("date_to")}
    if earlier := body.get("show_previous"):
        head |= {"previous_from": body.get("previous_date_from"), "previous_to": body.get("previous_date_to")}
        before = _received(_within(rows, body.get("previous_date_from"), body.get("previous_date_to")))
    found = []
    for esps in sorted(now):
        row = head | {"sender_esp": esps[0], "recipient_esp": esps[1]} | _shares(now[esps])
        found.append(compact(row | (_shares(before.get(esps, ()), "prev_") if earlier else {})))
    return found


def _received(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    received = (row for row in rows if row["record_type"] == data.RECEIVED)
    return _groups(received, lambda row: (row["sender_esp"], row["recipient_esp"]))


def _add_placement_test(world: World, name: str = "Made up on the spot", at: int | None = None) -> Row:
    rng, moment, tests = world.mutation_rng(), _moment(world, at), world.collection(data.TESTS)
    test = data.make_test(rng, 2 * len(tests) + 1, world, moment)
    test = world.insert(data.TESTS, test | {"name": name, "type": data.ONCE, "status": data.COMPLETED})
    return {"test": test, **_run(world, rng, test, moment)}


def _run_placement_test(world: World, id: str, at: int | None = None) -> Row:
    test = world.known(data.TESTS, id)
    return {"test": test, **_run(world, world.mutation_rng(), test, _moment(world, at))}


def _moment(world: World, at: int | None) -> int:
    """Return the time of a run: the caller's, or long enough ago that its results have arrived."""
    moment = world.moment(at)
    return moment - data.LATEST_MS if at is None else moment


def _run(world: World, rng: Random, test: Row, moment: int) -> Row:
    """Run a test; its results arrive over the next three hours."""
    records, reports = data.make_records(world, rng, test, moment), data.make_reports(rng, test, moment)
    world.moment(moment + data.LATEST_MS)
    world.collection(ANALYTICS.resource).update((row["id"], row) for row in records)
    world.collection(REPORTS.resource).update((row["id"], row) for row in reports)
    return {"analytics": records, "reports": reports}


def _options(world: World) -> list[Row]:
    return [data.label(*seed) | world.extra[OPTIONS] for seed in data.SEEDS]


def _get(path: str, handler: Handler, resource: str | None = None, method: str = "GET") -> Area:
    """Describe an endpoint that refuses workspaces without inbox placement."""

    def guarded(request: ApiRequest) -> object:
        if not (request.key.inbox_placement and request.workspace.behaviour.inbox_placement):
            raise ApiError(402, "Workspace does not have an active Inbox Placement plan")
        return handler(request)

    scope = f"inbox_placement_{resource}:read" if resource else None
    return Area((Endpoint(method, f"/inbox-placement-{path}", guarded, scope),))


AREA = (
    table(TESTS, data.make_tests)
    + table(
        ANALYTICS, lambda world: data.make_all(world, "inbox placement analytics", partial(data.make_records, world))
    )
    + table(REPORTS, lambda world: data.make_all(world, "inbox placement reports", data.make_reports))
    + _figures("stats-by-test-id", "inbox_placement_stats", "test_ids", _by_test)
    + _figures("stats-by-date", "inbox_placement_stats_by_date", "test_id", _by_date)
    + _figures("deliverability-insights", "inbox_placement_insights", "test_id", _insights)
    + _get("tests", get_list(TESTS), "tests")
    + _get("tests/email-service-provider-options", lambda request: _options(request.world))
    + _get("tests/{key}", _get_test, "tests")
    + _get("analytics", _children(ANALYTICS), "analytics")
    + _get("analytics/{key}", get_one(ANALYTICS.resource), "analytics")
    + _get("reports", _children(REPORTS), "reports")
    + _get("reports/{key}", get_one(REPORTS.resource), "reports")
    + truth(OPTIONS, _options)
    + changes(_add_placement_test, _run_placement_test)
)

"""Every fault that is injected, and what becomes of the run: tested, and shown in docs/reliability.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Kind:
    """A kind of stream, and the one that stands for it."""

    name: str
    stream: str
    path: str
    truth: str
    key: tuple[str, ...]
    bookmark: str | None = None
    paged: bool = False
    after: int = 0
    """Requests to the path that are none of the stream's: the first tells which workspace the key opens."""


LIST = Kind("list", "campaigns", "/campaigns", "campaigns", ("id",), "timestamp_updated", paged=True)
SCAN = Kind("scan", "leads", "/leads/list", "leads", ("id",), "timestamp_updated", paged=True)
SORTED = Kind("sorted list", "emails", "/emails", "emails", ("id",), "timestamp_created", paged=True)
PARENTS = Kind(
    "list of parents",
    "lead_list_verification_stats",
    "/lead-lists",
    "verification_stats",
    ("list_id",),
    paged=True,
)
BY_PARENT = Kind(
    "by parent",
    "lead_list_verification_stats",
    "/lead-lists/*/verification-stats",
    "verification_stats",
    ("list_id",),
)
WINDOWS = Kind(
    "by parent and window",
    "campaign_analytics_daily",
    "/campaigns/analytics/daily",
    "campaign_analytics_daily",
    ("campaign_id", "date"),
    "date",
)
BATCHES = Kind(
    "batches",
    "account_analytics_daily",
    "/accounts/analytics/daily",
    "account_analytics_daily",
    ("email_account", "date"),
    "date",
)
OBJECT = Kind("single object", "workspaces", "/workspaces/current", "workspace", ("id",), after=1)

KINDS = (LIST, SCAN, SORTED, PARENTS, BY_PARENT, WINDOWS, BATCHES, OBJECT)
PAGED = tuple(kind for kind in KINDS if kind.paged)
UNPAGED = tuple(kind for kind in KINDS if not kind.paged)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a run, in the words of the document."""

    name: str
    does: str
    records: str
    bookmark: str
    others: str
    exit_code: int
    said: str = ""
    """What the log says of it, as a regular expression."""


TAKES = Outcome("takes it", "takes it as it is", "all", "moves on", "as ever", 0)
RETRIES = Outcome("tries again", "tries again", "all", "moves on", "as ever", 0, "Trying again in ")
ASKS_AGAIN = Outcome(
    "asks again",
    "asks for something else, and then again",
    "all",
    "moves on",
    "as ever",
    0,
    "Refused once, and given when asked again: ",
)
HALVES = Outcome(
    "asks for less",
    "tries again, then asks for half as much",
    "all",
    "moves on",
    "as ever",
    0,
    "A page cannot be had, asking for |asked for again in halves",
)
SKIPS = Outcome(
    "skips",
    "skips the stream in that workspace, with a warning",
    "none",
    "stays",
    "as ever",
    0,
    " skipped in workspace ",
)
PASSES = Outcome(
    "passes over",
    "passes over that parent, with a warning",
    "all but those",
    "there is none",
    "as ever",
    0,
    "Passed over ",
)
INCOMPLETE = Outcome(
    "incomplete",
    "ends the stream in that workspace, with an error",
    "those before the fault; all with the next run",
    "stays; of a sorted list, where it was read up to",
    "as ever",
    3,
    " incomplete in workspace ",
)
STOPS = Outcome(
    "stops",
    "stops the run",
    "those before the fault; all with the next run",
    "stays; of a sorted list, where it was read up to",
    "read by the next run",
    1,
)
GIVES_UP = Outcome(
    "gives up", "leaves the workspace out from there on", "none more", "stay", "other workspaces as ever", 3
)
LOSES_ACCESS = Outcome(
    "loses access",
    "ends the stream in that workspace, with an error, and leaves the workspace out from there on",
    "those before the fault; all with the next run",
    "stays; of a sorted list, where it was read up to",
    "other workspaces as ever",
    3,
)

FROM_ONE_PLACE = Outcome(
    "reads from one place",
    "reads it from one place, with a warning",
    "all",
    "moves on",
    "as ever",
    0,
    "read from one place, not from several at once",
)
WAITS = Outcome(
    "waits",
    "takes it as it is, with a warning",
    "all",
    "moves on at the end of the list",
    "as ever",
    0,
    "come in no order",
)

WHOLE = (TAKES, RETRIES, ASKS_AGAIN, HALVES, FROM_ONE_PLACE, WAITS)
"""Those that all records come out of."""

FOR_GOOD: dict[str, Any] = {"count": None}
MESSAGE = {"message": "This is what the message says"}
TIMEOUT = {"request_timeout": 1}
TIMEOUT_FOR_GOOD = {**TIMEOUT, "max_retries": 0, "page_size": 1}  # or a list asks for less and less, and waits


@dataclass(frozen=True)
class Fault:
    """A fault: how to order it from the sandbox, and the outcome.

    Attributes:
        name: What the document calls it.
        order: The sandbox's fault, less path and workspace.
        outcome: What becomes of the run.
        but: The outcome of kinds of streams for which it is another.
        kinds: The streams that can have it.
        settings: Settings of the tap.
    """

    name: str
    order: Mapping[str, Any]
    outcome: Outcome
    but: Mapping[Kind, Outcome] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = KINDS
    settings: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: Kind) -> Outcome:
        """What becomes of a run whose stream of that kind meets it."""
        return self.but.get(kind, self.outcome)


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": status, "body": {"statusCode": status, **MESSAGE}, **more}


NOT_FOUND = {BY_PARENT: PASSES, WINDOWS: INCOMPLETE}
TOO_LARGE_FOR_ONE = dict.fromkeys((BY_PARENT, WINDOWS, OBJECT), INCOMPLETE)


def _passing(name: str, order: Mapping[str, Any], **more: Any) -> tuple[Fault, Fault]:
    """A fault that passes, and the same for good."""
    return (
        Fault(f"{name}, once", {**order, "count": 1}, RETRIES, **more),
        Fault(f"{name}, for good", {**order, "count": None}, INCOMPLETE, **more),
    )


def _refusal(name: str, order: Mapping[str, Any]) -> tuple[Fault, Fault]:
    """A refusal that passes while the key works, and one for good: of a scope or a plan that is missing."""
    return (
        Fault(f"{name}, once", {**order, "count": 1}, ASKS_AGAIN),
        Fault(f"{name}, for good: a missing scope or plan", {**order, **FOR_GOOD}, SKIPS),
    )


FAULTS = (
    Fault("400", _status(400, **FOR_GOOD), INCOMPLETE),
    *_refusal("401", _status(401)),
    *_refusal("402", _status(402)),
    *_refusal("403 in JSON", _status(403)),
    Fault("403 in the words of Cloudflare", _status(403, **FOR_GOOD) | {"body": "error code: 1010"}, STOPS),
    Fault("404", _status(404, **FOR_GOOD), SKIPS, NOT_FOUND),
    *_passing("408", _status(408)),
    Fault("413, once", _status(413), HALVES, TOO_LARGE_FOR_ONE),
    Fault("413, for good", _status(413, **FOR_GOOD), INCOMPLETE),
    *_passing("425", _status(425)),
    *_passing("429", _status(429)),
    Fault("429, a storm of them", _status(429, count=3), RETRIES),
    Fault("429 with `Retry-After`", _status(429, headers={"Retry-After": "1"}), RETRIES),
    *_passing("500", _status(500)),
    *_passing("502, a gateway's HTML", {"kind": "html"}),
    *_passing("503", _status(503)),
    *_passing("504", _status(504)),
    Fault("a redirect", _status(302, headers={"Location": "/api/v2/accounts"}), STOPS),
    *_passing("200 with a page of HTML", {"kind": "html", "status": 200}),
    *_passing("200 with broken JSON", {"kind": "garbage"}),
    *_passing("200 without a body", {"kind": "empty"}),
    *_passing("200 with an error of the server", {"kind": "error_in_200"}),
    *_refusal(
        "200 with a refusal", _status(200) | {"body": {"statusCode": 402, "error": "Payment Required", **MESSAGE}}
    ),
    *_passing(
        "200 with an empty page beside an error",
        _status(200) | {"body": {"items": [], "error": "Internal Server Error", "statusCode": 500}},
    ),
    *_passing("200 with something else", _status(200) | {"body": {"surprise": 1}}),
    Fault("200 with the wrong content type", {"kind": "wrong_content_type", **FOR_GOOD}, TAKES),
    *_passing("a body that breaks off", {"kind": "truncated"}),
    *_passing("a reset within the body", {"kind": "reset_midway"}),
    *_passing("a reset before the answer", {"kind": "reset"}),
    Fault("no answer in time, once", {"kind": "latency", "seconds": 1.5}, RETRIES, settings=TIMEOUT),
    Fault(
        "no answer in time, for good",
        {"kind": "latency", "seconds": 1.5, **FOR_GOOD},
        INCOMPLETE,
        settings=TIMEOUT_FOR_GOOD,
    ),
    Fault("a body that drips, but in time", {"kind": "slow_drip", "seconds": 0.002, "chunk": 200}, TAKES),
    Fault(
        "a body that drips for too long, once",
        {"kind": "slow_drip", "seconds": 0.1, "chunk": 1},
        RETRIES,
        settings={**TIMEOUT, "concurrency": 1},  # so that an empty answer, soon over, is not the first
    ),
    Fault(
        "a body that drips for too long, for good",
        {"kind": "slow_drip", "seconds": 0.1, "chunk": 1, **FOR_GOOD},
        INCOMPLETE,
        settings=TIMEOUT_FOR_GOOD,
    ),
    Fault(
        "headers that drip for too long, once",
        {"kind": "slow_headers", "seconds": 0.1, "chunk": 8},
        RETRIES,
        settings=TIMEOUT,
    ),
    Fault(
        "a list that fails for more than so many records", _status(500, limit_over=2, **FOR_GOOD), HALVES, kinds=PAGED
    ),
    Fault(
        "a body that breaks off for more than so many records",
        {"kind": "truncated", "limit_over": 2, **FOR_GOOD},
        HALVES,
        kinds=PAGED,
    ),
    Fault("500 for pages with a certain record", _status(500, record="", **FOR_GOOD), INCOMPLETE, kinds=PAGED),
    Fault(
        "a list that comes in another order than its cursor promises",
        {"kind": "disordered", **FOR_GOOD},
        TAKES,
        {SCAN: FROM_ONE_PLACE, SORTED: WAITS},
        kinds=PAGED,
    ),
    Fault("cursors that lead in a circle", {"kind": "cursor_loop"}, INCOMPLETE, kinds=PAGED),
    Fault("a cursor that leads to the same page", {"kind": "repeat_cursor", **FOR_GOOD}, INCOMPLETE, kinds=PAGED),
)

RUNS: dict[str, Outcome] = {
    "connection refused from the start": STOPS,
    "connection refused in the middle of the run": STOPS,
    "a name that DNS does not know": STOPS,
    "a certificate that nobody signed": STOPS,
    "a proxy that is not there": STOPS,
    "three endpoints of a workspace that fail in a row, with the workspace as such": GIVES_UP,
    "a key that is revoked, or a plan that ends, in mid-run": LOSES_ACCESS,
    "e-mails at 20 requests a minute, for hours": TAKES,
}
"""Faults of no one stream, each with a test of its own."""


def cases() -> Iterator[tuple[Fault, Kind]]:
    """Every fault with every kind of stream that can have it."""
    return ((fault, kind) for fault in FAULTS for kind in fault.kinds)


def rows() -> Iterator[tuple[str, ...]]:
    """The rows of the document's table."""
    for fault in FAULTS:
        yield _row(fault.name + (": lists" if fault.kinds == PAGED else ""), fault.outcome)
        for outcome in dict.fromkeys(fault.but.values()):
            kinds = ", ".join(kind.name for kind in fault.kinds if fault.but.get(kind) is outcome)
            yield _row(f"{fault.name}: {kinds}", outcome)
    for name, outcome in RUNS.items():
        yield _row(name, outcome)


def _row(name: str, outcome: Outcome) -> tuple[str, ...]:
    return (
        name,
        outcome.does,
        outcome.records,
        outcome.bookmark,
        outcome.others,
        str(outcome.exit_code),
    )

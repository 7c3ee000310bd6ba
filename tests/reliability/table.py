"""All injected faults and their outcomes: tested, and listed in docs/reliability.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Kind:
    """A kind of stream, with its representative."""

    name: str
    stream: str
    path: str
    truth: str
    key: tuple[str, ...]
    bookmark: str | None = None
    paged: bool = False
    after: int = 0
    """Requests to the path before the stream's own: the first one identifies the key's workspace."""


LIST = Kind("list", "campaigns", "/campaigns", "campaigns", ("id",), "timestamp_updated", paged=True)
SCAN = Kind("scan", "leads", "/leads/list", "leads", ("id",), "timestamp_updated", paged=True)
SORTED = Kind("sorted list", "emails", "/emails", "emails", ("id",), "timestamp_created", paged=True)
PARENTS = Kind(
    "list of parents", "lead_list_verification_stats", "/lead-lists", "verification_stats", ("list_id",), paged=True
)
BY_PARENT = Kind(
    "by parent", "lead_list_verification_stats", "/lead-lists/*/verification-stats", "verification_stats", ("list_id",)
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


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run, in the words of the document."""

    name: str
    does: str
    records: str
    bookmark: str
    others: str
    exit_code: int
    said: str = ""
    """Expected log message as a regular expression."""


_ALL_NEXT_TIME = "those before the fault; the next run reads the rest"
_STAYS = "stays; in a sorted list, at the last page written"

TAKES = Outcome("takes it", "accepts it", "all", "moves on", "unaffected", 0)
RETRIES = Outcome("tries again", "retries", "all", "moves on", "unaffected", 0, "Trying again in ")
ASKS_AGAIN = Outcome(
    "asks again",
    "checks the key with another request, then retries",
    "all",
    "moves on",
    "unaffected",
    0,
    "Request refused once and accepted on the second try: ",
)
HALVES = Outcome(
    "asks for less",
    "retries, then asks for half as many records",
    "all",
    "moves on",
    "unaffected",
    0,
    "A page failed; requesting |splitting it in two",
)
SKIPS = Outcome(
    "skips", "skips the stream in that workspace and warns", "none", "stays", "unaffected", 0, " skipped in workspace "
)
PASSES = Outcome(
    "passes over",
    "skips that parent and warns",
    "all except those of that parent",
    "none exists",
    "unaffected",
    0,
    "Skipped ",
)
INCOMPLETE = Outcome(
    "incomplete",
    "ends the stream in that workspace with an error",
    _ALL_NEXT_TIME,
    _STAYS,
    "unaffected",
    3,
    " incomplete in workspace ",
)
STOPS = Outcome("stops", "stops the run", _ALL_NEXT_TIME, _STAYS, "read by the next run", 1)
GIVES_UP = Outcome(
    "gives up", "abandons the workspace for this run", "no more", "stay", "other workspaces unaffected", 3
)
LOSES_ACCESS = Outcome(
    "loses access",
    "ends the stream with an error and abandons the workspace for this run",
    _ALL_NEXT_TIME,
    _STAYS,
    "other workspaces unaffected",
    3,
)

FROM_ONE_PLACE = Outcome(
    "reads from one place",
    "reads the list sequentially and warns",
    "all",
    "moves on",
    "unaffected",
    0,
    "Reading the list sequentially",
)
WAITS = Outcome(
    "waits", "accepts it and warns", "all", "moves on at the end of the list", "unaffected", 0, "are not in order"
)

WHOLE = (TAKES, RETRIES, ASKS_AGAIN, HALVES, FROM_ONE_PLACE, WAITS)
"""Outcomes in which all records arrive."""

FOR_GOOD: dict[str, Any] = {"count": None}
MESSAGE = {"message": "This is what the message says"}
TIMEOUT = {"request_timeout": 1}
TIMEOUT_FOR_GOOD = {**TIMEOUT, "max_retries": 0, "page_size": 1}  # otherwise a list asks for less and less


@dataclass(frozen=True)
class Fault:
    """A fault: its order to the sandbox, and the outcome.

    Attributes:
        name: Name in the document.
        order: Arguments of the sandbox's fault, without path and workspace.
        outcome: Outcome of the run.
        but: Outcomes of kinds of streams that differ.
        kinds: Kinds of streams that can meet it.
        settings: Settings of the tap.
    """

    name: str
    order: Mapping[str, Any]
    outcome: Outcome
    but: Mapping[Kind, Outcome] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = KINDS
    settings: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: Kind) -> Outcome:
        """Return the outcome for a kind of stream."""
        return self.but.get(kind, self.outcome)


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": status, "body": {"statusCode": status, **MESSAGE}, **more}


NOT_FOUND = {BY_PARENT: PASSES, WINDOWS: INCOMPLETE}
TOO_LARGE_FOR_ONE = dict.fromkeys((BY_PARENT, WINDOWS, OBJECT), INCOMPLETE)


def _passing(name: str, order: Mapping[str, Any], **more: Any) -> tuple[Fault, Fault]:
    """Return a fault that occurs once, and the same permanently."""
    return (
        Fault(f"{name}, once", {**order, "count": 1}, RETRIES, **more),
        Fault(f"{name}, always", {**order, "count": None}, INCOMPLETE, **more),
    )


def _refusal(name: str, order: Mapping[str, Any]) -> tuple[Fault, Fault]:
    """Return a refusal that occurs once, and one that lasts: a missing scope or plan."""
    return (
        Fault(f"{name}, once", {**order, "count": 1}, ASKS_AGAIN),
        Fault(f"{name}, always (a missing scope or plan)", {**order, **FOR_GOOD}, SKIPS),
    )


FAULTS = (
    Fault("400", _status(400, **FOR_GOOD), INCOMPLETE),
    *_refusal("401", _status(401)),
    *_refusal("402", _status(402)),
    *_refusal("403 in JSON", _status(403)),
    Fault("403 from Cloudflare", _status(403, **FOR_GOOD) | {"body": "error code: 1010"}, STOPS),
    Fault("404", _status(404, **FOR_GOOD), SKIPS, NOT_FOUND),
    *_passing("408", _status(408)),
    Fault("413, once", _status(413), HALVES, TOO_LARGE_FOR_ONE),
    Fault("413, always", _status(413, **FOR_GOOD), INCOMPLETE),
    *_passing("425", _status(425)),
    *_passing("429", _status(429)),
    Fault("several 429 in a row", _status(429, count=3), RETRIES),
    Fault("429 with `Retry-After`", _status(429, headers={"Retry-After": "1"}), RETRIES),
    *_passing("500", _status(500)),
    *_passing("502 with a gateway's HTML", {"kind": "html"}),
    *_passing("503", _status(503)),
    *_passing("504", _status(504)),
    Fault("a redirect", _status(302, headers={"Location": "/api/v2/accounts"}), STOPS),
    *_passing("200 with a page of HTML", {"kind": "html", "status": 200}),
    *_passing("200 with broken JSON", {"kind": "garbage"}),
    *_passing("200 without a body", {"kind": "empty"}),
    *_passing("200 with a server error", {"kind": "error_in_200"}),
    *_refusal(
        "200 with a refusal", _status(200) | {"body": {"statusCode": 402, "error": "Payment Required", **MESSAGE}}
    ),
    *_passing(
        "200 with an empty page beside an error",
        _status(200) | {"body": {"items": [], "error": "Internal Server Error", "statusCode": 500}},
    ),
    *_passing("200 with other JSON", _status(200) | {"body": {"surprise": 1}}),
    Fault("200 with the wrong content type", {"kind": "wrong_content_type", **FOR_GOOD}, TAKES),
    *_passing("a body that breaks off", {"kind": "truncated"}),
    *_passing("a reset within the body", {"kind": "reset_midway"}),
    *_passing("a reset before the answer", {"kind": "reset"}),
    Fault("no answer in time, once", {"kind": "latency", "seconds": 1.5}, RETRIES, settings=TIMEOUT),
    Fault(
        "no answer in time, always",
        {"kind": "latency", "seconds": 1.5, **FOR_GOOD},
        INCOMPLETE,
        settings=TIMEOUT_FOR_GOOD,
    ),
    Fault("a body sent slowly, but in time", {"kind": "slow_drip", "seconds": 0.002, "chunk": 200}, TAKES),
    Fault(
        "a body sent too slowly, once",
        {"kind": "slow_drip", "seconds": 0.1, "chunk": 1},
        RETRIES,
        settings={**TIMEOUT, "concurrency": 1},  # an empty first answer would end in time
    ),
    Fault(
        "a body sent too slowly, always",
        {"kind": "slow_drip", "seconds": 0.1, "chunk": 1, **FOR_GOOD},
        INCOMPLETE,
        settings=TIMEOUT_FOR_GOOD,
    ),
    Fault(
        "headers sent too slowly, once", {"kind": "slow_headers", "seconds": 0.1, "chunk": 8}, RETRIES, settings=TIMEOUT
    ),
    Fault("a list that fails above some page size", _status(500, limit_over=2, **FOR_GOOD), HALVES, kinds=PAGED),
    Fault(
        "a body that breaks off above some page size",
        {"kind": "truncated", "limit_over": 2, **FOR_GOOD},
        HALVES,
        kinds=PAGED,
    ),
    Fault("500 for pages with a certain record", _status(500, record="", **FOR_GOOD), INCOMPLETE, kinds=PAGED),
    Fault(
        "a list in another order than its cursor promises",
        {"kind": "disordered", **FOR_GOOD},
        TAKES,
        {SCAN: FROM_ONE_PLACE, SORTED: WAITS},
        kinds=PAGED,
    ),
    Fault("cursors in a circle", {"kind": "cursor_loop"}, INCOMPLETE, kinds=PAGED),
    Fault("a cursor of the same page", {"kind": "repeat_cursor", **FOR_GOOD}, INCOMPLETE, kinds=PAGED),
)

RUNS: dict[str, Outcome] = {
    "connection refused from the start": STOPS,
    "connection refused in the middle of the run": STOPS,
    "an unknown host name": STOPS,
    "an untrusted certificate": STOPS,
    "an unreachable proxy": STOPS,
    "three endpoints of a workspace that fail in a row, with the workspace as such": GIVES_UP,
    "a key that is revoked, or a plan that ends, in mid-run": LOSES_ACCESS,
    "e-mails at 20 requests a minute, for hours": TAKES,
}
"""Faults that affect more than one stream, each with its own test."""


def cases() -> Iterator[tuple[Fault, Kind]]:
    """Pair every fault with every kind of stream that can meet it."""
    return ((fault, kind) for fault in FAULTS for kind in fault.kinds)


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the document's table: each outcome with its faults."""
    found: dict[Outcome, list[str]] = {}
    for fault in FAULTS:
        found.setdefault(fault.outcome, []).append(fault.name + (" (lists)" if fault.kinds == PAGED else ""))
        for outcome in dict.fromkeys(fault.but.values()):
            kinds = ", ".join(kind.name for kind in fault.kinds if fault.but.get(kind) is outcome)
            found.setdefault(outcome, []).append(f"{fault.name} ({kinds})")
    for name, outcome in RUNS.items():
        found.setdefault(outcome, []).append(name)
    found[INCOMPLETE] = _without_passing(found[INCOMPLETE], found[RETRIES])
    for outcome, names in found.items():
        yield (
            outcome.does,
            "<br>".join(_grouped(names)),
            outcome.records,
            outcome.bookmark,
            outcome.others,
            str(outcome.exit_code),
        )


def _without_passing(always: list[str], once: list[str]) -> list[str]:
    """Name faults that a retry mends if they occur once, but not always, in one phrase."""
    passing = {name.replace(", once", ", always") for name in once}
    return [*(name for name in always if name not in passing), "each fault that is retried once, always"]


_ENDS = re.compile(r"(?P<fault>.*), (?P<when>(?:once|always)\b.*)")


def _grouped(names: list[str]) -> Iterator[str]:
    """Group the names that end in ", once" or ", always" by this ending, after all others."""
    shared: dict[str, list[str]] = {"": []}
    for name in names:
        ends = _ENDS.fullmatch(name)
        shared.setdefault(ends["when"] if ends else "", []).append(ends["fault"] if ends else name)
    for when, faults in shared.items():
        if faults:
            listed = "; ".join(faults)
            yield f"**{when}:** {listed}" if when else listed

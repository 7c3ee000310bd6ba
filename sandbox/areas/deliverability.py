"""AI deliverability agents: their checks, findings and recommendations, and their current state.

An agent runs its checks once a week. Each problem that a check finds becomes an item of its feed.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from sandbox.api import ApiRequest, answer_page, changes, children, get, get_one, page_of, table, truth
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, parse_stamp, stamp, uuid4, uuid7
from sandbox.lists import Listing, has, options
from sandbox.makers.agents import make_agent
from sandbox.records import Data, Row
from sandbox.world import World

DATA = Data(__file__)
CHECKS, OUTCOMES, STATUSES = DATA["checks"], DATA["outcomes"], DATA["statuses"]
# Outcome of a check -> kind and severity of its item.
KINDS: dict[str, tuple[str, str]] = DATA["kinds"]


def make_check(rng: Random, agent: Row, number: int, cycle: str, at: int, status: str = "completed") -> Row:
    """Create one check of a cycle."""
    values = {"seen": 3 + number, "at": at, "updated": at if status == "queued" else at + 5 * MINUTE_MS}
    code = CHECKS[number % len(CHECKS)]
    return DATA.make("check", number, rng, agent=agent, cycle=cycle, code=code, status=status, **values)


def make_item(rng: Random, number: int, check: Row, outcome: str, at: int) -> Row:
    """Create the feed item for the outcome of a check."""
    kind, severity = KINDS[outcome]
    done = (status := STATUSES[number % len(STATUSES)]) == "done"
    values = {"kind": kind, "status": status, "code": f"{check['activity_code'].removeprefix('check_')}_{kind}"}
    values |= {"severity": "success" if done and number % 10 == 0 else severity}
    return DATA.make("item", number, rng, check=check, at=at, result="completed" if done else "failed", **values)


class Cycle:
    """One run of the checks."""

    def __init__(self, rng: Random, agent: Row, number: int, at: int) -> None:
        self.id, self.started = uuid7(rng, at), stamp(at)
        self.checks: list[Row] = []
        self.items: list[Row] = []
        self.outcomes = [OUTCOMES[(place + 3 * number) % len(OUTCOMES)] for place in range(len(CHECKS))]
        for place, outcome in enumerate(self.outcomes):
            begun = at + place * 10 * MINUTE_MS
            status = "failed" if outcome == "failed" else "completed"
            self.checks.append(check := make_check(rng, agent, place, self.id, begun, status))
            if outcome in KINDS:
                self.items.append(make_item(rng, number * 3 + len(self.items), check, outcome, begun + 6 * MINUTE_MS))
        self.completed: str = self.checks[-1]["completed_at"]

    def counts(self) -> Row:
        """Count the outcomes."""
        names = ("healthy", "needs_attention", "info", "failed")
        return {"total_checks": len(self.checks)} | {f"{name}_count": self.outcomes.count(name) for name in names}

    def as_latest(self) -> Row:
        """Return the run as the latest one, without later changes to its items."""
        checks = [
            DATA.make("latest_check", check=check, outcome=outcome)
            for check, outcome in zip(self.checks, self.outcomes, strict=True)
        ]
        head = {"cycle_id": self.id, "status": "completed", "started_at": self.started, "completed_at": self.completed}
        return head | self.counts() | {"completed_checks": len(self.checks), "checks": checks}

    def as_point(self) -> Row:
        """Return the run as a point of the trend."""
        counts = self.counts()
        score = round(100 * counts["healthy_count"] / counts["total_checks"])
        return {"cycle_id": self.id, "completed_at": self.completed, "score": score, **counts}


def active_check(rng: Random, agent: Row, at: int) -> Row:
    """Create the check that is running, with its steps."""
    check = make_check(rng, agent, 4, uuid7(rng, at), at, "in_progress")
    steps = []
    for place, status in enumerate(("completed", "failed", "in_progress", "queued")):
        values = {"key": uuid7(rng, at + place), "at": at, "end": at + place * MINUTE_MS}
        steps.append(DATA.make("step", place, check=check, status=status, **values))
    return check | {"sub_messages": steps}


AGENTS = "ai_deliverability_agents"
STATES = "ai_deliverability_states"
PATH = "/ai-agents/deliverability"
SCOPE = "ai_agents:read"
WEEK_MS, RETENTION_MS = 7 * DAY_MS, 30 * DAY_MS
TREND = 6


def _make_agents(world: World) -> Iterator[Row]:
    """Create the workspace's default agent and another one; none without accounts to monitor."""
    rng = world.rng("deliverability agents")
    for number in range(2 if world.accounts else 0):
        created = world.first_day * DAY_MS
        yield make_agent("deliverability_agent", rng, number, world, created, connection=uuid4(rng))


def _cycles(world: World) -> Iterator[tuple[Row, list[Cycle]]]:
    rng = world.rng("deliverability cycles")
    for place, agent in enumerate(world.collection(AGENTS).values()):
        first, last = parse_stamp(agent["timestamp_created"]) + (5 + place) * HOUR_MS, world.horizon - DAY_MS
        yield agent, [Cycle(rng, agent, number, at) for number, at in enumerate(range(first, last + 1, WEEK_MS))]


def _make_states(world: World) -> dict[str, Row]:
    """Create each agent's state without the feed, which is paged; the default agent is running."""
    rng, now = world.rng("deliverability states"), world.horizon - HOUR_MS
    oldest = stamp(world.horizon - RETENTION_MS)
    rows: dict[str, Row] = {}
    for agent, cycles in _cycles(world):
        active = None if rows else active_check(rng, agent, now)
        upcoming = active["cycle_id"] if active else ""
        queued = [make_check(rng, agent, 1 + at, upcoming, now, "queued") for at in range(2)]
        kept = sum(len(cycle.checks) for cycle in cycles if cycle.completed >= oldest)
        rows[agent["id"]] = _describe(cycles, kept, active, queued if active else [])
    return rows


def _describe(cycles: list[Cycle], kept: int, active: Row | None, queued: list[Row]) -> Row:
    last = cycles[-1] if cycles else None
    values: Row = {"last": last, "upcoming": parse_stamp(last.started) + WEEK_MS if last else None}
    values |= {"latest": last.as_latest() if last else DATA["empty_run"]}
    trend = [cycle.as_point() for cycle in cycles[-TREND:]]
    return DATA.make("described", kept=kept, active=active, queued=queued, trend=trend, **values)


NO_STATE = _describe([], 0, None, []) | {"activity_feed": {"items": [], "next_starting_after": None}}
STATUS_TESTS = {"all": lambda _row: True} | {status: has("status", status) for status in ("todo", "done")}
ITEMS = Listing(
    "ai_deliverability_feed_items", filters={"feed_filter": options("feed_filter", STATUS_TESTS)}, at_end="absent"
)


def _of(world: World, agent_id: str) -> list[Row]:
    return world.children(ITEMS.resource, "agent_id", agent_id)


def _default(world: World) -> Row | None:
    return next(iter(world.rows(AGENTS)), None)


def _state(world: World, agent_id: str) -> Row:
    """Return an agent's state without its feed, with the newest run's items in their current state."""
    row: Row = world.collection(STATES)[agent_id] | world.extra[STATES]
    summary = row["run_summary"]
    checks = {check["activity_id"] for check in summary["latest"]["checks"]}
    items = [item for item in _of(world, agent_id) if item.get("source_activity_id") in checks]
    return row | {"run_summary": {**summary, "latest": {**summary["latest"], "feed_items": items}}}


def _whole_state(request: ApiRequest, agent: Row | None) -> Row:
    if agent is None:
        return NO_STATE
    page = page_of(answer_page(request, ITEMS, _of(request.world, agent["id"])))
    feed = {"items": page["items"], "next_starting_after": page.get("next_starting_after")}
    return _state(request.world, agent["id"]) | {"activity_feed": feed}


def _add_feed_item(world: World, id: str, at: int | None = None) -> Row:
    agent = world.known(AGENTS, id)
    rng, moment = world.mutation_rng(), world.moment(at)
    check = make_check(rng, agent, world.mutations, "on demand", moment)
    row = make_item(rng, 1 + 5 * world.mutations, check, "needs_attention", moment)
    return {"feed_item": world.insert(ITEMS.resource, row)}


def _make_items(world: World) -> Iterator[Row]:
    return (row for _, cycles in _cycles(world) for cycle in cycles for row in cycle.items)


AREA = (
    children(f"{PATH}/{{key}}/feed-items", ITEMS, _make_items, AGENTS, SCOPE)
    + get(PATH, lambda request: {"agent": _default(request.world)}, SCOPE)
    + get(
        f"{PATH}/state", lambda request: {"agent": (one := _default(request.world))} | _whole_state(request, one), SCOPE
    )
    + get(f"{PATH}/{{key}}", get_one(AGENTS), SCOPE)
    + get(f"{PATH}/{{key}}/state", lambda request: _whole_state(request, request.row(AGENTS)), SCOPE)
    + table(AGENTS, _make_agents)
    + table(STATES, _make_states)
    + truth(AGENTS, lambda world: world.rows(AGENTS))
    + truth(STATES, lambda world, key: [_state(world, key)], STATES, "agent_id")
    + changes(_add_feed_item)
)

"""AI inbox managers: what they were told, what they wrote, and what came of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.answers import ApiError, invalid, not_found, reply
from sandbox.api_lists import answer_page
from sandbox.area import Area, Operation, known, listed
from sandbox.areas.agents_data import make_guidances, make_inbox_manager, metadata_of
from sandbox.areas.inbox_data import FOLLOW_UP, REPLY, Desk, by_date, draw_thread, summary
from sandbox.areas.sales_data import spread
from sandbox.clock import DAY_MS, is_date_only, parse_stamp
from sandbox.listings import equals
from sandbox.mutations import instant
from sandbox.paging import Listing, Ordered, id_cursor, parse_bool, parse_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Predicate, Row
    from sandbox.world import World

AGENTS = "ai_inbox_managers"
GUIDANCES_SCOPE = "ai_agent_guidances:read"
REPLIES_SCOPE = "ai_sdr_replies:read"
ANALYTICS_SCOPE = "ai_inbox_manager_analytics:read"
# What these scopes have for a wildcard is that of the agents.
ALSO = ("ai_agents:all",)
MANAGERS = 3
LEADS_LOOKED_AT = 400
EVER = ("", "9999")


def _make_agents(world: World) -> dict[str, Row]:
    rng = world.rng("inbox managers")
    made = [
        make_inbox_manager(rng, number, world, (world.first_day + 2 * number) * DAY_MS) for number in range(MANAGERS)
    ]
    return {row["id"]: row for row in made}


def _make_guidances(world: World) -> dict[str, Row]:
    rng = world.rng("inbox manager guidances")
    managers = world.collection(AGENTS).values()
    made = [row for agent in managers for row in make_guidances(rng, agent, parse_stamp(agent["timestamp_created"]))]
    return {row["id"]: row for row in made}


def _desks(world: World) -> Iterator[Desk]:
    """Let the managers answer leads that have answered."""
    rng = world.rng("inbox manager replies")
    texts = (json.loads(text) for _, text in zip(range(LEADS_LOOKED_AT), world.leads.rows(), strict=False))
    leads = [row for row in texts if "email" in row]
    emails = [row["email"] for row in leads if row["email_reply_count"]] or [row["email"] for row in leads]
    for place, agent in enumerate(world.collection(AGENTS).values()):
        desk = Desk(agent)
        if emails:
            count = (12 + world.config.days // 4) // (1 + place)
            # Between two of its messages a conversation rests for days, and what is planned lies ahead.
            created, last = parse_stamp(agent["timestamp_created"]), world.horizon
            desk.work(rng, emails[place:] + emails[:place], spread(rng, created, last, count), last)
        yield desk


def _make_replies(world: World) -> dict[str, Row]:
    return {row["id"]: row for desk in _desks(world) for row in desk.replies}


def _make_feed(world: World) -> dict[str, Row]:
    return {row["id"]: row for desk in _desks(world) for row in desk.feed}


def _without_agent(row: Row, _query: object = None) -> Row:
    return {name: value for name, value in row.items() if name != "agent_id"}


def _typed(text: str) -> Predicate:
    if text not in {"reply", "followup", "recovery"}:
        message = "querystring/activity_type must be equal to one of the allowed values"
        raise invalid(message)
    return lambda row: bool(row["activity_type"] == text)


def _asking(text: str) -> Predicate:
    wanted = parse_bool(text)
    return lambda row: ("information_requested" in row) == wanted


GUIDANCES = Listing(
    resource="ai_inbox_manager_guidances",
    scope="ai_agent_guidances",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={"status": equals("status", parse_number)},
    at_end="absent",
)
REPLIES = replace(
    GUIDANCES,
    resource="ai_inbox_manager_replies",
    scope="ai_sdr_replies",
    filters={
        "requires_hitl": equals("requires_hitl", parse_bool),
        "information_requested": _asking,
        "action_pending": equals("action_pending", parse_bool),
    },
)
FEED = replace(
    GUIDANCES,
    resource="ai_inbox_manager_activity",
    scope="ai_inbox_manager_analytics",
    filters={
        "action_pending": equals("action_pending", parse_bool),
        "activity_type": _typed,
        "job_type": equals("job_type", parse_number),
    },
    present=_without_agent,
    usual=25,
)


def _agent(call: Call) -> Row:
    row = call.world.collection(AGENTS).get(call.path["key"])
    if row is None:
        raise not_found()
    return row | call.world.extra[AGENTS]


def _of(world: World, resource: str, agent_id: str) -> list[Row]:
    return [row for row in world.rows(resource) if row["agent_id"] == agent_id]


def _get_agent(call: Call) -> Response:
    row = _agent(call)
    with_metadata = parse_bool(call.query.get("with_metadata", "false"))
    return reply(row | ({"metadata": metadata_of(row, call.world)} if with_metadata else {}))


def _get_list(listing: Listing) -> Callable[[Call], Response]:
    def handler(call: Call) -> Response:
        rows = _of(call.world, listing.resource, _agent(call)["id"])
        return answer_page(call, listing, Ordered(listing, listing.select(rows, dict(call.query))))

    return handler


def _get_one(listing: Listing) -> Callable[[Call], Response]:
    def handler(call: Call) -> Response:
        rows = _of(call.world, listing.resource, _agent(call)["id"])
        found = [row for row in rows if row["id"] == call.path["part"]]
        if not found:
            raise not_found()
        return reply(found[0])

    return handler


def _get_feed(call: Call) -> Response:
    kind = call.query.get("activity_type")
    if (kind and "job_type" in call.query) or (kind == "recovery" and "action_pending" in call.query):
        raise ApiError(400, "These filters cannot be combined")
    page = json.loads(bytes(_get_list(FEED)(call).body))
    return reply({**page, "has_more": "next_starting_after" in page})


def _window(call: Call) -> tuple[str, str]:
    """Read a window of days, both ends of which are in it."""
    ends = []
    for name, default in zip(("from", "to"), EVER, strict=True):
        text = call.query.get(name)
        if text and not is_date_only(text):
            message = f'querystring/{name} must match format "date"'
            raise invalid(message)
        ends.append(text or default)
    return ends[0], ends[1]


def _work(world: World, agent_id: str, window: tuple[str, str] = EVER) -> tuple[list[Row], list[Row]]:
    """Find what an agent did in a window of days: as activities, and the mails among them."""
    feed, mails = (
        [row for row in _of(world, name, agent_id) if window[0] <= row["timestamp_created"][:10] <= window[1]]
        for name in (FEED.resource, REPLIES.resource)
    )
    return feed, mails


def summary_of(world: World, agent: Row, window: tuple[str, str] = EVER) -> Row:
    """Add up what an inbox manager did."""
    return summary(agent, *_work(world, agent["id"], window)) | world.extra["ai_inbox_manager_summary"]


def _by_date(world: World, agent: Row, window: tuple[str, str] = EVER) -> list[Row]:
    feed, _ = _work(world, agent["id"], window)
    return [row | world.extra["ai_inbox_manager_summary_by_date"] for row in by_date(agent, feed)]


def _each(figure: Callable[[World, Row], Iterable[Row]]) -> Callable[[World], Iterator[Row]]:
    """Give the truth of figures that do not name their agent, with it."""
    return lambda world: (
        {"agent_id": agent["id"], **row} for agent in world.collection(AGENTS).values() for row in figure(world, agent)
    )


def _add_reply(world: World, id: str, at: str | None = None, *, follow_up: bool = False) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    earlier = _of(world, REPLIES.resource, id)
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    desk = Desk(agent, written=len(earlier) + world.mutations)
    if follow_up and earlier:
        email, thread = earlier[-1]["lead"], earlier[-1]["thread_id"]
    else:
        email, thread = rng.choice(earlier)["lead"] if earlier else "somebody@example.com", draw_thread(rng)
    desk.write(rng, email, thread, moment, FOLLOW_UP if follow_up else REPLY, int(follow_up))
    world.collection(REPLIES.resource).update((row["id"], row) for row in desk.replies)
    world.collection(FEED.resource).update((row["id"], row) for row in desk.feed)
    return {"reply": desk.replies[0]}


PREFIX = "/ai-agents/inbox-manager/{key}"

AREA = Area(
    operations=(
        Operation("GET", PREFIX, _get_agent, "ai_agents:read"),
        Operation("GET", f"{PREFIX}/guidances", _get_list(GUIDANCES), GUIDANCES_SCOPE, ALSO),
        Operation("GET", f"{PREFIX}/guidances/{{part}}", _get_one(GUIDANCES), GUIDANCES_SCOPE, ALSO),
        Operation("GET", f"{PREFIX}/replies", _get_list(REPLIES), REPLIES_SCOPE, ALSO),
        Operation("GET", f"{PREFIX}/replies/{{part}}", _get_one(REPLIES), REPLIES_SCOPE, ALSO),
        Operation(
            "GET",
            f"{PREFIX}/analytics/summary",
            lambda call: reply(summary_of(call.world, _agent(call), _window(call))),
            ANALYTICS_SCOPE,
            ALSO,
        ),
        Operation(
            "GET",
            f"{PREFIX}/analytics/summary-by-date",
            lambda call: reply(_by_date(call.world, _agent(call), _window(call))),
            ANALYTICS_SCOPE,
            ALSO,
        ),
        Operation("GET", f"{PREFIX}/analytics/activity", _get_feed, ANALYTICS_SCOPE, ALSO),
    ),
    tables={
        AGENTS: _make_agents,
        GUIDANCES.resource: _make_guidances,
        REPLIES.resource: _make_replies,
        FEED.resource: _make_feed,
    },
    truth={
        AGENTS: lambda world: world.rows(AGENTS),
        GUIDANCES.resource: listed(GUIDANCES),
        REPLIES.resource: listed(REPLIES),
        # The only list whose rows do not name their agent.
        FEED.resource: lambda world: FEED.select(world.rows(FEED.resource), {}),
        "ai_inbox_manager_summary": _each(lambda world, agent: [summary_of(world, agent)]),
        "ai_inbox_manager_summary_by_date": _each(_by_date),
    },
    changes={"add_agent_reply": _add_reply},
)

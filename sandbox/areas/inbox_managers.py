"""AI inbox managers: their guidances, their e-mails and the outcomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from starlette.responses import Response

from sandbox.answers import ApiError, not_found, reply, require
from sandbox.api import Area, Endpoint, Handler, each, get, get_children, known, listed, page_of
from sandbox.areas.agents_data import make_guidances, make_inbox_manager, metadata_of
from sandbox.areas.inbox_data import FOLLOW_UP, REPLY, Conversations, by_date, draw_thread, summary
from sandbox.clock import DAY_MS, is_date_only, parse_stamp, spread
from sandbox.lists import Listing, Predicate, equals, options, parse_bool, parse_number, present
from sandbox.records import Row
from sandbox.workspaces import ApiRequest
from sandbox.world import World

AGENTS = "ai_inbox_managers"
MANAGERS = 3
LEADS_LOOKED_AT = 400
EVER = ("", "9999")


def _make_agents(world: World) -> Iterator[Row]:
    rng = world.rng("inbox managers")
    for number in range(MANAGERS):
        yield make_inbox_manager(rng, number, world, (world.first_day + 2 * number) * DAY_MS)


def _make_guidances(world: World) -> Iterator[Row]:
    rng = world.rng("inbox manager guidances")
    for agent in world.collection(AGENTS).values():
        yield from make_guidances(rng, agent, parse_stamp(agent["timestamp_created"]))


def _conversations(world: World) -> Iterator[Conversations]:
    """Let the managers answer leads that have replied."""
    rng = world.rng("inbox manager replies")
    texts = (json.loads(text) for _, text in zip(range(LEADS_LOOKED_AT), world.leads.rows(), strict=False))
    leads = [row for row in texts if "email" in row]
    emails = [row["email"] for row in leads if row["email_reply_count"]] or [row["email"] for row in leads]
    for place, agent in enumerate(world.collection(AGENTS).values()):
        held = Conversations(agent)
        if emails:
            count = (12 + world.config.days // 4) // (1 + place)
            # A conversation pauses for days between messages, and planned messages are in the future.
            created, last = parse_stamp(agent["timestamp_created"]), world.horizon
            held.hold(rng, emails[place:] + emails[:place], spread(rng, created, last, count), last)
        yield held


def _make_replies(world: World) -> Iterator[Row]:
    return (row for held in _conversations(world) for row in held.replies)


def _make_feed(world: World) -> Iterator[Row]:
    return (row for held in _conversations(world) for row in held.feed)


def _without_agent(row: Row, _query: object = None) -> Row:
    return {name: value for name, value in row.items() if name != "agent_id"}


def _is_type(kind: str) -> Predicate:
    return lambda row: bool(row["activity_type"] == kind)


PENDING = {"action_pending": equals("action_pending", parse_bool)}
HITL = {"requires_hitl": equals("requires_hitl", parse_bool), "information_requested": present("information_requested")}
TYPES = {kind: _is_type(kind) for kind in ("reply", "followup", "recovery")}
GUIDANCES = Listing("ai_inbox_manager_guidances", filters={"status": equals("status", parse_number)}, at_end="absent")
REPLIES = replace(GUIDANCES, resource="ai_inbox_manager_replies", filters=HITL | PENDING)
FEED = replace(
    GUIDANCES,
    resource="ai_inbox_manager_activity",
    filters={
        **PENDING,
        "activity_type": options("activity_type", TYPES),
        "job_type": equals("job_type", parse_number),
    },
    present=_without_agent,
    usual=25,
)


def _of(world: World, resource: str, agent_id: str) -> list[Row]:
    return world.children(resource, "agent_id", agent_id)


def _get_agent(request: ApiRequest) -> Response:
    row = request.row(AGENTS)
    with_metadata = parse_bool(request.query.get("with_metadata", "false"))
    return reply(row | ({"metadata": metadata_of(row, request.world)} if with_metadata else {}))


def _get_list(listing: Listing) -> Handler:
    return get_children(listing, lambda world, key: _of(world, listing.resource, key), AGENTS)


def _get_one(listing: Listing) -> Handler:
    def handler(request: ApiRequest) -> Response:
        rows = _of(request.world, listing.resource, request.row(AGENTS)["id"])
        found = next((row for row in rows if row["id"] == request.path["part"]), None)
        if found is None:
            raise not_found()
        return reply(found)

    return handler


def _get_feed(request: ApiRequest) -> Response:
    kind = request.query.get("activity_type")
    if (kind and "job_type" in request.query) or (kind == "recovery" and "action_pending" in request.query):
        raise ApiError(400, "These filters cannot be combined")
    page = page_of(_get_list(FEED)(request))
    return reply({**page, "has_more": "next_starting_after" in page})


def _window(request: ApiRequest) -> tuple[str, str]:
    """Read a window of days that includes both ends."""
    first, last = (request.query.get(name) for name in ("from", "to"))
    for name, text in (("from", first), ("to", last)):
        require(not text or is_date_only(text), f'querystring/{name} must match format "date"')
    return first or EVER[0], last or EVER[1]


def _work(world: World, agent_id: str, window: tuple[str, str] = EVER) -> tuple[list[Row], list[Row]]:
    """Return an agent's activities and e-mails in a window of days."""
    feed, mails = (
        [row for row in _of(world, name, agent_id) if window[0] <= row["timestamp_created"][:10] <= window[1]]
        for name in (FEED.resource, REPLIES.resource)
    )
    return feed, mails


def summary_of(world: World, agent_id: str, window: tuple[str, str] = EVER) -> Row:
    """Sum the activities of an inbox manager."""
    agent = world.collection(AGENTS)[agent_id]
    return summary(agent, *_work(world, agent_id, window)) | world.extra["ai_inbox_manager_summary"]


def _by_date(world: World, agent_id: str, window: tuple[str, str] = EVER) -> list[Row]:
    feed, _ = _work(world, agent_id, window)
    days = by_date(world.collection(AGENTS)[agent_id], feed)
    return [row | world.extra["ai_inbox_manager_summary_by_date"] for row in days]


def _get_figure(figure: Callable[[World, str, tuple[str, str]], object]) -> Handler:
    return lambda request: reply(figure(request.world, request.row(AGENTS)["id"], _window(request)))


def _add_reply(world: World, id: str, at: int | None = None, *, follow_up: bool = False) -> Row:  # noqa: A002 - the API's name for it
    agent = world.collection(AGENTS)[known(world.collection(AGENTS), id)]
    earlier = _of(world, REPLIES.resource, id)
    rng, moment = world.mutation_rng(), world.moment(at)
    held = Conversations(agent, written=len(earlier) + world.mutations)
    if follow_up and earlier:
        email, thread = earlier[-1]["lead"], earlier[-1]["thread_id"]
    else:
        email, thread = rng.choice(earlier)["lead"] if earlier else "somebody@example.com", draw_thread(rng)
    held.write(rng, email, thread, moment, FOLLOW_UP if follow_up else REPLY, int(follow_up))
    world.insert(FEED.resource, held.feed[0])
    return {"reply": world.insert(REPLIES.resource, held.replies[0])}


def _get(path: str, handler: Handler, resource: str) -> Endpoint:
    # The wildcard of these scopes is that of all agents.
    return get(f"/ai-agents/inbox-manager/{{key}}{path}", handler, f"{resource}:read", ("ai_agents:all",))


AREA = Area(
    endpoints=(
        _get("", _get_agent, "ai_agents"),
        _get("/guidances", _get_list(GUIDANCES), "ai_agent_guidances"),
        _get("/guidances/{part}", _get_one(GUIDANCES), "ai_agent_guidances"),
        _get("/replies", _get_list(REPLIES), "ai_sdr_replies"),
        _get("/replies/{part}", _get_one(REPLIES), "ai_sdr_replies"),
        _get("/analytics/summary", _get_figure(summary_of), "ai_inbox_manager_analytics"),
        _get("/analytics/summary-by-date", _get_figure(_by_date), "ai_inbox_manager_analytics"),
        _get("/analytics/activity", _get_feed, "ai_inbox_manager_analytics"),
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
        FEED.resource: lambda world: FEED.select(world.rows(FEED.resource)),
        "ai_inbox_manager_summary": each(AGENTS, "agent_id", lambda world, key: [summary_of(world, key)]),
        "ai_inbox_manager_summary_by_date": each(AGENTS, "agent_id", _by_date),
    },
    mutations={"add_agent_reply": _add_reply},
)

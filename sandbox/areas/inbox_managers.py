"""AI inbox managers: their guidances, their e-mails and the outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sandbox.answers import ApiError, not_found, require
from sandbox.api import ApiRequest, Area, Endpoint, Handler, answer_page, children, figures, get, known, page_of
from sandbox.clock import DAY_MS, is_date_only, parse_stamp, spread
from sandbox.lists import Listing, fields, flag, options, parse_bool
from sandbox.makers.agents import make_guidances, make_inbox_manager, metadata_of
from sandbox.makers.inbox import FOLLOW_UP, REPLY, Conversations, by_date, draw_thread, summary
from sandbox.records import Row
from sandbox.world import World

AGENTS = "ai_inbox_managers"
PATH = "/ai-agents/inbox-manager/{key}"
# The wildcard of these scopes is that of all agents.
ALSO = ("ai_agents:all",)
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


INFORMATION = {"information_requested": flag(lambda row: "information_requested" in row)}
TYPES = {kind: lambda row, kind=kind: row["activity_type"] == kind for kind in ("reply", "followup", "recovery")}
GUIDANCES = Listing("ai_inbox_manager_guidances", filters=fields(numbers="status"), at_end="absent")
REPLIES = replace(
    GUIDANCES, resource="ai_inbox_manager_replies", filters=fields(flags="requires_hitl action_pending") | INFORMATION
)
FEED = replace(
    GUIDANCES,
    resource="ai_inbox_manager_activity",
    filters={**fields(flags="action_pending", numbers="job_type"), "activity_type": options("activity_type", TYPES)},
    present=_without_agent,
    usual=25,
)


def _of(world: World, resource: str, agent_id: str) -> list[Row]:
    return world.children(resource, "agent_id", agent_id)


def _get_agent(request: ApiRequest) -> object:
    row = request.row(AGENTS)
    with_metadata = parse_bool(request.query.get("with_metadata", "false"))
    return row | ({"metadata": metadata_of(row, request.world)} if with_metadata else {})


def _get_part(listing: Listing) -> Handler:
    def handler(request: ApiRequest) -> object:
        rows = _of(request.world, listing.resource, request.row(AGENTS)["id"])
        found = next((row for row in rows if row["id"] == request.path["part"]), None)
        if found is None:
            raise not_found()
        return found

    return handler


def _get_feed(request: ApiRequest) -> object:
    kind = request.query.get("activity_type")
    if (kind and "job_type" in request.query) or (kind == "recovery" and "action_pending" in request.query):
        raise ApiError(400, "These filters cannot be combined")
    page = page_of(answer_page(request, FEED, _of(request.world, FEED.resource, request.row(AGENTS)["id"])))
    return {**page, "has_more": "next_starting_after" in page}


def _window(request: ApiRequest) -> tuple[str, str]:
    """Read a window of days that includes both ends."""
    first, last = (request.query.get(name) for name in ("from", "to"))
    for name, text in (("from", first), ("to", last)):
        require(not text or is_date_only(text), f'querystring/{name} must match format "date"')
    return first or EVER[0], last or EVER[1]


def _work(world: World, agent_id: str, window: tuple[str, str], resource: str) -> list[Row]:
    """Return an agent's activities or e-mails in a window of days."""
    rows = _of(world, resource, agent_id)
    return [row for row in rows if window[0] <= row["timestamp_created"][:10] <= window[1]]


def summary_of(world: World, agent_id: str, window: tuple[str, str] = EVER) -> Row:
    """Sum the activities of an inbox manager."""
    feed, mails = (_work(world, agent_id, window, name) for name in (FEED.resource, REPLIES.resource))
    return summary(world.collection(AGENTS)[agent_id], feed, mails)


def _by_date(world: World, agent_id: str, window: tuple[str, str] = EVER) -> list[Row]:
    return by_date(world.collection(AGENTS)[agent_id], _work(world, agent_id, window, FEED.resource))


def _add_reply(world: World, id: str, at: int | None = None, *, follow_up: bool = False) -> Row:
    agent = known(world.collection(AGENTS), id)
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
    return get(PATH + path, handler, f"{resource}:read", ALSO)


def _figures(path: str, name: str, figure: Any) -> Area:  # noqa: ANN401 - as in the API
    scope = "ai_inbox_manager_analytics:read"
    return figures(f"{PATH}/analytics/{path}", name, figure, (AGENTS, "agent_id"), scope, _window, ALSO)


AREA = (
    children(f"{PATH}/guidances", GUIDANCES, _make_guidances, AGENTS, "ai_agent_guidances:read", ALSO)
    + children(f"{PATH}/replies", REPLIES, _make_replies, AGENTS, "ai_sdr_replies:read", ALSO)
    + _figures("summary", "ai_inbox_manager_summary", summary_of)
    + _figures("summary-by-date", "ai_inbox_manager_summary_by_date", _by_date)
    + Area(
        endpoints=(
            _get("", _get_agent, "ai_agents"),
            _get("/guidances/{part}", _get_part(GUIDANCES), "ai_agent_guidances"),
            _get("/replies/{part}", _get_part(REPLIES), "ai_sdr_replies"),
            _get("/analytics/activity", _get_feed, "ai_inbox_manager_analytics"),
        ),
        tables={AGENTS: _make_agents, FEED.resource: _make_feed},
        truth={
            AGENTS: lambda world: world.rows(AGENTS),
            # The only list whose rows do not name their agent.
            FEED.resource: lambda world: FEED.select(world.rows(FEED.resource)),
        },
        mutations={"add_agent_reply": _add_reply},
    )
)

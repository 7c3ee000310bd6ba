"""AI inbox managers: their guidances, their e-mails and the outcomes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from string import ascii_letters, digits
from typing import Any

from sandbox.answers import ApiError, existing, require
from sandbox.api import ApiRequest, Area, Handler, answer_page, changes, children, figures, get, page_of, table, truth
from sandbox.clock import DAY_MS, HOUR_MS, is_date_only, parse_stamp, spread, uuid4, uuid7
from sandbox.lists import Listing, fields, flag, has, options, parse_bool
from sandbox.makers.agents import make_inbox_manager, metadata_of
from sandbox.records import Data, Row, without
from sandbox.world import Maker, World

REPLY, FOLLOW_UP, NO_SHOW = 1, 2, 3
FAILED, SENT, SCHEDULED = -1, 1, 2
DATA = Data(__file__)
METHODS, ERRORS = DATA["methods"], DATA["errors"]
ALPHABET = f"{ascii_letters}{digits}_-"


def _make_reply(rng: Random, number: int, manager: Row, *, email: str, thread: str, at: int, job: int) -> Row:
    asks, stuck = number % 6 == 5, number % 9 == 7
    status = FAILED if stuck else SCHEDULED if number % 13 == 12 else SENT
    judged, following = stuck or asks, job != REPLY
    values: Row = {"manager": manager, "email": email, "thread": thread, "at": at, "status": status, "asks": asks}
    values |= {"judged": judged, "pending": judged and number % 2 == 1, "following": following, "prompt": 900 + number}
    values |= {"key": uuid7(rng, at), "updated": at + rng.randrange(HOUR_MS), "lag": round(rng.uniform(1, 9), 1)}
    values |= {"answered": None if following else uuid4(rng), "error": ERRORS[number % 3] if stuck else None}
    return DATA.make("reply", number, rng, **values)


def _recovers(manager: Row) -> bool:
    return bool(manager["payload"].get("no_show", {}).get("enabled"))


def _draw_thread(rng: Random) -> str:
    """Draw the name of a conversation, which is not a UUID."""
    return f"{rng.randrange(64):x}-{''.join(rng.choices(ALPHABET, k=22))}"


class Conversations:
    """Turns conversations of an inbox manager into e-mails and activities."""

    def __init__(self, manager: Row, written: int = 0) -> None:
        self.manager, self._written = manager, written
        self.replies: list[Row] = []
        self.feed: list[Row] = []

    def hold(self, rng: Random, emails: Sequence[str], instants: Sequence[int], until: int) -> None:
        """Invent conversations: a reply each, up to two follow-ups, and some leads that return."""
        for number, at in enumerate(instants):
            email, thread = emails[number % len(emails)], _draw_thread(rng)
            job = NO_SHOW if _recovers(self.manager) and number % 5 == 0 else FOLLOW_UP
            self.write(rng, email, thread, at, REPLY)
            for turn in range(1, 1 + number % 3):
                if at + turn * 2 * DAY_MS < until - HOUR_MS:
                    self.write(rng, email, thread, at + turn * 2 * DAY_MS, job, turn)
            back = at + 5 * DAY_MS
            if job == NO_SHOW and number % 3 and number % 2 == 0 and back < until:
                values = {"method": METHODS[number // 20 % len(METHODS)], "agent": self.manager["id"], "at": back}
                self.feed.append(DATA.make("recovery", number, rng, email=email, thread=thread, **values))

    def write(self, rng: Random, email: str, thread: str, at: int, job: int, turn: int = 0) -> None:
        """Write an e-mail."""
        row = _make_reply(rng, self._written, self.manager, email=email, thread=thread, at=at, job=job)
        self._written += 1
        self.replies.append(row)
        kind = "reply" if job == REPLY else "followup"
        self.feed.append(DATA.make("activity", row=row, kind=kind, job=job, turn=turn or None))


def _summary(manager: Row, feed: list[Row], mails: list[Row]) -> Row:
    counts, scores = _counts(manager, feed), [row["confidence_score"] for row in mails]
    actions, threads = counts["total_actions"], counts["unique_conversations"]
    counts["time_saved"] = sum(row["estimated_time_saved_seconds"] for row in mails)
    counts["average_confidence_score"] = round(sum(scores) / len(scores), 1) if scores else 0
    # A further quarter of conversations happened without the agent.
    counts["involvement_rate"] = _percent(threads, threads + threads // 4)
    counts["resolution_rate"] = _percent(actions - counts["human_intervention"], actions)
    if _recovers(manager):
        chased = [row for row in feed if row.get("job_type") == NO_SHOW]
        back = [row for row in feed if row["activity_type"] == "recovery"]
        threads = len({row["thread_id"] for row in chased + back})
        counts["no_show_total_revenue_recovered"] = sum(row.get("revenue_recovered", 0) for row in back)
        counts["no_show_time_saved"] = sum(row["estimated_time_saved_seconds"] for row in chased)
        counts["no_show_recovery_rate"] = _percent(counts["no_show_total_leads_recovered"], threads)
    return counts


def _counts(manager: Row, feed: list[Row]) -> Row:
    acts = [row for row in feed if row["activity_type"] != "recovery"]
    kinds, counts = [row["activity_type"] for row in acts], {"total_actions": len(acts)}
    counts |= {"replies_count": kinds.count("reply"), "follow_ups_count": kinds.count("followup")}
    counts["human_intervention"] = sum(row["requires_hitl"] for row in acts)
    counts["info_requested"] = sum("information_requested" in row for row in acts)
    counts["unique_conversations"] = len({row["thread_id"] for row in acts})
    if _recovers(manager):
        counts["no_show_follow_ups_generated"] = sum(row["job_type"] == NO_SHOW for row in acts)
        counts["no_show_total_leads_recovered"] = len(feed) - len(acts)
    return counts


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0


AGENTS = "ai_inbox_managers"
PATH = "/ai-agents/inbox-manager/{key}"
# The wildcard of these scopes is that of all agents.
ALSO = ("ai_agents:all",)
MANAGERS, LEADS_LOOKED_AT = 3, 400
EVER = ("", "9999")


def _make_agents(world: World) -> Iterator[Row]:
    rng = world.rng("inbox managers")
    for number in range(MANAGERS):
        yield make_inbox_manager(rng, number, world, (world.first_day + 2 * number) * DAY_MS)


def _make_guidances(world: World) -> Iterator[Row]:
    """Create the guidances of the managers, the basic one first."""
    rng = world.rng("inbox manager guidances")
    for agent in world.collection(AGENTS).values():
        for number, guidance in enumerate(DATA["guidances"]):
            values = {"at": parse_stamp(agent["timestamp_created"]) + number * HOUR_MS, "basic": number == 0}
            yield DATA.make("guidance", number, rng, manager=agent, guidance=guidance, **values)


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


INFORMATION = {"information_requested": flag(lambda row: "information_requested" in row)}
TYPES = {kind: has("activity_type", kind) for kind in ("reply", "followup", "recovery")}
GUIDANCES = Listing("ai_inbox_manager_guidances", filters=fields(numbers="status"), at_end="absent")
REPLIES = replace(
    GUIDANCES, resource="ai_inbox_manager_replies", filters=fields(flags="requires_hitl action_pending") | INFORMATION
)
FEED_FILTERS = fields(flags="action_pending", numbers="job_type") | {"activity_type": options("activity_type", TYPES)}
FEED = replace(GUIDANCES, resource="ai_inbox_manager_activity", filters=FEED_FILTERS, usual=25)
FEED = replace(FEED, present=lambda row, _query: without(row, "agent_id"))


def _held(part: str) -> Maker:
    return lambda world: (row for held in _conversations(world) for row in getattr(held, part))


def _of(world: World, resource: str, agent_id: str) -> list[Row]:
    return world.children(resource, "agent_id", agent_id)


def _get_agent(request: ApiRequest) -> object:
    row = request.row(AGENTS)
    with_metadata = parse_bool(request.query.get("with_metadata", "false"))
    return row | ({"metadata": metadata_of(row, request.world)} if with_metadata else {})


def _get_part(listing: Listing) -> Handler:
    def handler(request: ApiRequest) -> object:
        rows = _of(request.world, listing.resource, request.row(AGENTS)["id"])
        return existing(next((row for row in rows if row["id"] == request.path["part"]), None))

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
    return _summary(world.collection(AGENTS)[agent_id], feed, mails)


def _by_date(world: World, agent_id: str, window: tuple[str, str] = EVER) -> list[Row]:
    manager, days = world.collection(AGENTS)[agent_id], defaultdict[str, list[Row]](list)
    for row in _work(world, agent_id, window, FEED.resource):
        days[row["timestamp_created"][:10]].append(row)
    return [{"date": day, **_counts(manager, days[day])} for day in sorted(days)]


def _add_agent_reply(world: World, id: str, at: int | None = None, *, follow_up: bool = False) -> Row:
    agent = world.known(AGENTS, id)
    earlier = _of(world, REPLIES.resource, id)
    rng, moment = world.mutation_rng(), world.moment(at)
    held = Conversations(agent, written=len(earlier) + world.mutations)
    if follow_up and earlier:
        email, thread = earlier[-1]["lead"], earlier[-1]["thread_id"]
    else:
        email, thread = rng.choice(earlier)["lead"] if earlier else "somebody@example.com", _draw_thread(rng)
    held.write(rng, email, thread, moment, FOLLOW_UP if follow_up else REPLY, int(follow_up))
    world.insert(FEED.resource, held.feed[0])
    return {"reply": world.insert(REPLIES.resource, held.replies[0])}


def _get(path: str, handler: Handler, resource: str) -> Area:
    return get(PATH + path, handler, f"{resource}:read", ALSO)


def _figures(path: str, name: str, figure: Any) -> Area:  # noqa: ANN401 - as in the API
    scope = "ai_inbox_manager_analytics:read"
    return figures(f"{PATH}/analytics/{path}", name, figure, (AGENTS, "agent_id"), scope, _window, ALSO)


AREA = (
    children(f"{PATH}/guidances", GUIDANCES, _make_guidances, AGENTS, "ai_agent_guidances:read", ALSO)
    + children(f"{PATH}/replies", REPLIES, _held("replies"), AGENTS, "ai_sdr_replies:read", ALSO)
    + _figures("summary", "ai_inbox_manager_summary", summary_of)
    + _figures("summary-by-date", "ai_inbox_manager_summary_by_date", _by_date)
    + _get("", _get_agent, "ai_agents")
    + _get("/guidances/{part}", _get_part(GUIDANCES), "ai_agent_guidances")
    + _get("/replies/{part}", _get_part(REPLIES), "ai_sdr_replies")
    + _get("/analytics/activity", _get_feed, "ai_inbox_manager_analytics")
    + table(AGENTS, _make_agents)
    + table(FEED.resource, _held("feed"))
    + truth(AGENTS, lambda world: world.rows(AGENTS))
    # The only list whose rows do not name their agent.
    + truth(FEED.resource, lambda world: FEED.select(world.rows(FEED.resource)))
    + changes(_add_agent_reply)
)

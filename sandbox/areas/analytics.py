"""Analytics of campaigns: their ledgers as the endpoints return them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from starlette.datastructures import QueryParams
from starlette.responses import Response

from sandbox.answers import ApiError, reply
from sandbox.api import Area, each, get
from sandbox.clock import DAY_MS, day_text, is_date_only
from sandbox.ledger import EVER, Counts, Ledger, Step, Window, step_order
from sandbox.lists import parse_number, parse_time
from sandbox.records import Row
from sandbox.workspaces import ApiRequest
from sandbox.world import World

LONGEST_MS = 31 * DAY_MS
USUAL_DAYS = 30
# Names of counts: the endpoint's -> the ledger's.
EVENTS = {
    "open_count": "opened",
    "reply_count": "replies",
    "reply_count_automatic": "automatic",
    "link_click_count": "clicks",
}
OUTCOMES = {
    "bounced_count": "bounced",
    "unsubscribed_count": "unsubscribed",
    "completed_count": "completed",
    "emails_sent_count": "sent",
    "contacted_count": "contacted",
    "new_leads_contacted_count": "new",
}
STEPS = {
    "sent": "sent",
    "opened": "opened",
    "unique_opened": "unique_opened",
    "replies": "replies",
    "unique_replies": "unique_replies",
    "replies_automatic": "automatic",
    "unique_replies_automatic": "unique_automatic",
    "clicks": "clicks",
    "unique_clicks": "unique_clicks",
}
OPPORTUNITIES = {name: name for name in ("opportunities", "unique_opportunities")}
DAILY = {"sent": "sent", "contacted": "sent", "new_leads_contacted": "new", **STEPS, **OPPORTUNITIES}
STAGES = {"total_meeting_booked": "meetings", "total_meeting_completed": "meetings_held", "total_closed": "won"}


def rename(counts: Mapping[str, int], names: Mapping[str, str]) -> Row:
    """Return counts under the names of an endpoint."""
    return {name: counts.get(source, 0) for name, source in names.items()}


def _sum(rows: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for row in rows:
        for name, count in row.items():
            total[name] = total.get(name, 0) + count
    return total


def _event_counts(counts: Counts) -> Row:
    row: Row = {}
    for name, source in EVENTS.items():
        unique = {f"{name}_unique": f"unique_{source}", f"{name}_unique_by_step": f"by_step_{source}"}
        row |= rename(counts, {name: source, **unique})
    return row


def _value(campaign: Row, counts: Counts, *, expand: bool = False) -> float:
    """Return the value of a campaign's opportunities."""
    each_value: float = campaign.get("pl_value") or 0
    return each_value * counts.get("opportunities" if expand else "unique_opportunities", 0)


def _campaign_rows(
    world: World, window: Window = EVER, only: frozenset[str] | None = None, *, with_leads: bool = True
) -> Iterator[Row]:
    """Yield the totals of each campaign that ever sent, or was active in the window."""
    for campaign in sorted(world.campaigns.values(), key=lambda row: str(row["timestamp_created"])):
        if only is not None and campaign["id"] not in only:
            continue
        ledger = world.ledger(campaign["id"])
        if not ledger.ever_sent or not any((counts := ledger.total(window)).values()):
            continue
        yield {
            "campaign_name": campaign["name"],
            "campaign_id": campaign["id"],
            "campaign_status": campaign["status"],
            "campaign_is_evergreen": bool(campaign.get("is_evergreen")),
            **({"leads_count": world.leads.count(campaign["id"])} if with_leads else {}),
            **rename(counts, OUTCOMES),
            **_event_counts(counts),
            "total_opportunities": counts["unique_opportunities"],
            "total_opportunity_value": _value(campaign, counts),
            **world.extra["campaign_analytics"],
        }


def _overview(world: World, campaigns: list[Row], window: Window, *, expand: bool) -> Row:
    """Return one object for several campaigns, with the outcomes of their opportunities."""
    totals = {row["id"]: world.ledger(row["id"]).total(window) for row in campaigns}
    counts = _sum(totals.values())
    interested = counts.get("opportunities" if expand else "unique_opportunities", 0)
    return {
        **_event_counts(counts),
        **rename(counts, OUTCOMES),
        "total_opportunities": interested,
        "total_opportunity_value": sum(_value(row, totals[row["id"]], expand=expand) for row in campaigns),
        "total_interested": interested,
        **rename(counts, STAGES),
        **world.extra["campaign_analytics_overview"],
    }


def _daily_rows(world: World, ledgers: Iterable[Ledger], window: Window = EVER) -> Iterator[Row]:
    """Yield each active day, summed over campaigns."""
    days: dict[int, list[Counts]] = {}
    for ledger in ledgers:
        for day, counts in ledger.by_day(window).items():
            days.setdefault(day, []).append(counts)
    for day in sorted(days):
        figures = rename(_sum(days[day]), DAILY)
        if any(figures.values()):
            yield {"date": day_text(day)} | figures | world.extra["campaign_analytics_daily"]


def _step_rows(
    world: World, ledgers: Iterable[Ledger], window: Window = EVER, *, opportunities: bool = False
) -> Iterator[Row]:
    """Yield each step and variant; events of unknown origin come last, with nulls."""
    steps: dict[Step, list[Counts]] = {}
    for ledger in ledgers:
        for step, counts in ledger.by_step(window).items():
            steps.setdefault(step, []).append(counts)
    names = {**STEPS, **OPPORTUNITIES, "meetings_booked": "meetings", "won": "won"} if opportunities else STEPS
    for step in sorted(steps, key=step_order):
        figures = rename(_sum(steps[step]), names)
        yield {"step": step[0], "variant": step[1]} | figures | world.extra["campaign_analytics_steps"]


def _ends(query: QueryParams) -> tuple[int | None, int | None]:
    start, end = (parse_time(query[name], name) if query.get(name) else None for name in ("start_date", "end_date"))
    if start is not None and end is not None and start > end:
        raise ApiError(400, "Start Date must be earlier than End Date", bare=True)
    return start, end


def read_window(query: QueryParams) -> Window:
    """Read the dates of a request.

    A date is midnight UTC, so an end date excludes that day. The real API's behaviour is not documented. That equal
    start and end dates mean this day is a guess as well.
    """
    start, end = _ends(query)
    first = None if start is None else start // DAY_MS
    if end is None:
        return Window(first, None)
    last = end // DAY_MS if is_date_only(query["end_date"]) else -(-end // DAY_MS)
    return Window(first, max(last, last if first is None else first + 1))


def read_days(query: QueryParams) -> Window:
    """Read the dates of a request whose range is documented to include its first and last day."""
    start, end = _ends(query)
    return Window(None if start is None else start // DAY_MS, None if end is None else end // DAY_MS + 1)


def read_short_window(request: ApiRequest) -> Window:
    """Read the dates of a daily request: a month by default, with a maximum that is little longer."""
    window, (start, end) = read_window(request.query), _ends(request.query)
    tomorrow = request.world.latest + 1
    if start is None and end is None:
        return Window(tomorrow - USUAL_DAYS, tomorrow)
    if start is None and window.end is not None:
        return Window(window.end - USUAL_DAYS, window.end)
    if start is not None and (tomorrow * DAY_MS if end is None else end) - start > LONGEST_MS:
        raise ApiError(400, "Analytics date range cannot exceed 31 days", bare=True)
    return window


def _named(query: QueryParams) -> frozenset[str] | None:
    """Read the campaigns of a request: one `id`, or repeated `ids`."""
    names = [*query.getlist("id"), *query.getlist("ids"), *query.getlist("ids[]")]
    return frozenset(names) if any(names) else None


def _of_status(request: ApiRequest) -> list[Row]:
    wanted = request.query.get("campaign_status")
    rows = list(request.world.campaigns.values())
    return rows if wanted is None else [row for row in rows if row["status"] == parse_number(wanted)]


def _ledgers(request: ApiRequest) -> list[Ledger]:
    """Return the ledgers to sum. The whole workspace includes deleted campaigns."""
    world, campaign = request.world, request.query.get("campaign_id")
    if campaign:
        return [world.ledger(row["id"]) for row in _of_status(request) if row["id"] == campaign]
    if request.query.get("campaign_status"):
        return [world.ledger(row["id"]) for row in _of_status(request)]
    return world.ledgers() + world.deleted_ledgers


def _get_campaigns(request: ApiRequest) -> Response:
    """Answer with a bare array of all campaigns, without pages."""
    with_leads = not request.flag("exclude_total_leads_count")
    window = read_window(request.query)
    return reply(list(_campaign_rows(request.world, window, _named(request.query), with_leads=with_leads)))


def _get_overview(request: ApiRequest) -> Response:
    named = _named(request.query)
    campaigns = [row for row in _of_status(request) if named is None or row["id"] in named]
    expand = request.flag("expand_crm_events")
    return reply(_overview(request.world, campaigns, read_window(request.query), expand=expand))


def _get_daily(request: ApiRequest) -> Response:
    window = read_short_window(request)
    return reply(list(_daily_rows(request.world, _ledgers(request), window)))


def _get_steps(request: ApiRequest) -> Response:
    opportunities, window = request.flag("include_opportunities_count"), read_window(request.query)
    return reply(list(_step_rows(request.world, _ledgers(request), window, opportunities=opportunities)))


def _overviews(world: World) -> Iterator[Row]:
    """Yield the overview of each campaign that ever sent, with the campaign's id, which it lacks."""
    for row in _campaign_rows(world):
        key = row["campaign_id"]
        yield {"campaign_id": key, **_overview(world, [world.campaigns[key]], EVER, expand=False)}


AREA = Area(
    endpoints=(
        get("/campaigns/analytics", _get_campaigns),
        get("/campaigns/analytics/overview", _get_overview),
        get("/campaigns/analytics/daily", _get_daily),
        get("/campaigns/analytics/steps", _get_steps),
    ),
    truth={
        "campaign_analytics": _campaign_rows,
        "campaign_analytics_overview": _overviews,
        "campaign_analytics_daily": each(
            "campaigns", "campaign_id", lambda world, key: _daily_rows(world, [world.ledger(key)])
        ),
        "campaign_analytics_steps": each(
            "campaigns", "campaign_id", lambda world, key: _step_rows(world, [world.ledger(key)])
        ),
        "campaign_analytics_steps_with_opportunities": each(
            "campaigns", "campaign_id", lambda world, key: _step_rows(world, [world.ledger(key)], opportunities=True)
        ),
        "workspace_analytics_daily": lambda world: _daily_rows(world, world.ledgers() + world.deleted_ledgers),
    },
)

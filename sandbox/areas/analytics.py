"""Analytics of campaigns: their ledgers as the endpoints return them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.datastructures import QueryParams

from sandbox.answers import ApiError
from sandbox.api import ApiRequest, get, truth
from sandbox.clock import DAY_MS, day_text, is_date_only
from sandbox.ledger import EVER, Counts, Ledger, Window, step_order
from sandbox.lists import parse_number
from sandbox.records import Data, Row
from sandbox.world import World

LONGEST_MS, USUAL_DAYS = 31 * DAY_MS, 30
# Names of counts: the endpoint's -> the ledger's.
DATA = Data(__file__)
STEPS: dict[str, str] = DATA["steps"]
DAILY: dict[str, str] = DATA["daily"] | STEPS | DATA["opportunities"]
ID = "campaign_id"


def rename(counts: Mapping[str, int], names: Mapping[str, str]) -> Row:
    """Return counts under the names of an endpoint."""
    return {name: counts.get(source, 0) for name, source in names.items()}


def _event_counts(counts: Counts) -> Row:
    row: Row = {}
    for name, source in DATA["events"].items():
        unique = {f"{name}_unique": f"unique_{source}", f"{name}_unique_by_step": f"by_step_{source}"}
        row |= rename(counts, {name: source, **unique})
    return row


def _value(campaign: Row, counts: Counts, *, expand: bool = False) -> float:
    each_value: float = campaign.get("pl_value") or 0
    return each_value * counts.get("opportunities" if expand else "unique_opportunities", 0)


def _campaign_rows(
    world: World, window: Window = EVER, only: frozenset[str] | None = None, *, with_leads: bool = True
) -> Iterator[Row]:
    """Yield the totals of each campaign that ever sent, or was active in the window."""
    for campaign in sorted(world.campaigns.values(), key=lambda row: str(row["timestamp_created"])):
        key = campaign["id"]
        if only is not None and key not in only:
            continue
        ledger = world.ledger(key)
        if ledger.ever_sent and any((counts := ledger.total(window)).values()):
            yield {
                "campaign_name": campaign["name"],
                "campaign_id": key,
                "campaign_status": campaign["status"],
                "campaign_is_evergreen": bool(campaign.get("is_evergreen")),
                **({"leads_count": world.leads.count(key)} if with_leads else {}),
                **rename(counts, DATA["outcomes"]),
                **_event_counts(counts),
                "total_opportunities": counts["unique_opportunities"],
                "total_opportunity_value": _value(campaign, counts),
                **world.extra["campaign_analytics"],
            }


def _overview(world: World, campaigns: list[Row], window: Window = EVER, *, expand: bool = False) -> Row:
    """Return one object for several campaigns, with the outcomes of their opportunities."""
    totals = {row["id"]: world.ledger(row["id"]).total(window) for row in campaigns}
    counts = Counter[str]()
    for total in totals.values():
        counts.update(total)
    interested = counts.get("opportunities" if expand else "unique_opportunities", 0)
    return {
        **_event_counts(counts),
        **rename(counts, DATA["outcomes"]),
        "total_opportunities": interested,
        "total_opportunity_value": sum(_value(row, totals[row["id"]], expand=expand) for row in campaigns),
        "total_interested": interested,
        **rename(counts, DATA["stages"]),
        **world.extra["campaign_analytics_overview"],
    }


def _summed(figures: Iterable[Mapping[Any, Counts]]) -> Mapping[Any, Counts]:
    """Sum figures of several ledgers by day, or by step and variant."""
    found: dict[Any, Counter[str]] = defaultdict(Counter)
    for figure in figures:
        for key, counts in figure.items():
            found[key].update(counts)
    return found


def _daily_rows(world: World, ledgers: Iterable[Ledger], window: Window = EVER) -> Iterator[Row]:
    """Yield each active day, summed over campaigns."""
    for day, counts in sorted(_summed(ledger.by_day(window) for ledger in ledgers).items()):
        if any((figures := rename(counts, DAILY)).values()):
            yield {"date": day_text(day)} | figures | world.extra["campaign_analytics_daily"]


def _step_rows(
    world: World, ledgers: Iterable[Ledger], window: Window = EVER, *, opportunities: bool = False
) -> Iterator[Row]:
    """Yield each step and variant; events of unknown origin come last, with nulls."""
    steps = _summed(ledger.by_step(window) for ledger in ledgers)
    names = STEPS | DATA["opportunities"] | DATA["meetings"] if opportunities else STEPS
    for step in sorted(steps, key=step_order):
        figures = rename(steps[step], names)
        yield {"step": step[0], "variant": step[1]} | figures | world.extra["campaign_analytics_steps"]


def _ends(request: ApiRequest) -> tuple[int | None, int | None]:
    start, end = request.moment("start_date"), request.moment("end_date")
    if start is not None and end is not None and start > end:
        raise ApiError(400, "Start Date must be earlier than End Date", bare=True)
    return start, end


def read_window(request: ApiRequest) -> Window:
    """Read the dates of a request.

    A date is midnight UTC, so an end date excludes that day. The real API's behaviour is not documented. That equal
    start and end dates mean this day is a guess as well.
    """
    start, end = _ends(request)
    first = None if start is None else start // DAY_MS
    if end is None:
        return Window(first, None)
    last = end // DAY_MS if is_date_only(request.query["end_date"]) else -(-end // DAY_MS)
    return Window(first, max(last, last if first is None else first + 1))


def read_days(request: ApiRequest) -> Window:
    """Read the dates of a request whose range is documented to include its first and last day."""
    start, end = _ends(request)
    return Window(None if start is None else start // DAY_MS, None if end is None else end // DAY_MS + 1)


def read_short_window(request: ApiRequest) -> Window:
    """Read the dates of a daily request: a month by default, with a maximum that is little longer."""
    window, (start, end) = read_window(request), _ends(request)
    tomorrow = request.world.latest + 1
    if start is None:
        last = tomorrow if window.end is None else window.end
        return Window(last - USUAL_DAYS, last)
    if (tomorrow * DAY_MS if end is None else end) - start > LONGEST_MS:
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


def _all_ledgers(world: World) -> list[Ledger]:
    """Return the ledgers of the whole workspace, which includes deleted campaigns."""
    return world.ledgers() + world.deleted_ledgers


def _ledgers(request: ApiRequest) -> list[Ledger]:
    world, campaign = request.world, request.query.get(ID)
    if not campaign and not request.query.get("campaign_status"):
        return _all_ledgers(world)
    return [world.ledger(row["id"]) for row in _of_status(request) if not campaign or row["id"] == campaign]


def _get_campaigns(request: ApiRequest) -> object:
    """Answer with a bare array of all campaigns, without pages."""
    with_leads = not request.flag("exclude_total_leads_count")
    window = read_window(request)
    return list(_campaign_rows(request.world, window, _named(request.query), with_leads=with_leads))


def _get_overview(request: ApiRequest) -> object:
    named = _named(request.query)
    campaigns = [row for row in _of_status(request) if named is None or row["id"] in named]
    expand = request.flag("expand_crm_events")
    return _overview(request.world, campaigns, read_window(request), expand=expand)


def _get_daily(request: ApiRequest) -> object:
    window = read_short_window(request)
    return list(_daily_rows(request.world, _ledgers(request), window))


def _get_steps(request: ApiRequest) -> object:
    opportunities, window = request.flag("include_opportunities_count"), read_window(request)
    return list(_step_rows(request.world, _ledgers(request), window, opportunities=opportunities))


def _overviews(world: World) -> Iterator[Row]:
    """Yield the overview of each campaign that ever sent, with the campaign's id, which it lacks."""
    keys = (row[ID] for row in _campaign_rows(world))
    return ({ID: key, **_overview(world, [world.campaigns[key]])} for key in keys)


AREA = (
    get("/campaigns/analytics", _get_campaigns)
    + get("/campaigns/analytics/overview", _get_overview)
    + get("/campaigns/analytics/daily", _get_daily)
    + get("/campaigns/analytics/steps", _get_steps)
    + truth("campaign_analytics", _campaign_rows)
    + truth("campaign_analytics_overview", _overviews)
    + truth("campaign_analytics_daily", lambda world, key: _daily_rows(world, [world.ledger(key)]), "campaigns", ID)
    + truth("campaign_analytics_steps", lambda world, key: _step_rows(world, [world.ledger(key)]), "campaigns", ID)
    + truth(
        "campaign_analytics_steps_with_opportunities",
        lambda world, key: _step_rows(world, [world.ledger(key)], opportunities=True),
        "campaigns",
        ID,
    )
    + truth("workspace_analytics_daily", lambda world: _daily_rows(world, _all_ledgers(world)))
)

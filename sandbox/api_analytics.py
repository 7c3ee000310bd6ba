"""The analytics endpoints of campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.analytics import campaign_rows, daily_rows, overview, step_rows
from sandbox.answers import ApiError, invalid, reply
from sandbox.clock import DAY_MS, is_date_only, parse_stamp
from sandbox.ledger import Ledger, Window
from sandbox.paging import parse_number

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row

LONGEST_MS = 31 * DAY_MS
USUAL_DAYS = 30


def _instant(query: QueryParams, name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return parse_stamp(text)
    except ValueError:
        message = f"querystring/{name} must be a date or a timestamp"
        raise invalid(message) from None


def read_window(query: QueryParams) -> Window:
    """Read the dates of a request.

    A date is its UTC midnight, so a date-only end leaves out what happened on that day. Whether the real API does
    the same is not documented; that a range of one and the same date means this day is a guess as well.
    """
    start, end = _instant(query, "start_date"), _instant(query, "end_date")
    if start is not None and end is not None and start > end:
        message = "Start Date must be earlier than End Date"
        raise ApiError(400, message, bare=True)
    first = None if start is None else start // DAY_MS
    if end is None:
        return Window(first, None)
    last = end // DAY_MS if is_date_only(query["end_date"]) else -(-end // DAY_MS)
    return Window(first, max(last, last if first is None else first + 1))


def read_days(query: QueryParams) -> Window:
    """Read the dates of a request for which first and last day are documented to belong to the range."""
    start, end = _instant(query, "start_date"), _instant(query, "end_date")
    if start is not None and end is not None and start > end:
        message = "Start Date must be earlier than End Date"
        raise ApiError(400, message, bare=True)
    return Window(None if start is None else start // DAY_MS, None if end is None else end // DAY_MS + 1)


def read_short_window(call: Call) -> Window:
    """Read the dates of a daily request: a month unless told otherwise, and never much more."""
    window = read_window(call.query)
    start, end = _instant(call.query, "start_date"), _instant(call.query, "end_date")
    tomorrow = call.world.latest + 1
    if start is None and end is None:
        return Window(tomorrow - USUAL_DAYS, tomorrow)
    if start is None and window.end is not None:
        return Window(window.end - USUAL_DAYS, window.end)
    upto = tomorrow * DAY_MS if end is None else end
    if start is not None and upto - start > LONGEST_MS:
        message = "Analytics date range cannot exceed 31 days"
        raise ApiError(400, message, bare=True)
    return window


def _named(query: QueryParams) -> frozenset[str] | None:
    """Read the campaigns a request names: one `id`, or `ids` over and over."""
    names = [*query.getlist("id"), *query.getlist("ids"), *query.getlist("ids[]")]
    return frozenset(names) if any(names) else None


def _of_status(call: Call) -> list[Row]:
    wanted = call.query.get("campaign_status")
    rows = list(call.world.campaigns.values())
    return rows if wanted is None else [row for row in rows if row["status"] == parse_number(wanted)]


def _ledgers(call: Call) -> list[Ledger]:
    """Find what to add up; the whole workspace includes campaigns that have been deleted since."""
    world, campaign = call.world, call.query.get("campaign_id")
    if campaign:
        return [world.ledger(row["id"]) for row in _of_status(call) if row["id"] == campaign]
    if call.query.get("campaign_status"):
        return [world.ledger(row["id"]) for row in _of_status(call)]
    return world.ledgers() + world.ghosts


def get_campaigns(call: Call) -> Response:
    """Answer GET /campaigns/analytics: a bare array of all campaigns, without pages."""
    with_leads = call.query.get("exclude_total_leads_count") != "true"
    rows = campaign_rows(call.world, read_window(call.query), _named(call.query), with_leads=with_leads)
    return reply(list(rows))


def get_overview(call: Call) -> Response:
    """Answer GET /campaigns/analytics/overview."""
    named = _named(call.query)
    campaigns = [row for row in _of_status(call) if named is None or row["id"] in named]
    expand = call.query.get("expand_crm_events") == "true"
    return reply(overview(call.world, campaigns, read_window(call.query), expand=expand))


def get_daily(call: Call) -> Response:
    """Answer GET /campaigns/analytics/daily."""
    window = read_short_window(call)
    return reply(list(daily_rows(call.world, _ledgers(call), window)))


def get_steps(call: Call) -> Response:
    """Answer GET /campaigns/analytics/steps."""
    opportunities = call.query.get("include_opportunities_count") == "true"
    window = read_window(call.query)
    return reply(list(step_rows(call.world, _ledgers(call), window, opportunities=opportunities)))

"""What the API tells of accounts beside the accounts themselves, and of the verification of a list's leads."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.account_stats import daily_rows, make_senders, mapping_rows, warmup_rows, warmup_sums
from sandbox.answers import ApiError, invalid, not_found, reply
from sandbox.api_analytics import read_short_window
from sandbox.api_lists import get_children, read_body
from sandbox.area import Area, Operation
from sandbox.leads import Selection
from sandbox.listings import ACCOUNTS
from sandbox.paging import Listing, time_cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row
    from sandbox.world import World

MOST_EMAILS = 200
MOST_WARMUPS = 100
# Verification status of a lead -> its name in the sums.
VERIFICATIONS = {
    1: "verified",
    -1: "invalid",
    -2: "risky",
    -3: "catch_all",
    -4: "job_change",
    11: "verification_job_pending_leadfinder",
    12: "verification_job_pending_user",
}

# Newest first is a guess.
MAPPINGS = Listing(
    resource="account_campaign_mappings",
    scope="account_campaign_mappings",
    sort_key=lambda row: (row["timestamp_created"], row["campaign_id"]),
    read_cursor=time_cursor,
    write_cursor=lambda row: str(row["timestamp_created"]),
    descending=True,
)


def _get_daily(call: Call) -> Response:
    """Answer GET /accounts/analytics/daily: a bare array."""
    given = [*call.query.getlist("emails"), *call.query.getlist("emails[]")]
    emails = frozenset(email for text in given for email in text.split(",") if email)
    if not emails:
        message = "querystring must have required property 'emails'"
        raise invalid(message)
    if len(emails) > MOST_EMAILS:
        message = f"querystring/emails must NOT have more than {MOST_EMAILS} items"
        raise invalid(message)
    window = read_short_window(call)
    if len(emails) > call.workspace.manners.analytics_accounts:
        message = (
            "Analytics request is too large for this workspace. Add an emails filter or request a smaller date range"
        )
        raise ApiError(413, message)
    return reply([row for day, row in daily_rows(call.world, emails) if day in window])


def _post_warmup(call: Call) -> Response:
    """Answer POST /accounts/warmup-analytics; accounts that do not warm up are left out."""
    emails = read_body(call).get("emails")
    if not isinstance(emails, list) or not 1 <= len(emails) <= MOST_WARMUPS:
        message = f"body/emails must have between 1 and {MOST_WARMUPS} items"
        raise invalid(message)
    sums = {email: warmup_sums(call.world, email) for email in dict.fromkeys(map(str, emails))}
    found = {email: row for email, row in sums.items() if row is not None}
    dates = {email: {row.pop("date"): row for row in map(dict, warmup_rows(call.world, email))} for email in found}
    return reply({"email_date_data": dates, "aggregate_data": found})


def _stats(world: World, list_id: str) -> Row:
    chosen = Selection(world.leads.positions_in(list_id), lambda row: row.get("list_id") == list_id)
    found = Counter(json.loads(text).get("verification_status") for text in world.leads.rows(chosen))
    stats = {name: found[status] for status, name in VERIFICATIONS.items()}
    return {"stats": stats, "total_leads": sum(found.values())} | world.extra["verification_stats"]


def _get_stats(call: Call) -> Response:
    """Answer GET /lead-lists/{id}/verification-stats."""
    if call.path["key"] not in call.world.lead_lists:
        raise not_found()
    return reply(_stats(call.world, call.path["key"]))


def _in_order(world: World) -> list[str]:
    """Give the accounts in the order of their list."""
    return [row["email"] for row in ACCOUNTS.select(world.accounts.values(), {})]


def _stats_truth(world: World) -> Iterator[Row]:
    return ({"list_id": list_id, **_stats(world, list_id)} for list_id in world.lead_lists)


def _mapping_truth(world: World) -> Iterator[Row]:
    for email in _in_order(world):
        for row in MAPPINGS.select(mapping_rows(world, email) or (), {}):
            yield {"email": email, **row}


def _warmup_truth(world: World) -> Iterator[Row]:
    for email in _in_order(world):
        for row in warmup_rows(world, email):
            yield {"email": email, **row}


def _health_truth(world: World) -> Iterator[Row]:
    for email in _in_order(world):
        row = warmup_sums(world, email)
        if row is not None:
            yield {"email": email, **row}


AREA = Area(
    operations=(
        # Analytics need no scope, and the documentation names none for the sums of a list either.
        Operation("GET", "/accounts/analytics/daily", _get_daily),
        Operation("POST", "/accounts/warmup-analytics", _post_warmup, "accounts:read"),
        Operation(
            "GET",
            "/account-campaign-mappings/{key}",
            get_children(MAPPINGS, mapping_rows),
            "account_campaign_mappings:read",
        ),
        Operation("GET", "/lead-lists/{key}/verification-stats", _get_stats),
    ),
    tables={"senders": make_senders},
    truth={
        "account_analytics_daily": lambda world: (row for _, row in daily_rows(world)),
        "account_campaign_mappings": _mapping_truth,
        "warmup_analytics": _health_truth,
        "warmup_analytics_daily": _warmup_truth,
        "verification_stats": _stats_truth,
    },
)

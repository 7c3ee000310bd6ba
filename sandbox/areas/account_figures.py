"""Figures of accounts.

Each campaign's daily counts are divided among its senders, so that the accounts of a day add up to the workspace's
total. Counts without a known account have the empty address: replies that match no e-mail, and e-mails of campaigns
without senders, of deleted campaigns and of deleted accounts.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from sandbox.answers import ApiError, require
from sandbox.api import ApiRequest, figures, get, get_children, post, table, truth
from sandbox.areas.accounts import in_order
from sandbox.areas.analytics import DAILY as CAMPAIGN_DAILY
from sandbox.areas.analytics import read_short_window
from sandbox.clock import day_text
from sandbox.ledger import METRICS, Counts
from sandbox.lists import BY_TIME, Listing
from sandbox.records import Row
from sandbox.world import World

NOBODY = ""
MOST_EMAILS, MOST_WARMUPS = 200, 100
WARMUP_DAYS, GOOD = 7, 90
# Metrics by account: those by campaign, with bounces and without opportunities, which belong to no account.
DAILY = {"sent": "sent", "bounced": "bounced"} | {
    name: source for name, source in CAMPAIGN_DAILY.items() if "opportunities" not in name
}
# Verification status of a lead -> its name in the sums.
VERIFICATIONS = {1: "verified", -1: "invalid", -2: "risky", -3: "catch_all", -4: "job_change"} | {
    number: f"verification_job_pending_{who}" for number, who in ((11, "leadfinder"), (12, "user"))
}
# Newest first is a guess.
ORDER = BY_TIME._replace(key=lambda row: (row["timestamp_created"], row["campaign_id"]))
MAPPINGS = Listing("account_campaign_mappings", ORDER)

Table = dict[tuple[int, str], dict[str, int]]


def _senders(world: World, campaign_id: str) -> Sequence[str]:
    if campaign_id not in world.campaigns:
        return ()
    noted = world.collection("senders").get(campaign_id) or world.campaigns[campaign_id]
    emails: Sequence[str] = noted.get("email_list", ())
    return emails


def _divide(world: World) -> Table:
    """Divide every day of every campaign among its senders."""
    table: Table = {}
    for campaign_id, ledger in world.histories():
        senders = _senders(world, campaign_id)
        days: dict[int, list[Counts]] = {}
        for day, step, cell in ledger.cells():
            counts = dict(zip(METRICS, cell, strict=True))
            if senders and step[0] is not None:
                days.setdefault(day, []).append(counts)
            else:
                _count(table, (day, NOBODY), {name: counts[of] for name, of in DAILY.items()})
        for day, cells in days.items():
            sums = {name: sum(counts[of] for counts in cells) for name, of in DAILY.items()}
            turn = zlib.crc32(f"{campaign_id}:{day}".encode())
            for at, email in enumerate(senders):
                place = (at + turn) % len(senders)
                # Rounding every count alike keeps distinct counts at or below plain ones.
                share = {name: (count + place) // len(senders) for name, count in sums.items()}
                _count(table, (day, email if email in world.accounts else NOBODY), share)
    return table


def _count(table: Table, key: tuple[int, str], counts: dict[str, int]) -> None:
    if any(counts.values()):
        known = table.setdefault(key, dict.fromkeys(DAILY, 0))
        for name, count in counts.items():
            known[name] += count


def _daily(world: World, emails: frozenset[str] | None = None) -> Iterator[tuple[int, Row]]:
    """Yield each account's active days, including those of the empty address."""
    table, extra = world.cached("account_analytics_daily", _divide), world.extra["account_analytics_daily"]
    for day, email in sorted(table):
        if emails is None or email in emails or email == NOBODY:
            yield day, {"date": day_text(day), "email_account": email, **table[day, email]} | extra


def _warmup(world: World, email: str) -> Iterator[Row]:
    """Yield the last week of an account in warm-up, without counters of zero."""
    account = world.accounts.get(email)
    if account is None or account["warmup_status"] != 1:
        return
    for day in range(world.latest - WARMUP_DAYS + 1, world.latest + 1):
        noise = zlib.crc32(f"{world.config.seed}:{email}:{day}".encode())
        sent = min(account["warmup"]["limit"], 3 + noise % 20)
        spam = noise // 32 % 2 if noise // 64 % 3 == 0 else 0
        received = noise // 128 % 4 * (noise // 512 % 9)
        counts = {"sent": sent, "landed_inbox": sent - spam, "landed_spam": spam, "received": received}
        yield {"date": day_text(day), **{name: count for name, count in counts.items() if count}}


def _health(world: World, email: str) -> Iterator[Row]:
    """Yield the sum of the week with its grade, if there is one."""
    if not (rows := list(_warmup(world, email))):
        return
    sums = {name: sum(row.get(name, 0) for row in rows) for name in ("sent", "received", "landed_inbox", "landed_spam")}
    score = round(100 * sums["landed_inbox"] / max(1, sums["sent"]))
    shown = {name: count for name, count in sums.items() if count}
    yield {**shown, "health_score_label": "Good" if score >= GOOD else "Fair", "health_score": score}


def _mappings(world: World, email: str) -> list[Row]:
    return [
        {"campaign_id": row["id"], "campaign_name": row["name"]}
        | {name: row[name] for name in ("timestamp_created", "status")}
        | world.extra["account_campaign_mappings"]
        for row in world.campaigns.values()
        if email in row.get("email_list", ())
    ]


def _get_daily(request: ApiRequest) -> object:
    given = [*request.query.getlist("emails"), *request.query.getlist("emails[]")]
    emails = frozenset(email for text in given for email in text.split(",") if email)
    require(emails, "querystring must have required property 'emails'")
    require(len(emails) <= MOST_EMAILS, f"querystring/emails must NOT have more than {MOST_EMAILS} items")
    window = read_short_window(request)
    if len(emails) > request.workspace.behaviour.analytics_accounts:
        advice = "Add an emails filter or request a smaller date range"
        raise ApiError(413, f"Analytics request is too large for this workspace. {advice}")
    return [row for day, row in _daily(request.world, emails) if day in window]


def _post_warmup(request: ApiRequest) -> object:
    """Answer without accounts that do not warm up."""
    emails, world = request.items("emails", MOST_WARMUPS), request.world
    found = {email: row for email in dict.fromkeys(map(str, emails)) for row in _health(world, email)}
    dates = {email: {row.pop("date"): row for row in _warmup(world, email)} for email in found}
    return {"email_date_data": dates, "aggregate_data": found}


def _verification(world: World, list_id: str) -> Row:
    found = Counter(row.get("verification_status") for row in world.leads.within(list_id))
    stats = {name: found[status] for status, name in VERIFICATIONS.items()}
    return {"stats": stats, "total_leads": sum(found.values())}


def _by_account(rows_of: Callable[[World, str], Iterable[Row]]) -> Callable[[World], Iterator[Row]]:
    return lambda world: ({"email": email, **row} for email in in_order(world) for row in rows_of(world, email))


# The documentation names no scope for the sums of a list, and analytics need none.
SUMS, MAPPED = "/lead-lists/{key}/verification-stats", "/account-campaign-mappings/{key}"
AREA = (
    figures(SUMS, "verification_stats", _verification, ("lead_lists", "list_id"))
    + get("/accounts/analytics/daily", _get_daily)
    + post("/accounts/warmup-analytics", _post_warmup, "accounts:read")
    + get(MAPPED, get_children(MAPPINGS, _mappings, "accounts"), "account_campaign_mappings:read")
    # The history stays with the seeded senders if a campaign's senders change.
    + table("senders", lambda world: dict(world.campaigns))
    + truth("account_analytics_daily", lambda world: (row for _, row in _daily(world)))
    + truth("account_campaign_mappings", _by_account(lambda world, email: MAPPINGS.select(_mappings(world, email))))
    + truth("warmup_analytics", _by_account(_health))
    + truth("warmup_analytics_daily", _by_account(_warmup))
)

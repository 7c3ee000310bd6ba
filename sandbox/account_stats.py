"""What campaigns did, by sending account.

Each campaign's day is dealt out among its senders, so that the accounts of a day add up to what the workspace shows
for it. What nobody can be named for has the empty address: answers that cannot be traced to a mail, and whatever
was sent by campaigns without senders, by deleted ones, and by accounts that are gone.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from sandbox.analytics import DAILY as CAMPAIGN_DAILY
from sandbox.clock import day_text
from sandbox.ledger import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.ledger import Counts
    from sandbox.paging import Row
    from sandbox.world import World

NOBODY = ""
DAILY = {
    "sent": "sent",
    "bounced": "bounced",
    **{name: source for name, source in CAMPAIGN_DAILY.items() if "opportunities" not in name},
}
"""As by campaign, with bounces and without opportunities, which belong to no account."""
WARMUP_DAYS = 7
GOOD = 90

Table = dict[tuple[int, str], dict[str, int]]


def make_senders(world: World) -> dict[str, Row]:
    """Note who sends for each campaign; history stays with them when the campaign is given others."""
    return {key: {"emails": list(row.get("email_list", ()))} for key, row in world.campaigns.items()}


def _senders(world: World, campaign_id: str) -> Sequence[str]:
    if campaign_id not in world.campaigns:
        return ()
    noted = world.collection("senders").get(campaign_id)
    emails: Sequence[str] = noted["emails"] if noted else world.campaigns[campaign_id].get("email_list", ())
    return emails


def daily_table(world: World) -> Table:
    """Deal every day of every campaign out; made again only after a change."""
    return world.remembered("account_analytics_daily", _deal)


def _deal(world: World) -> Table:
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
                # Rounding everything alike keeps distinct counts below plain ones.
                share = {name: (count + place) // len(senders) for name, count in sums.items()}
                _count(table, (day, email if email in world.accounts else NOBODY), share)
    return table


def _count(table: Table, key: tuple[int, str], counts: dict[str, int]) -> None:
    if any(counts.values()):
        known = table.setdefault(key, dict.fromkeys(DAILY, 0))
        for name, count in counts.items():
            known[name] += count


def daily_rows(world: World, emails: frozenset[str] | None = None) -> Iterator[tuple[int, Row]]:
    """Show each account's days with activity, those nobody can be named for among them."""
    table, extra = daily_table(world), world.extra["account_analytics_daily"]
    for day, email in sorted(table):
        if emails is None or email in emails or email == NOBODY:
            yield day, {"date": day_text(day), "email_account": email, **table[day, email]} | extra


def warmup_rows(world: World, email: str) -> Iterator[Row]:
    """Show the last week of an account that warms up; counters that are zero are left out."""
    account = world.accounts.get(email)
    if account is None or account["warmup_status"] != 1:
        return
    for day in range(world.latest - WARMUP_DAYS + 1, world.latest + 1):
        noise = zlib.crc32(f"{world.config.seed}:{email}:{day}".encode())
        sent = min(account["warmup"]["limit"], 3 + noise % 20)
        spam = noise // 32 % 2 if noise // 64 % 3 == 0 else 0
        counts = {
            "sent": sent,
            "landed_inbox": sent - spam,
            "landed_spam": spam,
            "received": noise // 128 % 4 * (noise // 512 % 9),
        }
        yield {"date": day_text(day), **{name: count for name, count in counts.items() if count}}


def warmup_sums(world: World, email: str) -> Row | None:
    """Sum the week up and grade it."""
    rows = list(warmup_rows(world, email))
    if not rows:
        return None
    sums = {name: sum(row.get(name, 0) for row in rows) for name in ("sent", "received", "landed_inbox", "landed_spam")}
    score = round(100 * sums["landed_inbox"] / max(1, sums["sent"]))
    shown = {name: count for name, count in sums.items() if count}
    return {**shown, "health_score_label": "Good" if score >= GOOD else "Fair", "health_score": score}


def mapping_rows(world: World, email: str) -> list[Row] | None:
    """List the campaigns an account sends for; None if there is no such account."""
    if email not in world.accounts:
        return None
    return [
        {
            "campaign_id": campaign["id"],
            "campaign_name": campaign["name"],
            "timestamp_created": campaign["timestamp_created"],
            "status": campaign["status"],
        }
        | world.extra["account_campaign_mappings"]
        for campaign in world.campaigns.values()
        if email in campaign.get("email_list", ())
    ]

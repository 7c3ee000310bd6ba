"""Statements of the marts on their data: its age, and if the sums match."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.figures.truth import DATED, over, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.figures.expected import Figures
    from tests.figures.truth import Truth
    from tests.figures.world import Row

CAMPAIGNS, ACCOUNTS, WARMUP = DATED
LISTED = (
    *DATED,
    *("campaigns", "campaign_analytics", "campaign_analytics_overview", "campaign_analytics_steps"),
    *("subsequence_analytics", "accounts", "account_warmup", "leads"),
)
TOLERANCE = 0.01
LATER = "what was loaded may begin after the campaign did"
CHECKS = (
    ("sent_daily_vs_lifetime", CAMPAIGNS, "sent", "emails_sent_count"),
    ("sent_steps_vs_lifetime", "campaign_analytics_steps", "sent", "emails_sent_count"),
    ("replied_daily_vs_lifetime", CAMPAIGNS, "unique_replies", "reply_count_unique"),
    ("positive_daily_vs_lifetime", CAMPAIGNS, "unique_opportunities", "total_opportunities"),
    ("leads_listed_vs_counted", "leads", None, "leads_count"),
)
"""Checks of a campaign: stream, its figure (None counts rows), and the lifetime figure."""


def current(truth: Truth) -> Figures:
    """Return the streams of each workspace and their last days."""
    found: Figures = {}
    for workspace in truth.workspaces:
        end = truth.as_of(workspace)
        for stream in LISTED:
            loaded = truth.loaded(stream, workspace)
            if loaded.count:
                days = {"first_date": loaded.first, "latest_date": loaded.last, "complete_until": loaded.until}
                row = {name: day.isoformat() if day else None for name, day in days.items()}
                row |= {"rows_count": loaded.count, "as_of_date": end.isoformat() if end else None}
                found |= {("instantly__data_as_of", workspace, stream, name): value for name, value in row.items()}
    return found


def reconciled(truth: Truth) -> Figures:
    """Return compared figures of existing campaigns and of whole workspaces."""
    found: Figures = {}
    for workspace in truth.workspaces:
        for key, check, row in (*_of_campaigns(truth, workspace), *_of_all(truth, workspace)):
            place = ("instantly__reconciliation", workspace, key, check)
            found |= {(*place, name): value for name, value in row.items()}
    return found


def _of_campaigns(truth: Truth, workspace: str) -> Iterator[tuple[str, str, Row]]:
    read = truth.read("campaign_analytics", workspace)
    latest = max((row["_sdc_batched_at"] for row in read), default=None)
    figures = {row["campaign_id"]: row for row in truth.of("campaign_analytics", workspace)}
    for row in read:
        key = row["campaign_id"]
        if latest and row["_sdc_batched_at"] >= latest - timedelta(hours=1):
            for check, stream, name, of in CHECKS:
                left = _sum_of(truth, workspace, stream, name, key)
                right = figures.get(key, {}).get(of)
                is_short = left is not None and right is not None and left < right
                excuse = (
                    LATER
                    if is_short and stream != "campaign_analytics_steps" and _is_older(truth, key, workspace)
                    else None
                )
                yield key, check, _judged(left, right, excuse, at_least=not check.startswith("sent"))


def _sum_of(truth: Truth, workspace: str, stream: str, name: str | None, key: str) -> int | None:
    if not truth.loaded(stream, workspace).count:
        return None
    rows = [row for row in truth.of(stream, workspace) if row.get("campaign_id", row.get("campaign")) == key]
    return _full(row[name] for row in rows) if name else len(rows)


def _full(values: Iterable[int | None]) -> int | None:
    """Return the sum if all values are known."""
    known = list(values)
    return None if None in known else sum(one or 0 for one in known)


def _is_older(truth: Truth, key: str, workspace: str) -> bool:
    created = truth.campaigns.get(key, {}).get("timestamp_created")
    first = truth.first_day(workspace)
    return created is None or first is None or created.date() < first


def _of_all(truth: Truth, workspace: str) -> Iterator[tuple[str, str, Row]]:
    read = truth.read("campaign_analytics", workspace)
    if not read:
        return
    figures = {row["campaign_id"]: row for row in truth.of("campaign_analytics", workspace)}
    lifetimes = {
        name: _full(figures.get(row["campaign_id"], {}).get(of) for row in read)
        for name, of in (("sent", "emails_sent_count"), ("bounced", "bounced_count"))
    }
    accounts, campaigns = (
        truth.of(stream, workspace) if truth.loaded(stream, workspace).count else None
        for stream in (ACCOUNTS, CAMPAIGNS)
    )
    of_accounts = {
        name: _full(row[name] for row in accounts) if accounts is not None else None for name in ("sent", "bounced")
    }
    of_campaigns = _full(row["sent"] for row in campaigns) if campaigns is not None else None
    ours, theirs = (_since(truth, workspace, stream) for stream in (ACCOUNTS, CAMPAIGNS))
    deleted = (
        "what was deleted before the first load may be in one of them alone"
        if abs(ours - theirs) <= TOLERANCE * theirs
        else None
    )
    yield "all", "sent_accounts_vs_campaigns", _judged(of_accounts["sent"], of_campaigns, deleted)
    sent, lifetime = of_accounts["sent"], lifetimes["sent"]
    is_other = sent is not None and lifetime is not None and abs(sent - lifetime) > TOLERANCE * lifetime
    excuse = "they are not of the same emails, as the numbers sent show" if is_other else None
    yield "all", "bounced_accounts_vs_campaigns", _judged(of_accounts["bounced"], lifetimes["bounced"], excuse)


def _since(truth: Truth, workspace: str, stream: str) -> int:
    """Sum the emails sent since the first load, up to the last full day."""
    loads = [row["_sdc_batched_at"] for dated in DATED for row in truth.of(dated, workspace)]
    end = truth.as_of(workspace)
    if not loads or not end:
        return 0
    first = min(loads).date()
    return total(row["sent"] for row in truth.of(stream, workspace) if first < row["day"] <= end) or 0


def _judged(left: int | None, right: int | None, excuse: str | None, *, at_least: bool = False) -> Row:
    row: dict[str, Any] = {"left_value": left, "right_value": right, "difference": None, "is_ok": None}
    row |= {"difference_per_right": None, "not_compared_because": "a figure is missing"}
    if left is not None and right is not None:
        agrees = left - right >= -TOLERANCE * right if at_least else abs(left - right) <= TOLERANCE * right
        row |= {"difference": left - right, "difference_per_right": over(left - right, right)}
        row |= {"is_ok": agrees if agrees or not excuse else None, "not_compared_because": None if agrees else excuse}
    return row

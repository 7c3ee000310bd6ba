"""Expected weeks of sending accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.figures.truth import DATED, DAY, over, pair, summed, total, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tests.figures.expected import Figures
    from tests.figures.truth import Truth
    from tests.figures.world import Row

_, ACCOUNTS, WARMUP = DATED
WEEKS, ENOUGH = 12, 20
RANKS = {1: "burning", 2: "watch", 3: "green", 4: "unknown"}
RATES = {
    "bounce_rate_per_sent": ("campaigns", "bounced", "sent"),
    "replies_per_sent": ("campaigns", "replies", "sent"),
    "warmup_inbox_rate_per_sent": ("warmup", "landed_inbox", "sent"),
}


def figures(truth: Truth) -> Figures:
    """Return the expected columns of each week."""
    found: Figures = {}
    for account in truth.streams["accounts"]:
        end = truth.loaded(ACCOUNTS, account["workspace_id"]).until
        if end:
            for week_end, row in _weeks(truth, account, end):
                key = ("instantly__sender_health", account["workspace_id"], account["email"], week_end.isoformat())
                found |= {(*key, name): value for name, value in row.items()}
    return found


def _weeks(truth: Truth, account: Row, end: date) -> Iterator[tuple[date, Row]]:
    workspace, email = account["workspace_id"], account["email"]
    days = {
        "campaigns": [row for row in truth.of(ACCOUNTS, workspace) if row["email_account"] == email],
        # The API leaves out counters that are zero.
        "warmup": [
            {name: row.get(name) or 0 for name in ("sent", "landed_inbox", "landed_spam")} | {"day": row["day"]}
            for row in truth.of(WARMUP, workspace)
            if row["email"] == email
        ],
    }
    first = min((row["day"] for rows in days.values() for row in rows), default=end)
    ends = [end - 7 * number * DAY for number in range(WEEKS)]
    judged = {day: _week(truth, workspace, days, day, max(first, ends[-1] - 6 * DAY)) for day in ends}
    for number, day in enumerate(ends):
        if number == 0 or day >= first:
            before = judged.get(day - 28 * DAY) if day - 28 * DAY >= first else None
            yield day, judged[day] | {"weeks_ago": number} | _trend(judged[day], before)


def _trend(row: Row, before: Row | None) -> Row:
    found: Row = {"sending_health_before": before["sending_health"] if before else None, "trend": None}
    found |= {f"{name}_4w_before": before[f"{name}_4w"] if before else None for name in RATES}
    if before and 4 not in {row["sending_health_rank"], before["sending_health_rank"]}:
        gained = row["sending_health_rank"] - before["sending_health_rank"]
        found["trend"] = "better" if gained > 0 else "worse" if gained < 0 else "same"
    return found


def _week(truth: Truth, workspace: str, days: dict[str, list[Row]], end: date, first: date) -> Row:
    start, loaded = end - 6 * DAY, truth.loaded(ACCOUNTS, workspace)
    own = within(days["campaigns"], start, end)
    is_known = bool(own) or truth.knows(ACCOUNTS, workspace, start, end)
    row: Row = {
        "week_start": start.isoformat(),
        "is_whole": bool(loaded.first and loaded.until and loaded.first <= start and loaded.until >= end),
        "sent_count": summed(own if is_known else None, "sent"),
        "bounced_count": summed(own if is_known else None, "bounced"),
        "reply_count": summed(own if is_known else None, "replies"),
    }
    row["sent_per_day"] = None if row["sent_count"] is None else row["sent_count"] / 7
    warmup = within(days["warmup"], start, end)
    for name, of in (
        ("warmup_sent_count", "sent"),
        ("warmup_inbox_count", "landed_inbox"),
        ("warmup_spam_count", "landed_spam"),
    ):
        row[name] = total(one[of] for one in warmup)
    sides: dict[str, tuple[Any, Any]] = {}
    for name, (source, part, whole) in RATES.items():
        for suffix, since in (("", start), ("_4w", max(first, start - 21 * DAY))):
            sides[name + suffix] = pair(within(days[source], since, end), part, whole)
            row[name + suffix] = over(*sides[name + suffix])
    row["sending_health_rank"] = _rank(row, [sides["bounce_rate_per_sent"], sides["bounce_rate_per_sent_4w"]])
    row["sending_health"] = RANKS[row["sending_health_rank"]]
    return row


def _rank(row: Row, bounces: list[tuple[Any, Any]]) -> int:
    rates = [over(*pair_) or 0 for pair_ in bounces if (pair_[1] or 0) >= ENOUGH]
    if any(rate > 0.05 for rate in rates):
        return 1
    if any(rate > 0.03 for rate in rates) or (row["sent_per_day"] or 0) > 30:
        return 2
    return 3 if (bounces[1][1] or 0) >= ENOUGH else 4

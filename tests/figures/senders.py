"""Expected figures and health of sending accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.figures.truth import DATED, DAY, over, pair, summed, within

if TYPE_CHECKING:
    from tests.figures.truth import Truth
    from tests.figures.world import Row

_, ACCOUNTS, _ = DATED
WINDOWS = {"7d": (0, 7), "prior_7d": (7, 14), "30d": (0, 30)}


def accounts(truth: Truth) -> list[tuple[Row, Row]]:
    """Return all sending accounts with their figures."""
    return [(row, account(truth, row, _windows(truth, row))) for row in truth.streams["accounts"]]


def _windows(truth: Truth, row: Row) -> dict[str, list[Row] | None]:
    workspace = row["workspace_id"]
    end = truth.loaded(ACCOUNTS, workspace).until
    own = [day for day in truth.of(ACCOUNTS, workspace) if day["email_account"] == row["email"]]
    found: dict[str, list[Row] | None] = dict.fromkeys(WINDOWS)
    for name, (newest, oldest) in WINDOWS.items():
        window = (end - (oldest - 1) * DAY, end - newest * DAY) if end else None
        if window and truth.knows(ACCOUNTS, workspace, *window):
            found[name] = within(own, *window)
    return found


def _bounces(windows: dict[str, list[Row] | None]) -> dict[str, tuple[Any, Any]]:
    return {name: pair(rows or [], "bounced", "sent") for name, rows in windows.items()}


def account(truth: Truth, row: Row, windows: dict[str, list[Row] | None]) -> Row:
    found: Row = {"sent_per_day_7d": None}
    for name in ("7d", "30d"):
        found[f"sent_count_{name}"] = summed(windows[name], "sent")
        found[f"bounced_count_{name}"] = summed(windows[name], "bounced")
    for name, rows in windows.items():
        found[f"bounce_rate_per_sent_{name}"] = over(*pair(rows or [], "bounced", "sent"))
    found["reply_count_30d"] = summed(windows["30d"], "replies")
    found["replies_per_sent_30d"] = over(*pair(windows["30d"] or [], "replies", "sent"))
    if found["sent_count_7d"] is not None:
        found["sent_per_day_7d"] = found["sent_count_7d"] / 7
    warmup = next((one for one in truth.of("account_warmup", row["workspace_id"]) if one["email"] == row["email"]), {})
    found["warmup_health_score"] = warmup.get("health_score")
    found["health"] = health(row, found, _bounces(windows))
    return found


def health(account: Row, found: Row, bounces: dict[str, tuple[Any, Any]]) -> str:
    rates = [over(*bounces[name]) or 0 for name in ("7d", "30d") if (bounces[name][1] or 0) >= 20]
    score, sent = found["warmup_health_score"], found["sent_count_30d"] or 0
    if (
        account["status"] < 0
        or account["warmup_status"] < 0
        or any(rate > 0.05 for rate in rates)
        or (score or 99) < 60
    ):
        return "burning"
    resting = account["status"] == 3 or (account["warmup_status"] == 0 and sent > 0)
    many = (found["sent_per_day_7d"] or 0) > 30
    if resting or many or any(rate > 0.03 for rate in rates) or (score or 99) < 80:
        return "watch"
    return "green" if score is not None or (bounces["30d"][1] or 0) >= 20 else "unknown"

"""The figures of a sending account over a world, and its health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.figures.truth import DATED, DAY, over, pair, summed, within
from tests.figures.verdicts import are_enough, doubled

if TYPE_CHECKING:
    from tests.figures.truth import Truth
    from tests.figures.world import Row

_, ACCOUNTS, _ = DATED
WINDOWS = {"7d": (0, 7), "prior_7d": (7, 14), "30d": (0, 30)}


def accounts(truth: Truth) -> list[tuple[Row, Row]]:
    """All of them, each with its figures; bounces of all that send enough are compared at once."""
    rows = truth.streams["accounts"]
    windows = [_windows(truth, row) for row in rows]
    compared = sum(are_enough(*(_bounces(one)[name] for name in ("7d", "prior_7d"))) for one in windows)
    return [(row, account(truth, row, one, compared)) for row, one in zip(rows, windows, strict=True)]


def _windows(truth: Truth, row: Row) -> dict[str, list[Row] | None]:
    end = truth.loaded(ACCOUNTS, row["workspace_id"]).until
    own = [day for day in truth.of(ACCOUNTS, row["workspace_id"]) if day["email_account"] == row["email"]]
    return {
        name: within(own, end - (oldest - 1) * DAY, end - newest * DAY) if end else None
        for name, (newest, oldest) in WINDOWS.items()
    }


def _bounces(windows: dict[str, list[Row] | None]) -> dict[str, tuple[Any, Any]]:
    return {name: pair(rows or [], "bounced", "sent") for name, rows in windows.items()}


def account(truth: Truth, row: Row, windows: dict[str, list[Row] | None], compared: int) -> Row:
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
    found["health"] = health(row, found, _bounces(windows), compared)
    return found


def health(account: Row, found: Row, bounces: dict[str, tuple[Any, Any]], compared: int) -> str:
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
    rising = doubled(bounces["7d"], bounces["prior_7d"], compared)
    if resting or many or rising or any(rate > 0.03 for rate in rates) or (score or 99) < 80:
        return "watch"
    return "green" if score is not None or (bounces["30d"][1] or 0) >= 20 else "unknown"

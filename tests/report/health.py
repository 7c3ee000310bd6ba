"""Senders that need attention, with reasons, by an independent set of rules."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Count = tuple[int, int]
"""Bounced emails and sent emails."""
ENOUGH = 20
BURNING, WATCH = 1, 2


def health(reasons: list[tuple[int, str]], *, judged: bool = True) -> str:
    """Return the grade as one word, also if there are no data to judge."""
    if reasons:
        return {BURNING: "burning", WATCH: "watch"}[min(reasons)[0]]
    return "green" if judged else "unknown"


def why(reasons: list[tuple[int, str]]) -> str:
    """Return the reasons, worst first."""
    return "; ".join(text for grade in (BURNING, WATCH) for severity, text in reasons if severity == grade)


def reasons_of(
    account: Mapping[str, Any],
    labels: Mapping[str, Mapping[int, str]],
    bounces: tuple[Count, Count],
    score: float | None,
) -> list[tuple[int, str]]:
    """Grade an account.

    Args:
        account: Record of the API.
        labels: Labels of its codes.
        bounces: Bounces of the last 7 days and of the last 30.
        score: Warm-up score.
    """
    week, month = bounces
    return [
        *_state(account, labels),
        *_bounces(7, week),
        *_bounces(30, month),
        *_warmup(score),
        *([(WATCH, f"account: {labels['status'][3]}")] if account["status"] == 3 else []),
        *([(WATCH, "sends while its warm-up is paused")] if account["warmup_status"] == 0 and month[1] else []),
        *([(WATCH, f"{-(-week[1] // 7)} sends a day")] if week[1] > 7 * 30 else []),
    ]


def _state(account: Mapping[str, Any], labels: Mapping[str, Mapping[int, str]]) -> Iterator[tuple[int, str]]:
    if account["status"] < 0:
        yield BURNING, f"account: {labels['status'][account['status']]}"
    if account["warmup_status"] < 0:
        yield BURNING, f"warm-up: {labels['warmup_status'][account['warmup_status']]}"


def _bounces(days: int, count: Count) -> Iterator[tuple[int, str]]:
    bounced, sent = count
    if sent >= ENOUGH and 100 * bounced > 3 * sent:
        grade, limit = (BURNING, 5) if 100 * bounced > 5 * sent else (WATCH, 3)
        yield grade, f"{_above(limit, bounced, sent)}% bounced in {days} days"


def _above(limit: int, bounced: int, sent: int) -> Decimal:
    """Round with as few decimals as keep the value above the limit."""
    exact = Decimal(100 * bounced) / sent
    rounded = (exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) for places in (1, 2, 3))
    return next((one for one in rounded if one > limit), exact.quantize(Decimal("0.0001"), ROUND_UP))


def _warmup(score: float | None) -> Iterator[tuple[int, str]]:
    if score is not None and score < 80:
        yield BURNING if score < 60 else WATCH, f"warm-up health {int(score)}"

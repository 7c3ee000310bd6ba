"""Which senders need attention and why, by rules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.report.chance import dealt_higher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Count = tuple[int, int]
"""Emails that bounced, and emails sent."""
ENOUGH = 20
BURNING, WATCH = 1, 2


def health(reasons: list[tuple[int, str]], *, judged: bool = True) -> str:
    """In a word; of what there is nothing to judge by, that."""
    if reasons:
        return {BURNING: "burning", WATCH: "watch"}[min(reasons)[0]]
    return "green" if judged else "unknown"


def why(reasons: list[tuple[int, str]]) -> str:
    """In words, what is worst first."""
    return "; ".join(text for grade in (BURNING, WATCH) for severity, text in reasons if severity == grade)


def reasons_of(
    account: Mapping[str, Any],
    labels: Mapping[str, Mapping[int, str]],
    bounces: tuple[Count, Count, Count],
    score: float | None,
    compared: int,
) -> list[tuple[int, str]]:
    """Grade an account, as one of so many whose weeks are compared.

    Args:
        account: As the API gives it.
        labels: Of its codes.
        bounces: Of the last 7 days, of the 7 before and of the last 30.
        score: Of its warm-up.
        compared: How many accounts have enough sends in both weeks.
    """
    week, before, month = bounces
    return [
        *_state(account, labels),
        *_bounces(7, week),
        *_bounces(30, month),
        *_warmup(score),
        *([(WATCH, f"account: {labels['status'][3]}")] if account["status"] == 3 else []),
        *([(WATCH, "sends while its warm-up is paused")] if account["warmup_status"] == 0 and month[1] else []),
        *([(WATCH, "bounces at least doubled within a week")] if _doubled(week, before, compared) else []),
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
        tenths = (2000 * bounced + sent) // (2 * sent)
        grade = BURNING if 100 * bounced > 5 * sent else WATCH
        yield grade, f"{tenths // 10}.{tenths % 10}% bounced in {days} days"


def _warmup(score: float | None) -> Iterator[tuple[int, str]]:
    if score is not None and score < 80:
        yield BURNING if score < 60 else WATCH, f"warm-up health {int(score)}"


def are_comparable(week: Count, before: Count) -> bool:
    """Tell whether both weeks have enough sends."""
    return week[1] >= ENOUGH and before[1] >= ENOUGH


def _doubled(week: Count, before: Count, compared: int) -> bool:
    enough = are_comparable(week, before) and week[0] >= 2 and week[0] * before[1] >= 2 * before[0] * week[1]
    return enough and dealt_higher(week, before) * compared < 0.05

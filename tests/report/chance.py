"""Probabilities of differences, by SciPy: the reference for the report's verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

Share = tuple[int, int]
Weeks = list[list[Share]]
"""The weeks of each period as pairs of part and whole."""


def dealt(now: Share, before: Share) -> float:
    """Return the chance that hits are distributed at most as likely as this: Fisher's exact test."""
    return _exact(now, before, "two-sided")


def dealt_higher(now: Share, before: Share) -> float:
    """Return the chance of at least as many hits now."""
    return _exact(now, before, "greater")


def _exact(now: Share, before: Share, alternative: str) -> float:
    if now[0] > now[1] or before[0] > before[1]:
        return 1.0
    from scipy import stats  # noqa: PLC0415 (takes seconds, which most tests do not need)

    table = [[hits, tries - hits] for hits, tries in (now, before)]
    return float(stats.fisher_exact(table, alternative=alternative).pvalue)


def beyond(t: float, freedom: int) -> float:
    """Return the two-sided tail of Student's distribution beyond t."""
    from scipy import stats  # noqa: PLC0415

    return float(2 * stats.t.sf(t, freedom))


def variance(periods: Weeks, share: float) -> tuple[float, int]:
    """Return the squared deviation of weeks from their period's share, in binomial units, and its freedom."""
    squares, freedom = 0.0, 0
    for weeks in periods:
        sent = [week for week in weeks if week[1]]
        if sent:
            own = sum(hits for hits, _ in sent) / sum(tries for _, tries in sent)
            squares += sum((hits / tries - own) ** 2 * tries for hits, tries in sent)
            freedom += len(sent) - 1
    return squares / (share * (1 - share)), freedom


def everything(periods: Weeks) -> float:
    """Return the share over all weeks with a whole."""
    weeks = [week for period in periods for week in period if week[1]]
    return sum(hits for hits, _ in weeks) / max(1, sum(tries for _, tries in weeks))


def dispersion(courses: Sequence[Weeks]) -> tuple[float, int]:
    """Return the pooled dispersion by degree of freedom, and the degrees of freedom."""
    known = [variance(one, everything(one)) for one in courses if 0 < everything(one) < 1]
    freedom = sum(one for _, one in known)
    return (sum(squares for squares, _ in known) / freedom if freedom else 0.0), freedom


def by_chance(own: Days, others: Sequence[Days] = ()) -> float:
    """Return the p-value of the change between two periods; all of ``others`` contribute to the dispersion."""
    week = 7 * max(1, own.length // 28)
    now, before, *_ = blocks(own, week)
    (a, n), (c, m) = ((sum(h for h, _ in weeks), sum(t for _, t in weeks)) for weeks in (now, before))
    share = (a + c) / (n + m)
    if not 0 < share < 1 or a > n or c > m:
        return 1.0
    together = others or [own]
    weekly, freedom = dispersion([blocks(one, week) for one in together])
    fortnightly, _ = dispersion([blocks(one, 2 * week) for one in together])
    spread = max(weekly, fortnightly, dispersion([blocks(own, week)])[0])
    if not freedom or not spread:
        return 1.0 if not freedom or a * m == c * n else dealt((a, n), (c, m))
    t = abs(a / n - c / m) / sqrt(spread * share * (1 - share) * (1 / n + 1 / m))
    return max(dealt((a, n), (c, m)), beyond(t, freedom))


def told(chances: Mapping[str, float]) -> set[str]:
    """Return the significant ones by Holm's method: the rarest must be below 0.05 / n, the next below 0.05 / (n-1)."""
    found: set[str] = set()
    left = dict(chances)
    while left and min(left.values()) < 0.05 / len(left):
        found.add(rarest := min(left, key=lambda name: left[name]))
        del left[rarest]
    return found


def verdicts(
    changes: Mapping[str, float | None],
    rates: Mapping[str, Days],
    campaigns: Mapping[str, Days],
    left_out: Container[str],
) -> dict[str, str]:
    """Return the words for known changes.

    Args:
        changes: Changes by name.
        rates: Days of the rates that are judged alone.
        campaigns: Days of the campaigns, which are judged together.
        left_out: Names of campaigns that are not judged, though they tell how much weeks vary.
    """
    judged = {name: days for name, days in campaigns.items() if name not in left_out and days.has_both}
    clear = {name for name, days in rates.items() if changes[name] is not None and by_chance(days) < 0.05}
    clear |= told({name: by_chance(days, list(campaigns.values())) for name, days in judged.items()})
    words = {}
    for name in (*rates, *judged):
        if (change := changes[name]) is not None:
            is_better = (change > 0) == (name != "period.bounce_rate.change")
            words[name] = "within chance" if name not in clear else "better" if is_better else "worse"
    return words


@dataclass(frozen=True)
class Days:
    """Parts and wholes by day.

    Attributes:
        rows: Days before the end of the period, part and whole.
        length: Days of a period.
        history: Days to look back.
    """

    rows: Sequence[tuple[int, int, int]]
    length: int
    history: int = 84

    @property
    def has_both(self) -> bool:
        """Return true if something was sent in this period and in the one before."""
        return all(any(tries and back // self.length == which for back, _, tries in self.rows) for which in (0, 1))


def blocks(days: Days, size: int) -> Weeks:
    """Sum days in blocks, from the end of the period, of the previous one, and of earlier ones of four weeks."""
    ends = [0, days.length, 2 * days.length]
    while ends[-1] < days.history:
        ends.append(ends[-1] + max(days.length, 28))
    found: Weeks = []
    for first, past in pairwise(ends):
        found.append([])
        for start in range(first, past, size):
            within = [(hits, tries) for back, hits, tries in days.rows if start <= back < min(start + size, past)]
            found[-1].append((sum(hits for hits, _ in within), sum(tries for _, tries in within)))
    return found

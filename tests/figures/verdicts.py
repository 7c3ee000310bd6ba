"""Expected verdicts of the marts and the page: winning variants, changed rates."""

from __future__ import annotations

from collections import defaultdict
from math import log, pi
from typing import TYPE_CHECKING, Any

from tests.figures.truth import DATED, DAY, over, pair
from tests.report.chance import Days, verdicts
from tests.report.counting import ends

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.figures.page import Page
    from tests.figures.truth import Truth
    from tests.figures.world import Row

Share = tuple[Any, Any]
CAMPAIGNS, ACCOUNTS, _ = DATED
EARLY, HISTORY = 200, 84
RATES = {
    "positive_rate": (CAMPAIGNS, "opportunities"),
    "reply_rate": (CAMPAIGNS, "replies"),
    "bounce_rate": (ACCOUNTS, "bounced"),
}
"""Tiles with a verdict: the stream and the numerator. The denominator is emails sent."""


def higher(one: Share, other: Share, comparisons: int) -> bool:
    """Return true if the first share is higher by more than chance explains, as the decision log defines it.

    The test takes a tail of the normal distribution, by Mills' bound, at the signed root of the likelihood ratio,
    half a hit nearer.
    """
    (hits, tries), (others, other_tries) = one, other
    if (
        None in {hits, tries, others, other_tries}
        or not tries
        or not other_tries
        or hits > tries
        or others > other_tries
    ):
        return False
    near, far = hits - 0.5, others + 0.5
    if near / tries <= far / other_tries:
        return False
    share = (hits + others) / (tries + other_tries)
    cells = (
        (near, tries * share),
        (tries - near, tries * (1 - share)),
        (far, other_tries * share),
        (other_tries - far, other_tries * (1 - share)),
    )
    ratio = sum(max(seen, 0.5) * log(max(seen, 0.5) / wanted) for seen, wanted in cells if wanted)
    return ratio > 0.001 and ratio + log(4 * pi * ratio) / 2 > log(comparisons / 0.05)


class Winners:
    """The best and the winning variants among all that are compared together."""

    def __init__(self, truth: Truth) -> None:
        self._steps: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in truth.streams["campaign_analytics_steps"]:
            if row["step"].isdigit() and row["variant"].isdigit():
                self._steps[row["campaign_id"], row["step"]].append(row)
        self._off = {
            (row["campaign_id"], row["step"], row["variant"])
            for row in truth.streams["campaign_variants"]
            if row["v_disabled"]
        }
        self._contests = sum(
            not early(row) and any(not early(one) and rate(one) is not None for one in self._rivals(row))
            for rows in self._steps.values()
            for row in rows
        )

    def _rivals(self, row: Row) -> list[Row]:
        return [
            one
            for one in self._steps[row["campaign_id"], row["step"]]
            if one is not row and not (early(one) and (one["campaign_id"], one["step"], one["variant"]) in self._off)
        ]

    def of(self, row: Row) -> Row:
        rivals = self._rivals(row) if row in self._steps.get((row["campaign_id"], row["step"]), ()) else []
        known = [found for one in rivals if not early(one) and (found := rate(one)) is not None]
        own = rate(row)
        is_judged = bool(known) and not early(row) and own is not None
        return {
            "is_best": is_judged and own is not None and 0 < own <= 1 and own >= max(known),
            "is_clear_winner": is_judged and all(self._beats(row, one) for one in rivals),
        }

    def _beats(self, row: Row, rival: Row) -> bool:
        low, _ = interval(row)
        _, high = interval(rival)
        apart = low is not None and low > (1 if high is None else high)
        return apart and higher(replied(row), replied(rival), self._contests)


def replied(row: Row) -> Share:
    return row["unique_replies"], row["sent"]


def rate(row: Row) -> float | None:
    return over(*replied(row))


def early(row: Row) -> bool:
    return (row["sent"] or 0) < EARLY


def interval(row: Row) -> Share:
    hits, tries = replied(row)
    return ends(hits, tries) if hits is not None and tries else (None, None)


def of_changes(page: Page) -> dict[str, str]:
    """Return the word for each change of a rate that has one."""
    window = (page.end - (HISTORY - 1) * DAY, page.end)
    rates = {
        f"period.{name}.change": _days(page, [row for rows in page.days(stream, window) for row in rows], part)
        for name, (stream, part) in RATES.items()
    }
    campaigns = {
        f"campaign.{key}.change": _days(page, _of_campaign(page, key), "opportunities") for key in page.workspace_of
    }
    everyone = page.first > page.before[0]
    left_out = {f"campaign.{key}.change" for key, own in page.workspace_of.items() if everyone or page.is_part(own)}
    is_part = any(map(page.is_part, page.truth.workspaces))
    return verdicts(page.values, {} if is_part else rates, campaigns, left_out)


def _of_campaign(page: Page, key: str) -> list[Row]:
    as_of = page.truth.as_of(page.workspace_of[key])
    of = page.truth.of(CAMPAIGNS, page.workspace_of[key])
    return [row for row in of if row["campaign_id"] == key and as_of and row["day"] <= as_of]


def _days(page: Page, rows: Iterable[Row], part: str) -> Days:
    found = []
    for row in rows:
        back = (page.end - row["day"]).days
        hits, tries = pair([row], part, "sent")
        if 0 <= back < HISTORY and tries is not None:
            found.append((back, hits, tries))
    return Days(found, page.length)

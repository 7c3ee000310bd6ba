"""Rows of the marts for workspaces that change by chance only, or in one rate by a known factor."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from report.marts import Marts, Period

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]
END = date(2026, 6, 28)  # a Sunday
DAYS, HISTORY = 28, 84
COUNTS = ("sent", "new_leads", "replies", "positive")
RATES = {"positive": "rate_sent", "replies": "rate_replied_sent", "bounced": "rate_account_sent"}
"""Parts of the rates, and their wholes."""


def hits(chance: random.Random, tries: int, share: float) -> int:
    """Draw the number of hits among tries, by the distances between hits."""
    found, place = 0, 0
    while share > 0:
        place += 1 + int(math.log(1 - chance.random()) / math.log(1 - share))
        if place > tries:
            break
        found += 1
    return found


def working_days() -> Iterator[int]:
    """Return the days with emails, as days before the end, oldest first."""
    for back in reversed(range(HISTORY)):
        if (END - timedelta(days=back)).weekday() < 5:
            yield back


def course(chance: random.Random, sent: int, share: float, factor: float = 1) -> list[int]:
    """Draw the hits of each working day, independently for each email; multiply the last period's rate by a factor."""
    return [hits(chance, sent, share * (factor if back < DAYS else 1)) for back in working_days()]


def replies(chance: random.Random, leads: Sequence[int], mean: float, lag: float) -> list[int]:
    """Draw the replies of each working day: ``mean`` replies per lead, each next one about ``lag`` days later."""
    found = [0] * (len(leads) + 1)
    for day, count in enumerate(leads):
        for _ in range(count):
            place = day
            found[place] += 1
            for _ in range(int(mean) - 1 + (chance.random() < mean % 1)):
                place = min(len(leads), place + (round(chance.expovariate(1 / lag)) if lag else 0))
                found[place] += 1
    return found[: len(leads)]


def bounces(chance: random.Random, sent: int, share: float, lists: int, factor: float = 1) -> list[int]:
    """Draw the bounces of each working day; each list lasts ``lists`` days and has its own bounce rate.

    One list in five is old and bounces four times as often.
    """
    found, own = [], 0.0
    for number, back in enumerate(working_days()):
        if number % lists == 0:
            own = share / 1.6 * (4 if chance.random() < 0.2 else 1)
        found.append(hits(chance, sent, own * (factor if back < DAYS else 1)))
    return found


def rows(sent: int, **counts: Sequence[int]) -> list[Row]:
    """Return the days as rows, with zero for missing counts."""
    empty = dict.fromkeys((*COUNTS, *(f"rate_{part}" for part in RATES)), 0)
    wholes = dict.fromkeys(("sent", *RATES.values()), sent)
    return [
        {**empty, **wholes, "date": END - timedelta(days=back)}
        | {f"{prefix}{name}": values[number] for name, values in counts.items() for prefix in ("", "rate_")}
        for number, back in enumerate(working_days())
    ]


def report(days: list[Row], campaigns: Sequence[list[Row]] = ()) -> Marts:
    """Return the report's input for a workspace with these days and campaigns."""
    found = []
    for number, of_it in enumerate(campaigns):
        sums = {
            f"{prefix}{name}{suffix}": sum(
                row[name] for row in of_it if first <= (END - row["date"]).days < first + DAYS
            )
            for suffix, first in (("", 0), ("_before", DAYS))
            for name in ("sent", "positive")
            for prefix in ("", "rate_")
        }
        names = ("sent", "contacted", "opened", "replied", "positive", "meetings", "bounced", "value", "tracked")
        key = {"workspace_id": "w", "campaign_id": str(number), "campaign_name": f"Campaign {number}"}
        found.append({**key, **sums, **{f"ever_{name}": 0 for name in names}})
    return Marts(
        Period(END, DAYS),
        [],
        {
            "days": days,
            "meetings": [{"meetings": 0, "is_loaded": 1, "is_whole": True}],
            "first_days": [{"workspace_id": "w", "date": (first := END - timedelta(days=HISTORY)), "all_from": first}],
            "ever_sent": [{"workspace_id": "w", "sent": True}],
            "streams": [],
            "campaigns": found,
            "campaign_days": [
                {**row, "workspace_id": "w", "campaign_id": str(number)}
                for number, of_it in enumerate(campaigns)
                for row in of_it
            ],
        },
    )

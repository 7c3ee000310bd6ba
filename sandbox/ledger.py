"""Counts of a campaign by day, step and variant.

Every analytics answer is a sum over these cells, so daily rows, step rows and totals always agree. Only distinct leads
do not add up, as in the real API.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from sandbox.clock import weekday

# Events whose distinct leads are counted too, and the share of them who had done it on an earlier day.
DISTINCT = {"opened": 0.25, "replies": 0.09, "automatic": 0.1, "clicks": 0.1, "opportunities": 0.3}
METRICS = (
    *("sent", "new", "bounced", "unsubscribed", "completed"),
    *(f"{kind}{name}" for name in DISTINCT for kind in ("", "unique_", "repeat_")),
    *("meetings", "meetings_held", "won"),
)
INDEX = {name: at for at, name in enumerate(METRICS)}
SATURDAY = 5

Step = tuple["str | None", "str | None"]
Counts = dict[str, int]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Window:
    """Days from `start` up to, but excluding, `end`; None leaves a side open."""

    start: int | None = None
    end: int | None = None

    def __contains__(self, day: int) -> bool:
        return (self.start is None or day >= self.start) and (self.end is None or day < self.end)


EVER = Window()


@dataclass(frozen=True)
class CampaignPlan:
    """Activity of a campaign, drawn before its leads are counted."""

    created: int
    first: int
    last: int
    variants: tuple[int, ...]
    progress: float
    opens: bool
    clicks: bool


class Ledger:
    """The counts of one campaign."""

    def __init__(self) -> None:
        self._cells: dict[int, dict[Step, array[int]]] = defaultdict(dict)
        self._totals: dict[Window, Counts] = {}

    def add(self, day: int, step: Step, **counts: int) -> None:
        """Add counts."""
        self._totals.clear()
        cell = self._cells[day].setdefault(step, array("i", bytes(4 * len(METRICS))))
        for name, count in counts.items():
            cell[INDEX[name]] += count

    def cells(self, window: Window = EVER) -> Iterator[tuple[int, Step, array[int]]]:
        """Yield the cells of a window in the order of days."""
        for day in sorted(day for day in self._cells if day in window):
            for step, cell in self._cells[day].items():
                if any(cell):
                    yield day, step, cell

    @property
    def ever_sent(self) -> bool:
        """True if anything was ever sent."""
        return any(cell[INDEX["sent"]] for cells in self._cells.values() for cell in cells.values())

    def by_day(self, window: Window = EVER) -> dict[int, Counts]:
        """Sum each day."""
        return {day: summary.sums() for day, summary in self._summaries(window, lambda day, _step: day).items()}

    def by_step(self, window: Window = EVER) -> dict[Step, Counts]:
        """Sum each step and variant."""
        found = self._summaries(window, lambda _day, step: step)
        return {step: found[step].counts(by_step=True) for step in sorted(found, key=step_order)}

    def total(self, window: Window = EVER) -> Counts:
        """Sum the window, with leads that are distinct over all of it and per step, and contacted leads.

        Sums are cached: for hundreds of campaigns, computing them would block all other answers.
        """
        if window not in self._totals:
            self._totals[window] = self._total(window)
        return dict(self._totals[window])

    def _total(self, window: Window) -> Counts:
        whole = self._summaries(window, lambda _day, _step: 0).get(0, Summary())
        counts = whole.counts(by_step=False)
        steps = self._summaries(window, lambda _day, step: step[0])
        per_step = [summary.counts(by_step=True) for summary in steps.values()]
        for name in DISTINCT:
            counts[f"by_step_{name}"] = sum(row[f"unique_{name}"] for row in per_step)
        counts["contacted"] = max((row["sent"] for row in per_step), default=0)
        if window == EVER:
            # Leads with an event were contacted, possibly before the window.
            for name in DISTINCT:
                counts[f"unique_{name}"] = min(counts[f"unique_{name}"], counts["contacted"])
        return counts

    def _summaries(self, window: Window, key: Callable[[int, Step], Key]) -> dict[Key, Summary]:
        found: dict[Key, Summary] = defaultdict(Summary)
        for day, step, cell in self.cells(window):
            found[key(day, step)].take(day, cell)
        return found


class Summary:
    """A sum of cells that knows the first day of each kind of event."""

    def __init__(self) -> None:
        self._sums = [0] * len(METRICS)
        self._first: dict[str, int] = {}
        self._spared = dict.fromkeys(DISTINCT, 0)

    def take(self, day: int, cell: array[int]) -> None:
        """Add a cell; days are in order."""
        for at, count in enumerate(cell):
            self._sums[at] += count
        for name in DISTINCT:
            if cell[INDEX[f"unique_{name}"]] and self._first.setdefault(name, day) == day:
                # Nobody repeats on the first day of a window.
                self._spared[name] += cell[INDEX[f"repeat_{name}"]]

    def sums(self) -> Counts:
        """Return the plain sums."""
        return dict(zip(METRICS, self._sums, strict=True))

    def counts(self, *, by_step: bool) -> Counts:
        """Return the sums, with unique counts distinct over all added days."""
        counts = self.sums()
        for name in DISTINCT:
            repeats = counts[f"repeat_{name}"] - self._spared[name]
            # About half of the repeats respond to another step's e-mail.
            counts[f"unique_{name}"] -= repeats // 2 if by_step else repeats
        return counts


def step_order(step: Step) -> tuple[bool, tuple[str, ...]]:
    """Return a sort key: numbered steps in order, the unknown one last."""
    return step[0] is None, tuple(str(name).rjust(3) for name in step)


def invent(plan: CampaignPlan, leads: int, horizon: int, rng: Random) -> Ledger:
    """Invent a plausible history of cold e-mail to a number of leads, up to a last day."""
    ledger = Ledger()
    starts = _first_mails(plan, leads, rng)
    for number, variants in enumerate(plan.variants):
        following: dict[int, int] = defaultdict(int)
        for day, count in starts.items():
            for variant, sent in enumerate(_split(count, variants, rng)):
                if sent:
                    _one_cell(ledger, plan, rng, horizon, (day, number, variant), sent)
            later = day + 2 + number
            later += max(0, 7 - weekday(later)) if weekday(later) >= SATURDAY else 0
            if later <= plan.last:
                following[later] += _draw(rng, count, 0.9)
        starts = following
    _repeats(ledger, rng)
    return ledger


def _draw(rng: Random, number: int, share: float) -> int:
    return int(number * share + rng.random())


def _split(number: int, parts: int, rng: Random) -> list[int]:
    base, rest = divmod(number, parts)
    lucky = set(rng.sample(range(parts), rest))
    return [base + (part in lucky) for part in range(parts)]


def _first_mails(plan: CampaignPlan, leads: int, rng: Random) -> dict[int, int]:
    """Spread the first e-mails to new leads over the campaign's working days."""
    days = [day for day in range(plan.first, plan.last + 1) if weekday(day) < SATURDAY]
    weights = [0.6 + 0.8 * rng.random() for _ in days]
    starts, done, reached, total = {}, 0, 0.0, sum(weights)
    for day, weight in zip(days, weights, strict=True):
        reached += leads * plan.progress * weight / total
        starts[day], done = int(reached) - done, int(reached)
    return {day: count for day, count in starts.items() if count}


def _later(rng: Random, horizon: int, day: int, number: int) -> Iterator[int]:
    """Spread reactions over the days after an e-mail."""
    for _ in range(number):
        delay = 0 if rng.random() < 0.7 else rng.randint(1, 5)
        yield min(horizon, day + delay)


def _one_cell(
    ledger: Ledger, plan: CampaignPlan, rng: Random, horizon: int, place: tuple[int, int, int], sent: int
) -> None:
    """Send one variant's e-mails of one day, with reactions on that day and later."""
    day, number, variant = place
    step: Step = (str(number + 1), str(variant))
    ledger.add(day, step, sent=sent, new=0 if number else sent)
    ledger.add(day, step, bounced=_draw(rng, sent, 0.005 if number else 0.02) if rng.random() < 0.9 else 0)
    ledger.add(day, step, unsubscribed=_draw(rng, sent, 0.004) if sent > 1 else 0)
    if number == len(plan.variants) - 1:
        ledger.add(day, step, completed=_draw(rng, sent, 0.95))
    if plan.opens:
        for when in _later(rng, horizon, day, _draw(rng, sent, rng.uniform(0.3, 0.5))):
            ledger.add(when, step, opened=1 + int(rng.expovariate(1.6)), unique_opened=1)
            if plan.clicks and rng.random() < 0.04:
                ledger.add(when, step, clicks=1 + int(rng.expovariate(2)), unique_clicks=1)
    for when in _later(rng, horizon, day, _draw(rng, sent, rng.uniform(0.01, 0.05) / (1 + number / 2))):
        # Some replies match no e-mail.
        origin = (None, None) if rng.random() < 0.05 else step
        ledger.add(when, origin, replies=1 + (rng.random() < 0.2), unique_replies=1)
        _interest(ledger, rng, when, origin)
    ledger.add(day, step, **dict.fromkeys(("automatic", "unique_automatic"), _draw(rng, sent, 0.012)))


def _interest(ledger: Ledger, rng: Random, day: int, step: Step) -> None:
    """Let a reply become an opportunity, and that a meeting."""
    if rng.random() > 0.3:
        return
    ledger.add(day, step, opportunities=1 + (rng.random() < 0.3), unique_opportunities=1)
    booked = rng.random() < 0.4
    held = booked and rng.random() < 0.7
    won = held and rng.random() < 0.3
    ledger.add(day, step, meetings=booked, meetings_held=held, won=won)


def _repeats(ledger: Ledger, rng: Random) -> None:
    """Decide how many of each day's distinct leads had reacted on an earlier day."""
    for name, share in DISTINCT.items():
        unique, repeat = INDEX[f"unique_{name}"], INDEX[f"repeat_{name}"]
        cells = [(day, cell) for day, _, cell in ledger.cells() if cell[unique]]
        later = [cell for day, cell in cells if day > cells[0][0]]
        for cell in later:
            cell[repeat] = min(cell[unique], _draw(rng, cell[unique], share))
        if later and not any(cell[repeat] for cell in later):
            later[-1][repeat] = 1

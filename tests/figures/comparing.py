"""Compare marts and page with independent counts, and one database with the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report import marts as report_marts
from report.database import opened
from tests.figures import events, expected, months, senders_daily, threads, trust, weeks
from tests.figures.building import build, figures_in, wrong
from tests.figures.page import LENGTH, Page
from tests.figures.truth import Truth
from tests.report import comparison, reading
from tests.report.walk import figures
from tests.transform.package import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.figures.building import Built
    from tests.figures.expected import Figures
    from tests.figures.world import World
    from tests.warehouse.postgres import Postgres

UNCOUNTED = ("check", "checks", "excuse", "doubt", "pair", "receiving", "thread", "threads", "variant", "variants")
"""Kinds of figures that other tests count."""
WARNINGS = ("late", "stale")
LEFT_OVER = {"campaigns.more", "campaigns.without_figures", "odd.more", "senders.deleted", "senders.more"}


def counted(truth: Truth) -> Figures:
    """Return all expected figures of the marts."""
    seen = events.Events(truth)
    talks = threads.threads(seen)
    found = expected.marts(truth) | senders_daily.figures(truth) | trust.current(truth) | trust.reconciled(truth)
    found |= events.figures(truth, seen) | threads.figures(truth, talks)
    return found | months.figures(truth, seen, talks) | weeks.figures(truth)


class Compared:
    """A world with its marts.

    Attributes:
        truth: Counts of its rows.
        built: Marts and page.
        count: Number of compared figures.
    """

    def __init__(self, world: World, folder: Path, server: Postgres, database: str) -> None:
        self.truth = Truth(world.rows)
        self.built: Built = build(world, folder, server, database)
        self.marts = counted(self.truth)
        page = Page(self.truth)
        self.page, self.words, self.verdicts = page.values, page.words, page.verdicts
        self.count = len(self.marts) + len(self.page) + len(self.verdicts)

    def wrong_in_marts(self) -> list[str]:
        return list(wrong(figures_in(self.built.path), self.marts))

    def wrong_in_databases(self) -> list[str]:
        differing = [f"{mart} is not the same in both databases" for mart in self.built.differing()]
        return differing + (["the page is not the same"] if self.built.pages[0] != self.built.pages[1] else [])

    def wrong_on_page(self) -> list[str]:
        with opened(str(self.built.path)) as database:
            shown = {name: one.value for name, one in figures(report_marts.read(database, SCHEMA, LENGTH)).items()}
        counted = {name for name in shown if name.partition(".")[0] not in UNCOUNTED} - LEFT_OVER
        page = reading.read(self.built.pages[0])
        said = {kind: {text for name, text in page.words.items() if name.startswith(f"{kind}.")} for kind in WARNINGS}
        verdicts = {name: text for name, text in page.words.items() if name.endswith(".change")}
        return [
            *(
                f"{name} is called {verdicts.get(name)} and should be {self.verdicts.get(name)}"
                for name in sorted(verdicts.keys() | self.verdicts.keys())
                if verdicts.get(name) != self.verdicts.get(name)
            ),
            *(f"{name} is too many or missing" for name in sorted(counted ^ self.page.keys())),
            *(
                f"{name} is {shown[name]} and should be {self.page[name]}"
                for name in sorted(counted & self.page.keys())
                if not comparison.same(shown[name], self.page[name])
            ),
            *(
                f"{name} is written as {value}"
                for name, (value, _) in page.figures.items()
                if not comparison.same(float(value) if value else None, shown[name])
            ),
            *(
                f"{kind} is {said[kind]} and should be {self.words[kind]}"
                for kind in WARNINGS
                if said[kind] != self.words[kind]
            ),
        ]

    def wrong(self) -> list[str]:
        return [*self.wrong_in_marts(), *self.wrong_on_page(), *self.wrong_in_databases()]

"""Collect all figures of a report from its sections."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from report import checks, providers, sections, tables
from report.figures import Figure
from report.threads import threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.marts import Marts


def figures(marts: Marts) -> dict[str, Figure]:
    """Return the figures by name; duplicates must be equal."""
    parts: list[Any] = [
        sections.length(marts),
        sections.tiles(marts),
        sections.emails_per_positive(sections.tiles(marts)[0]),
        sections.weeks(marts),
        threads(marts.rows),
        sections.funnel(marts),
        sections.note_of_leads(marts),
        tables.campaigns(marts),
        tables.all_campaigns(marts),
        tables.notes(marts),
        tables.steps(marts),
        tables.comparisons(marts),
        tables.senders(marts),
        tables.health(marts),
        providers.sending(marts),
        providers.receiving(marts),
        providers.pairs(marts),
        checks.checks(marts),
        checks.tally(marts),
        checks.excuses(marts),
        checks.doubts(marts),
        checks.left_out(marts),
    ]
    found: dict[str, Figure] = {}
    for figure in _within(parts):
        assert found.setdefault(figure.name, figure) == figure
    return found


def _within(part: Any) -> Iterator[Figure]:
    if isinstance(part, Figure):
        yield part
    elif isinstance(part, dict):
        yield from _within(list(part.values()))
    elif isinstance(part, list | tuple):
        for one in part:
            yield from _within(one)
    elif is_dataclass(part):
        yield from _within([getattr(part, field.name) for field in fields(part)])

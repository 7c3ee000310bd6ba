"""What on a page is not what the sandbox gives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.report.words import on_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.report.expected import Expected
    from tests.report.reading import Page

ROUNDED = 5e-7
"""Intervals are rounded to six decimals in the marts, so that databases agree."""


def same(value: float | None, other: float | None) -> bool:
    """Whether two figures are the same but for that; zero is zero."""
    if not value or not other:
        return value == other
    return math.isclose(value, other, abs_tol=ROUNDED, rel_tol=1e-12)


def differences(page: Page, expected: Expected, words: Mapping[str, str]) -> Iterator[str]:
    """Tell of each figure and word that is not what it should be, one that is missing and one too many among them."""
    values = on_page(expected)
    for name in sorted(page.figures.keys() ^ values.keys()):
        yield f"{name} is {'too many' if name in page.figures else 'missing'}"
    for name in sorted(page.figures.keys() & values.keys()):
        value = page.figures[name][0]
        if not same(float(value) if value else None, values[name]):
            yield f"{name} is {value or 'not known'} and should be {values[name]}"
    for name in sorted(page.words.keys() | words.keys()):
        if page.words.get(name) != words.get(name):
            yield f"{name} is {page.words.get(name)!r} and should be {words.get(name)!r}"

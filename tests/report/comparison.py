"""Differences between a page and the sandbox."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.report.words import on_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.report.expected import Expected
    from tests.report.reading import Page

ROUNDED = 5e-7
"""The marts round intervals to six decimals, so that databases agree."""


def same(value: float | None, other: float | None) -> bool:
    """Compare two figures with this tolerance; zero equals only zero."""
    if not value or not other:
        return value == other
    return math.isclose(value, other, abs_tol=ROUNDED, rel_tol=1e-12)


def differences(page: Page, expected: Expected, words: Mapping[str, str]) -> Iterator[str]:
    """Report each wrong, missing or surplus figure and word."""
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

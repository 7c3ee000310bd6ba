"""Tables and generated parts of Markdown documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; its last line ends too."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))


def put(page: str, name: str, text: str) -> str:
    """Return the page with a text between the markers of that name, which it has once."""
    before, after = re.split(rf"<!-- {name} -->.*?<!-- /{name} -->", page, flags=re.DOTALL)
    return f"{before}<!-- {name} -->\n{text}<!-- /{name} -->{after}"

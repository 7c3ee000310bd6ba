"""What others have written, as messages show it."""

from __future__ import annotations

LONGEST = 80
"""Characters of a text that a message quotes."""


def quoted(text: str) -> str:
    """A text of a state, a catalog or the API, short and on one line."""
    text = text if len(text) <= LONGEST else text[:LONGEST] + "..."
    return text if text.isprintable() else ascii(text)[1:-1]

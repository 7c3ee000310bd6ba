"""Helpers for untrusted text in messages: excerpts and suggestions."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 80
"""Maximum length of quoted text in a message."""


def excerpt(text: str) -> str:
    """Shorten text from a state, a catalog or the API to one line."""
    text = text if len(text) <= LONGEST else text[:LONGEST] + "..."
    return text if text.isprintable() else ascii(text)[1:-1]


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6, before: str = "") -> str:
    """Suggest the closest known name, as a suffix for a message; empty if none is close.

    Args:
        name: Unknown name.
        known: Known names.
        likeness: Minimum similarity, between 0 and 1.
        before: Common prefix of all names, excluded from the comparison.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return f": did you mean '{before}{close[0]}'?" if close else ""

"""Records: dictionaries in which the API leaves out members that are null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]


def compact(row: Mapping[str, Any]) -> Row:
    """Omit members that are None, as the API does."""
    return {name: value for name, value in row.items() if value is not None}


def at_every(number: int, turn: int, value: Any, offset: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value for every n-th record and None for the others."""
    return value if number % turn == offset else None

"""What ends a demo early."""

from __future__ import annotations


class DemoError(Exception):
    """Something is wrong that the reader can do something about, or should know.

    Args:
        message: One line that says what is wrong and what to do.
        details: Further lines, shown before it.
    """

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.details = details

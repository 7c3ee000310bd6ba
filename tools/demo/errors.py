"""Errors that end the demo."""

from __future__ import annotations


class DemoError(Exception):
    """An error that the user can fix or needs to know about.

    Args:
        message: One line that names the problem and the fix.
        details: Lines shown before the message.
    """

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.details = details
